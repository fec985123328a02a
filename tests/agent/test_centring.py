"""Drives that explore: what they are felt less than, and that they then lead to more places than no drive does."""

import functools
import hashlib
import itertools
import json

import numpy as np
import pytest

from evolearn.agent import DRIVES, Drive, compose
from evolearn.agent.drives.centring import SPAN, less_its_mean
from evolearn.config import ConfigError, check_config
from evolearn.config.run import check_kept_config
from evolearn.files import sealed
from evolearn.genome import decode
from evolearn.life import OwnDrivers, Plan
from evolearn.life.live import traced_lives
from evolearn.rng import TEST, life_keys
from evolearn.run import assemble
from evolearn.study.directory import create_study, open_study
from tests.helpers.studies import toy_study

SECTIONS = {
    "world": {"name": "rooms"},
    "search": {"selection_lifetime": 400},
    "evaluation": {"lifetimes": [400], "birth_steps": 100, "bin_steps": 100},
}


def floats(*values):
    return np.array(values, np.float32)


def setup_of(**sections):
    return assemble(check_config(SECTIONS | sections, "drives"))


def test_the_mean_of_a_drive_by_hand():
    memory = floats(0, 0)
    assert [less_its_mean(memory, felt) for felt in (8.0, 4.0, 0.0, 4.0)] == [0.0, -2.0, -4.0, 0.0]
    # Means 8, 6, 4, 4.
    assert memory.tolist() == [4.0, 4.0]


def test_a_mean_forgets_what_was_a_span_ago():
    memory = floats(0, 0)
    for _ in range(int(SPAN)):
        less_its_mean(memory, 1.0)
    # From here on the mean falls by 1 / SPAN of itself: (1 - 1 / SPAN)^SPAN is 1 / e.
    felt = [less_its_mean(memory, 0.0) for _ in range(int(SPAN))]
    assert felt[0] == pytest.approx(-(1 - 1 / SPAN), rel=1e-6)
    assert felt[-1] == pytest.approx(-np.exp(-1), rel=1e-3)


def test_each_drive_is_centred_as_it_is_told_and_has_a_memory_of_its_own():
    names, centrings = ("novelty", "change", "novelty", "novelty"), ("mean", "mean", "largest", "none")
    feel, size = compose(names, 2, 1, centrings)
    counts = DRIVES["novelty"].memory(2, 1)
    assert size == 3 * counts + 4
    memory, felt = np.zeros(size, np.float32), []
    sights = floats([0, 0], [0, 1], [0, 1], [0, 1])
    for before, after in itertools.pairwise(sights):
        drives = np.zeros(4, np.float32)
        feel(memory, before, floats(0), after, floats(), np.zeros((0, 0), np.float32), drives)
        felt.append(drives)
    news, changes = 1 / np.sqrt([1, 2, 3]), np.sqrt([0.5, 0, 0])
    so_far = np.array([1, 2, 3])
    expected = [news - np.cumsum(news) / so_far, changes - np.cumsum(changes) / so_far, news - 1, news]
    np.testing.assert_allclose(felt, np.transpose(expected), atol=1e-6)


@pytest.mark.parametrize(
    ("drives", "expected"),
    [
        ({}, ("none", "mean", "mean", "mean", "none")),
        ({"centred": "none"}, ("none",) * 5),
        ({"centred": {"novelty": "largest", "change": "none"}}, ("none", "none", "mean", "largest", "none")),
    ],
)
def test_only_drives_that_explore_are_centred(drives, expected):
    generic = ["effort", "change", "linear_surprise", "novelty", "constant"]
    assert setup_of(drives={"generic": generic, **drives}).conditions.centrings == expected


