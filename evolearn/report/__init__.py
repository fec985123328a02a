"""Results to a page that opens without a network, figures and tables. It reads results and nothing else."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
