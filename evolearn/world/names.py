"""What worlds are called, how they are found from anywhere, and in which process. Importing this is cheap."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evolearn.plugins import absolute

if TYPE_CHECKING:
    from evolearn.config import WorldPart

GYMNASIUM = "gymnasium:"  # begins the name of a Gymnasium environment
SETTINGS = "{"  # begins the settings in a full name


def from_anywhere(name: str) -> str:
    """The same world's name, with the paths of files made absolute, so that it holds in any folder."""
    if not name.startswith(GYMNASIUM):
        return absolute(name)
    if SETTINGS not in name:
        return name
    from evolearn.config import world_part

    return settled(world_part(name)).full_name


def settled(world: WorldPart) -> WorldPart:
    """The same world, holding in any folder: see `from_anywhere`."""
    wrappers = tuple(
        wrapper.model_copy(update={"name": absolute(wrapper.name)}) if ":" in wrapper.name else wrapper
        for wrapper in world.wrappers
    )
    return world.model_copy(update={"name": from_anywhere(world.name), "wrappers": wrappers})


# What was found of environments that were looked at in other processes, by full name; none: they are made in this one.
_LOOKED_AT: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("looked_at", default=None)


@contextlib.contextmanager
def environments_apart() -> Iterator[None]:
    """Within, no environment is made in this process: each is looked at, and lived in, in processes of its own."""
    before = _LOOKED_AT.set({})
    try:
        yield
    finally:
        _LOOKED_AT.reset(before)


def looked_at() -> dict[str, Any] | None:
    """What was found of environments in other processes, by full name, to be added to; none: they are made in this."""
    return _LOOKED_AT.get()


def are_apart() -> bool:
    """Whether environments are to be kept out of this process."""
    return _LOOKED_AT.get() is not None
