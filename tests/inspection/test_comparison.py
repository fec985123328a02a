"""Two DNAs side by side: planted permutations are found, and what cannot be compared says why."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from evolearn.agent import BrainSpec, TorchBrain
from evolearn.config import WorldPart
from evolearn.inspection._alignment import Alignment, align, aligned, likeness
from evolearn.inspection._comparison import barrier, compare, mixtures
from evolearn.inspection._over_lives import mean_over_lives
from evolearn.inspection._scoring import birth_scores, learned_scores
from evolearn.inspection._specimen import FIRST_GENERATION, QUICK, Specimen
from evolearn.life import new_driver
from evolearn.report._paper import draw_figure, save_figures
from evolearn.report._plotly_charts import page_chart
from evolearn.report.inspection.comparison import comparison_section
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import ARMS, assemble, load_dna, ready_arm, setup_of
from evolearn.run.dna import save_dna
from tests.helpers.dna_configs import config

ABOUT = {"dna": "runs/one", "other": {"dna": "runs/other"}}


def brain(trunk="mlp", hidden=(12,), policy="gaussian") -> BrainSpec:
    return BrainSpec(trunk, 5, hidden, 3, policy)


def planted(spec: BrainSpec, seed: int = 0) -> Alignment:
    rng = np.random.default_rng(seed)
    flips = [rng.choice([-1.0, 1.0], units) for units in spec.hidden]
    return Alignment(
        tuple(rng.permutation(units) for units in spec.hidden),
        tuple(flip if spec.trunk in ("mlp", "gru") else np.ones_like(flip) for flip in flips),
    )


def some_weights(spec: BrainSpec, seed: int = 0):
    return np.random.default_rng(seed).normal(size=spec.weights).astype(np.float32)


def saved(path: Path, weights=None, **changes):
    """DNA of the start of a search, with weights of its own if there are any."""
    setup = assemble(config(**changes))
    genome = setup.pool.centre.copy()
    if weights is not None:
        genome[: len(weights)] = weights
    save_dna(path, setup, genome, setup.pool.spread, {"role": "centre", "lineage": {"generation": 0}})
    return load_dna(path)


def balancing() -> np.ndarray:
    """A newborn that balances the cart's pole by two hidden units, one the other's mirror image."""
    spec = assemble(config()).conditions.brain
    blocks = {tensor.name: np.zeros(tensor.shape, np.float32) for tensor in spec.tensors}
    blocks["hidden1.weight"][:, 0] = [0.0, 0.3, 6.0, 3.0]
    blocks["hidden1.weight"][:, 1] = -blocks["hidden1.weight"][:, 0]
    blocks["hidden1.weight"][:, 2:] = [[0.01, 0.02]] * 4
    blocks["policy.weight"][1, :2] = [8.0, -8.0]
    blocks["policy.weight"][0, :2] = [-8.0, 8.0]
    return np.concatenate([blocks[tensor.name].reshape(-1) for tensor in spec.tensors])


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A newborn that balances, and the same with two hidden units exchanged."""
    folder = tmp_path_factory.mktemp("pair")
    weights = balancing()
    spec = assemble(config()).conditions.brain
    exchanged = aligned(spec, weights, Alignment((np.array([1, 0, 2, 3]),), (np.ones(4),)))
    judged = {"lives": 2, "lifetimes": [400], "birth_steps": 400, "bin_steps": 10}
    return tuple(
        saved(folder / f"{place}.safetensors", weights=one, evaluation=judged)
        for place, one in enumerate((weights, exchanged))
    )


@pytest.fixture(scope="module")
def found(pair):
    return compare(*pair, QUICK, lifetime=400)


# --- alignment ---


@pytest.mark.parametrize("trunk", ["mlp", "relu"])
@pytest.mark.parametrize("hidden", [(12,), (16, 16), (12, 10, 8, 20)])
def test_a_planted_permutation_is_found_exactly(trunk: str, hidden: tuple[int, ...]) -> None:
    spec = brain(trunk, hidden)
    weights = some_weights(spec)
    moved = aligned(spec, weights, planted(spec))
    assert np.linalg.norm(moved - weights) > 5
    assert np.array_equal(aligned(spec, moved, align(spec, weights, moved)), weights)


REMEMBERING = [BrainSpec("gru", 5, hidden, 3, "gaussian", readout=how) for hidden in ((12,), (9, 7)) for how in
               ("plain", "product")] + [BrainSpec("mlp", 5, (9, 7), 3, "gaussian", readout="product")]  # fmt: skip


