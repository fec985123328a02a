"""Fitness around the evolved weights: over a plane through them, and along the line from the random initialisation.

The plane is spanned by two random directions, each unit's share of a direction as long as that unit's own weights, so
that a step of 1 replaces as much as is there. Only the weights move; drives and plasticity stay as evolved.

Source: Li et al. 2018, Visualizing the loss landscape of neural nets, section 4; Goodfellow et al. 2015, Qualitatively
characterizing neural network optimization problems, for the line; Hinton and Nowlan 1987, How learning can guide
evolution, for the question.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from evolearn.agent import BrainSpec
from evolearn.genome import EVOLVED
from evolearn.inspection._landscape_measures import MEASURES, Surface, common_scale, estimates, is_peak, verdict_of
from evolearn.inspection._over_lives import mean_estimates
from evolearn.inspection._specimen import IntArray, Json, Specimen
from evolearn.inspection.record import plain
from evolearn.life import Plan, evaluate
from evolearn.run import DNA, DNAError
from evolearn.verdict import FloatArray

REACH = 1.0  # of the plane, in lengths of a unit's own weights
LINE_END = 1.5  # of the line, where 1 is the way from the random initialisation to the evolved point
DIRECTIONS = 18  # a stream of random numbers of its own
HEADS = ("policy", "value", "prediction")
AT_ONCE = 32  # points between two reports of progress


def inspect_landscape(specimen: Specimen) -> Json:
    """Fitness over a plane through the evolved point and along a line to it, with and without learning.

    Args:
        specimen: whose weights evolved; `extent` says how many points and lives.
    Returns:
        A record for JSON. ``positions``: of the plane's and the line's points. ``conditions``: "without" and, if it
        learns at all, "learning", each with ``plane`` [N, N] mean life fitness, ``line`` [K] estimates, ``measures`` by
        name (null: no peak, so no shape), ``peak`` and ``diverged`` lives. ``differences``: learning minus without, by
        measure. ``verdict``: of height, share and bend, "more", "less" or "unclear".
    Raises:
        DNAError: the weights did not evolve: there is no evolved point; or their genes are a code.
        LifeFault: the world is at fault.
    """
    dna, extent = specimen.dna, specimen.extent
    if dna.pool.modes["weights"] != EVOLVED:
        how = {"fresh": "drawn afresh in each life", "fixed": "the same in every run"}[dna.pool.modes["weights"]]
        raise DNAError(f"{dna.path}: its weights are {how}, not evolved: there is no evolved point to look around")
    if not dna.pool.holds_weights:
        raise DNAError(
            f"{dna.path}: its genes are a code and no weights (genome.encoding={dna.pool.encoding!r}): no unit "
            "has genes of its own, by whose length a direction could go; inspect DNA of direct or quantised genes"
        )
    first, second = random_directions(dna)
    steps = np.linspace(-REACH, REACH, extent.grid)
    positions = np.linspace(0.0, LINE_END, extent.line)
    offsets = np.concatenate([_plane_offsets(steps), _line_offsets(positions)])
    axes = np.stack([first, second, (dna.genome - dna.pool.centre)[_moved(dna)]])
    fitness, diverged = _live_everywhere(specimen, axes, offsets)
    surfaces = {name: _surface(everywhere, extent.grid) for name, everywhere in fitness.items()}
    scale = common_scale(surfaces)
    found, differences = estimates(surfaces, positions)
    verdict = {name: verdict_of(differences, name) for name in ("height", "share", "bend")} if differences else {}
    return {
        "lives": extent.landscape_lives,
        "lived": len(offsets) * extent.landscape_lives,
        "lifetime": specimen.lifetime,
        "positions": {"plane": plain(steps), "line": plain(positions)},
        "cosine": float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second))) if first.any() else None,
        "distance": float(np.linalg.norm(axes[2])),
        "conditions": {
            name: {
                "plane": plain(surface.plane.mean(axis=-1)),
                "line": [point.as_json() for point in mean_estimates(surface.line.T)],
                "measures": {key: value and value.as_json() for key, value in found[name].items()},
                "peak": is_peak(found[name]),
                "fitter": _fitter(surface),
                "diverged": diverged[name],
            }
            for name, surface in surfaces.items()
        },
        "differences": {key: value and value.as_json() for key, value in differences.items()},
        "scale": {**dataclasses.asdict(scale), "span": scale.span},
        "verdict": verdict,
        "measures": MEASURES,
    }


def random_directions(dna: DNA) -> tuple[FloatArray, FloatArray]:
    """Two random directions in the space of the evolved weights, [W] each, filter by filter as long as these.

    A unit's weights and its bias are one filter; log standard deviations of actions are no unit's, and stay as they
    are.

    Args:
        dna: its config's seed draws the directions.
    Source: Li et al. 2018, section 4; biases, which are left out there, are taken for one more weight each.
    """
    evolved = dna.genome[_moved(dna)].astype(np.float64)
    filters = filters_of(dna.brain)
    blocks = [gene for gene in dna.pool.genes if gene.group == "weights"]
    evolved_blocks = {gene.name for gene in blocks if not gene.held}  # without heads that are no genes
    filters = filters[
        np.concatenate([np.full(tensor.size, tensor.name in evolved_blocks) for tensor in dna.brain.tensors])
    ]
    rng = np.random.default_rng([dna.config.seed, DIRECTIONS])

    def lengths(values: FloatArray) -> FloatArray:
        return np.asarray(np.sqrt(np.bincount(filters + 1, weights=values**2))[filters + 1])

    first, second = (np.where(filters < 0, 0.0, rng.standard_normal(len(filters))) for _ in range(2))
    own = lengths(evolved)
    return first * _ratio(own, lengths(first)), second * _ratio(own, lengths(second))


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def filters_of(brain: BrainSpec) -> IntArray:
    """Which unit each weight belongs to, [W]: those that it reads its inputs by, and its bias; -1: of no unit.

    A gated unit's are those of all its gates.
    """
    units: dict[str, IntArray] = {}
    # Blocks with biases first: a layer has as many units as its first bias has numbers.
    for tensor in sorted(brain.tensors, key=lambda tensor: not tensor.name.endswith(".bias")):
        layer, _, part = tensor.name.partition(".")
        if layer not in units and part != "log_stdev":
            size = tensor.size if layer in HEADS and part == "bias" else tensor.shape[-1]
            units[layer] = sum(map(len, units.values())) + np.arange(size)
    filters = []
    for tensor in brain.tensors:
        layer, _, part = tensor.name.partition(".")
        if part == "log_stdev":
            filters.append(np.full(tensor.size, -1))
        elif layer in HEADS and part == "weight":  # a row per unit; trunk matrices have a column
            filters.append(np.repeat(units[layer], tensor.shape[-1]))
        else:
            filters.append(np.tile(units[layer], tensor.size // len(units[layer])))
    return np.concatenate(filters)


def _moved(dna: DNA) -> IntArray:
    """Places of the weights in a genome, in the order of the weight vector."""
    slices = dna.pool.slices()
    genes = [gene for gene in dna.pool.evolved if gene.group == "weights"]
    return np.concatenate([np.arange(dna.pool.size)[slices[gene.group, gene.name]] for gene in genes])


def _plane_offsets(steps: FloatArray) -> FloatArray:
    """Of each point of the plane from the evolved point, [N x N, 3], in lengths of the three axes; y outermost."""
    y, x = np.meshgrid(steps, steps, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)


def _line_offsets(positions: FloatArray) -> FloatArray:
    return np.stack([np.zeros(len(positions)), np.zeros(len(positions)), positions - 1.0], axis=1)


def _conditions(specimen: Specimen) -> list[tuple[str, Plan]]:
    """How the lives are lived, by condition: learning as where it evolved, and never."""
    selection = specimen.setup.selection
    without = ("without", Plan(specimen.lifetime, learn_until=0))
    if selection.learn_until == 0:
        return [without]
    return [without, ("learning", Plan(specimen.lifetime, selection.learn_from, selection.learn_until))]


def _live_everywhere(
    specimen: Specimen, axes: FloatArray, offsets: FloatArray
) -> tuple[dict[str, FloatArray], dict[str, int]]:
    """Life fitness [points, L] by condition, the same lives at every point, and how many of them diverged.

    Args:
        specimen: who lives.
        axes: [3, weights] in gene units: two directions, and the way from the random initialisation.
        offsets: [points, 3] in lengths of the axes.
    """
    setup, conditions = specimen.setup, _conditions(specimen)
    keys = specimen.keys(specimen.extent.landscape_lives)
    moved = _moved(specimen.dna)
    fitness = {name: np.empty((len(offsets), len(keys))) for name, _ in conditions}
    diverged = dict.fromkeys(fitness, 0)
    done = 0
    for name, plan in conditions:
        for start in range(0, len(offsets), AT_ONCE):
            some = offsets[start : start + AT_ONCE]
            genomes = np.tile(specimen.dna.genome, (len(some), 1))
            genomes[:, moved] = specimen.dna.genome[moved] + some @ axes
            lived = evaluate(specimen.driver, setup.conditions, setup.pool, genomes, keys, plan, start)
            fitness[name][start : start + len(some)] = lived.fitness
            diverged[name] += lived.diverged
            done += len(some)
            specimen.progress(done, len(conditions) * len(offsets))
    return fitness, diverged


def _surface(fitness: FloatArray, side: int) -> Surface:
    return Surface(fitness[: side * side].reshape(side, side, -1), fitness[side * side :])


def _fitter(surface: Surface) -> float:
    """Share of the plane's points that are fitter than the evolved point, as far as these lives can tell."""
    means = surface.plane.mean(axis=-1)
    return float((means > means[len(means) // 2, len(means) // 2]).mean())
