"""Two DNAs side by side: genes, distance, the line between them, and each in the other's world."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.errors import UserError
from evolearn.genome import EVOLVED, FRESH, GROUPS, GenePool, Newborns, decode
from evolearn.inspection._alignment import likeness
from evolearn.inspection._over_lives import mean_estimates, mean_over_lives
from evolearn.inspection._scoring import birth_scores, diverged_in, last_quarter, learned_scores, quarter_of
from evolearn.inspection._specimen import FIRST_GENERATION, Extent, IntArray, Json, Progress, lifetime_of
from evolearn.life import Driver, LifeFault, OwnDrivers, Plan, birth_plan, births_in, lives
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import ARMS, DNA, Setup, natural_values, ready_arm, setup_of
from evolearn.verdict import FloatArray

Live = Callable[[Newborns], tuple[FloatArray, int]]  # newborns [n] -> scores [n, L], and lives that diverged

LINES = 4  # with learning and without, raw and aligned
WHO = ("first", "second", "blank")  # lives in each world


def compare(
    first: DNA,
    second: DNA,
    extent: Extent,
    workers: int = 1,
    progress: Progress = lambda done, of: None,
    lifetime: int | None = None,
) -> Json:
    """Compare two DNAs.

    What cannot be compared says why: brains of other sizes have no line between them, and a world that is gone, or
    asks for another brain, nobody to live in it.

    Args:
        first: one.
        second: the other.
        extent: how much is lived.
        workers: threads or processes; changes speed only.
        progress: told how much is done.
        lifetime: world steps of a life with learning; None: as the first was selected on, within the extent's limit.
    Returns:
        "identical", "brains" (fields that differ), "seeds", "same_start", "genes" (drives and plasticity), "likeness"
        or "unlike" (why there is none), "line" or "no_line", and "transfer".
    """
    steps = lifetime_of(first, extent, lifetime)
    unlike = _unlike_brains(first, second)
    found, weights = (None, None) if unlike else _likeness(first, second)
    counter = _Counter(progress, of=(1 if _same_world(first, second) else 2) * len(WHO) + (0 if unlike else LINES))
    line, no_line = None, unlike
    with contextlib.closing(OwnDrivers(workers)) as drivers:
        transfer = _transfer({"first": first, "second": second}, drivers, extent, steps, counter.done)
        if weights is not None:
            try:
                line = _line(first, second, weights, drivers, extent, steps, counter.done)
            except (UserError, LifeFault) as error:
                no_line = str(error)
    progress(counter.of, counter.of)
    return {
        "identical": bool(
            not unlike
            and first.pool.code == second.pool.code
            and first.pool.size == second.pool.size
            and np.array_equal(first.genome, second.genome)
        ),
        "brains": _brain_fields(first, second),
        "other_observations": first.observations != second.observations,
        "seeds": [first.config.seed, second.config.seed],
        "same_start": not unlike and np.array_equal(_start(first), _start(second)),
        "genes": _genes(first, second),
        "likeness": found,
        "unlike": unlike,
        "line": line,
        "no_line": no_line,
        "transfer": transfer,
    }


@dataclasses.dataclass
class _Counter:
    """Counts what is done."""

    progress: Progress
    of: int
    counted: int = 0

    def done(self) -> None:
        """One thing more."""
        self.counted += 1
        self.progress(self.counted, self.of)


def _brain_fields(first: DNA, second: DNA) -> list[Json]:
    """What the brains differ in."""
    pairs = ((field.name, *(getattr(dna.brain, field.name) for dna in (first, second)))
             for field in dataclasses.fields(first.brain))  # fmt: skip
    return [
        {"field": name, "first": _in_words(one), "second": _in_words(other)}
        for name, one, other in pairs
        if one != other
    ]


def _in_words(value: object) -> str:
    return " x ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _unlike_brains(first: DNA, second: DNA) -> str:
    """Why weights cannot be compared; empty where they can."""
    if fields := _brain_fields(first, second):
        differences = ", ".join(f"{row['field']} {row['first']} and {row['second']}" for row in fields)
        return f"the brains differ ({differences}): there is no weight of one for each of the other"
    for name, dna in (("A", first), ("B", second)):
        if dna.pool.modes["weights"] == FRESH:
            return f"{name} draws its weights afresh in each life: it has none to compare"
    return ""


def _likeness(first: DNA, second: DNA) -> tuple[Json, FloatArray]:
    return likeness(first.brain, first.newborns.weights[0], second.newborns.weights[0])


def _start(dna: DNA) -> npt.NDArray[np.float32]:
    """Weights at which the search began."""
    return np.asarray(decode(dna.pool, dna.pool.centre[None]).weights[0])


def _genes(first: DNA, second: DNA) -> list[Json]:
    """Drives and plasticity side by side, in natural values; of genes of many numbers the root mean square."""
    values = [natural_values(dna.pool, dna.genome) for dna in (first, second)]
    tables = [{(gene.group, gene.name): gene for gene in dna.pool.genes} for dna in (first, second)]
    rows = []
    for group in ("drives", "plasticity"):
        for name in dict.fromkeys([*values[0][group], *values[1][group]]):
            modes = [
                dna.pool.mode(table[group, name]) if (group, name) in table else None
                for dna, table in zip((first, second), tables, strict=True)
            ]
            rows.append(
                {
                    "group": group,
                    "gene": name,
                    "first": _size(values[0][group].get(name)),
                    "second": _size(values[1][group].get(name)),
                    "first_mode": modes[0],
                    "second_mode": modes[1],
                    "difference": _in_spreads(first, second, group, name),
                }
            )
    return rows


def _size(value: float | tuple[float, ...] | None) -> float | None:
    return float(np.sqrt(np.mean(np.square(value)))) if isinstance(value, tuple) else value


def _in_spreads(first: DNA, second: DNA, group: str, name: str) -> float | None:
    """Second less first in start-spreads of the first, of many numbers the root mean square.

    None unless both evolved it in the same units.
    """
    tables = [{(gene.group, gene.name): gene for gene in dna.pool.evolved} for dna in (first, second)]
    if any((group, name) not in table for table in tables):
        return None
    one, other = (table[group, name] for table in tables)
    if one.transform != other.transform:
        return None
    if one.shape != other.shape:
        return None
    values = [dna.genome[dna.pool.slices()[group, name]].astype(np.float64) for dna in (first, second)]
    differences = (values[1] - values[0]) / one.spread
    return float(np.sqrt(np.mean(differences**2))) if one.shape else float(differences[0])


# --- the line between them ---


def _line(
    first: DNA,
    second: DNA,
    near: FloatArray,
    drivers: OwnDrivers,
    extent: Extent,
    lifetime: int,
    done: Callable[[], None],
) -> Json:
    """Scores along the line from the first to the second, as it is and aligned, in the first's world."""
    setup = setup_of(first)
    driver = setup.driver(drivers)
    shares = np.linspace(0.0, 1.0, extent.line // 2 | 1)  # the middle is one of them
    raw = second.newborns.weights[0].astype(np.float64)
    keys = life_keys(first.config.seed, VALIDATION, FIRST_GENERATION, extent.lives)
    birth_steps = min(first.config.evaluation.birth_steps, lifetime)
    no_learning = _unlike_genes(first, second)
    curves: dict[str, Json | None] = {"birth": None, "learned": None}
    diverged = lived = 0
    for learns, steps in ((False, birth_steps), (True, lifetime)):
        if learns and no_learning:
            break
        live = _line_scores(setup, driver, keys, steps, learns)
        found: Json = {}
        for name, weights in (("raw", raw), ("aligned", near)):
            again = name == "aligned" and np.array_equal(near, raw)
            if again:
                found[name] = found["raw"]
            else:
                scores, lost = live(mixtures(first, second, weights, shares))
                found[name] = barrier(shares, scores)
                diverged, lived = diverged + lost, lived + scores.size
            done()
        curves["learned" if learns else "birth"] = found
    return {
        "world": first.world,
        "shares": shares.tolist(),
        "lives": extent.lives,
        "birth_steps": birth_steps,
        "lifetime": lifetime,
        "diverged": diverged,
        "lived": lived,
        "no_learning": no_learning,
        **curves,
    }


def mixtures(first: DNA, second: DNA, weights: FloatArray, shares: FloatArray) -> Newborns:
    """Newborns on the straight line between two DNAs: weights, and drives and plasticity in gene units.

    Where the two have other drives or another learner all have those of the first.

    Args:
        first: where the line begins.
        second: where it ends, of the same brain.
        weights: [W], of the second, as they are or aligned.
        shares: [n], of the second, 0 .. 1.
    Returns:
        A record of n.
    """
    start = first.newborns.weights[0].astype(np.float64)
    between = start + shares[:, None] * (weights - start)
    one = _whole_genes(first, first)
    other = one if _unlike_genes(first, second) else _whole_genes(second, first)
    genes = one + shares[:, None] * (other - one)
    born = decode(_all_evolved(first.pool), genes)
    return born._replace(weights=np.ascontiguousarray(between.astype(np.float32)))


def _unlike_genes(first: DNA, second: DNA) -> str:
    """Why drives and plasticity of two DNAs cannot be mixed; empty where they can."""
    tables = [
        [(gene.group, gene.name, gene.transform, gene.shape) for gene in dna.pool.genes if gene.group != "weights"]
        for dna in (first, second)
    ]
    if tables[0] != tables[1]:
        return "their drives, learners or innate values differ, so that no learner lies between them"
    fresh = [group for group in GROUPS[1:] for dna in (first, second) if dna.pool.modes[group] == FRESH]
    return f"{fresh[0]} are drawn afresh in each life, so that there are none to mix" if fresh else ""


def _whole_genes(dna: DNA, weights_of: DNA) -> FloatArray:
    """Every gene of some DNA in gene units, those that did not evolve too, [all genes].

    Those of the weights are another's, since they may be a code: between two lie the weights themselves.
    """
    parts = []
    for whose, of_weights in ((weights_of, True), (dna, False)):
        places = whose.pool.slices()
        for gene in whose.pool.genes:
            if (gene.group == "weights") == of_weights:
                place = places.get((gene.group, gene.name))
                parts.append(gene.centre if place is None else whose.genome[place])
    return np.concatenate(parts).astype(np.float64)


def _line_scores(setup: Setup, driver: Driver, keys: IntArray, steps: int, learns: bool) -> Live:
    """How newborns are scored: at birth, learning off; or over the last quarter of a life with learning.

    Args:
        setup: of the world.
        driver: for its conditions.
        keys: int64 [L, 4]; all newborns live the same lives.
        steps: world steps of a life.
        learns: whether life teaches.
    Returns:
        Newborns of n -> [n, L], and how many lives ended early, their brain having left the finite numbers.
    """
    learner, world = setup.config.learner, setup.conditions.world
    plan = birth_plan(world, Plan(steps, learn_until=0))
    if learns:
        plan = Plan(steps, learner.learn_from, learner.learn_until, quarter_of(steps))

    def live(newborns: Newborns) -> tuple[FloatArray, int]:
        count = len(newborns.weights)
        born_as = np.repeat(np.arange(count), len(keys))
        outcome, _ = lives(driver, setup.conditions, newborns, born_as, np.tile(keys, (count, 1)), plan)
        scores = last_quarter(outcome, world.fitness_rule, plan) if learns else births_in(world, outcome, plan).score
        return scores.reshape(count, len(keys)), diverged_in(outcome)

    return live


def barrier(shares: FloatArray, scores: FloatArray) -> Json:
    """How far scores fall below the straight line between those of the end points.

    The largest of many noisy drops is too large by chance. So the place is also chosen by one half of the lives, and
    the drop there measured in the other half, both ways: that mean is not, and has an honest interval.

    Args:
        shares: [n], 0 .. 1.
        scores: [n, L].
    Returns:
        "mean", "low", "high" [n]; "largest" drop of the means, >= 0, and "at" which share; "places" that the
        halves of the lives chose, one or two shares; and "checked" with "mean", "low" and "high", the drop there in
        lives that did not choose: it may be negative.
    Source: Frankle et al. 2020, "Linear mode connectivity and the lottery ticket hypothesis", section 2; Draxler et al.
        2018, "Essentially no barriers in neural network energy landscape".
    """
    drops = scores[0] + shares[:, None] * (scores[-1] - scores[0]) - scores
    means = drops.mean(axis=1)
    worst = int(means.argmax())
    halves = np.arange(scores.shape[1]) % 2 == 0
    checked = drops[0] * 0.0
    places = set()
    for half in (halves, ~halves):
        chosen = int(drops[:, half].mean(axis=1).argmax()) if half.any() else worst
        checked[~half] = drops[chosen, ~half]
        places.add(float(shares[chosen]))
    points = mean_estimates(scores.T)
    return {
        "mean": [point.value for point in points],
        "low": [point.low for point in points],
        "high": [point.high for point in points],
        "largest": float(means[worst]),
        "at": float(shares[worst]),
        "places": sorted(places),
        "checked": mean_over_lives(checked),
    }


def _all_evolved(pool: GenePool) -> GenePool:
    """The same gene table with every gene in the genome."""
    genes = tuple(dataclasses.replace(gene, held=False) for gene in pool.genes)
    return dataclasses.replace(pool, genes=genes, modes=dict.fromkeys(pool.modes, EVOLVED))


# --- each in the other's world ---


def _transfer(
    pair: Mapping[str, DNA], drivers: OwnDrivers, extent: Extent, lifetime: int, done: Callable[[], None]
) -> Json:
    """Scores of two DNAs and of a blank slate in the world of each, or in the one that they share.

    Lives are those of the world's own DNA, so that it scores here what it scores in its own inspection.

    Args:
        pair: "first" and "second".
        drivers: where lives are lived.
        extent: how many.
        lifetime: world steps of a life with learning.
        done: called after each cell.
    Returns:
        "worlds": each "of" (whose), "name", "parameters", "birth_steps" and "cells": who -> "birth" and "learned",
        "diverged" lives of both and "note" (what to heed), or "missing": why it cannot live there.
    """
    owners = ["first"] if _same_world(pair["first"], pair["second"]) else ["first", "second"]
    return {
        "lifetime": lifetime,
        "birth_lives": extent.birth_lives,
        "lives": extent.lives,
        "worlds": [_world(owner, pair, drivers, extent, lifetime, done) for owner in owners],
    }


def _same_world(first: DNA, second: DNA) -> bool:
    """Whether two DNAs evolved in the same world with the same settings."""
    return _settings(first) == _settings(second)


def _settings(dna: DNA) -> Any:
    return dna.header["world"], dna.config.world.model_dump(exclude={"parameters"})


def _world(
    owner: str,
    pair: Mapping[str, DNA],
    drivers: OwnDrivers,
    extent: Extent,
    lifetime: int,
    done: Callable[[], None],
) -> Json:
    host = pair[owner]
    birth_steps = min(host.config.evaluation.birth_steps, lifetime)
    cells = {}
    for who in WHO:
        try:
            cells[who] = _cell(pair.get(who, host), host, who, drivers, extent, birth_steps, lifetime)
        except (UserError, LifeFault) as error:
            cells[who] = {"missing": str(error)}
        done()
    world = host.header["world"]
    return {
        "of": owner,
        "name": world["name"],
        "parameters": world["parameters"],
        "birth_steps": birth_steps,
        "cells": cells,
    }


def _cell(
    guest: DNA, host: DNA, who: str, drivers: OwnDrivers, extent: Extent, birth_steps: int, lifetime: int
) -> Json:
    setup = setup_of(guest, None if _same_world(guest, host) else host.config.world)
    driver = setup.driver(drivers)
    name = "blank" if who == "blank" else "evolved"
    arm = ready_arm(name, ARMS[name], guest.pool, guest.genome, guest.config.learner)
    birth_keys, keys = (
        life_keys(host.config.seed, VALIDATION, FIRST_GENERATION, count) for count in (extent.birth_lives, extent.lives)
    )
    birth = birth_scores(setup, driver, arm, birth_keys, birth_steps)
    learned = learned_scores(setup, driver, arm, keys, lifetime)
    return {
        "birth": mean_over_lives(birth.values),
        "learned": mean_over_lives(learned.values),
        "diverged": birth.diverged + learned.diverged,
        "note": _other_names(guest, setup),
    }


def _other_names(guest: DNA, setup: Setup) -> str:
    """What the guest's brain takes for something else here."""
    here = tuple(signal.name for signal in setup.conditions.world.observations)
    unlike = [f"{here} for {own}" for own, here in zip(guest.observations, here, strict=True) if own != here]
    return f"observations by place, not by name: {', '.join(unlike)}" if unlike else ""
