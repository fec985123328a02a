"""What `evolearn.live` gives: lives of some DNA, their scores and their traces."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evolearn.api.arguments import Living, deaths_explained, workers_for
from evolearn.api.evolved import Evolved, as_table
from evolearn.config import ConfigError, WorldPart, check_model
from evolearn.genome import decode, draw_fresh
from evolearn.life import (
    DIVERGED,
    Conditions,
    Job,
    Outcome,
    Plan,
    Trace,
    empty_outcome,
    empty_trace,
    life_fitness,
    new_driver,
    score,
)
from evolearn.plugins import named_by
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import Setup, columns_of, setup_of

GENERATION = 500  # of the validation key space: runs use 0 to 2, inspections 1000 and above
MOST_BYTES = 4 * 2**30  # of outcome and trace together

FloatTable = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Lived:
    """Lives of some DNA. L lives, B age bins; the last bin may be shorter."""

    dna: Evolved
    setup: Setup  # of the world that they were lived in
    plan: Plan
    learning: bool
    keys: npt.NDArray[np.int64]  # [L, 4], see `evolearn.rng.LifeKey`
    outcome: Outcome  # [L, ..]
    steps: Trace  # [L, T, ..]; T is 0 where no trace was asked for

    @cached_property
    def scores(self) -> FloatTable:
        """Life fitness, float64 [L], by the world's rule."""
        return life_fitness(self.outcome, self._rule, self.plan)

    @cached_property
    def by_age(self) -> FloatTable:
        """Score in each age bin, float64 [L, B], by the world's rule."""
        return np.stack([self._score(start, start + 1) for start in range(self.plan.bins)], axis=1)

    @property
    def ages(self) -> npt.NDArray[np.int64]:
        """Age at the end of each bin, int64 [B], world steps."""
        return np.minimum(np.arange(1, self.plan.bins + 1) * self.plan.bin_size, self.plan.lifetime)

    @property
    def mean(self) -> float:
        """Mean score of the lives."""
        return float(self.scores.mean())

    @property
    def standard_error(self) -> float:
        """Of `mean`, over lives; NaN for one life."""
        return float(self.scores.std(ddof=1) / len(self.scores) ** 0.5) if len(self.scores) > 1 else float("nan")

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per life.

        Columns: ``score``, ``quarter_1`` .. ``quarter_4`` (score by quarter of life, to the resolution of the age bins;
        NaN where there are fewer than four), ``episodes`` (ended), ``deaths`` (of these, terminated), ``steps``,
        ``diverged`` (its brain left the finite numbers, which ended its life) and ``drive.NAME`` (mean per step).
        """
        outcome = self.outcome
        edges = [round(self.plan.bins * part / 4) for part in range(5)]
        columns: dict[str, Any] = {"score": self.scores}
        for part in range(4):
            fine = self.plan.bins >= 4
            columns[f"quarter_{part + 1}"] = self._score(edges[part], edges[part + 1]) if fine else np.nan
        columns["episodes"] = outcome.finished.sum(axis=1)
        columns["deaths"] = outcome.deaths.sum(axis=1)
        columns["steps"] = outcome.age
        columns["diverged"] = outcome.status == DIVERGED
        for place, name in enumerate(self.setup.conditions.drive_names):
            columns[f"drive.{name}"] = outcome.drives[:, place] / np.maximum(outcome.age, 1)
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self.scores), name="life"))

    @cached_property
    def traces(self) -> pd.DataFrame:
        """A row per step of every life, as far as a trace was asked for, see `evolearn.run.traces`.

        Columns: ``life``, ``step``, ``observation.NAME``, ``action`` or ``action.NAME``, ``drive.NAME``, ``fitness``
        and ``end`` (of the episode, by this step: 0 none, 1 terminated, 2 truncated).
        """
        tables = []
        for life, age in enumerate(self.outcome.age):
            columns = columns_of(self.steps.of(life), self.setup.conditions)
            tables.append(pd.DataFrame({"life": life, **columns}).iloc[: int(age)])
        return pd.concat(tables, ignore_index=True)

    @property
    def _rule(self) -> str:
        return self.setup.conditions.world.fitness_rule

    def _score(self, first: int, last: int) -> FloatTable:
        return score(self.outcome, self._rule, first, last, self.plan)

    def _facts(self) -> dict[str, str]:
        """What to say of it in few words."""
        parameters = [f"{name} {value:g}" for name, value in self.setup.conditions.parameters.items()]
        diverged = int((self.outcome.status == DIVERGED).sum())
        error = f", standard error {self.standard_error:.2g} over lives" if len(self.scores) > 1 else ""
        return {
            "lives": f"{_counted(len(self.scores), 'life', 'lives')} of "
            f"{_counted(self.plan.lifetime, 'step', 'steps')}, "
            + ("learning" if self.learning else "without learning")
            + (f"; in {diverged} the brain left the finite numbers" if diverged else ""),
            "world": self.setup.config.world.name + (f" ({', '.join(parameters)})" if parameters else ""),
            "score": f"{self.mean:.4g}{error} ({self._rule})",
        }

    def __repr__(self) -> str:
        return "\n".join(["Lived", *(f"  {name}: {fact}" for name, fact in self._facts().items())])

    def _repr_html_(self) -> str:
        return as_table(self._facts())


def live_lives(
    dna: Evolved,
    world: str | Mapping[str, Any] | WorldPart | None,
    parameters: Mapping[str, float],
    lives: int,
    learning: bool,
    lifetime: int | None,
    trace: bool | int,
    seed: int,
    workers: int | None,
    trust: bool,
) -> Lived:
    """See `evolearn.live`."""
    if not isinstance(dna, Evolved):
        raise ConfigError(
            f"dna={_shown(dna)}: must be from evolearn.load or evolearn.evolve, or the path of a run directory or of a "
            "DNA file"
        )
    content = {
        "lives": lives,
        "learning": learning,
        "parameters": parameters,
        "lifetime": dna.config.search.selection_lifetime if lifetime is None else lifetime,
        "trace": trace,
        "seed": seed,
        "workers": workers,
    }
    asked = check_model(Living, content, "evolearn.live")
    with named_by(dna.record.path, trust):
        setup = setup_of(dna.record, _world(dna, world, asked.parameters), users_world=world is not None)
        return _lived(dna, setup, asked)


def _lived(dna: Evolved, setup: Setup, asked: Living) -> Lived:
    learner = dna.config.learner
    plan = Plan(
        asked.lifetime,
        learner.learn_from,
        learner.learn_until if asked.learning else 0,
        bin_steps=min(dna.config.evaluation.bin_steps, asked.lifetime),
    )
    conditions = setup.conditions
    _check_size(asked.lives, plan, asked.trace, conditions)
    keys = life_keys(asked.seed, VALIDATION, GENERATION, asked.lives)
    newborns = decode(setup.pool, dna.genome[None])
    newborns, born_as = draw_fresh(setup.pool, newborns, np.zeros(asked.lives, np.int64), keys)
    outcome = empty_outcome(asked.lives, plan, len(conditions.drive_names), conditions.brain.weights)
    steps = empty_trace(asked.trace, conditions, asked.lives)
    count = workers_for(conditions.world, asked.workers)
    with deaths_explained(), contextlib.closing(new_driver(conditions, count, setup.config.hang_seconds)) as driver:
        driver.live(Job(newborns, born_as, keys, plan, outcome, steps))
    return Lived(dna, setup, plan, asked.learning, keys, outcome, steps)


def _check_size(lives: int, plan: Plan, traced: int, conditions: Conditions) -> None:
    """Refuse lives whose outcome and trace would not fit into memory."""
    no_bin, one_bin = (
        empty_outcome(1, dataclasses.replace(plan, lifetime=steps), 1, 1) for steps in (0, plan.bin_size)
    )
    bin_bytes, step_bytes = _size(one_bin) - _size(no_bin), _size(empty_trace(1, conditions))
    needed = lives * (plan.bins * bin_bytes + traced * step_bytes)
    if needed > MOST_BYTES:
        raise ConfigError(
            f"lives={lives}, lifetime={plan.lifetime}: would keep {needed / 2**30:,.1f} GiB, {plan.bins:,} age bins "
            f"and {traced:,} traced steps of each life; {MOST_BYTES / 2**30:g} GiB at most: trace less, let fewer or "
            "shorter lives be lived, or call several times, with a seed for each"
        )


def _size(arrays: Iterable[npt.NDArray[Any]]) -> int:
    return sum(array.nbytes for array in arrays)


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"a {type(value).__name__}"


def _world(
    dna: Evolved, world: str | Mapping[str, Any] | WorldPart | None, parameters: Mapping[str, float]
) -> WorldPart | None:
    """The section `world` of a config that says where to live; None: where it evolved."""
    if world is None and not parameters:
        return None
    part = dna.config.world if world is None else world
    if isinstance(part, str):
        part = {"name": part}
    elif isinstance(part, WorldPart):
        part = part.model_dump(mode="json")
    elif not isinstance(part, Mapping):
        raise ConfigError(
            f"world={part!r}: must be the name of a world, or a section `world` of a config; a world of your own is "
            "named by its file, path/to/file.py:world"
        )
    own = part.get("parameters", {})
    # What is no mapping is for the model to refuse.
    changed = {**part, "parameters": {**own, **parameters} if isinstance(own, Mapping) else own}
    return check_model(WorldPart, changed, "world")
