"""Two DNAs side by side: genes, distance, the line between them, and each in the other's world."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evolearn.errors import UserError
from evolearn.genome import FRESH
from evolearn.inspection.alignment import likeness
from evolearn.inspection.interpolation import barrier, line_scores, mixtures, unlike_genes
from evolearn.inspection.specimen import FIRST_GENERATION, Extent, Json, Progress, lifetime_of
from evolearn.inspection.transfer import WHO, same_world, transfer_table
from evolearn.life import LifeFault, OwnDrivers
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import DNA, natural_values, setup_of

FloatArray = npt.NDArray[np.float64]


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
    counter = _Counter(progress, of=(1 if same_world(first, second) else 2) * len(WHO) + (0 if unlike else _LINES))
    line, no_line = None, unlike
    with contextlib.closing(OwnDrivers(workers)) as drivers:
        transfer = transfer_table({"first": first, "second": second}, drivers, extent, steps, counter.done)
        if weights is not None:
            try:
                line = _line(first, second, weights, drivers, extent, steps, counter.done)
            except (UserError, LifeFault) as error:
                no_line = str(error)
    progress(counter.of, counter.of)
    return {
        "identical": bool(
            not unlike and first.pool.size == second.pool.size and np.array_equal(first.genome, second.genome)
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


_LINES = 4  # with learning and without, raw and aligned


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
    return np.concatenate([gene.centre for gene in dna.pool.genes if gene.group == "weights"])


def _genes(first: DNA, second: DNA) -> list[Json]:
    """Drives and plasticity side by side, in natural values."""
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
                    "first": values[0][group].get(name),
                    "second": values[1][group].get(name),
                    "first_mode": modes[0],
                    "second_mode": modes[1],
                    "difference": _in_spreads(first, second, group, name),
                }
            )
    return rows


def _in_spreads(first: DNA, second: DNA, group: str, name: str) -> float | None:
    """Second less first in start-spreads of the first; None unless both evolved it in the same units."""
    tables = [{(gene.group, gene.name): gene for gene in dna.pool.evolved} for dna in (first, second)]
    if any((group, name) not in table for table in tables):
        return None
    one, other = (table[group, name] for table in tables)
    if one.transform != other.transform:
        return None
    values = [float(dna.genome[dna.pool.slices()[group, name]][0]) for dna in (first, second)]
    return (values[1] - values[0]) / float(one.spread[0])


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
    no_learning = unlike_genes(first, second)
    curves: dict[str, Json | None] = {"birth": None, "learned": None}
    diverged = lived = 0
    for learns, steps in ((False, birth_steps), (True, lifetime)):
        if learns and no_learning:
            break
        live = line_scores(setup, driver, keys, steps, learns)
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
