"""Evolutionary meta-learning sandbox: what should an agent be born with, and what should it learn?

For notebooks and scripts there are three functions, see `evolearn.api`: `evolve`, `load` and `live`. Nothing heavy is
imported before one of them is called.
"""

import lazy_loader

import evolearn.numerics.libraries  # noqa: F401  # first of all: it tells NumPy and torch which code to choose

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
