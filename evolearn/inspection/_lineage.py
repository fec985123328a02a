"""The way to some DNA: the path of the search, when each gene settled, and what rose first over the generations.

Genetic assimilation, the end of the Baldwin effect: what ancestors had to learn, descendants are born with. Then the
score after learning rises first, and what the same animals do without learning follows.
Source: Baldwin 1896, "A new factor in evolution"; Waddington 1953, "Genetic assimilation of an acquired character".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evolearn.inspection._descent import inspect_descent
from evolearn.inspection._names import action_labels, numbered, weight_names
from evolearn.inspection._over_lives import LEVEL, estimate, life_counts
from evolearn.inspection._scoring import Scores, birth_scores, innate_scores, learned_scores
from evolearn.inspection._specimen import IntArray, Json, Specimen
from evolearn.inspection.record import plain
from evolearn.life import LifeFault
from evolearn.run import ARMS, DNA, DNAError, ancestors, open_run, ready_arm
from evolearn.verdict import FloatArray, interval

# A number of a genome has settled when it is within so many start-spreads of its final value, or within this share of
# the farthest that it ever was from it; the search is narrow about it with less than so much of its start-spread left.
NEAR, NEAR_SHARE = 0.5, 0.25
FEWEST = 3  # ancestors that make a path
MANY = 10  # genes per step, from which on steps in fresh directions are at right angles to each other
NUMBERS = 2_000  # numbers of a genome in the table, those that changed most
ROUNDING = 1e-9  # of the size of scores: a rise smaller than that is none
SMALL = 0.1  # of the generations: scores rose together if their lag is shown to be no larger

# What can come out. Close: one had risen at a generation at which the other had not, but perhaps only just.
ASSIMILATION, INSTINCT_FIRST, LEARNED_CLOSE, INNATE_CLOSE = (
    "assimilation", "instinct_first", "learned_close", "innate_close",
)  # fmt: skip
TOGETHER, CANNOT_TELL, NOTHING, ONLY_LEARNED, ONLY_INNATE = (
    "together", "cannot_tell", "nothing", "only_learned", "only_innate",
)  # fmt: skip


def inspect_lineage(dna: DNA, specimen: Specimen | None) -> Json:
    """The way of the search to some DNA.

    Args:
        dna: whose run is looked at.
        specimen: the same with its world; None: nothing is lived, path and settling are shown all the same.
    Returns:
        "generations" kept, "points" (centre or best), "path", "blocks", "numbers", "logged" (fitness of the centre as
        the run logged it), "scores", or None and "no_scores": why, and "descent", see `inspect_descent`.
    Raises:
        DNAError: the DNA lies outside of its run, or the run has kept too few ancestors.
    """
    kept = _kept(dna)
    generations = np.array([ancestor.generation for ancestor in kept])
    spread, centre = dna.pool.spread.astype(np.float64), dna.pool.centre.astype(np.float64)
    z = np.stack([(ancestor.genome - centre) / spread for ancestor in kept])
    narrowed = np.stack([ancestor.stdev / spread for ancestor in kept])
    here = (dna.genome - centre) / spread
    settling = settle(z, narrowed)
    scores, no_scores = None, "without its world no ancestor can live"
    if specimen is not None:
        try:
            scores, no_scores = _scores(kept, specimen), ""
        except LifeFault as fault:
            no_scores = str(fault)
    return {
        "points": kept[-1].role,
        "algorithm": dna.config.search.algorithm,
        "generations": generations.tolist(),
        "of": dna.config.search.generations,
        "path": path_of(z, here),
        "near": NEAR,
        "near_share": NEAR_SHARE,
        "blocks": _blocks(dna, generations, settling),
        "numbers": _numbers(dna, generations, settling, z[-1]),
        "logged": _logged(dna),
        "scores": scores,
        "no_scores": no_scores,
        "descent": inspect_descent(dna),
    }


def path_of(z: FloatArray, here: FloatArray) -> Json:
    """A path in the plane of its first two principal components.

    Beside it a walk whose steps are as long, each in a direction of its own: what a search that drifts would show.
    In many dimensions such steps are at right angles, so that its picture needs no chance.

    Args:
        z: [n, G], points of the path in order, in start-spreads.
        here: [G], a point to be seen in the same plane.
    Returns:
        "x", "y" [n], "explained" shares of the two components, "steps" [n - 1], "length", "net", "straightness" (net
        over length; None without length), "here" x and y, and "walk": the same of the random walk, None with few genes.
    Source: Antognini and Sohl-Dickstein 2018, "PCA of high dimensional random walks with comparison to neural network
        training".
    """
    steps = np.linalg.norm(np.diff(z, axis=0), axis=1)
    found = _seen(z, np.vstack([z, here]), steps)
    walk = None
    if z.shape[1] >= MANY * len(steps):
        corners = np.vstack([np.zeros(len(steps)), np.tril(np.ones((len(steps), len(steps)))) * steps])
        walk = _seen(corners, corners, steps)
    return {
        **{name: found[name][:-1] for name in ("x", "y")},
        **{name: found[name] for name in ("explained", "length", "net", "straightness")},
        "here": {"x": found["x"][-1], "y": found["y"][-1]},
        "steps": steps.tolist(),
        "from_start": np.linalg.norm(z - z[0], axis=1).tolist(),
        "walk": walk,
    }


def _seen(z: FloatArray, shown: FloatArray, steps: FloatArray) -> Json:
    """Points projected on the plane in which `z` varies most; the path ends on the right, and above its middle."""
    middle = z.mean(axis=0)
    _, sizes, directions = np.linalg.svd(z - middle, full_matrices=False)
    plane = directions[:2] if len(directions) > 1 else np.vstack([directions, np.zeros_like(directions)])
    places = (shown - middle) @ plane.T  # [n, 2]
    ends = places[len(z) - 1] - places[0]
    places *= np.where(np.array([ends[0], places[len(z) - 1, 1] or ends[1]]) < 0, -1.0, 1.0)
    total = float((sizes**2).sum())
    length, net = float(steps.sum()), float(np.linalg.norm(z[-1] - z[0]))
    shares = np.append(sizes**2 / total, 0.0)[:2] if total > 0 else np.zeros(2)
    return {
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "explained": shares.tolist(),
        "length": length,
        "net": net,
        "straightness": net / length if length > 0 else None,
    }


def settle(z: FloatArray, narrowed: FloatArray) -> dict[str, IntArray]:
    """When each number of a genome came to its final value, and when the search had narrowed about it.

    Args:
        z: [n, G], in start-spreads.
        narrowed: [n, G], spread left in the search, in start-spreads.
    Returns:
        Places 0 .. n: "settled" [G], the first ancestor from which on the value stays near that of the last, and
        "narrow" [G], the first from which on less than `NEAR` of the start-spread is left; n: never.
    """
    distance = np.abs(z - z[-1])
    return {
        "settled": _stays(distance <= np.maximum(NEAR, NEAR_SHARE * distance.max(axis=0))),
        "narrow": _stays(narrowed < NEAR),
    }


def _stays(holds: npt.NDArray[np.bool_]) -> IntArray:
    """First row [..] of `holds` [n, ..] from which on it always does; n: it does not at the end."""
    return len(holds) - np.logical_and.accumulate(holds[::-1], axis=0).sum(axis=0)


def _kept(dna: DNA) -> list[DNA]:
    """The ancestors of a DNA's run."""
    if dna.run is None:
        raise DNAError(f"{dna.path}: lies outside of its run, which keeps the ancestors; inspect the run directory")
    kept = [one for one in ancestors(dna.run) if one.config == dna.config and _restart(one) == _restart(dna)]
    if len(kept) < FEWEST:
        raise DNAError(
            f"{dna.run}: has {len(kept)} ancestors of this DNA, a path needs {FEWEST}: the run made too few "
            "generations, or was made before ancestors were kept; run it again"
        )
    return kept


