"""The contract of worlds, how they are found and compiled, and what they are drawn with.

A world imports this and `evolearn.rng`, and nothing else of evolearn.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