@pytest.mark.parametrize(
    ("drives", "text"),
    [
        (
            {"generic": ["novelty", "change"], "centred": "largest"},
            "drives.centred=largest: must be mean or none with the drive 'change', which has no largest value; set "
            "drives.centred={novelty: largest, change: mean}",
        ),
        (
            {"generic": ["change"], "centred": {"change": "largest"}},
            "drives.centred.change=largest: must be mean or none with the drive 'change', which has no largest value; "
            "set drives.centred={change: mean}",
        ),
        (
            {"generic": ["effort"], "centred": {"effort": "mean"}},
            "drives.centred.effort=mean: must be none, since 'effort' is no drive that explores",
        ),
        (
            {"generic": ["novelty"], "centred": {"novlety": "mean"}},
            "drives.centred: 'novlety' is unknown. Did you mean",
        ),
        ({"generic": ["novelty"], "centred": "middle"}, "drives.centred"),
    ],
)
def test_what_cannot_be_centred_is_refused_with_the_remedy(drives, text):
    with pytest.raises(ConfigError) as caught:
        setup_of(drives=drives)
    assert text in str(caught.value)


def test_a_drive_of_ones_own_is_centred_if_its_row_says_that_it_explores():
    assert not Drive("mine", lambda memory, observation, action, after: 1.0).explores
    without = {name for name, row in DRIVES.items() if not row.explores}
    assert without == {"effort", "constant", "progress"}  # costs, and what may be below 0


def test_a_config_that_was_kept_before_drives_were_centred_means_what_it_meant():
    kept = check_config(SECTIONS | {"drives": {"generic": ["novelty"]}}, "kept").model_dump(mode="json")
    assert check_kept_config(kept, "kept").drives.centred == "mean"
    del kept["drives"]["centred"]
    assert assemble(check_kept_config(kept, "kept")).conditions.centrings == ("none",)


def test_a_study_that_began_before_drives_were_centred_goes_on_as_it_began(tmp_path):
    path = tmp_path / "study"
    create_study(toy_study(), "old", path, {}, 0)
    assert open_study(path).read_config().run.drives.centred == "mean"
    config, label = path / "study.yaml", path / "study.json"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(line for line in lines if "centred:" not in line))
    sha256 = hashlib.sha256(config.read_bytes()).hexdigest()
    label.write_text(json.dumps(sealed(json.loads(label.read_text()) | {"config_sha256": sha256})))
    assert open_study(path).read_config().run.drives.centred == "none"


@functools.cache
def drivers():
    return OwnDrivers(1)


@functools.cache
def places_seen(learner, drive, weight, centred):
    """Different cells of `rooms` that a life has seen after 500 steps, fitness not felt; mean of 24 lives."""
    tables = learner == "q_learning"
    slow = {"window": 20, "plasticity": {"learning_rate": 0.02, "entropy_bonus": 0.001}}
    setup = setup_of(
        brain={"trunk": "linear", "hidden": []} if tables else {"hidden": [16]},
        learner={"name": learner, **({"window": 1} if tables else slow)},
        drives={"generic": [drive], "weights": {drive: weight}, "centred": centred},
        genome={"weights": {"mode": "fresh"}, "drives": {"mode": "fixed"}},
    )
    newborns = decode(setup.pool, setup.pool.centre[None])
    keys = life_keys(0, TEST, 0, 24)
    _, trace = traced_lives(setup.driver(drivers()), newborns, np.zeros(24, np.int64), keys, Plan(500))
    return np.mean([len(set(cells)) for cells in trace.observations.argmax(axis=2).tolist()])


@pytest.mark.parametrize(
    ("learner", "drive", "centred", "more"),
    [
        ("q_learning", "novelty", "mean", 7.0),
        ("q_learning", "novelty", "largest", 7.0),
        ("q_learning", "linear_surprise", "largest", 5.0),
        ("actor_critic", "novelty", "mean", 4.0),
    ],
)
def test_a_centred_drive_alone_leads_to_more_places_than_no_drive(learner, drive, centred, more):
    nothing = places_seen(learner, drive, 0.0, centred)
    assert places_seen(learner, drive, 1.0, centred) >= nothing + more


@pytest.mark.parametrize("drive", ["novelty", "linear_surprise", "change"])
def test_a_drive_that_is_never_below_zero_holds_a_q_learner_back(drive):
    assert places_seen("q_learning", drive, 1.0, "none") <= places_seen("q_learning", drive, 0.0, "none") - 20.0
