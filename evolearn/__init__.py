"""Evolutionary meta-learning sandbox: what should an agent be born with, and what should it learn?

For notebooks and scripts there are four functions, see `evolearn.api`: `evolve`, `load`, `live` and `run_study`.
Nothing heavy is imported before one of them is called.
"""

from typing import Any

import lazy_loader

from evolearn.numerics import libraries as _libraries  # noqa: F401  # first: it tells NumPy and torch what to choose

_door, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name != "__version__":
        return _door(name)
    from importlib.metadata import version

    return version(__name__)
