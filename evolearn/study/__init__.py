"""A study from config to verdict, its directory, its replays, and the acceptance bands of published results."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
