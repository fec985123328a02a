"""What lies in a folder of runs and studies: how far each is, what it came to, and how they differ."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
