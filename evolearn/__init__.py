"""Evolutionary meta-learning sandbox: what should an agent be born with, and what should it learn?

For notebooks and scripts there are three functions, see `evolearn.api`: `evolve`, `load` and `live`. Nothing heavy is
imported before one of them is called.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolearn.api import evolve, live, load

__all__ = ["evolve", "live", "load"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("evolearn.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
