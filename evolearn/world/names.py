"""What worlds are called, and the names by which they are found from anywhere. Importing this is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
