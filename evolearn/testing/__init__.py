"""Does a world keep its contract, and can it tell nature from nurture? For tests, as `numpy.testing` is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