@pytest.mark.parametrize("spec", REMEMBERING, ids=lambda spec: f"{spec.trunk} {spec.hidden} {spec.readout}")
def test_a_brain_that_remembers_is_aligned_and_thinks_on_as_before(spec: BrainSpec) -> None:
    weights = some_weights(spec)
    moved = aligned(spec, weights, planted(spec))
    assert np.linalg.norm(moved - weights) > 5
    assert np.array_equal(aligned(spec, moved, align(spec, weights, moved)), weights)
    told = torch.from_numpy(np.random.default_rng(1).normal(size=(6, 4, 5)).astype(np.float32))
    outputs = []
    for row in (weights, moved):
        network = TorchBrain(spec)
        network.load_flat(row)
        with torch.no_grad():
            state = torch.zeros(4, network.state_size)
            for now in told:
                policy, value, state = network.step(now, state)
                outputs.append(torch.cat([policy, value[:, None]], dim=1))
    before, after = torch.stack(outputs).chunk(2)
    assert torch.allclose(before, after, atol=1e-4)
    assert before.std() > 0.1


def test_alignment_never_takes_two_gated_brains_farther_apart() -> None:
    for seed in range(5):
        spec = REMEMBERING[seed % 4]
        first, second = some_weights(spec, seed), some_weights(spec, seed + 100)
        near = aligned(spec, second, align(spec, first, second))
        assert np.linalg.norm(near - first) < np.linalg.norm(second - first)


def test_a_planted_permutation_is_found_beneath_noise() -> None:
    spec = brain(hidden=(16, 16))
    weights = some_weights(spec)
    moved = aligned(spec, weights, planted(spec))
    noise = 0.3 * some_weights(spec, 1)
    near = aligned(spec, moved + noise, align(spec, weights, moved + noise))
    assert np.linalg.norm(near - weights) == pytest.approx(np.linalg.norm(noise), rel=1e-4)


@pytest.mark.parametrize(
    ("trunk", "hidden", "policy"),
    [("mlp", (12,), "gaussian"), ("mlp", (9, 7, 5), "categorical"), ("relu", (9, 7), "gaussian")],
)
def test_an_aligned_network_computes_the_same(trunk: str, hidden: tuple[int, ...], policy: str) -> None:
    spec = brain(trunk, hidden, policy)
    weights = some_weights(spec)
    observations = torch.from_numpy(np.random.default_rng(1).normal(size=(50, 5)).astype(np.float32))
    outputs = []
    for row in (weights, aligned(spec, weights, planted(spec))):
        network = TorchBrain(spec)
        network.load_flat(row)
        with torch.no_grad():
            outputs.append(torch.cat([network(observations)[0], network(observations)[1][:, None]], dim=1))
    assert torch.allclose(*outputs, atol=1e-5)
    assert outputs[0].std() > 0.1


@pytest.mark.parametrize("trunk", ["mlp", "relu"])
@pytest.mark.parametrize("seed", range(5))
def test_one_layer_is_aligned_as_well_as_it_can_be(trunk: str, seed: int) -> None:
    spec = brain(trunk, (4,))
    first, second = some_weights(spec, seed), some_weights(spec, seed + 100)
    signs = list(itertools.product([1.0, -1.0], repeat=4)) if trunk == "mlp" else [(1.0,) * 4]
    ways = [
        Alignment((np.array(order),), (np.array(sign),)) for order in itertools.permutations(range(4)) for sign in signs
    ]
    least = min(np.linalg.norm(aligned(spec, second, way) - first) for way in ways)
    assert np.linalg.norm(aligned(spec, second, align(spec, first, second)) - first) == pytest.approx(least)


@pytest.mark.parametrize("seed", range(5))
def test_alignment_never_takes_two_networks_farther_apart(seed: int) -> None:
    spec = brain(hidden=(6, 6, 6))
    first, second = some_weights(spec, seed), some_weights(spec, seed + 100)
    near = aligned(spec, second, align(spec, first, second))
    assert np.linalg.norm(near - first) <= np.linalg.norm(second - first) + 1e-6


def test_without_hidden_units_there_is_nothing_to_align() -> None:
    spec = BrainSpec("linear", 5, (), 3, "categorical")
    like, near = likeness(spec, some_weights(spec), some_weights(spec, 1))
    assert np.array_equal(near, some_weights(spec, 1))
    assert (like["units"], like["moved"]) == (0, 0)
    assert like["total"]["aligned"] == like["total"]["raw"] > 0


