"""The gene table: where evolution started, where it ended, and how sure it became of every single number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import (
    GROWN_ONSET,
    GROWN_WEIGHT,
    GROWN_WEIGHTS,
    GROWN_WIDTH,
    LAST_REWARD,
    OF_FRESH_WEIGHTS,
    find_learner,
    find_policy,
    timetable_names,
)
from evolearn.genome import FIXED, FRESH, TRANSFORMS, Gene
from evolearn.inspection._names import VALUE, action_labels, numbered, value_names, weight_names
from evolearn.inspection._specimen import IntArray, Json
from evolearn.inspection.record import rounded
from evolearn.run import DNA
from evolearn.verdict import FloatArray

NARROWED = 0.5  # spread kept, as a share of what the median gene kept, below which a gene counts as narrowed
MOST_ROWS = 2000  # genes with a row of their own
RANKS = 200  # at most, of the curve of all changes by rank
BINS = 40
NAMED = 3  # of those narrowed most
# What the spread left means, by algorithm; those not named adapt a spread of every gene.
SPREADS = {"genetic": "population", "reptile": "none", "maml": "none"}


def inspect_genes(dna: DNA) -> Json:
    """Every gene of some DNA.

    Args:
        dna: whose.
    Returns:
        - ``algorithm``; ``role``, centre or best; ``spread``: adapted by the search, of the population, or none;
        - ``numbers``, evolved in all;
        - ``genes``, lists with an entry per evolved number, in the order of the genome, of more than `MOST_ROWS` all
          drives and plasticity and the weights that changed most: ``group``, ``block``, ``name``, ``transform``,
          ``value`` and ``start`` in gene units, ``natural`` and ``natural_start`` in natural units, ``spread`` at the
          start and ``left`` at the end in gene units, ``ratio``, left over start, null where there is no spread,
          ``change`` from the start in spreads at the start, ``read``, false for genes that no life here reads;
        - ``all``, null if every gene has its row: see `_distributions`;
        - ``settled``, null where there is no spread or nothing is read: see `_settled`;
        - ``summaries``, by group and by block: ``level``, ``group``, ``block``, ``numbers``, ``change`` (root mean
          square), ``largest`` change and ``name`` of that gene, ``ratio`` (median), ``low``, ``high`` (5% and 95%),
          ``narrowed``, share of genes that kept less than `NARROWED` of what the median gene that is read kept;
        - ``unread``, the same of the genes that nothing reads, or null if there are none;
        - ``not_evolved``: ``group``, ``block``, ``numbers``, ``mode``, ``natural`` value where there is one.
    """
    spread = SPREADS.get(dna.config.search.algorithm, "adapted") if dna.stdev.any() else "none"
    blocks = list(_blocks(dna, spread != "none"))
    change, ratio, read = (_joined(blocks, name) for name in ("change", "ratio", "read"))
    names = [name for block in blocks for name in block["name"]]
    settled = _settled(ratio, read, names)
    edge = NARROWED * settled["median"] if settled else math.nan

    def summary(rows: npt.NDArray[np.bool_]) -> Json:
        return _summary(change, ratio, np.flatnonzero(rows), names, edge)

    kept = _kept(blocks, np.abs(change))
    return {
        "algorithm": dna.config.search.algorithm,
        "role": dna.role,
        "spread": spread,
        "numbers": len(names),
        "genes": _rows(blocks, names, kept),
        "all": None if len(kept) == len(names) else _distributions(change, ratio),
        "settled": settled,
        "summaries": [about | summary(rows) for about, rows in _levels(blocks)],
        "unread": None if read.all() else summary(~read),
        "not_evolved": [_not_evolved(dna, gene) for gene in dna.pool.genes if _place(dna, gene) is None],
    }


_TEXTS = ("group", "block", "transform")
_NUMBERS = ("value", "start", "natural", "natural_start", "spread", "left", "ratio", "change")


def _blocks(dna: DNA, has_spread: bool) -> Iterator[dict[str, Any]]:
    """Evolved genes: texts of a whole gene, an entry per number of everything else."""
    unread = set(_unread(dna))
    names = weight_names(dna.brain, dna.inputs, action_labels(dna))
    if dna.config.value is not None:
        names |= value_names(dna.observations, dna.config.value.hidden)
    if GROWN_WEIGHTS in dna.brain.growth:
        names |= _grown_names(dna, names)
    for gene in dna.pool.evolved:
        place = _place(dna, gene)
        decode = TRANSFORMS[gene.transform].decode
        value, left = dna.genome[place], dna.stdev[place]
        known = names.get(gene.name) or _rule_names(gene, names)
        yield {
            "group": gene.group,
            "block": gene.name if gene.group in ("weights", "value") else gene.group,
            "name": known if len(known) == gene.size else numbered(gene.name, gene.shape),
            "transform": gene.transform,
            "read": np.full(gene.size, (gene.group, gene.name) not in unread),
            "value": value,
            "start": gene.centre,
            "natural": decode(value),
            "natural_start": decode(gene.centre),
            "spread": gene.spread,
            "left": left,
            "ratio": left / gene.spread if has_spread else np.full(gene.size, np.nan),
            "change": (value.astype(np.float64) - gene.centre) / gene.spread,
        }


def _grown_names(dna: DNA, names: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Names of old weights, ``old hidden1.weight[angle -> 3]``, and of timetables, ``grown_onset[angle]``."""
    old = [f"old {name}" for tensor in dna.brain.thinking.tensors for name in names[tensor.name]]
    told = dna.inputs
    layers = timetable_names(dna.brain)[len(told) :]
    return {
        GROWN_WEIGHT: old,
        **{gene: [f"{gene}[{of}]" for of in (*told, *layers)] for gene in (GROWN_ONSET, GROWN_WIDTH)},
    }


