"""Compiled code: Numba's options, its cache, and portable mode, in which every processor computes the same bits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
