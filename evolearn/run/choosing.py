"""What an evolution came to: which of its restarts, and which of the last generation's leaders, on validation lives.

Who chose a genome by its lives owes a part of their score to luck: what becomes DNA is chosen on others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evolearn.config import SearchPart
from evolearn.genome import FloatArray
from evolearn.life import Driver, evaluate
from evolearn.rng import VALIDATION, Keys, life_keys
from evolearn.run.births import seen_births
from evolearn.run.setup import Setup, to_genomes

if TYPE_CHECKING:
    from evolearn.search import Search, Stretch

TOP = 8  # genomes of the last generation that are lived again to find the best
LEADER_LIVES = 8  # at least, that each leader of the last generation lives again
RESTART_LIVES = 32  # at least, on which the results of restarts are compared


def leader_keys(seed: int, search: SearchPart) -> npt.NDArray[np.int64]:
    """Keys int64 [L, 4] of the validation lives on which a last generation's leaders are judged afresh.

    Args:
        seed: of the run.
        search: of its config.
    """
    # Generation 1 of the validation space: lives that the closing table does not use.
    return life_keys(seed, VALIDATION, 1, max(LEADER_LIVES, search.lives))


def restart_keys(seed: int, search: SearchPart) -> npt.NDArray[np.int64]:
    """Keys int64 [L, 4] of the validation lives on which what restarts came to is compared; none without restarts.

    Args:
        seed: of the run.
        search: of its config.
    """
    # Generation 2: not the lives that chose among a restart's leaders.
    return life_keys(seed, VALIDATION, 2, 0 if search.restart == "none" else max(RESTART_LIVES, search.lives))


def best_stretch(
    setup: Setup, driver: Driver, search: Search, choosing: Callable[[str, int, int], None]
) -> tuple[Stretch, FloatArray, int]:
    """The restart that came to most on validation lives, the best genome of its leaders, and the steps it took.

    What a restart came to is its centre; of a search that has none the best of its leaders. Where there was only one,
    nothing is compared.

    Args:
        setup: of the run.
        driver: for its conditions.
        search: in the state after the last generation.
        choosing: told what is about to live, the number of that from 0, and how many there are.
    """
    from evolearn.search import Restarting, Stretch  # PyTorch takes long to import; who only plans does without

    if not isinstance(search, Restarting):
        last = setup.config.search.generations - 1
        stretches: Sequence[Stretch] = (Stretch(0, last, search.centre(), search.stdev(), search.best(TOP)),)
    else:
        stretches = search.stretches()
    steps = 0
    best: dict[int, FloatArray] = {}
    # Every restart's leaders, or the centres at once and then the leaders of the best.
    parts = 1 if len(stretches) == 1 else 2 if search.has_centre else len(stretches) + 1
    done = 0

    def say(what: str) -> None:
        nonlocal done
        choosing(what, done, parts)
        done += 1

    def best_of(stretch: Stretch) -> FloatArray:
        nonlocal steps
        if stretch.restart not in best:
            of = f" of restart {stretch.restart}" if len(stretches) > 1 else ""
            say(f"the {len(stretch.leaders)} leaders of the last generation{of}")
            best[stretch.restart], more = _best_on_validation(setup, driver, stretch.leaders)
            steps += more
        return best[stretch.restart]

    chosen = stretches[0]
    if len(stretches) > 1:
        rivals = [to_genomes(setup, one.centre) if search.has_centre else best_of(one) for one in stretches]
        keys = restart_keys(setup.config.seed, setup.config.search)
        say(f"what {len(stretches)} restarts came to")
        judged = evaluate(driver, setup.conditions, setup.pool, np.stack(rivals), _seen(setup, keys), setup.selection)
        steps += judged.world_steps
        chosen = stretches[int(judged.means.argmax())]
    return chosen, best_of(chosen), steps


def _seen(setup: Setup, keys: Keys) -> Keys:
    """Keys of lives that still choose among genomes: with a set of births they are born from it as well."""
    config = setup.config
    return seen_births(keys, config.world.set, config.seed, setup.space)


def _best_on_validation(setup: Setup, driver: Driver, leaders: FloatArray) -> tuple[FloatArray, int]:
    """The best of a last generation's leaders z, judged afresh, and the steps it took: leaders owe a part to luck."""
    genomes = to_genomes(setup, leaders)
    keys = leader_keys(setup.config.seed, setup.config.search)
    judged = evaluate(driver, setup.conditions, setup.pool, genomes, _seen(setup, keys), setup.selection)
    return genomes[int(judged.means.argmax())], judged.world_steps
