"""One life, fused or step by step; the drivers that live many; and what lives leave behind."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
