"""Published results that must come out: acceptance bands, how they are measured, and how a study is judged by them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
