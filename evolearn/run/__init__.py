"""One evolution from config to closing table: its directory, its DNA, the arms, and any of its lives lived again."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
