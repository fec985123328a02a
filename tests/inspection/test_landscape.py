"""The landscape around evolved weights: planted shapes come out as planted, and lives are paired."""

import dataclasses
import json

import numpy as np
import pytest

from evolearn.agent import BrainSpec
from evolearn.inspection._landscape import filters_of, inspect_landscape, random_directions
from evolearn.inspection._landscape_measures import (
    MEASURES,
    SHAPES,
    Surface,
    basin_width,
    bend,
    common_scale,
    estimates,
    foot_of,
    is_peak,
    verdict_of,
)
from evolearn.inspection._over_lives import least_p, life_counts, sign_flip_p
from evolearn.report.inspection.landscape import landscape_section
from evolearn.run import DNAError
from tests.helpers.inspected_worlds import TARGET, TINY, specimen_for

STEPS = np.linspace(-1, 1, 9)
POSITIONS = np.linspace(0, 1.5, 7)
CALM = {"policy.log_stdev": -20.0}  # actions without noise


def by_name(specimen, vector):
    """A vector of weights in the shapes of the tensors."""
    found, start = {}, 0
    for tensor in specimen.dna.brain.tensors:
        found[tensor.name] = vector[start : start + tensor.size].reshape(tensor.shape)
        start += tensor.size
    return found


# Directions.


@pytest.mark.parametrize(
    "brain",
    [BrainSpec("mlp", 3, (4, 4), 2, "gaussian"), BrainSpec("relu", 3, (3,), 3, "categorical")],
    ids=["square", "rectified"],
)
def test_a_unit_is_its_incoming_weights_and_its_bias(brain):
    filters = filters_of(brain)
    start = 0
    of = {}
    for tensor in brain.tensors:
        of[tensor.name] = filters[start : start + tensor.size].reshape(tensor.shape)
        start += tensor.size
    for name, units in of.items():
        if name.endswith("log_stdev"):
            assert (units == -1).all()
        elif name.startswith("hidden") and name.endswith("weight"):
            assert (units == of[name.replace("weight", "bias")][None, :]).all()
        elif name.endswith("weight"):
            assert (units == of[name.replace("weight", "bias")][:, None]).all()
    biases = np.concatenate([units for name, units in of.items() if name.endswith("bias")])
    assert len(set(biases.tolist())) == len(biases)


def test_directions_are_as_long_as_the_weights_unit_by_unit(tmp_path):
    specimen = specimen_for(
        tmp_path,
        "tests.helpers.inspected_worlds:sign",
        {"hidden1.bias": [0.5, -1.0, 0.0], "hidden1.weight": [[1, 0, 0], [2, 3, 0]]},
        brain={"hidden": [3]},
    )
    for direction in random_directions(specimen.dna):
        parts = by_name(specimen, direction)
        evolved = by_name(specimen, specimen.dna.newborns.weights[0])
        for part in (parts, evolved):
            part["units"] = np.hypot(np.linalg.norm(part["hidden1.weight"], axis=0), part["hidden1.bias"])
            part["heads"] = np.hypot(np.linalg.norm(part["policy.weight"], axis=1), part["policy.bias"])
        np.testing.assert_allclose(parts["units"], evolved["units"], rtol=1e-5)
        np.testing.assert_allclose(parts["units"][2], 0.0)
        np.testing.assert_allclose(parts["heads"], evolved["heads"], rtol=1e-5)
    first, second = random_directions(specimen.dna)
    assert not np.allclose(first, second)


# Measures of planted surfaces.


def surface_of(plane, line=None, noise=0.0, lives=6, seed=0):
    """The same surface in every life, but for noise that belongs to life and point."""
    rng = np.random.default_rng(seed)
    line = np.linspace(plane.min(), plane.max(), len(POSITIONS)) if line is None else line
    return Surface(
        plane[..., None] + noise * rng.standard_normal((*plane.shape, lives)),
        line[:, None] + noise * rng.standard_normal((len(line), lives)),
    )


def bowl(x_curve=1.0, y_curve=1.0):
    return -x_curve * STEPS[None, :] ** 2 - y_curve * STEPS[:, None] ** 2


