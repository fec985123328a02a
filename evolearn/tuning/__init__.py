"""The search for an arm's settings and start, before a study and on lives that no study sees."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
