"""The world contract: what a world declares, the small functions it is made of, and how the life kernel calls them.

A world is one file. Its functions are plain scalar Python on a record with named fields; Numba compiles them, and
the same source runs uncompiled. Randomness comes only from the `rng` that they are handed (see `evolearn.rng`).
Helpers that those functions call carry the decorator `world_code`.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evolearn.errors import UserError, nearest
from evolearn.world.drawing import Shape

MEAN_PER_STEP = "mean per step"
MEAN_RETURN_PER_EPISODE = "mean return per episode"
FITNESS_RULES = (MEAN_PER_STEP, MEAN_RETURN_PER_EPISODE)
ABLE = "able"  # what a newborn that has mastered the task is, where a world has no better word


class WorldError(UserError):
    """A world broke its contract; the message names the world, the life, the step and the remedy."""


@dataclasses.dataclass(frozen=True)
class Signal:
    """One named number that a world emits: an observation or a sense."""

    name: str
    unit: str  # "rad", "m/s", "1" for a pure number
    doc: str = ""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One setting of a world that a config may change."""

    name: str
    default: float
    low: float  # smallest allowed value, included
    high: float  # largest allowed value, included
    unit: str
    doc: str
    whole: bool = False  # whether only whole numbers are allowed


@dataclasses.dataclass(frozen=True)
class Box:
    """Actions are `size` real numbers; the policy may leave -1 .. 1, the world clips as it sees fit."""

    size: int
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Discrete:
    """Actions are whole numbers 0 .. choices - 1; an environment may call the first of them by another number."""

    choices: int
    names: tuple[str, ...] = ()
    start: int = 0  # what a Gymnasium environment calls the first


