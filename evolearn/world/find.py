"""From a world's name, as a config or a command gives it, to the world.

A name is one of

- ``savannah``: registered, by this package or any other, under the entry point group ``evolearn.worlds``;
- ``package.module:attribute``: anything that Python can import;
- ``path/to/file.py:attribute``: a file, relative to the current folder;
- ``gymnasium:CartPole-v1``: a Gymnasium environment; ``gymnasium:module:ID`` imports the module that registers it.
  Settings of a config may follow as JSON, ``gymnasium:Pendulum-v1{"kwargs":{"g":3}}``: see `WorldPart.full_name`.

Importing this module is cheap: compiler and environments are imported when a world is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from evolearn.errors import WorldNotFound, nearest
from evolearn.plugins import Kind, admit, entries, find
from evolearn.world.names import GYMNASIUM

if TYPE_CHECKING:
    from evolearn.world.contract import Declaration

GROUP = "evolearn.worlds"


@functools.cache  # to look through all installed packages takes 20 ms, and a study asks thousands of times
def registered_worlds() -> dict[str, str]:
    """Entry point value of every registered world by name, sorted; nothing is imported."""
    return entries(GROUP)


def find_world(name: str, hang_seconds: float | None = None) -> Declaration:
    """Load the world called `name`; see the module's description for the forms of a name.

    Args:
        name: of the world.
        hang_seconds: that making a Gymnasium environment may take, where that is watched, see `environments_apart`;
            none: as a run's by default.
    Raises:
        WorldNotFound: there is no such world, or it does not load.
        SettingRefused: a Gymnasium environment does not take one of its settings.
    """
    if name.startswith(GYMNASIUM):
        return _from_gymnasium(name, hang_seconds)
    known = registered_worlds()
    if ":" not in name and name not in known and not name.endswith(".py"):
        close = nearest(name, known, likeness=0.6)
        raise WorldNotFound(
            f"world {name!r}: not registered{f' (did you mean {close}?)' if close else ''}; "
            f"registered are {', '.join(known) or '(none)'}. Or give package.module:attribute, "
            "path/to/file.py:attribute or gymnasium:ID"
        )
    return find(_WORLD, known.get(name, name), f"world {name!r}")


def _declaration() -> type[Declaration]:
    from evolearn.world.contract import Declaration

    return Declaration


_WORLD = Kind(
    word="world",
    title="World",
    group=GROUP,
    row=_declaration,
    not_found=WorldNotFound,
    forms="a registered name, package.module:attribute, path/to/file.py:attribute or gymnasium:ID",
)


def _from_gymnasium(name: str, hang_seconds: float | None) -> Declaration:
    from evolearn.config import HANG_SECONDS, world_part
    from evolearn.world.contract import WorldError
    from evolearn.world.gymnasium.apart import declare

    try:
        world = world_part(name)
    except ValueError as error:
        raise WorldNotFound(f"world {name!r}: {error}") from error
    # Here: what is declared apart is imported in a process that does as it is told.
    for named in (world.name.removeprefix(GYMNASIUM), *(wrapper.name for wrapper in world.wrappers)):
        if source := named.rpartition(":")[0]:
            admit(f"world {name!r}", source)
    try:
        return declare(world, HANG_SECONDS if hang_seconds is None else hang_seconds)
    except WorldError as error:
        raise WorldNotFound(str(error)) from error