def test_unrelated_networks_are_as_far_apart_as_unrelated_ones_are() -> None:
    spec = brain(hidden=(32,))
    total = likeness(spec, some_weights(spec), some_weights(spec, 1))[0]["total"]
    assert total["aligned"] < 0.9 * total["raw"], "matching finds likeness in anything"
    assert total["aligned"] == pytest.approx(total["shuffled"], rel=0.05)


def test_a_network_is_at_no_distance_from_itself_permuted() -> None:
    spec = brain(hidden=(8, 8))
    weights = some_weights(spec)
    like, _ = likeness(spec, weights, aligned(spec, weights, planted(spec)))
    assert like["total"]["aligned"] == 0
    assert all(block["aligned"] == 0 for block in like["blocks"])
    assert like["total"]["raw"] > 0.5 * like["total"]["shuffled"] > 0


# --- the line between ---


def test_a_network_has_a_barrier_to_itself_permuted_that_alignment_takes_away(found) -> None:
    for score in ("birth", "learned"):
        raw, near = found["line"][score]["raw"], found["line"][score]["aligned"]
        assert raw["largest"] > 30, "steps balanced: in the middle the two units cancel"
        assert 0.2 < raw["at"] < 0.8
        assert raw["checked"]["low"] > 0
        assert near["largest"] == 0
        assert near["checked"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert found["likeness"]["total"]["aligned"] == 0
    first = comparison_section(found, ABOUT).sentences[0]
    assert "Birth score, learning off: a barrier of" in first
    assert " as they are, no barrier told with hidden units aligned." in first
    assert "change order or sign, which changes nothing that B does" in " ".join(
        comparison_section(found, ABOUT).sentences
    )
    table = shown(found).tables[0]
    assert [row[:3] for row in table.rows[:2]] == [
        ("birth score, learning off", "as they are", "barrier"),
        ("birth score, learning off", "aligned", "not told from none"),
    ]


def test_the_line_ends_in_both(pair, tmp_path: Path) -> None:
    other = saved(tmp_path / "other.safetensors", seed=5, learner={"plasticity": {"learning_rate": 0.02}})
    weights = other.newborns.weights[0].astype(np.float64)
    line = mixtures(pair[0], other, weights, np.array([0.0, 0.5, 1.0]))
    for row, dna in ((0, pair[0]), (2, other)):
        for name in ("weights", "drives", "plasticity", "scale"):
            assert np.array_equal(getattr(line, name)[row], getattr(dna.newborns, name)[0])
    rates = line.plasticity[:, 0]
    assert rates[2] == pytest.approx(0.02)
    assert rates[1] == pytest.approx((rates[0] * rates[2]) ** 0.5), "in gene units, which are logarithms"


def test_a_valley_is_measured_from_the_line_between_the_ends() -> None:
    shares = np.linspace(0, 1, 5)
    lives = np.random.default_rng(0).normal(size=8)  # lives differ, the valley does not
    scores = np.array([1.0, 1.2, 0.6, 1.8, 2.0])[:, None] + lives
    found = barrier(shares, scores)
    assert (found["largest"], found["at"]) == (pytest.approx(0.9), 0.5)
    assert found["checked"]["mean"] == pytest.approx(0.9)


def test_a_steep_way_down_is_no_valley(found) -> None:
    shares = np.linspace(0, 1, 5)
    lives = 0.01 * np.random.default_rng(0).normal(size=(5, 8))
    slope = barrier(shares, np.array([1.0, 0.9, 0.1, 0.0, 0.0])[:, None] + lives)
    line = found["line"] | {"birth": {"raw": slope, "aligned": slope}, "learned": None}
    section = comparison_section(found | {"line": line}, ABOUT)
    assert section.sentences[0] == (
        "On the straight line from A to B, in the world of A. "
        "Birth score, learning off: a steep slope, no valley, aligned or not."
    )
    kind, fall, place = section.tables[0].rows[0][2:]
    assert (kind, fall[:3], place) == ("steep slope", "0.4", "50%")


def test_a_fall_that_is_not_there_is_not_called_the_deepest(found) -> None:
    shares = np.linspace(0, 1, 5)
    scores = np.ones((5, 8))
    scores[1, ::2], scores[1, 1::2] = 0.0, 2.5  # one half of the lives falls where the other rises
    scores[3, ::2], scores[3, 1::2] = 2.5, 0.5
    curve = barrier(shares, scores)
    assert curve["largest"] == 0
    assert curve["checked"]["mean"] == pytest.approx(-1.5)
    assert curve["places"] == [0.25, 0.75]
    line = found["line"] | {"birth": {"raw": curve, "aligned": curve}, "learned": None}
    section = comparison_section(found | {"line": line}, ABOUT)
    assert section.sentences[0].endswith("Birth score, learning off: no barrier told, aligned or not.")
    assert section.tables[0].rows[0][2:] == ("not told from none", section.tables[0].rows[0][3], "25% and 75%")


def test_noise_alone_is_no_barrier() -> None:
    rng = np.random.default_rng(0)
    found = [barrier(np.linspace(0, 1, 15), rng.normal(size=(15, 24))) for _ in range(200)]
    assert np.mean([one["largest"] for one in found]) > 0.2, "the largest of many drops is never nothing"
    assert abs(np.mean([one["checked"]["mean"] for one in found])) < 0.05
    assert np.mean([one["checked"]["low"] > 0 for one in found]) < 0.06


# --- both, and their worlds ---


def test_identical_dna_differs_in_nothing(pair, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(pair[0].path.read_bytes())
    found = compare(pair[0], load_dna(copy), QUICK, lifetime=100)
    json.dumps(found, allow_nan=False)
    assert found["identical"]
    assert found["same_start"]
    total = found["likeness"]["total"]
    assert (total["raw"], total["aligned"], found["likeness"]["moved"]) == (0, 0, 0)
    assert {row["difference"] for row in found["genes"] if row["difference"] is not None} == {0.0}
    for score in ("birth", "learned"):
        for way in ("raw", "aligned"):
            curve = found["line"][score][way]
            assert (curve["largest"], curve["checked"]["mean"]) == (0, 0)
    (world,) = found["transfer"]["worlds"]
    assert world["cells"]["first"] == world["cells"]["second"]
    section = comparison_section(found, ABOUT)
    assert section.sentences[0] == "Both hold the same genome."
    assert any(
        "Alignment finds nothing nearer: no hidden unit of B changes order or sign." in text
        for text in section.sentences
    )
    assert not any("the brain left the finite numbers" in text for text in section.sentences)


def test_dna_scores_in_its_own_world_what_it_scores(pair, tmp_path: Path) -> None:
    other = saved(tmp_path / "other.safetensors", seed=7, world={"name": "cart-pole"})
    found = compare(pair[0], other, QUICK, lifetime=100)
    for dna, who, world in ((pair[0], "first", 0), (other, "second", 1)):
        setup = setup_of(dna)
        specimen = Specimen(dna, setup, new_driver(setup.conditions), QUICK, 100)
        arm = ready_arm("evolved", ARMS["evolved"], dna.pool, dna.genome, dna.config.learner)
        birth = birth_scores(setup, specimen.driver, arm, specimen.keys(QUICK.birth_lives), specimen.birth_steps)
        learned = learned_scores(setup, specimen.driver, arm, specimen.keys(QUICK.lives), 100)
        cell = found["transfer"]["worlds"][world]["cells"][who]
        assert (cell["birth"], cell["learned"]) == (mean_over_lives(birth.values), mean_over_lives(learned.values))
    abroad = setup_of(other, pair[0].config.world)
    arm = ready_arm("evolved", ARMS["evolved"], other.pool, other.genome, other.config.learner)
    keys = life_keys(pair[0].config.seed, VALIDATION, FIRST_GENERATION, QUICK.birth_lives)
    birth = birth_scores(abroad, new_driver(abroad.conditions), arm, keys, 100)
    assert found["transfer"]["worlds"][0]["cells"]["second"]["birth"] == mean_over_lives(birth.values)
    assert [world["of"] for world in found["transfer"]["worlds"]] == ["first", "second"]
    assert found["transfer"]["worlds"][1]["parameters"] == {"predictability": 1.0}


def test_other_brains_have_no_line_but_can_change_places(pair, tmp_path: Path) -> None:
    other = saved(tmp_path / "other.safetensors", brain={"hidden": [3, 2], "trunk": "relu"})
    found = compare(pair[0], other, QUICK, lifetime=100)
    assert found["likeness"] is None
    assert found["line"] is None
    assert found["unlike"] == (
        "the brains differ (trunk mlp and relu, hidden 4 and 3 x 2): there is no weight of one for each of the other"
    )
    (world,) = found["transfer"]["worlds"]
    assert all(cell["birth"]["mean"] > 0 for cell in world["cells"].values())
    assert {row["group"] for row in found["genes"]} == {"drives", "plasticity"}
    section = shown(found)
    assert [chart.key for chart in section.charts] == ["comparison_transfer"]
    assert section.sentences[0].startswith("There is no line from A to B: the brains differ")


def test_a_cell_says_why_nobody_can_live_there(pair, tmp_path: Path) -> None:
    other = saved(tmp_path / "other.safetensors", world={"name": "savannah"}, drives={})
    found = compare(pair[0], other, QUICK, lifetime=60)
    home, abroad = found["transfer"]["worlds"]
    assert "cannot live in savannah: observations 4 there, 13 found here" in abroad["cells"]["first"][
        "missing"
    ].replace("13 here", "13 found here")
    assert "missing" not in abroad["cells"]["second"]
    assert "missing" not in abroad["cells"]["blank"]
    assert "missing" in home["cells"]["second"]
    section = shown(found)
    assert any("In the world of B A cannot live:" in sentence for sentence in section.sentences)


def test_a_world_that_is_gone_leaves_what_needs_none(tmp_path: Path) -> None:
    dnas = []
    for seed in (1, 2):
        setup = assemble(config(seed=seed))
        gone = setup.config.model_copy(update={"world": WorldPart(name="nowhere:gone")})
        lost = dataclasses.replace(setup, config=gone)
        path = tmp_path / f"{seed}.safetensors"
        about = {"role": "centre", "lineage": {"generation": 0}, "world": {"name": "nowhere:gone", "parameters": {}}}
        save_dna(path, lost, setup.pool.centre, setup.pool.spread, about)
        dnas.append(load_dna(path))
    found = compare(*dnas, QUICK)
    assert found["likeness"]["total"]["raw"] > 0
    assert not found["same_start"]
    assert found["line"] is None
    assert "nowhere" in found["no_line"]
    assert all("nowhere" in cell["missing"] for cell in found["transfer"]["worlds"][0]["cells"].values())
    section = shown(found)
    assert [chart.key for chart in section.charts] == ["comparison_distance"]


def test_other_drives_have_a_line_without_learning_only(pair, tmp_path: Path) -> None:
    other = saved(tmp_path / "other.safetensors", drives={"generic": ["effort"]})
    found = compare(pair[0], other, QUICK, lifetime=60)
    assert found["line"]["birth"]["raw"]["largest"] >= 0
    assert found["line"]["learned"] is None
    section = shown(found)
    assert any(
        "With learning there is no line: their drives, learners or innate values differ" in text
        for text in section.sentences
    )
    rows = {row["gene"]: row for row in found["genes"]}
    assert (rows["novelty"]["second"], rows["effort"]["first"]) == (None, None)


def test_weights_drawn_afresh_have_no_distance(pair, tmp_path: Path) -> None:
    other = saved(tmp_path / "other.safetensors", genome={"weights": {"mode": "fresh"}})
    found = compare(pair[0], other, QUICK, lifetime=60)
    assert found["unlike"] == "B draws its weights afresh in each life: it has none to compare"
    shown(found)


def test_every_picture_of_a_comparison_can_be_drawn(found, tmp_path: Path) -> None:
    section = shown(found)
    assert [chart.key for chart in section.charts] == [
        "comparison_line",
        "comparison_distance",
        "comparison_transfer",
    ]
    assert section.sentences[-1] == "A is runs/one, B is runs/other."
    for chart in section.charts:
        draw_figure(chart)
    save_figures(section.charts[:1], tmp_path / "figures")
    assert (tmp_path / "figures" / "comparison_line.png").exists()


def test_lives_that_ended_early_are_counted_and_said(pair, tmp_path: Path) -> None:
    weights = balancing()
    weights[:] = 3e38
    found = compare(pair[0], saved(tmp_path / "wild.safetensors", weights=weights), QUICK, lifetime=60)
    (world,) = found["transfer"]["worlds"]
    assert (world["cells"]["first"]["diverged"], world["cells"]["blank"]["diverged"]) == (0, 0)
    lost = world["cells"]["second"]["diverged"]
    assert lost > 0
    assert found["line"]["diverged"] > 0
    words = " ".join(shown(found).sentences)
    assert f"In {lost} of {QUICK.birth_lives + QUICK.lives} lives of B in their common world the brain left" in words
    assert f"In {found['line']['diverged']} of {found['line']['lived']} lives on the line the brain left" in words


def shown(found):
    section = comparison_section(json.loads(json.dumps(found, allow_nan=False)), ABOUT)
    for chart in section.charts:
        json.dumps(page_chart(chart), allow_nan=False)
    return section