def test_a_quadratic_bends_as_it_was_planted():
    once, h = np.ones((1, 6)), STEPS[1] - STEPS[0]
    expected = np.sqrt(((2 * h**2) ** 2 + (6 * h**2) ** 2) / 2)
    np.testing.assert_allclose(bend(surface_of(bowl(1, 3)).plane, once), expected)
    assert bend(surface_of(0 * bowl()).plane, once) == 0.0


def test_the_luck_of_lives_does_not_make_a_landscape_rougher():
    calm = bend(surface_of(bowl()).plane, np.ones((1, 6)))[0]
    found = [
        bend(surface_of(bowl(), noise=0.15, lives=lives, seed=seed).plane, np.ones((1, lives)))[0]
        for lives in (4, 16)
        for seed in range(40)
    ]
    naive = [
        np.sqrt(np.mean(np.diff(surface_of(bowl(), noise=0.15, lives=4, seed=seed).plane.mean(-1), 2, axis=0) ** 2))
        for seed in range(40)
    ]
    assert np.mean(naive) > 1.5 * calm
    np.testing.assert_allclose(np.mean(found[:40]), calm, rtol=0.3)
    np.testing.assert_allclose(np.mean(found[40:]), calm, rtol=0.1)
    np.testing.assert_allclose(
        np.median(bend(surface_of(bowl(), noise=0.15, lives=16, seed=1).plane, life_counts(16))), found[41], rtol=0.2
    )


@pytest.mark.parametrize(
    ("curve", "width"),
    [
        ([0, 0, 0, 0, 1, 0, 0], 0.25),  # half a step to each side
        ([0, 0, 1, 1, 1, 1, 1], 1.125),  # cut off at the end of the line
        ([1, 1, 1, 0, 1, 0, 1], 0.25),  # what is beyond a gap is another basin
        ([1, 1, 1, 1, 0, 1, 1], 0.0),
        ([1, 1, 1, 1, 1, 1, 1], 1.5),
    ],
)
def test_the_basin_is_what_hangs_together_about_the_evolved_point(curve, width):
    assert basin_width(POSITIONS, np.array(curve, float), 0.5) == pytest.approx(width)


def compared(without, learning):
    surfaces = {"without": without, "learning": learning}
    return estimates(surfaces, POSITIONS)


def needle():
    spike = np.zeros((9, 9))
    spike[4, 4] = 1.0
    return spike


def hill():
    return np.clip(1.2 - np.hypot(STEPS[None, :], STEPS[:, None]), 0.0, 1.0)


def test_learning_that_finds_the_needle_from_around_smooths():
    """Hinton and Nowlan's picture: a needle without learning, a hill about it with learning."""
    found, differences = compared(surface_of(needle(), noise=0.02), surface_of(hill(), noise=0.02, seed=1))
    assert verdict_of(differences, "share") == "more"
    assert verdict_of(differences, "bend") == "less"
    assert found["without"]["share"].value == pytest.approx(1 / 81)
    assert differences["share"].low > 0.15


@pytest.mark.parametrize(("lift", "stretch"), [(0.3, 1.0), (-0.6, 1.0), (5.0, 1.0), (0.0, 2.0), (0.3, 0.5)])
def test_a_level_that_shifts_and_a_height_that_grows_are_no_change_of_shape(lift, stretch):
    lines = hill()[4, 4] * np.clip(1 - np.abs(POSITIONS - 1), 0, 1)
    surfaces = [
        surface_of(lift_ + stretch_ * hill(), lift_ + stretch_ * lines, noise=0.05 * stretch_)
        for lift_, stretch_ in ((0.0, 1.0), (lift, stretch))
    ]
    found, differences = compared(*surfaces)
    assert found["learning"]["evolved"].value - found["without"]["evolved"].value != 0.0
    for name in ("share", "width", "bend"):
        assert differences[name].value == pytest.approx(0.0, abs=1e-9)
        assert verdict_of(differences, name) == "unclear"


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_learning_that_always_arrives_leaves_no_peak_whose_shape_could_be_told(noise):
    flat = surface_of(np.full((9, 9), 1.3), np.full(7, 1.3), noise=noise, seed=1)
    found, differences = compared(surface_of(needle(), noise=noise), flat)
    assert is_peak(found["without"])
    assert not is_peak(found["learning"])
    assert verdict_of(differences, "height") == "less"
    assert {differences[name] for name in ("share", "width", "bend")} == {None}
    assert {verdict_of(differences, name) for name in ("share", "bend")} == {"unclear"}
    assert found["learning"]["share"] is None
    assert found["without"]["share"] is not None