def _rule_names(gene: Gene, names: Mapping[str, list[str]]) -> list[str]:
    """Names of a gene with a number for each connection of a layer: ``hidden1 A, weight[angle -> 3]``."""
    layer, _, letter = gene.name.rpartition(" ")
    connections = [
        f"{layer} {letter}, {name.removeprefix(f'{layer}.')}"
        for part in ("weight", "bias")
        for name in names.get(f"{layer}.{part}", [])
    ]
    return connections if gene.shape else []


def _joined(blocks: list[dict[str, Any]], name: str) -> npt.NDArray[Any]:
    """One entry per evolved number."""
    return np.concatenate([np.asarray(block[name]).reshape(-1) for block in blocks] or [np.zeros(0)])


def _texts(blocks: list[dict[str, Any]], name: str) -> npt.NDArray[np.str_]:
    return np.repeat(np.array([block[name] for block in blocks], np.str_), [len(block["name"]) for block in blocks])


def _kept(blocks: list[dict[str, Any]], size: FloatArray) -> IntArray:
    """Places of the genes with rows of their own, rising."""
    first = np.lexsort((-size, _texts(blocks, "group") == "weights"))
    return np.sort(first[:MOST_ROWS])


def _rows(blocks: list[dict[str, Any]], names: list[str], kept: IntArray) -> Json:
    rows: Json = {name: _texts(blocks, name)[kept].tolist() for name in _TEXTS}
    rows["name"] = [names[place] for place in kept]
    rows["read"] = _joined(blocks, "read")[kept].astype(bool).tolist()
    return rows | {name: rounded(_joined(blocks, name)[kept]) for name in _NUMBERS}


def _levels(blocks: list[dict[str, Any]]) -> Iterator[tuple[Json, npt.NDArray[np.bool_]]]:
    """Groups, then the blocks of those that have several, each with its rows."""
    labels = {name: _texts(blocks, name) for name in ("group", "block")}
    for group in dict.fromkeys(block["group"] for block in blocks):
        yield {"level": "group", "group": group, "block": ""}, labels["group"] == group
    for group, block in dict.fromkeys((block["group"], block["block"]) for block in blocks):
        if block != group:
            rows = (labels["group"] == group) & (labels["block"] == block)
            yield {"level": "block", "group": group, "block": block}, rows


