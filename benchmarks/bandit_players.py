"""Players of bandits whose worth is known or can be computed, all lives at once in NumPy.

They play what the worlds `bandit` and `cued-bandit` are: regret in pulls that the better of two arms would have paid
more, and the share of steps in which the right action was taken. Exact values, where there are any, are computed
backwards over all counts or by counting maps.

Source: Thompson 1933; Gittins 1979; Bellman 1956 for the values over counts; Robbins 1952 for win-stay lose-shift.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SURE, RARE = 0.9, 0.1  # how often the right action of a cued bandit pays, and any other
PULLS = 100
GRID = 12  # payoffs that a filter tells apart


class Estimate(NamedTuple):
    """A mean and its standard error; of an exact value 0."""

    mean: float
    error: float = 0.0

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.error:.3f}" if self.error else f"{self.mean:.3f}"


def estimate(values: Floats) -> Estimate:
    """The mean of independent values and its standard error."""
    return Estimate(float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size)))


# Two arms ------------------------------------------------------------------------------------------------------------


class Puller(Protocol):
    """Who pulls one of two arms in each of N lives at once."""

    def choose(self, age: int, rng: np.random.Generator) -> Ints:
        """The arms pulled at this age, [N], 0 or 1."""
        ...

    def hear(self, arms: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """What the pulls paid, [N]."""
        ...


def born_pairs(lives: int, fixity: float, rng: np.random.Generator) -> Floats:
    """How often both arms pay, [N, 2]: uniform, and arm 0 is the better one with probability `fixity`."""
    pairs = np.sort(rng.random((lives, 2)), axis=1)
    is_modal = rng.random(lives) < fixity
    return np.where(is_modal[:, None], pairs[:, ::-1], pairs)


def regrets(
    puller: Puller, pairs: Floats, hazard: float, rng: np.random.Generator, pulls: int = PULLS, frozen_at: int = PULLS
) -> Floats:
    """How much less than the better arm the pulled ones pay, [N], summed over a life.

    Args:
        puller: who pulls.
        pairs: [N, 2] how often the arms pay at birth.
        hazard: probability that the arms trade places after a pull.
        rng: luck.
        pulls: length of a life.
        frozen_at: age from which on the arm of that age is pulled for ever.
    """
    pairs, lives = pairs.copy(), np.arange(len(pairs))
    lost, arms = np.zeros(len(pairs)), np.zeros(len(pairs), np.int64)
    for age in range(pulls):
        if age <= frozen_at:
            arms = puller.choose(age, rng)
        often = pairs[lives, arms]
        paid = rng.random(len(pairs)) < often
        lost += pairs.max(axis=1) - often
        puller.hear(arms, paid)
        if hazard > 0.0:
            flips = rng.random(len(pairs)) < hazard
            pairs[flips] = pairs[flips][:, ::-1]
    return lost


class Innate:
    """Always the modal arm."""

    def __init__(self, lives: int) -> None:
        self._arms = np.zeros(lives, np.int64)

    def choose(self, age: int, rng: np.random.Generator) -> Ints:
        """See Puller."""
        return self._arms

    def hear(self, arms: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Puller."""