def _restart(dna: DNA) -> int:
    """The restart of its search that made it: no others are on its way."""
    return int(dna.header["lineage"].get("restart", 0))


def _blocks(dna: DNA, generations: IntArray, settling: dict[str, IntArray]) -> list[Json]:
    """When the numbers of each gene settled: shares by generation, and how many never left or still move."""
    rows = []
    places = dna.pool.slices()
    for gene in dna.pool.evolved:
        place = places[gene.group, gene.name]
        settled, narrow = settling["settled"][place], settling["narrow"][place]
        rows.append(
            {
                "gene": gene.name,
                "group": gene.group,
                "numbers": gene.size,
                "stayed": int((settled == 0).sum()),
                "moving": int((settled == len(generations) - 1).sum()),
                "settled": _median(settled[settled > 0], generations),
                "narrow": _median(narrow, generations),
                "settled_by": _share_by(settled, len(generations)),
                "narrow_by": _share_by(narrow, len(generations)),
            }
        )
    return rows


def _median(places: IntArray, generations: IntArray) -> int | None:
    """The generation by which half of them were there; None: of none, or never."""
    if not places.size:
        return None
    middle = int(np.sort(places)[(places.size - 1) // 2])
    return int(generations[middle]) if middle < len(generations) else None


def _share_by(places: IntArray, count: int) -> list[float]:
    return [float((places <= place).mean()) for place in range(count)]


def _numbers(dna: DNA, generations: IntArray, settling: dict[str, IntArray], change: FloatArray) -> list[Json]:
    """Numbers of the genome, those that changed most first."""
    known = weight_names(dna.brain, dna.inputs, action_labels(dna))
    names = [
        (gene.group, name)
        for gene in dna.pool.evolved
        for name in (gene.group == "weights" and known.get(gene.name)) or numbered(gene.name, gene.shape)
    ]
    rows = []
    for number in np.argsort(-np.abs(change), kind="stable")[:NUMBERS]:
        group, name = names[number]
        settled, narrow = (int(settling[what][number]) for what in ("settled", "narrow"))
        rows.append(
            {
                "gene": name,
                "group": group,
                "change": float(change[number]),
                "settled": int(generations[settled]),
                "narrow": int(generations[narrow]) if narrow < len(generations) else None,
            }
        )
    return rows


def _logged(dna: DNA) -> Json:
    """Fitness of the centre in every generation, as lived in selection."""
    assert dna.run is not None
    rows = [row for row in open_run(dna.run).rows() if row.get("restart", 0) == _restart(dna)]
    known = [row for row in rows if row.get("fitness_centre") is not None]
    return {
        "generation": [int(row["generation"]) for row in known],
        "fitness": [float(row["fitness_centre"]) for row in known],
    }


def _scores(kept: Sequence[DNA], specimen: Specimen) -> Json:
    """Scores of the ancestors, in the same lives: at birth, and later without and with learning; what rose first."""
    some = _spread_over(len(kept), specimen.extent.ancestors)
    keys = specimen.keys(specimen.extent.lives)
    scored: dict[str, list[Scores]] = {"birth": [], "innate": [], "learned": []}
    ways = {"birth": birth_scores, "innate": innate_scores, "learned": learned_scores}
    for number, place in enumerate(some):
        specimen.progress(number, len(some))
        ancestor = kept[place]
        arm = ready_arm("evolved", ARMS["evolved"], ancestor.pool, ancestor.genome, ancestor.config.learner)
        for name, way in ways.items():
            steps = specimen.birth_steps if name == "birth" else specimen.lifetime
            scored[name].append(way(specimen.setup, specimen.driver, arm, keys, steps))
    specimen.progress(len(some), len(some))
    generations = [kept[place].generation for place in some]
    learner = specimen.setup.config.learner
    until = specimen.lifetime if learner.learn_until is None else learner.learn_until
    return {
        "lives": specimen.extent.lives,
        "lifetime": specimen.lifetime,
        "birth_steps": specimen.birth_steps,
        "learns": learner.learn_from < min(until, specimen.lifetime),
        "selection_lifetime": specimen.setup.config.search.selection_lifetime,
        "diverged": sum(one.diverged for many in scored.values() for one in many),
        "lived": sum(len(one.values) for many in scored.values() for one in many),
        **assimilation(generations, *(np.stack([one.values for one in scored[name]]) for name in ways)),
    }


def _spread_over(count: int, most: int) -> list[int]:
    """At most so many places of `count`, evenly spread, first and last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


# --- what rose first ---


def assimilation(generations: Sequence[int], birth: FloatArray, innate: FloatArray, learned: FloatArray) -> Json:
    """Which of two scores rose first, and by how many generations.

    The two that are compared, innate and after learning, are of the same window of the same lives, so that nothing but
    learning lies between them. The birth score is of a younger age: it is followed too, and judges nothing.

    A score has risen if the last ancestor's is above the first's by more than chance over lives; it rose at the first
    generation from which on it stays above half of that rise. Lives are drawn again together for all ancestors and
    all scores, which were lived in the same worlds.

    Args:
        generations: [n], ascending, of the ancestors.
        birth: [n, L], score of each ancestor's first steps in each life, without learning.
        innate: [n, L], score late in the same lives, without learning.
        learned: [n, L], score late in the same lives, with learning.
    Returns:
        "generations", "birth", "innate" and "learned": "mean", "low", "high" [n], "rise" with its interval, "rose_at"
        (None: it did not rise) and "crossed" (the same between the generations that were kept); "lag" of innate
        behind learned in generations, with its interval (None unless both rose), "birth_lag" likewise of birth behind
        learned, and "outcome", one of the module's words.
    """
    lives = birth.shape[1]
    shares = life_counts(lives) / lives
    curves = {"birth": birth, "innate": innate, "learned": learned}
    resampled = {name: shares @ scores.T for name, scores in curves.items()}  # [S, n]
    found = {name: _rise(generations, scores, resampled[name]) for name, scores in curves.items()}
    lags = {
        name: _lag(generations, [curves[name], learned], [resampled[name], resampled["learned"]])
        if found[name]["rose_at"] is not None and found["learned"]["rose_at"] is not None
        else None
        for name in ("innate", "birth")
    }
    return {
        "generations": list(generations),
        **found,
        "lag": lags["innate"],
        "birth_lag": lags["birth"],
        "outcome": _outcome(generations, found, lags["innate"]),
        "small": SMALL,
        "level": LEVEL,
    }


def _outcome(generations: Sequence[int], found: Json, lag: Json | None) -> str:
    if lag is None:
        rose = [name for name in ("innate", "learned") if found[name]["rose_at"] is not None]
        return {"innate": ONLY_INNATE, "learned": ONLY_LEARNED}[rose[0]] if rose else NOTHING
    if lag["low"] > 0:
        return ASSIMILATION
    if lag["high"] < 0:
        return INSTINCT_FIRST
    small = SMALL * (generations[-1] - generations[0])
    if max(-lag["low"], lag["high"]) <= small:
        return TOGETHER
    if lag["low"] >= 0:
        return LEARNED_CLOSE
    return INNATE_CLOSE if lag["high"] <= 0 else CANNOT_TELL


def rose_at(curves: FloatArray) -> IntArray:
    """Place in each curve from which on it stays at or above half of its total rise; its length where it fell.

    Args:
        curves: [.., n].
    Returns:
        [..].
    """
    first, last = curves[..., :1], curves[..., -1:]
    above = curves >= first + 0.5 * (last - first)
    stays = np.logical_and.accumulate(above[..., ::-1], axis=-1).sum(axis=-1)
    return np.where(last[..., 0] > first[..., 0], curves.shape[-1] - stays, curves.shape[-1])


def crossing(generations: Sequence[int], curve: FloatArray) -> float:
    """Generation at which a curve that rises passes half of its rise, on straight lines between those kept."""
    at = int(rose_at(curve))
    half = float(curve[0] + curve[-1]) / 2
    before, after = float(curve[at - 1]), float(curve[at])
    share = (half - before) / (after - before)
    return generations[at - 1] + share * (generations[at] - generations[at - 1])


def _rise(generations: Sequence[int], scores: FloatArray, resampled: FloatArray) -> Json:
    lives = scores.shape[1]
    mean = scores.mean(axis=1)
    low, high = interval(resampled, LEVEL, lives)
    rise = estimate(mean[-1] - mean[0], resampled[:, -1] - resampled[:, 0], lives)
    has_risen = rise.low is not None and rise.low > ROUNDING * float(np.abs(mean).max())
    return {
        "mean": mean.tolist(),
        "low": plain(low),
        "high": plain(high),
        "rise": rise.as_json(),
        "rose_at": generations[int(rose_at(mean))] if has_risen else None,
        "crossed": crossing(generations, mean) if has_risen else None,
    }


def _lag(generations: Sequence[int], curves: Sequence[FloatArray], resampled: Sequence[FloatArray]) -> Json:
    """By how many generations the first of two scores rose after the second.

    Few generations are kept: a score that had risen at one, and not yet at the one before, rose somewhere between. The
    interval reaches from the least to the most that this allows.
    """
    # A resample without a rise has it after the end, a whole run later.
    times = np.array([*generations, 2 * generations[-1] + 1], np.float64)
    late, early = (rose_at(means) for means in resampled)
    lives = curves[0].shape[1]
    least, most = times[late - 1] - times[early], times[late] - times[early - 1]
    low, _ = interval(least, LEVEL, lives)
    _, high = interval(most, LEVEL, lives)
    behind, ahead = (crossing(generations, scores.mean(axis=1)) for scores in curves)
    return {"value": behind - ahead, "low": float(low), "high": float(high)}