def test_the_foot_is_not_deepened_by_noise():
    feet = [foot_of(surface_of(needle(), noise=1.0, seed=seed).plane).mean() for seed in range(60)]
    assert abs(np.mean(feet)) < 0.06
    assert foot_of(hill()[..., None]) == pytest.approx(np.sort(hill().ravel())[:8].mean())


@pytest.mark.parametrize("shape", [bowl, hill])
@pytest.mark.parametrize("noise", [0.1, 0.4, 0.8])
def test_the_interval_of_the_share_covers_the_share(shape, noise):
    true = estimates({"without": surface_of(shape())}, POSITIONS)[0]["without"]["share"].value
    shares = [
        estimates({"without": surface_of(shape(), noise=noise, lives=12, seed=seed)}, POSITIONS)[0]["without"]["share"]
        for seed in range(50)
    ]
    told = [one for one in shares if one is not None]
    assert len(told) >= 35
    assert np.mean([one.low <= true <= one.high for one in told]) >= 0.88
    assert max(one.high for one in told) <= 1.0


def test_two_landscapes_alike_are_told_apart_at_the_nominal_rate():
    told = []
    for seed in range(60):
        surfaces = [surface_of(bowl(), noise=0.4, lives=8, seed=2 * seed + one) for one in (0, 1)]
        _, differences = compared(*surfaces)
        told.append([verdict_of(differences, name) != "unclear" for name in ("plane", "share", "bend")])
    assert (np.mean(told, axis=0) <= 0.13).all(), np.mean(told, axis=0)


def test_where_nothing_matters_there_is_no_scale():
    surfaces = [surface_of(np.full((9, 9), 0.3), np.full(7, 0.3)) for _ in range(2)]
    found, differences = compared(*surfaces)
    assert common_scale(dict(zip(("without", "learning"), surfaces, strict=True))).span == 0.0
    assert not is_peak(found["without"])
    assert all(change is None or change.value == 0.0 for change in differences.values())


# Lives.


