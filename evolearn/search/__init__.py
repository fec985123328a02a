"""The search over genomes: EvoTorch behind `step`, drawn populations, and training in its place.

The only importer of evotorch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
