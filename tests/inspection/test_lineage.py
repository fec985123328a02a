"""The way to some DNA: planted histories come out as what they are."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from evolearn.inspection._lineage import assimilation, inspect_lineage, path_of, settle
from evolearn.inspection._scoring import birth_scores, innate_scores, learned_scores
from evolearn.inspection._specimen import QUICK, Specimen
from evolearn.life import LifeFault, OwnDrivers, Plan, births_in, new_driver, score
from evolearn.report._paper import draw_figure, save_figures
from evolearn.report._plotly_charts import page_chart
from evolearn.report.inspection.lineage import lineage_section
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import ARMS, DNAError, assemble, live_arm, load_dna, ready_arm, setup_of, start_run
from tests.helpers.dna_configs import config
from tests.helpers.runs import Watcher

KEPT = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
LIVES = 12


def rising(at: int | None, noise: float = 0.05, seed: int = 0):
    """Scores [n, L] that rise from 0 to 1 at a generation."""
    rng = np.random.default_rng(seed)
    step = [0.0 if at is None or generation < at else 1.0 for generation in KEPT]
    return np.array(step)[:, None] + noise * rng.normal(size=(len(KEPT), LIVES))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lineage") / "run"
    start_run(config(), "toy", path, OwnDrivers(1), Watcher())
    return path


@pytest.fixture(scope="module")
def specimen(run: Path) -> Specimen:
    dna = load_dna(run)
    setup = setup_of(dna)
    return Specimen(dna, setup, new_driver(setup.conditions), QUICK, 40)


@pytest.fixture(scope="module")
def found(specimen: Specimen):
    return inspect_lineage(specimen.dna, specimen)


# --- what rose first ---


def named(found, scores, **changes):
    """The section of a planted history."""
    lived = {**found["scores"], **scores, **changes}
    return lineage_section(found | {"scores": lived, "generations": KEPT} | pathlike(), {})


@pytest.mark.parametrize(
    ("innate", "learned", "outcome", "lag", "words"),
    [
        (32, 4, "assimilation", (20, 24.5, 29), "Learned first, innate later: the order of genetic assimilation"),
        (4, 32, "instinct_first", (-29, -24.5, -20), "Instinct first, learning later"),
        (12, 12, "together", (-4, 0, 4), "rose together"),
        (None, 12, "only_learned", None, "nothing that shows became innate"),
        (12, None, "only_innate", None, "Only the innate score rose, at generation 12"),
        (None, None, "nothing", None, "Nothing rose"),
    ],
)
def test_a_planted_history_is_named_and_drawn_as_one(found, innate, learned, outcome, lag, words) -> None:
    flat = rising(None, 0.0)
    scores = assimilation(
        KEPT,
        rising(2, seed=2),
        rising(innate) if innate else flat,
        rising(learned, seed=1) if learned else flat,
    )
    assert scores["outcome"] == outcome
    assert (scores["innate"]["rose_at"], scores["learned"]["rose_at"]) == (innate, learned)
    assert (scores["lag"] is None) == (lag is None)
    section = named(found, scores)
    assert words in section.sentences[0]
    if lag:
        assert [scores["lag"][name] for name in ("low", "value", "high")] == pytest.approx(lag, abs=0.5)
    if outcome == "assimilation":
        assert "at generation 4 (not yet at 3)" in section.sentences[0]
        assert "at 32 (not yet at 24)" in section.sentences[0]
        assert section.sentences[0].endswith("generations [20, 29].")
        assert scores["birth_lag"]["value"] == pytest.approx(-2.0, abs=0.2), "of the birth score, which does not judge"
        assert "Birth score: half of its rise passed at generation 2 (not yet at 1)" in section.sentences[1]
    marks = {series.look.marker: series.x for series in drawn(section, "lineage_scores") if series.kind == "points"}
    assert marks.get("diamond") == (3.0,)
    assert marks.get("square") == (None if innate is None else (innate + 1.0,))
    assert marks.get("circle") == (None if learned is None else (learned + 1.0,))


@pytest.mark.parametrize(
    ("innate", "learned", "outcome"),
    [
        (48, 32, "learned_close"),  # may be a moment apart, on either side of 32
        (32, 48, "innate_close"),
        (48, 24, "assimilation"),  # at least those from 24 to 32
        (24, 48, "instinct_first"),
        (48, 48, "cannot_tell"),  # up to 16 of 64 apart, in the same gap
        (24, 24, "cannot_tell"),
        (6, 4, "together"),  # whichever was first, not 10% of the generations apart
        (8, 8, "together"),
    ],
)
def test_an_order_is_told_only_as_finely_as_generations_were_kept(innate, learned, outcome) -> None:
    scores = assimilation(KEPT, rising(8), rising(innate), rising(learned, seed=1))
    assert scores["outcome"] == outcome
    assert scores["lag"]["low"] < scores["lag"]["value"] < scores["lag"]["high"]


def test_scores_that_cross_within_a_moment_are_no_assimilation(found) -> None:
    kept = np.array(KEPT, float)
    late, early = ((kept >= at).astype(float)[:, None] + 0.0 * rising(8) for at in (32.1, 31.9))
    scores = assimilation(KEPT, late, late, early)
    assert (scores["innate"]["rose_at"], scores["learned"]["rose_at"]) == (48, 32)
    assert scores["lag"]["low"] <= 0.2 <= scores["lag"]["high"]
    assert scores["outcome"] == "learned_close"
    assert named(found, scores).sentences[0].startswith("Learned first, perhaps only just")


def test_crossings_lie_on_the_straight_line_between_generations() -> None:
    slope = np.array(KEPT, float)[:, None] / 64 + 0.0 * rising(8)
    assert assimilation(KEPT, slope, slope, slope)["learned"]["crossed"] == pytest.approx(32.0)
    steep = np.minimum(1.0, slope * 64 / 40)
    assert assimilation(KEPT, slope, slope, steep)["learned"]["crossed"] == pytest.approx(20.0)


def test_what_rises_gradually_in_few_noisy_lives_cannot_be_told() -> None:
    rng = np.random.default_rng(2)
    slope = np.linspace(0, 1, len(KEPT))[:, None]
    scores = assimilation(KEPT, *(slope + 0.8 * rng.normal(size=(3, len(KEPT), LIVES))))
    assert scores["outcome"] == "cannot_tell"
    assert scores["lag"]["low"] < 0 < scores["lag"]["high"]


def test_a_rise_that_is_lost_again_counts_from_where_it_stays() -> None:
    lost = rising(4, 0.0)
    lost[KEPT.index(12)] = 0.0
    assert assimilation(KEPT, lost, lost, rising(4))["innate"]["rose_at"] == 16


def test_chance_alone_rarely_rises() -> None:
    rng = np.random.default_rng(3)
    outcomes = [assimilation(KEPT, *rng.normal(size=(3, len(KEPT), LIVES)))["outcome"] for _ in range(60)]
    # A rise of either is a one-sided test at 2.5%, of both scores.
    assert outcomes.count("nothing") >= 52


def test_where_nobody_learns_nothing_is_assimilated(found) -> None:
    innate = rising(32)
    section = named(found, assimilation(KEPT, rising(4, seed=1), innate, innate), learns=False)
    assert section.sentences[0] == (
        "Nobody learns here: there is nothing to assimilate. Birth score: half of its rise passed at generation 4 "
        "(not yet at 3); late in life: half of its rise passed at generation 32 (not yet at 24)."
    )
    assert not any(word in " ".join(section.sentences) for word in ("Baldwin", "rose together", "rose first"))
    assert "score after learning" not in {series.name for series in drawn(section, "lineage_scores")}


def test_lives_that_ended_early_are_said(found) -> None:
    scores = assimilation(KEPT, rising(4), rising(32), rising(4, seed=1))
    assert any(
        "In 3 of 468 lives the brain left" in text for text in named(found, scores, diverged=3, lived=468).sentences
    )
    assert not any("the brain left" in text for text in named(found, scores).sentences)


# --- path and settling ---


def test_a_straight_path_is_straight() -> None:
    direction = np.random.default_rng(0).normal(size=300)
    path = path_of(np.outer([0.0, 1.0, 1.5, 4.0, 8.0], direction), 2.0 * direction)
    size = float(np.linalg.norm(direction))
    assert path["straightness"] == pytest.approx(1.0)
    assert path["explained"] == pytest.approx([1.0, 0.0])
    assert path["steps"] == pytest.approx([size, 0.5 * size, 2.5 * size, 4.0 * size])
    assert np.diff([*path["x"][:3], path["here"]["x"], *path["x"][3:]]) == pytest.approx(
        np.array([1.0, 0.5, 0.5, 2.0, 4.0]) * size
    )
    assert path["walk"]["straightness"] == pytest.approx(np.sqrt(1 + 0.25 + 6.25 + 16) / 8)


def test_a_walk_looks_as_the_random_walk_of_its_step_lengths() -> None:
    rng = np.random.default_rng(1)
    lengths = np.repeat([1.0, 2.0, 4.0], 5)
    steps = rng.normal(size=(15, 20_000))
    steps *= lengths[:, None] / np.linalg.norm(steps, axis=1, keepdims=True)
    path = path_of(np.vstack([np.zeros(20_000), steps.cumsum(axis=0)]), np.zeros(20_000))
    assert path["straightness"] == pytest.approx(path["walk"]["straightness"], abs=0.02)
    assert path["explained"] == pytest.approx(path["walk"]["explained"], abs=0.02)
    assert path["x"] == pytest.approx(path["walk"]["x"], abs=0.5)


def test_few_genes_have_no_walk_beside_them() -> None:
    assert path_of(np.arange(8.0).reshape(4, 2), np.zeros(2))["walk"] is None


def test_a_search_that_stays_has_no_straightness() -> None:
    path = path_of(np.ones((4, 100)), np.ones(100))
    assert path["straightness"] is None
    assert path["explained"] == [0.0, 0.0]


def test_genes_settle_where_planted() -> None:
    z = np.zeros((len(KEPT), 4))
    z[KEPT.index(8) :, 0] = 3.0  # jumps, and stays
    z[:, 1] = np.array(KEPT) / 64 * 8.0  # goes on: within a quarter of its way from 48 on
    z[:, 2] = 0.2 * (-1.0) ** np.arange(len(KEPT))  # trembles
    z[-1, 3] = 2.0  # at last
    narrowed = np.ones_like(z)
    narrowed[KEPT.index(12) :, 0] = 0.4
    narrowed[KEPT.index(4), 1] = 0.4  # but wide again later
    found = settle(z, narrowed)
    assert [KEPT[place] for place in found["settled"]] == [8, 48, 0, 64]
    assert found["narrow"].tolist() == [KEPT.index(12), *[len(KEPT)] * 3]


# --- of a run ---


def test_a_lineage_says_how_its_run_came_here(found, specimen, run: Path) -> None:
    json.dumps(found, allow_nan=False)
    assert found["generations"] == [0, 1, 2, 3, 4, 6]
    assert (found["path"]["here"]["x"], found["path"]["here"]["y"]) == pytest.approx(
        (found["path"]["x"][-1], found["path"]["y"][-1])
    )
    pool = specimen.dna.pool
    assert found["path"]["net"] == pytest.approx(
        np.linalg.norm((specimen.dna.genome - pool.centre) / pool.spread), rel=1e-5
    )
    assert sum(block["numbers"] for block in found["blocks"]) == pool.size == len(found["numbers"])
    assert found["logged"]["generation"] == list(range(7))
    scores = found["scores"]
    assert (scores["lives"], scores["lifetime"], scores["birth_steps"]) == (QUICK.lives, 40, 20)
    last = scores["generations"].index(6)
    arm = ready_arm("evolved", ARMS["evolved"], pool, specimen.dna.genome, specimen.dna.config.learner)
    keys = specimen.keys(QUICK.lives)
    ways = {"birth": (birth_scores, 20), "innate": (innate_scores, 40), "learned": (learned_scores, 40)}
    for name, (lived, steps) in ways.items():
        own = lived(specimen.setup, specimen.driver, arm, keys, steps)
        assert scores[name]["mean"][last] == pytest.approx(own.values.mean())
    assert scores["diverged"] == 0
    assert scores["lived"] == 3 * QUICK.lives * len(scores["generations"])


def test_a_birth_score_is_that_of_a_newborn_that_does_not_learn(tmp_path: Path) -> None:
    setup = assemble(config(learner={"window": 4, "plasticity": {"learning_rate": 1.0}}))
    arm = ready_arm("evolved", ARMS["evolved"], setup.pool, setup.pool.centre, setup.config.learner)
    driver, keys = new_driver(setup.conditions), life_keys(3, VALIDATION, 1000, 24)
    birth = birth_scores(setup, driver, arm, keys, 80).values
    learned = learned_scores(setup, driver, arm, keys, 80).values
    innate = innate_scores(setup, driver, arm, keys, 80).values
    rule = setup.conditions.world.fitness_rule
    frozen, learning = (
        births_in(setup.conditions.world, live_arm(setup, driver, one, keys, 80, 1), Plan(80, bin_steps=1)).score
        for one in (arm.frozen(), arm)
    )
    assert np.array_equal(birth, frozen)
    assert not np.array_equal(birth, learning)
    outcome = live_arm(setup, driver, arm, keys, 80, 20)
    assert np.array_equal(learned, score(outcome, rule, 3, 4, Plan(80, bin_steps=20)))
    outcome = live_arm(setup, driver, arm.frozen(), keys, 80, 20)
    assert np.array_equal(innate, score(outcome, rule, 3, 4, Plan(80, bin_steps=20)))
    assert not np.array_equal(innate, learned)


def test_a_lineage_shows_what_can_be_known_without_the_world(found, run: Path) -> None:
    bare = inspect_lineage(load_dna(run), None)
    assert bare == found | {"scores": None, "no_scores": "without its world no ancestor can live"}
    section = lineage_section(bare, {})
    assert section.sentences[0] == "What rose first is not known: without its world no ancestor can live."
    assert [chart.key for chart in section.charts] == ["lineage_path", "lineage_settling"]


def test_a_world_at_fault_leaves_the_path(specimen, found, monkeypatch) -> None:
    def fault(*_):
        raise LifeFault("toy", None, 0, 0, 7, "observation shown=nan: must be finite", None, None)

    monkeypatch.setattr("evolearn.inspection._lineage.birth_scores", fault)
    faulty = inspect_lineage(specimen.dna, specimen)
    assert faulty["path"] == found["path"]
    assert "step 7: observation shown=nan: must be finite" in lineage_section(faulty, {}).sentences[0]


def test_every_picture_of_a_lineage_can_be_drawn(found, tmp_path: Path) -> None:
    section = lineage_section(json.loads(json.dumps(found)), {})
    for chart in section.charts:
        json.dumps(page_chart(chart), allow_nan=False)
        draw_figure(chart)
    save_figures(section.charts[:1], tmp_path / "figures")
    assert (tmp_path / "figures" / "lineage_scores.png").exists()
    assert any("Antognini and Sohl-Dickstein 2018" in sentence for sentence in section.sentences)


def test_dna_outside_of_a_run_has_no_lineage(run: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes((run / "dna.safetensors").read_bytes())
    with pytest.raises(DNAError, match=r"bare.safetensors: lies outside of its run, which keeps the ancestors"):
        inspect_lineage(load_dna(bare), None)
    shutil.copytree(run, tmp_path / "old")
    shutil.rmtree(tmp_path / "old" / "ancestors")
    with pytest.raises(DNAError, match="has 0 ancestors of this DNA, a path needs 3"):
        inspect_lineage(load_dna(tmp_path / "old"), None)


def test_a_search_without_a_centre_says_what_its_points_are(tmp_path: Path) -> None:
    search = {"algorithm": "genetic", "generations": 4, "population": 6, "lives": 1, "selection_lifetime": 40}
    start_run(config(search=search), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    section = lineage_section(inspect_lineage(load_dna(tmp_path / "run"), None), {})
    assert any("The search (genetic) has no centre" in sentence for sentence in section.sentences)


def pathlike():
    """The rest of a lineage of as many ancestors as the planted history has."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(len(KEPT), 200)).cumsum(axis=0)
    block = {
        "gene": "hidden1.weight", "group": "weights", "numbers": 200, "stayed": 0, "moving": 3, "settled": 12,
        "narrow": None, "settled_by": np.linspace(0, 1, len(KEPT)).tolist(), "narrow_by": [0.0] * len(KEPT),
    }  # fmt: skip
    return {"path": path_of(z, z[-1]), "blocks": [block], "numbers": []}


def drawn(section, key):
    (chart,) = [chart for chart in section.charts if chart.key == key]
    return chart.views[0].panels[0].series
