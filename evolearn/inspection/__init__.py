"""What evolution wrote into DNA, in numbers: a module for each section of an inspection."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
