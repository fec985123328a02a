"""Files: directories that are never written over, files written whole or not at all, and files read with bounds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