def test_a_planted_bowl_has_its_top_at_the_evolved_point_and_known_curvature(tmp_path):
    extent = dataclasses.replace(TINY, grid=5, line=7, landscape_lives=2)
    weights = {"policy.weight": [[0.5], [-0.3]], "policy.bias": [0.3, -0.2], **CALM}
    specimen = specimen_for(tmp_path, "tests.helpers.inspected_worlds:bowl", weights, extent=extent, lifetime=40)
    found = inspect_landscape(specimen)
    plane = np.array(found["conditions"]["without"]["plane"])
    x, y = (sum(by_name(specimen, one)[f"policy.{part}"].reshape(-1) for part in ("weight", "bias"))
            for one in random_directions(specimen.dna))  # fmt: skip
    steps = np.array(found["positions"]["plane"])
    moved = steps[None, :, None] * x + steps[:, None, None] * y
    np.testing.assert_allclose(plane, -(moved**2).sum(axis=-1), atol=3e-3)  # the policy keeps a little noise
    assert plane.argmax() == plane.size // 2
    assert found["conditions"]["without"]["fitter"] == 0.0
    h = steps[1] - steps[0]
    expected = np.sqrt(((2 * h**2 * x @ x) ** 2 + (2 * h**2 * y @ y) ** 2) / 2) / -np.sort(plane.ravel())[:2].mean()
    assert found["conditions"]["without"]["measures"]["bend"]["value"] == pytest.approx(expected, rel=1e-2)
    start = by_name(specimen, specimen.dna.pool.centre)
    away = start["policy.weight"].reshape(-1) + start["policy.bias"] - TARGET
    line = [point["value"] for point in found["conditions"]["without"]["line"]]
    # Log standard deviations move along the line too: the noise of the actions is what they make of it.
    noise = [2 * np.exp(2 * (np.log(0.5) * (1 - t) - 20.0 * t)) for t in found["positions"]["line"]]
    positions = np.array(found["positions"]["line"])
    np.testing.assert_allclose(line[2:], (-((1 - positions) ** 2) * (away @ away) - noise)[2:], atol=0.03)
    assert line[4] == pytest.approx(0.0, abs=1e-3)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Action 1 pays, and a fast learner finds out from anywhere."""
    return specimen_for(
        tmp_path_factory.mktemp("learned"),
        "tests.helpers.probe_worlds:reward_by_action",
        {"policy.weight": [[-3.0], [3.0]], "policy.bias": [-3.0, 3.0]},
        plasticity={"learning_rate": 0.3, "entropy_bonus": 1e-6},
        lifetime=2000,
    )


def test_where_learning_always_arrives_the_landscape_is_flat(learned):
    found = inspect_landscape(learned)
    flat, steep = (found["conditions"][name] for name in ("learning", "without"))
    assert flat["measures"]["height"]["value"] < 0.2 * steep["measures"]["height"]["value"]
    assert steep["peak"]
    assert found["verdict"]["height"] == "less"
    section = landscape_section(found, {})
    assert "lowers the peak" in section.sentences[0] or "levels the peak" in section.sentences[0]
    assert "smooths" not in section.sentences[0], "what is hardly there has no shape that could be told"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_same_command_gives_the_same_numbers_and_tells_how_far_it_is(learned):
    seen = []
    small = dataclasses.replace(TINY, grid=3, line=4, landscape_lives=2)
    again = dataclasses.replace(learned, extent=small, progress=lambda done, of: seen.append((done, of)))
    assert inspect_landscape(again) == inspect_landscape(again)
    assert seen[-1] == (26, 26)
    assert [done for done, _ in seen[:2]] == sorted(done for done, _ in seen[:2])


def test_who_does_not_learn_has_one_landscape(learned, tmp_path):
    specimen = specimen_for(
        tmp_path, "tests.helpers.probe_worlds:reward_by_action", extent=dataclasses.replace(TINY, grid=3, line=4),
        learner={"window": 10, "learn_until": 0},
    )  # fmt: skip
    found = inspect_landscape(specimen)
    assert list(found["conditions"]) == ["without"]
    assert found["differences"] == found["verdict"] == {}
    section = landscape_section(found, {})
    assert section.sentences[0].startswith("It does not learn in the life that it evolved for")
    assert len(section.charts[0].views[0].panels) == 1
    assert section.tables[0].columns == ("measure", "learning off")


@pytest.mark.parametrize(("mode", "how"), [("fresh", "drawn afresh in each life"), ("fixed", "the same in every run")])
def test_without_evolved_weights_there_is_no_landscape(tmp_path, mode, how):
    specimen = specimen_for(tmp_path, "tests.helpers.probe_worlds:only_learning", genome={"weights": {"mode": mode}})
    with pytest.raises(DNAError, match=f"its weights are {how}, not evolved: there is no evolved point"):
        inspect_landscape(specimen)


@pytest.mark.parametrize(
    ("world", "trunk"), [("gymnasium:CartPole-v1", "relu"), ("tests.helpers.probe_worlds:restless_box", "mlp")]
)
def test_a_landscape_of_any_world_and_trunk(tmp_path, world, trunk):
    extent = dataclasses.replace(TINY, grid=3, line=4, landscape_lives=2)
    specimen = specimen_for(tmp_path, world, extent=extent, lifetime=60, brain={"trunk": trunk, "hidden": [3]})
    found = inspect_landscape(specimen)
    assert np.shape(found["conditions"]["learning"]["plane"]) == (3, 3)
    section = landscape_section(found, {})
    assert {chart.key for chart in section.charts} == {"landscape_plane", "landscape_line"}
    assert [row[0] for row in section.tables[0].rows] == list(MEASURES.values())
    specimen.driver.close()


# Words.


def found_with(share="unclear", bend_change="unclear", height="unclear", peaks=(True, True), span=1.0, diverged=0):
    def entry(value, low, high):
        return {"value": value, "low": low, "high": high}

    def measures(peak):
        return {key: entry(0.5, 0.4, 0.6) if peak or key not in SHAPES else None for key in MEASURES}

    def condition(peak):
        line = [entry(0.5, None, None)] * 4
        return {"plane": [[0.0, 0.5, 1.0]] * 3, "line": line, "measures": measures(peak), "peak": peak}

    return {
        "lives": 3, "lived": 39, "lifetime": 100, "cosine": 0.0, "distance": 1.0, "measures": MEASURES,
        "positions": {"plane": [-1, 0, 1], "line": [0, 0.5, 1.0, 1.5]},
        "conditions": {
            "without": {**condition(peaks[0]), "fitter": 0.0, "diverged": 0},
            "learning": {**condition(peaks[1]), "fitter": 3 / 9, "diverged": diverged},
        },
        "differences": measures(all(peaks)),
        "scale": {"lowest": 0.0, "highest": span, "span": span},
        "verdict": {"height": height, "share": share, "bend": bend_change},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("share", "bend_change", "text"),
    [
        ("more", "less", "Learning smooths the landscape here, as Hinton and Nowlan expected: its peak is wider and"),
        ("less", "more", "does not smooth the landscape here, it sharpens it"),
        ("unclear", "unclear", "Whether learning changes the shape of the peak cannot be told from these lives."),
        ("more", "more", "No smoothing can be claimed: with learning on its peak is wider, and bends more sharply."),
        ("more", "unclear", "No smoothing can be claimed: with learning on its peak is wider, but no other sharpness"),
        ("unclear", "less", "with learning on the landscape bends less sharply, but no other width can be told."),
    ],
)
def test_smoothing_is_claimed_only_if_width_and_bend_agree(share, bend_change, text):
    sentences = landscape_section(found_with(share, bend_change), {}).sentences
    assert text in sentences[0]
    assert "50% [40, 60] of the plane with learning on" in sentences[1]
    assert "0 with learning off and 3 with learning on came out fitter" in sentences[3]
    assert "one animal, and one random plane" in sentences[-1]
    assert ("smooths" in sentences[0]) == ((share, bend_change) == ("more", "less"))


@pytest.mark.parametrize(
    ("peaks", "height", "text"),
    [
        ((False, False), "more", "The evolved point is no peak of this plane, with learning off or on."),
        ((True, False), "less", "Learning levels the peak"),
        (
            (True, False),
            "unclear",
            "a peak of this plane with learning off only; whether learning changes the shape can",
        ),
        ((False, True), "more", "Only with learning on is the evolved point a peak of this plane"),
    ],
)
def test_without_a_peak_nothing_is_said_of_its_shape(peaks, height, text):
    section = landscape_section(found_with(height=height, peaks=peaks), {})
    assert text in section.sentences[0]
    assert not any("halfway up are" in sentence for sentence in section.sentences)
    assert len(section.sentences) == (4 if any(peaks) else 2)
    share = next(row for row in section.tables[0].rows if row[0] == MEASURES["share"])
    assert [cell == "\N{EN DASH}" for cell in share[1:]] == [not peaks[0], not peaks[1], True]


def test_lives_that_ended_early_are_counted_and_said():
    assert any(
        "In 2 of 39 lives with learning on the brain left the finite numbers" in sentence
        for sentence in landscape_section(found_with(diverged=2), {}).sentences
    )


def test_a_landscape_without_height_has_nothing_to_smooth():
    section = landscape_section(found_with(span=0.0, peaks=(False, False)), {})
    assert section.sentences[0].startswith("Fitness is the same at every point")
    assert len(section.sentences) == 2
    assert section.charts[0].views[0].panels[0].heat.ends == (0.0, 1.0)


# Tests over lives.


def test_sign_flips_are_exact_and_see_nothing_in_nothing():
    values = np.array([[1.0, 0.0, 1.0], [1.0, 0.0, -1.0], [1.0, 0.0, 2.0], [1.0, 0.0, -2.0]])
    np.testing.assert_allclose(sign_flip_p(values), [2 / 16, 1.0, 1.0])
    assert least_p(4) == 2 / 16
    many = np.random.default_rng(0).standard_normal((24, 400))
    assert 0.03 <= (sign_flip_p(many) <= 0.05).mean() <= 0.075
    assert (sign_flip_p(many + 1.5) <= 0.001).all()