class StayShift:
    """The modal arm first; then the same after a win, the other after a loss."""

    def __init__(self, lives: int) -> None:
        self._arms = np.zeros(lives, np.int64)

    def choose(self, age: int, rng: np.random.Generator) -> Ints:
        """See Puller."""
        return self._arms

    def hear(self, arms: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Puller."""
        self._arms = np.where(paid, arms, 1 - arms)


class Filter:
    """Bayes' rule over which arm is the better one and over what both pay, on a grid.

    Args:
        lives: N.
        hazard: of the arms trading places.
        fixity: probability that arm 0 is the better one at birth.
        samples: whether it pulls what is best in a world drawn from its beliefs (Thompson), not what pays best by all
            of them.
    """

    def __init__(self, lives: int, hazard: float, fixity: float, samples: bool = False) -> None:
        middles = (np.arange(GRID) + 0.5) / GRID
        high, low = (side.ravel() for side in np.meshgrid(middles, middles, indexing="ij"))
        kept = high >= low
        prior = np.where(high > low, 1.0, 0.5)[kept]  # on the diagonal half of a cell
        prior /= prior.sum()
        high, low = high[kept], low[kept]
        # In the first half of states: arm 0 is the better one.
        self._often = np.stack([np.concatenate([high, low]), np.concatenate([low, high])])  # [2, states]
        self._beliefs = np.tile(np.concatenate([fixity * prior, (1.0 - fixity) * prior]), (lives, 1))
        self._hazard, self._samples = hazard, samples

    def choose(self, age: int, rng: np.random.Generator) -> Ints:
        """See Puller."""
        if self._samples:
            bounds = self._beliefs.cumsum(axis=1)
            drawn = rng.random((len(bounds), 1)) * bounds[:, -1:]
            return ((bounds < drawn).sum(axis=1) >= bounds.shape[1] // 2).astype(np.int64)
        return greedy(self._beliefs @ self._often.T, rng)

    def hear(self, arms: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Puller."""
        often = self._often[arms]
        self._beliefs *= np.where(paid[:, None], often, 1.0 - often)
        self._beliefs /= self._beliefs.sum(axis=1, keepdims=True)
        if self._hazard > 0.0:
            other = np.roll(self._beliefs, self._beliefs.shape[1] // 2, axis=1)
            self._beliefs += self._hazard * (other - self._beliefs)


class KnownPairs:
    """Bayes' rule over some pairs of payoffs that it takes for all there are.

    Args:
        lives: N.
        known: [K, 2].
        samples: as for `Filter`.
    """

    def __init__(self, lives: int, known: Floats, samples: bool = False) -> None:
        self._known, self._samples = known, samples
        self._logs = np.zeros((lives, len(known)))

    def choose(self, age: int, rng: np.random.Generator) -> Ints:
        """See Puller."""
        beliefs = normalised(self._logs)
        if self._samples:
            return self._known[drawn_from(beliefs, rng)].argmax(axis=1)
        return greedy(beliefs @ self._known, rng)

    def hear(self, arms: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Puller."""
        often = self._known.T[arms]
        self._logs += np.log(np.where(paid[:, None], often, 1.0 - often))


class PairValues:
    """Q-learning of two values, greedy but for a share of random pulls.

    Args:
        settings: [N, 3] step size, share of random pulls, how much more arm 0 is worth at birth than 1/2.
    """

    def __init__(self, settings: Floats) -> None:
        self._rate, self._random, ahead = settings.T
        self._values = np.stack([0.5 + ahead, np.full_like(ahead, 0.5)], axis=1)

    def choose(self, age: int, rng: np.random.Generator) -> Ints:
        """See Puller."""
        is_random = rng.random(len(self._values)) < self._random
        return np.where(is_random, rng.integers(0, 2, len(self._values)), greedy(self._values, rng))

    def hear(self, arms: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Puller."""
        lives = np.arange(len(arms))
        self._values[lives, arms] += self._rate * (paid - self._values[lives, arms])


class PairGradient:
    """Policy gradient of one logit, with a running mean of what was paid as its baseline.

    Args:
        settings: [N, 3] step size, rate of the baseline, logit of arm 0 at birth.
    """

    def __init__(self, settings: Floats) -> None:
        self._rate, self._baseline_rate, start = settings.T
        self._logit = -start  # of arm 1
        self._baseline = np.full_like(self._logit, 0.5)

    def choose(self, age: int, rng: np.random.Generator) -> Ints:
        """See Puller."""
        self._chance = 1.0 / (1.0 + np.exp(-self._logit))
        return (rng.random(len(self._logit)) < self._chance).astype(np.int64)

    def hear(self, arms: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Puller."""
        self._logit += self._rate * (paid - self._baseline) * (arms - self._chance)
        self._baseline += self._baseline_rate * (paid - self._baseline)


PAIR_VALUES = (
    PairValues,
    tuple(itertools.product((0.02, 0.05, 0.1, 0.2, 0.4, 0.7), (0.0, 0.03, 0.1), (0.0, 0.1, 0.3))),
)
PAIR_GRADIENT = (
    PairGradient,
    tuple(itertools.product((0.3, 1.0, 2.0, 4.0, 8.0), (0.0, 0.1, 0.3), (0.0, 1.0, 2.0, 4.0))),
)


def tuned_regret(kind: Any, fixity: float, hazard: float, lives: int, rng: np.random.Generator) -> Estimate:
    """Regret of a learner with the best of some settings, chosen on lives that do not count.

    Args:
        kind: PAIR_VALUES or PAIR_GRADIENT.
        fixity: probability that arm 0 is the better one at birth.
        hazard: probability that the arms trade places after a pull.
        lives: that count; a setting is tried in a fifth as many.
        rng: luck.
    """
    make, settings = kind
    tries = max(lives // 5, 10)
    tried = np.repeat(np.array(settings), tries, axis=0)
    lost = regrets(make(tried), born_pairs(len(tried), fixity, rng), hazard, rng)
    best = settings[int(lost.reshape(len(settings), tries).mean(axis=1).argmin())]
    return estimate(regrets(make(np.tile(np.array(best), (lives, 1))), born_pairs(lives, fixity, rng), hazard, rng))


def values_over_counts(pulls: int, is_greedy: bool = False) -> float:
    """What two arms of uniform payoffs pay at most, summed over a life, by dynamic programming over all counts.

    Args:
        pulls: T >= 1.
        is_greedy: what the arm of the higher posterior mean pays instead, ties broken evenly.
    """
    # [n, w, v]: n pulls of arm 0, w of them won, and v won of the others.
    value = np.zeros((pulls + 1,) * 3)
    for age in range(pulls - 1, -1, -1):
        count = np.arange(age + 1)
        pulled, won, other_won = count[:, None, None], count[None, :, None], count[None, None, :]
        first, second = (won + 1) / (pulled + 2), (other_won + 1) / (age - pulled + 2)
        inside = (slice(0, age + 1),) * 3
        after = value
        won_0, lost_0 = after[1 : age + 2, 1 : age + 2, : age + 1], after[1 : age + 2, : age + 1, : age + 1]
        won_1, lost_1 = after[: age + 1, : age + 1, 1 : age + 2], after[inside]
        of_first = first * (1.0 + won_0) + (1.0 - first) * lost_0
        of_second = second * (1.0 + won_1) + (1.0 - second) * lost_1
        if is_greedy:
            now = np.where(first > second, of_first, np.where(first < second, of_second, (of_first + of_second) / 2))
        else:
            now = np.maximum(of_first, of_second)
        value = np.zeros_like(value)
        # Counts that cannot be are kept at 0, so that nothing grows there.
        value[inside] = np.where((won <= pulled) & (other_won <= age - pulled), now, 0.0)
    return float(value[0, 0, 0])


def least_regret(pulls: int = PULLS, is_greedy: bool = False) -> Estimate:
    """The regret that nobody can go below on average, or a greedy one's; no flips, a fixity of 1/2. Exact."""
    return Estimate(pulls * 2 / 3 - values_over_counts(pulls, is_greedy))


def known_pairs_regret(
    count: int, is_mirrored: bool, samples: bool, sets: int, lives: int, rng: np.random.Generator
) -> tuple[Estimate, Estimate]:
    """Regret of who knows K pairs of payoffs, in worlds of those and in worlds of any, errors over sets.

    Args:
        count: K; even where mirrored.
        is_mirrored: whether half of the pairs are the mirror images of the other half.
        samples: see `Filter`.
        sets: of K pairs.
        lives: per set.
        rng: luck.
    """
    seen, unseen = np.zeros(sets), np.zeros(sets)
    for one in range(sets):
        known = rng.random((count // 2 if is_mirrored else count, 2))
        known = np.concatenate([known, known[:, ::-1]]) if is_mirrored else known
        for found, pairs in ((seen, known[rng.integers(0, count, lives)]), (unseen, rng.random((lives, 2)))):
            found[one] = regrets(KnownPairs(lives, known, samples), pairs, 0.0, rng).mean()
    return estimate(seen), estimate(unseen)


# Cues ----------------------------------------------------------------------------------------------------------------


class Answerer(Protocol):
    """Who answers a cue in each of N lives at once."""

    def choose(self, cues: Ints, rng: np.random.Generator) -> Ints:
        """The actions, [N]."""
        ...

    def hear(self, cues: Ints, actions: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """What they paid, [N]."""
        ...


def shares_right(
    answerer: Answerer, maps: Ints, actions: int, steps: int, hazard: float, rng: np.random.Generator
) -> Floats:
    """Which steps were right, as the share in each quarter of a life, [N, 4].

    Args:
        answerer: who acts.
        maps: [N, C] the right action for each cue at birth.
        actions: A.
        steps: T, a multiple of 4.
        hazard: probability, per step and cue, that the right action is drawn again.
        rng: luck.
    """
    maps, lives = maps.copy(), np.arange(len(maps))
    right = np.zeros((len(maps), 4))
    for age in range(steps):
        cues = rng.integers(0, maps.shape[1], len(maps))
        chosen = answerer.choose(cues, rng)
        is_right = chosen == maps[lives, cues]
        right[:, age * 4 // steps] += is_right
        answerer.hear(cues, chosen, rng.random(len(maps)) < np.where(is_right, SURE, RARE))
        if hazard > 0.0:
            flips = rng.random(maps.shape) < hazard
            maps[flips] = rng.integers(0, actions, flips.sum())
    return right * 4 / steps


class KnownMaps:
    """Bayes' rule over some maps that it takes for all there are.

    Args:
        lives: N.
        known: [K, C].
        actions: A.
        samples: as for `Filter`.
    """

    def __init__(self, lives: int, known: Ints, actions: int, samples: bool = False) -> None:
        self._known, self._actions, self._samples = known, actions, samples
        self._logs = np.zeros((lives, len(known)))

    def choose(self, cues: Ints, rng: np.random.Generator) -> Ints:
        """See Answerer."""
        beliefs, says = normalised(self._logs), self._known.T[cues]
        if self._samples:
            return says[np.arange(len(cues)), drawn_from(beliefs, rng)]
        return greedy(np.stack([(beliefs * (says == one)).sum(axis=1) for one in range(self._actions)], axis=1), rng)

    def hear(self, cues: Ints, actions: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Answerer."""
        often = np.where(self._known.T[cues] == actions[:, None], SURE, RARE)
        self._logs += np.log(np.where(paid[:, None], often, 1.0 - often))


class PriorFree:
    """Bayes' rule over all maps alike, cue by cue; greedy. It knows how often right actions pay, and the hazard.

    Args:
        lives: N.
        cues: C.
        actions: A.
        hazard: of the right action being drawn again.
    """

    def __init__(self, lives: int, cues: int, actions: int, hazard: float = 0.0) -> None:
        self._beliefs = np.full((lives, cues, actions), 1.0 / actions)
        self._hazard = hazard

    def choose(self, cues: Ints, rng: np.random.Generator) -> Ints:
        """See Answerer."""
        return greedy(self._beliefs[np.arange(len(cues)), cues], rng)

    def hear(self, cues: Ints, actions: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Answerer."""
        lives = np.arange(len(cues))
        self._beliefs[lives, cues, actions] *= np.where(paid, SURE / RARE, (1.0 - SURE) / (1.0 - RARE))
        self._beliefs[lives, cues] /= self._beliefs[lives, cues].sum(axis=1, keepdims=True)
        self._beliefs += self._hazard * (1.0 / self._beliefs.shape[2] - self._beliefs)


class CueValues:
    """Q-learning of a value for each cue and action, greedy but for a share of random actions.

    Args:
        settings: [N, 3] step size, share of random actions, all values at birth.
        cues: C.
        actions: A.
    """

    def __init__(self, settings: Floats, cues: int, actions: int) -> None:
        self._rate, self._random, start = settings.T
        self._values = np.tile(start[:, None, None], (1, cues, actions))

    def choose(self, cues: Ints, rng: np.random.Generator) -> Ints:
        """See Answerer."""
        values = self._values[np.arange(len(cues)), cues]
        is_random = rng.random(len(cues)) < self._random
        return np.where(is_random, rng.integers(0, values.shape[1], len(cues)), greedy(values, rng))

    def hear(self, cues: Ints, actions: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Answerer."""
        at = np.arange(len(cues)), cues, actions
        self._values[at] += self._rate * (paid - self._values[at])


class CueGradient:
    """Policy gradient of a logit for each cue and action, with a running mean of what was paid as its baseline.

    Args:
        settings: [N, 2] step size, rate of the baseline.
        cues: C.
        actions: A.
    """

    def __init__(self, settings: Floats, cues: int, actions: int) -> None:
        self._rate, self._baseline_rate = settings.T
        self._logits = np.zeros((len(settings), cues, actions))
        self._baseline = np.full(len(settings), 0.3)

    def choose(self, cues: Ints, rng: np.random.Generator) -> Ints:
        """See Answerer."""
        self._chances = normalised(self._logits[np.arange(len(cues)), cues])
        return drawn_from(self._chances, rng)

    def hear(self, cues: Ints, actions: Ints, paid: npt.NDArray[np.bool_]) -> None:
        """See Answerer."""
        lives = np.arange(len(cues))
        slope = -self._chances
        slope[lives, actions] += 1.0
        self._logits[lives, cues] += (self._rate * (paid - self._baseline))[:, None] * slope
        self._baseline += self._baseline_rate * (paid - self._baseline)


CUE_VALUES = (CueValues, tuple(itertools.product((0.1, 0.2, 0.5), (0.0, 0.02, 0.05), (0.5, 0.7, 0.9))))
CUE_GRADIENT = (CueGradient, tuple(itertools.product((1.0, 2.0, 3.0, 6.0), (0.02, 0.05))))


def tuned_right(
    kind: Any, cues: int, actions: int, steps: int, hazard: float, lives: int, rng: np.random.Generator
) -> Estimate:
    """Share of right actions of a learner with the best of some settings, chosen on lives that do not count."""
    make, settings = kind
    tries = max(lives // 2, 10)

    def lived(tried: Floats) -> Floats:
        maps = rng.integers(0, actions, (len(tried), cues))
        return shares_right(make(tried, cues, actions), maps, actions, steps, hazard, rng).mean(axis=1)

    shares = lived(np.repeat(np.array(settings), tries, axis=0)).reshape(len(settings), tries).mean(axis=1)
    return estimate(lived(np.tile(np.array(settings[int(shares.argmax())]), (lives, 1))))


def prior_free_right(
    cues: int, actions: int, steps: int, hazard: float, lives: int, rng: np.random.Generator
) -> tuple[Estimate, Estimate]:
    """Share of right actions of who takes all maps for equally likely, over a life and over its last quarter."""
    maps = rng.integers(0, actions, (lives, cues))
    quarters = shares_right(PriorFree(lives, cues, actions, hazard), maps, actions, steps, hazard, rng)
    return estimate(quarters.mean(axis=1)), estimate(quarters[:, 3])


class KnownMapsRight(NamedTuple):
    """Share of right actions of who knows K maps, on those and on others, over a life and over its last quarter."""

    seen: Estimate
    seen_late: Estimate
    unseen: Estimate  # nan where all maps are known
    unseen_late: Estimate


def known_maps_right(
    cues: int, actions: int, steps: int, count: int, samples: bool, sets: int, lives: int, rng: np.random.Generator
) -> KnownMapsRight:
    """Draw sets of K different maps, and judge who knows them; unseen maps are none of the K. Errors are over sets.

    Args:
        cues: C.
        actions: A; all A^C maps are listed.
        steps: T, a multiple of 4.
        count: K, at most A^C.
        samples: see `Filter`.
        sets: of K maps.
        lives: per set.
        rng: luck.
    """
    maps = all_maps(cues, actions)
    found = np.full((4, sets), np.nan)
    for one in range(sets):
        order = rng.permutation(len(maps))
        known, others = maps[order[:count]], maps[order[count:]]
        for place, pool in ((0, known), (2, others)):
            if len(pool):
                true = pool[rng.integers(0, len(pool), lives)]
                player = KnownMaps(lives, known, actions, samples)
                quarters = shares_right(player, true, actions, steps, 0.0, rng)
                found[place : place + 2, one] = quarters.mean(), quarters[:, 3].mean()
    return KnownMapsRight(*(estimate(values) for values in found))


def all_maps(cues: int, actions: int) -> Ints:
    """Every map from cues to actions, [A^C, C]."""
    return np.array(list(itertools.product(range(actions), repeat=cues)))


def cue_blind(cues: int, actions: int) -> Estimate:
    """Right by the action that is right for most cues of a map, on average over all maps. Exact.

    Where m is the largest count of a map, the share is m / C; how many maps have none above m is a coefficient of the
    product of A truncated exponential series.
    """
    at_most = [
        Fraction(math.factorial(cues) * _coefficient(cues, actions, most), actions**cues) for most in range(cues + 1)
    ]
    return Estimate(float(sum(most * (at_most[most] - at_most[most - 1]) for most in range(1, cues + 1)) / cues))


def _coefficient(power: int, factors: int, most: int) -> Fraction:
    """Of x^power in (1 + x + x^2 / 2! + ... + x^most / most!)^factors."""
    product = [Fraction(1)] + [Fraction(0)] * power
    for _ in range(factors):
        product = [
            sum((product[n - k] * Fraction(1, math.factorial(k)) for k in range(min(n, most) + 1)), Fraction(0))
            for n in range(power + 1)
        ]
    return product[power]


# Choosing ------------------------------------------------------------------------------------------------------------


def greedy(values: Floats, rng: np.random.Generator) -> Ints:
    """The place of the largest value in each row, [N]; ties are broken evenly."""
    ties = values >= values.max(axis=1, keepdims=True) - 1e-12
    return np.where(ties, rng.random(values.shape), -1.0).argmax(axis=1)


def drawn_from(chances: Floats, rng: np.random.Generator) -> Ints:
    """A place in each row, [N], with these probabilities."""
    below = chances.cumsum(axis=1) < rng.random((len(chances), 1))
    return np.minimum(below.sum(axis=1), chances.shape[1] - 1)


def normalised(logs: Floats) -> Floats:
    """Probabilities in proportion to exp(logs), row by row."""
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