def _settled(ratio: FloatArray, read: npt.NDArray[np.bool_], names: list[str]) -> Json | None:
    """Which genes the search narrowed beyond what it did to all of them alike.

    Returns:
        ``median``, spread that the median gene that is read kept, with ``low`` and ``high`` (5% and 95%); ``numbers``
        of genes that are read, ``narrowed`` of them, which kept less than `NARROWED` of that, ``names`` of the
        narrowest; ``unread`` genes, and ``unread_narrowed`` of them, which chance alone narrowed.
    """
    if not read.any() or not np.isfinite(ratio).all():
        return None
    low, median, high = np.quantile(ratio[read], (0.05, 0.5, 0.95))
    narrow = ratio < NARROWED * median
    places = np.flatnonzero(narrow & read)
    return {
        "median": rounded(median),
        "low": rounded(low),
        "high": rounded(high),
        "numbers": int(read.sum()),
        "narrowed": len(places),
        "names": [names[place] for place in places[np.argsort(ratio[places], kind="stable")][:NAMED]],
        "unread": int((~read).sum()),
        "unread_narrowed": int((narrow & ~read).sum()),
    }


def _distributions(change: FloatArray, ratio: FloatArray) -> Json:
    """All genes, where they are too many for rows.

    Returns:
        ``ranks`` and ``sizes``, absolute changes from the largest, at ranks evenly spaced on a logarithmic scale;
        ``ratios``, null without a spread: ``edges`` [bins + 1] and ``counts`` [bins] of spread left over start.
    """
    ranks = np.unique(np.geomspace(1, len(change), RANKS).round().astype(np.int64))
    sizes = np.sort(np.abs(change))[::-1][ranks - 1]
    ratios = None
    if np.isfinite(ratio).all():
        counts, edges = np.histogram(ratio, BINS)
        ratios = {"edges": rounded(edges), "counts": counts.tolist()}
    return {"ranks": ranks.tolist(), "sizes": rounded(sizes), "ratios": ratios}


def _place(dna: DNA, gene: Gene) -> slice | None:
    return dna.pool.slices().get((gene.group, gene.name))


def _unread(dna: DNA) -> Iterator[tuple[str, str]]:
    """Genes that no life reads, whatever they say: they show what becomes of a gene without selection."""
    learns = dna.config.learner.learn_until != 0
    policy, learner = find_policy(dna.brain.policy), find_learner(dna.config.learner.name)
    for gene in dna.pool.evolved:
        of_value = gene.group == "weights" and gene.name.startswith(f"{VALUE}.")
        if gene.name in OF_FRESH_WEIGHTS and gene.group == "plasticity":
            read = dna.pool.modes["weights"] == FRESH
        elif of_value:
            read = learns and policy.has_value and learner.value is not None
            read = read or (dna.config.value is not None and dna.config.value.read == "learned")
        elif gene.group == "value":
            read = _reads_value(dna, learns)
        elif gene.group == "weights":
            read = True
        else:
            read = learns or gene.name in (*policy.genes, GROWN_WEIGHT, GROWN_ONSET, GROWN_WIDTH)
        if not read:
            yield gene.group, gene.name


def _reads_value(dna: DNA, learns: bool) -> bool:
    """Whether anything reads the innate value: who acts, who learns, or who is told of the reward felt."""
    uses = () if dna.config.value is None else dna.config.value.uses
    return "acting" in uses or learns or LAST_REWARD in dna.brain.inputs


def _summary(change: FloatArray, ratio: FloatArray, rows: IntArray, names: list[str], edge: float) -> Json:
    moved, left = np.abs(change[rows]), ratio[rows]
    where = rows[moved.argmax()]
    low, middle, high = np.quantile(left, (0.05, 0.5, 0.95))
    return {
        "numbers": len(rows),
        "change": rounded(np.sqrt((moved**2).mean())),
        "largest": rounded(change[where]),
        "name": names[where],
        "ratio": rounded(middle),
        "low": rounded(low),
        "high": rounded(high),
        "narrowed": rounded((left < edge).mean()) if math.isfinite(edge) else None,
    }


def _not_evolved(dna: DNA, gene: Gene) -> Json:
    """How a gene that evolution does not move comes into a life."""
    mode = dna.pool.mode(gene)
    natural = None if mode != FIXED or gene.size != 1 else rounded(TRANSFORMS[gene.transform].decode(gene.centre)[0])
    return {"group": gene.group, "block": gene.name, "numbers": gene.size, "mode": mode, "natural": natural}
