"""One arm against another: statistics, metrics, the verdict and its words. Pure functions of results."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
