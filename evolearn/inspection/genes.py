"""The gene table: where evolution started, where it ended, and how sure it became of every single number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.dna import DNA
from evolearn.genome import FIXED, FRESH, TRANSFORMS, Gene
from evolearn.inspection.places import VALUE, VALUELESS, action_labels, numbered, weight_names
from evolearn.inspection.rounded import rounded
from evolearn.learning import INITIAL_SCALE

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]

NARROWED = 0.5  # spread left, as a share of the spread at the start, below which a gene counts as narrowed
# What the spread left means, by algorithm; those not named adapt a spread of every gene.
SPREADS = {"genetic": "population", "reptile": "none", "maml": "none"}


def inspect_genes(dna: DNA) -> Json:
    """Every gene of some DNA.

    Args:
        dna: whose.
    Returns:
        - ``algorithm``; ``role``, centre or best; ``spread``: adapted by the search, of the population, or none;
        - ``genes``, lists with an entry per evolved number: ``group``, ``block``, ``name``, ``transform``, ``value``
          and ``start`` in gene units, ``natural`` and ``natural_start`` in natural units, ``spread`` at the start and
          ``left`` at the end in gene units, ``ratio``, left over start, null where there is no spread, ``change`` from
          the start in spreads at the start, ``read``, false for genes that no life here reads;
        - ``summaries``, by group and by block: ``level``, ``group``, ``block``, ``numbers``, ``change`` (root mean
          square), ``largest`` change and ``name`` of that gene, ``ratio`` (median), ``low``, ``high`` (5% and 95%),
          ``narrowed``, share of genes with a ratio below `NARROWED`;
        - ``unread``, the same of the genes that nothing reads, or null if there are none;
        - ``not_evolved``: ``group``, ``block``, ``numbers``, ``mode``, ``natural`` value where there is one.
    """
    spread = SPREADS.get(dna.config.search.algorithm, "adapted") if dna.stdev.any() else "none"
    columns = _columns(dna, spread != "none")
    change, ratio = (np.array(columns[name], np.float64) for name in ("change", "ratio"))
    read = np.array(columns["read"], bool)
    levels = [("group", "group"), ("block", "block")]
    summaries = []
    for level, column in levels:
        labels = list(zip(columns["group"], columns[column], strict=True))
        for group, label in dict.fromkeys(labels):
            if level == "block" and label == group:
                continue
            rows = np.array([entry == (group, label) for entry in labels])
            about = {"level": level, "group": group, "block": "" if level == "group" else label}
            summaries.append(about | _summary(change, ratio, rows, columns["name"]))
    return {
        "algorithm": dna.config.search.algorithm,
        "role": dna.role,
        "spread": spread,
        "genes": {name: rounded(column) if name in _NUMBERS else column for name, column in columns.items()},
        "summaries": summaries,
        "unread": None if read.all() else _summary(change, ratio, ~read, columns["name"]),
        "not_evolved": [_not_evolved(dna, gene) for gene in dna.pool.genes if _place(dna, gene) is None],
    }


_NUMBERS = ("value", "start", "natural", "natural_start", "spread", "left", "ratio", "change")


def _columns(dna: DNA, has_spread: bool) -> dict[str, list[Any]]:
    """One entry per evolved number in every list."""
    columns: dict[str, list[Any]] = {name: [] for name in ("group", "block", "name", "transform", "read", *_NUMBERS)}
    unread = set(_unread(dna))
    names = weight_names(dna.brain, dna.observations, action_labels(dna))
    for gene in dna.pool.evolved:
        place = _place(dna, gene)
        decode = TRANSFORMS[gene.transform].decode
        value, left = dna.genome[place], dna.stdev[place]
        known = names.get(gene.name, []) if gene.group == "weights" else []
        rows = {
            "group": [gene.group] * gene.size,
            "block": [gene.name if gene.group == "weights" else gene.group] * gene.size,
            "name": known if len(known) == gene.size else numbered(gene.name, gene.shape),
            "transform": [gene.transform] * gene.size,
            "read": [(gene.group, gene.name) not in unread] * gene.size,
            "value": value,
            "start": gene.centre,
            "natural": decode(value),
            "natural_start": decode(gene.centre),
            "spread": gene.spread,
            "left": left,
            "ratio": left / gene.spread if has_spread else np.full(gene.size, np.nan),
            "change": (value.astype(np.float64) - gene.centre) / gene.spread,
        }
        for name, entries in rows.items():
            columns[name].extend(np.asarray(entries).tolist())
    return columns


def _place(dna: DNA, gene: Gene) -> slice | None:
    return dna.pool.slices().get((gene.group, gene.name))


def _unread(dna: DNA) -> Iterator[tuple[str, str]]:
    """Genes that no life reads, whatever they say: they show what becomes of a gene without selection."""
    learns = dna.config.learner.learn_until != 0
    policy = dna.brain.policy
    for gene in dna.pool.evolved:
        of_value = gene.group == "weights" and gene.name.startswith(f"{VALUE}.")
        if gene.name == INITIAL_SCALE and gene.group == "plasticity":
            read = dna.pool.modes["weights"] == FRESH
        elif of_value:
            read = learns and policy not in VALUELESS
        elif gene.group == "weights":
            read = True
        else:
            read = learns or gene.name == "epsilon"  # the policy's own, see `evolearn.epsilon_greedy`
        if not read:
            yield gene.group, gene.name


def _summary(change: Floats, ratio: Floats, rows: npt.NDArray[np.bool_], names: list[str]) -> Json:
    moved = np.abs(change[rows])
    largest = int(moved.argmax())
    where = np.flatnonzero(rows)[largest]
    left = ratio[rows]
    low, middle, high = np.quantile(left, (0.05, 0.5, 0.95))
    return {
        "numbers": int(rows.sum()),
        "change": rounded(np.sqrt((moved**2).mean())),
        "largest": rounded(change[where]),
        "name": names[where],
        "ratio": rounded(middle),
        "low": rounded(low),
        "high": rounded(high),
        "narrowed": rounded((left < NARROWED).mean()) if np.isfinite(left).all() else None,
    }


def _not_evolved(dna: DNA, gene: Gene) -> Json:
    """How a gene that evolution does not move comes into a life."""
    mode = dna.pool.mode(gene)
    natural = None if mode != FIXED or gene.size != 1 else rounded(TRANSFORMS[gene.transform].decode(gene.centre)[0])
    return {"group": gene.group, "block": gene.name, "numbers": gene.size, "mode": mode, "natural": natural}
