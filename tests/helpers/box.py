"""The worlds in the box: those that the files in worlds/ make, whatever is installed."""

import importlib
import pkgutil
import tomllib

from evolearn import worlds
from evolearn.world import World
from tests.helpers.places import ROOT

FILES = sorted(found.name for found in pkgutil.iter_modules(worlds.__path__))
IN_THE_BOX = {
    f"evolearn.worlds.{file}:{attribute}": value
    for file in FILES
    for attribute, value in vars(importlib.import_module(f"evolearn.worlds.{file}")).items()
    if isinstance(value, World)
}
WORLDS = tuple(IN_THE_BOX.values())
# Nothing is drawn in these worlds: one life is like the other.
ALIKE = (
    *((world, {"predictability": 1.0}) for world in ("needle", "navigation", "rooms")),
    ("maze", {"redrawn": 0.0}),
    *((world, {"redrawn": 0.0}) for world in ("lock", "lock-10")),
    ("chain", {"redrawn": 0.0, "noise": 0.0, "hazard": 0.0}),
    *((world, {"predictability": 1.0, "tv": 0.0}) for world in ("rooms-4x4", "rooms-8x8")),
)
EXTREMES = [
    (world, {parameter.name: value})
    for world in WORLDS
    for parameter in world.parameters
    for value in (parameter.low, parameter.high)
]


def differs_by_life(world, parameters):
    """Whether a world with these parameters draws anything that a life could tell."""
    resolved = world.resolve(parameters)
    return not any(world.name == name and how.items() <= resolved.items() for name, how in ALIKE)


def declared_entry_points():
    """Where each registered world is, by name, as pyproject.toml has it."""
    settings = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    return settings["project"]["entry-points"]["evolearn.worlds"]
