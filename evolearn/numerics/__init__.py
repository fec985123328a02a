"""Compiled code: Numba's options, its cache, and what makes every processor compute the same bits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