Step = tuple[float, bool, bool]  # fitness, terminated, truncated


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declaration:
    """What every world says of itself, compiled or not.

    - ``fitness_rule``: how the fitness of a life's steps becomes one number, of `FITNESS_RULES`.
    - ``termination_is_death``: whether an episode that terminates is a death, after which another body is born (True),
      or a goal reached, a choice made, an attempt that is over (False; also where nothing ever terminates, or where
      one world terminates for both reasons). After a death the birth score counts nothing more, see
      `evolearn.life.births_in`; so say True only where no fitness is what being dead is worth.
    - ``able``: one word for what a newborn does that has mastered the task, as in "10 of 10 evolutions are born
      running".

    Raises:
        WorldError: a declaration contradicts itself, or has a value that it cannot have.
    """

    name: str
    doc: str
    observations: tuple[Signal, ...]
    actions: Box | Discrete
    senses: tuple[Signal, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    fitness_rule: str = MEAN_PER_STEP
    termination_is_death: bool = False
    able: str = ABLE

    def __post_init__(self) -> None:
        if not self.observations:
            raise WorldError(f"world {self.name}: observations=(): must name at least one observation")
        if self.fitness_rule not in FITNESS_RULES:
            raise WorldError(
                f"world {self.name}: fitness_rule={self.fitness_rule!r}: must be one of {', '.join(FITNESS_RULES)}"
            )
        if not isinstance(self.termination_is_death, bool):
            raise WorldError(
                f"world {self.name}: termination_is_death={self.termination_is_death!r}: must be True, if an episode "
                "that terminates is a death, or False, if it is a goal reached, a choice made or the like"
            )
        if not isinstance(self.able, str) or self.able.split() != [self.able]:
            raise WorldError(
                f"world {self.name}: able={self.able!r}: must be one word for what a newborn does that has mastered "
                f'the task, for example "running"; leave it out for "{ABLE}"'
            )
        if self.action_outputs < 1:
            raise WorldError(f"world {self.name}: actions={self.actions}: must offer at least one action")
        if any(sense.name == "fitness" for sense in self.senses):
            raise WorldError(f"world {self.name}: senses: fitness is a drive of every world already; name it otherwise")
        for parameter in self.parameters:
            if not (parameter.name.isidentifier() and parameter.low <= parameter.default <= parameter.high):
                raise WorldError(
                    f"world {self.name}: parameter {parameter.name!r}, default {parameter.default:g}: must be a Python "
                    f"name with a default in its range, {parameter.low:g} to {parameter.high:g}"
                )
            ends = {"default": parameter.default, "low": parameter.low, "high": parameter.high}
            broken = [f"{name}={value:g}" for name, value in ends.items() if not float(value).is_integer()]
            if parameter.whole and broken:
                raise WorldError(
                    f"world {self.name}: parameter {parameter.name!r}, {', '.join(broken)}: must be whole with "
                    "whole=True"
                )
        for kind in ("observations", "senses", "parameters"):
            names = [entry.name for entry in getattr(self, kind)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise WorldError(f"world {self.name}: {kind}: {', '.join(twice)} named twice; names must differ")

    @property
    def summary(self) -> str:
        """The first line of the world's description."""
        return inspect.cleandoc(self.doc).splitlines()[0] if self.doc.strip() else "(no description)"

    @property
    def is_discrete(self) -> bool:
        """Whether actions are whole numbers."""
        return isinstance(self.actions, Discrete)

    @property
    def action_outputs(self) -> int:
        """Numbers that the policy head emits: one per action dimension or per choice."""
        return self.actions.choices if isinstance(self.actions, Discrete) else self.actions.size

    @property
    def action_size(self) -> int:
        """Length of an action as an array: a choice is one number."""
        return 1 if isinstance(self.actions, Discrete) else self.actions.size

    def resolve(self, settings: Mapping[str, float]) -> dict[str, float]:
        """Every parameter's value: the setting where there is one, the default elsewhere.

        Raises:
            ValueError: an unknown name, or a value out of range, or not whole where it must be; the message names both
                and the range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in settings:
            if name not in known:
                close = nearest(name, known)
                meant = f" Did you mean {close}?" if close else ""
                offered = ", ".join(known) or "(none)"
                raise ValueError(f"world.parameters.{name}: unknown for world {self.name}; it offers {offered}.{meant}")
        values = {}
        for parameter in self.parameters:
            value = float(settings.get(parameter.name, parameter.default))
            if not parameter.low <= value <= parameter.high:
                raise ValueError(
                    f"world.parameters.{parameter.name}={value:g}: must be {parameter.low:g} to {parameter.high:g} "
                    f"({parameter.unit})"
                )
            if parameter.whole and not value.is_integer():
                raise ValueError(
                    f"world.parameters.{parameter.name}={value!r}: must be a whole number, {parameter.low:g} to "
                    f"{parameter.high:g} ({parameter.unit}); take {math.floor(value)} or {math.ceil(value)}"
                )
            values[parameter.name] = value
        return values


@dataclasses.dataclass(frozen=True, kw_only=True)
class World(Declaration):
    """A world that compiles.

    The functions, all on records with named fields (`parameters` has a float64 field per parameter):

    - ``born(state, parameters, rng)``: draw what is fixed for this life. The state arrives zeroed.
    - ``reborn(state, parameters, rng)``: optional; draw anew what is fixed where a config has lives switch worlds
      (`world.switch_at`), with the old state in place, so that it can see to it that everything changes. Without it the
      state is zeroed, and `born` again.
    - ``begin(state, parameters, rng)``: start an episode; called at birth and after every end of an episode.
    - ``observe(state, parameters, observation)``: write every entry of `observation`, float32 [observations].
    - ``step(state, parameters, action, senses, rng) -> (fitness, terminated, truncated)``: one step. `action` is a
      float32 array for `Box`, an int for `Discrete`. Write every entry of `senses`, float32 [senses].
    - ``oracle(state, parameters, action)``: optional policy that knows this life's hidden draw; writes `action` for
      `Box`, returns an int for `Discrete`.
    - ``draw(state, parameters)``: optional picture of what the state says now, for replays: a sequence of `Circle`,
      `Line` and `Polygon`, of the same kinds in the same order in every frame; what is not there has opacity 0.
      Plain Python that is never compiled; it may call `world_code` helpers.
    - ``opponent``: optional second agent of the world, see `Opponent`. `step` is what the world is without its brain:
      there its part is scripted.

    Raises:
        WorldError: a declaration contradicts itself.
    """

    state: np.dtype[Any]
    born: Callable[..., None]
    begin: Callable[..., None]
    observe: Callable[..., None]
    step: Callable[..., Step]
    reborn: Callable[..., None] | None = None
    oracle: Callable[..., Any] | None = None
    draw: Callable[..., Sequence[Shape]] | None = None
    opponent: Opponent | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.state.names is None:
            raise WorldError(f"world {self.name}: state={self.state}: must be a structured dtype with named fields")
        expected_of = {"born": 3, "begin": 3, "observe": 3, "step": 5}
        expected_of |= {
            name: n for name, n in (("reborn", 3), ("oracle", 3), ("draw", 2)) if getattr(self, name) is not None
        }
        for name, expected in expected_of.items():
            function = getattr(self, name)
            count = len(inspect.signature(getattr(function, "py_func", function)).parameters)
            if count != expected:
                raise WorldError(f"world {self.name}: {name} takes {count} arguments: must take {expected}, see World")
        if self.opponent is not None:
            _check_opponent(self, self.opponent)


@dataclasses.dataclass(frozen=True)
class Opponent:
    """The second agent of a world, which lives in the same life with a brain of its own.

    - ``world``: the world as it lives in it: a `World` of the same state and parameters, whose observations, actions,
      senses and `observe` are the opponent's, and in whose own `step` the first agent is scripted. A genome of the
      opponent is a genome of that world, and all that can be done with those of any world can be done with it there.
    - ``step(state, parameters, action, opponent_action, senses, opponent_senses, rng) -> (fitness, opponent_fitness,
      terminated, truncated)``: one step in which both act at once. Each has its senses written in place, and an episode
      that ends does so for both. Life is born and begun by the first world's functions.
    """

    world: World
    step: Callable[..., tuple[float, float, bool, bool]]


_PAIR_STEP = 7  # arguments


def _check_opponent(world: World, opponent: Opponent) -> None:
    """Refuse an opponent that cannot live in a world."""
    field = f"world {world.name}: opponent.world={opponent.world.name}"
    if opponent.world.opponent is not None:
        raise WorldError(f"{field}: must have no opponent itself; a life has two agents, declare it in one of the two")
    if opponent.world.state != world.state:
        raise WorldError(f"{field}: must have the same state as {world.name}: both are in the same life")
    if opponent.world.parameters != world.parameters:
        raise WorldError(f"{field}: must have the same parameters as {world.name}: both are in the same life")
    if opponent.world.fitness_rule != world.fitness_rule:
        raise WorldError(
            f"{field}: fitness_rule={opponent.world.fitness_rule!r}: must be that of {world.name}, "
            f"{world.fitness_rule!r}: their episodes end together"
        )
    function = opponent.step
    count = len(inspect.signature(getattr(function, "py_func", function)).parameters)
    if count != _PAIR_STEP:
        raise WorldError(
            f"world {world.name}: opponent.step takes {count} arguments: must take {_PAIR_STEP}, see Opponent"
        )
