"""Configs: read, checked and written. Every field states its unit, range and default."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
