"""Published results that are no studies: experiments of their own, from config to page."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
