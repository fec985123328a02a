"""Which births lives have where evolution sees a set of them alone: seen ones while selecting, unseen ones when judged.

With `world.set` what is fixed in a life comes, while selecting, from one of so many births; the world's luck, actions
and initial draws stay each life's own, or luck would be learned by heart. Lives that judge are born elsewhere. Births
that are drawn from few possibilities may come out alike all the same: those that a compiled world's `born` makes the
very bytes of a seen one are passed over.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evolearn.config import ConfigError, RunConfig
from evolearn.life import Conditions
from evolearn.numerics import handle_of
from evolearn.rng import SELECTION, Keys, births_of, from_set, life_keys, new_rng, open_birth, redrawn, with_births
from evolearn.run.setup import Setup
from evolearn.search import lives_per_generation
from evolearn.world import World, compile_world

MOST_REDRAWN = 1000  # births in a row that are seen ones, until there are said to be no others


def selection_births(config: RunConfig, keys: Keys, generation: int, batch: int, space: int) -> Keys:
    """Keys of a batch of a generation's selection lives, born from the set if there is one.

    Args:
        config: of a run.
        keys: int64 [L, 4].
        generation: from 0.
        batch: of the generation.
        space: key space of the lives, and of the set.
    Returns:
        int64 [L, 12], or the keys themselves: the lives of the run go through the set evenly, in their order.
    """
    if config.world.set is None:
        return keys
    first = generation * lives_per_generation(config.search) + batch * config.search.lives
    return from_set(keys, config.seed, space, config.world.set, first)


def seen_births(keys: Keys, size: int | None, seed: int, space: int = SELECTION) -> Keys:
    """Keys of other lives, with luck of their own, that are born where evolution has been.

    Args:
        keys: int64 [L, 4].
        size: of the set, `world.set`; None: there is none, and the keys stay as they are.
        seed: of the run that evolved.
        space: key space of the lives that it selected on.
    """
    return keys if size is None else from_set(keys, seed, space, size, 0)


def unseen_births(setup: Setup, keys: Keys, size: int | None, seed: int) -> Keys:
    """Keys of the same lives, none of which is born as one of the set.

    A second birth, where worlds switch, is compared as it comes out right after the first.

    Args:
        setup: of the world in which they are lived.
        keys: int64 [L, 4].
        size: of the set, `world.set`; None: there is none.
        seed: of the run that evolved.
    Returns:
        The keys themselves where none is: always with a Gymnasium environment, whose draws are not looked into.
    Raises:
        ConfigError: the world seems to have no births that are not in the set.
    """
    world = setup.conditions.world
    if size is None or not isinstance(world, World):
        return keys
    born = _Births(setup.conditions)
    set_keys = life_keys(seed, setup.space, 0, size)
    seen = {born.state(key) for key in set_keys}
    first, second = births_of(keys), births_of(keys, again=True)
    redraws = 0
    for life in range(len(keys)):
        for again, births in ((False, first), (True, second)):
            if again and setup.conditions.switch_at is None:
                continue
            tries = 0
            while born.state(first[life], births[life] if again else None) in seen:
                tries += 1
                if tries > MOST_REDRAWN:
                    raise ConfigError(
                        f"world.set={size}: world {world.name} was born {MOST_REDRAWN} times without a birth that is "
                        "not one of the set: there are hardly any others to judge by; make it smaller, or null for "
                        "lives that are each born anew"
                    )
                births[life] = redrawn(births_of(keys[life : life + 1], again), tries)[0]
            redraws += tries
    return with_births(keys, first, second) if redraws else keys


class _Births:
    """A compiled world's states right after birth."""

    def __init__(self, conditions: Conditions) -> None:
        assert isinstance(conditions.world, World)
        self._compiled = compile_world(conditions.world, conditions.parameters, by_hand=True)
        self._rng = new_rng()

    def state(self, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64] | None = None) -> bytes:
        """Bytes of the state after the birth that a key, int64 [4], names; after a second one if that is given."""
        state = np.zeros(self._compiled.state_size, np.uint8)
        handles = handle_of(state), handle_of(self._compiled.parameters)
        open_birth(self._rng, first, 0)
        self._compiled.born(*handles, self._rng)
        if second is not None:
            open_birth(self._rng, second, 0)
            self._compiled.reborn(*handles, self._rng)
        return state.tobytes()
