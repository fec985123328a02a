"""Runs in which a world's opponent evolves as well: what its side is made of, and whom a generation's lives meet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evolearn.config import ConfigError, RunConfig
from evolearn.life import Conditions, Driver, Evaluation, Job, LifeFault, Opposition, Plan, evaluate
from evolearn.rng import OPPONENTS
from evolearn.world import Declaration, World, WorldError

if TYPE_CHECKING:
    from evolearn.run.setup import Setup
    from evolearn.search import Rivals


def opponent_config(config: RunConfig, population: int = 0) -> RunConfig:
    """A run's config as it would be of its opponent alone, in the world as that lives in it; its DNA keeps this.

    Args:
        config: with a section `opponent`.
        population: of opponents, from 0; they differ in their seed.
    """
    part = config.opponent
    assert part is not None
    search = config.search.model_copy(update=dict(part.search))
    # Of the run and the population alone: no other opponents live the same lives.
    seed = int(np.random.SeedSequence([config.seed, OPPONENTS, population]).generate_state(1)[0])
    world = config.world.model_copy(update={"name": part.world})
    parts = {name: getattr(part, name) for name in ("brain", "learner", "drives", "genome")}
    return config.model_copy(
        update={
            "seed": seed,
            "world": world,
            "search": search,
            **dict.fromkeys(("value", "teacher", "lineage", "opponent")),
            **parts,
        }
    )


def check_opponent(config: RunConfig, world: Declaration) -> None:
    """Refuse an opponent where a world has none, or has another.

    Raises:
        ConfigError: see above.
    """
    assert config.opponent is not None
    given = f"opponent.world={config.opponent.world!r}"
    if not isinstance(world, World) or world.opponent is None:
        raise ConfigError(
            f"{given}: world {config.world.name} has no opponent; leave the section opponent out, or choose a world "
            "with one, such as pursuit"
        )


def check_opponents_world(config: RunConfig, world: Declaration, found: Declaration) -> None:
    """Refuse a world that is not the one in which a world's opponent lives.

    Raises:
        ConfigError: see above.
    """
    assert config.opponent is not None
    assert isinstance(world, World)
    assert world.opponent is not None
    own = world.opponent.world
    if (own.name, own.observations, own.actions, own.senses) != (
        found.name,
        found.observations,
        found.actions,
        found.senses,
    ):
        raise ConfigError(
            f"opponent.world={config.opponent.world!r}: must be the world in which the opponent of {config.world.name} "
            f"lives, {own.name}"
        )


class DriverOfBoth:
    """Lives jobs alone or in pairs, as they ask for; a run's driver where its opponent evolves."""

    def __init__(self, alone: Driver, paired: Driver) -> None:
        """Hand jobs to these two."""
        self.conditions: Conditions = alone.conditions
        self._alone, self._paired = alone, paired

    @property
    def workers(self) -> int:
        """That share a job, at this moment."""
        return self._alone.workers

    def live(self, job: Job) -> None:
        """See `Driver`."""
        (self._alone if job.opponent is None else self._paired).live(job)

    def rehearse(self, job: Job) -> None:
        """Have both refuse what only they know to, before any life that counts; see `evolearn.life.rehearsal`."""
        for driver in (self._alone, self._paired):
            asked = getattr(driver, "rehearse", None)
            if asked is not None:
                asked(job)

    def over_blocks(self, function: Callable[[Driver, Any, int], Any], shared: Any, blocks: Sequence[int]) -> list[Any]:
        """See `Driver`."""
        return self._alone.over_blocks(function, shared, blocks)

    def close(self) -> None:
        """Both are closed by whoever made them."""


@dataclasses.dataclass(frozen=True)
class Meeting:
    """Whom the lives of one side meet in a generation."""

    setup: Setup  # of the run
    search: Rivals
    generation: int
    population: int | None = None  # of opponents, that those who live are of; None: they are agents

    def evaluate(
        self, driver: Driver, genomes: npt.NDArray[np.floating], keys: npt.NDArray[np.int64], plan: Plan, number: int
    ) -> Evaluation:
        """Live the same lives with every genome; some of them as the world scripts its opponent, if the config says so.

        Args:
            driver: a `DriverOfBoth`.
            genomes: float [P, G], in gene units.
            keys: int64 [L, ..].
            plan: for how long, and how.
            number: of the first genome, for errors.
        """
        run, other = self.setup, self.setup.opponent
        assert run.config.opponent is not None
        assert other is not None
        assert isinstance(driver, DriverOfBoth), "another would leave the opponents out"
        are_opponents = self.population is not None
        mine, theirs = (other, run) if are_opponents else (run, other)
        scripted = 0 if are_opponents else round(run.config.opponent.scripted * len(keys))
        met = self.search.met(self.generation, len(keys) - scripted, self.population)
        with np.errstate(over="ignore", invalid="ignore"):
            met = theirs.pool.centre + theirs.pool.spread * met
        opposition = Opposition(theirs.conditions, theirs.pool, met, theirs.selection, are_opponents)
        parts = []
        if scripted:
            parts.append(evaluate(driver, mine.conditions, mine.pool, genomes, keys[:scripted], plan, number))
        if scripted < len(keys):
            own = keys[scripted:]
            try:
                parts.append(evaluate(driver, mine.conditions, mine.pool, genomes, own, plan, number, opposition))
            except LifeFault as fault:  # which could not be lived again alone
                raise WorldError(
                    f"{fault}; it met an opponent that evolves, in generation {self.generation}"
                ) from fault
        return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[Evaluation]) -> Evaluation:
    """The same genomes on all of these lives."""
    return Evaluation(
        np.concatenate([part.fitness for part in parts], axis=1),
        np.concatenate([part.broken for part in parts], axis=1),
        sum(part.world_steps for part in parts),
        sum(part.skipped_updates for part in parts),
    )
