"""Lesions at the crossroads: newborns built by hand lose the half that they were built for; a study has its tables."""

import sys
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from evolearn.worlds.crossroads import DOORS, FEATURES, HERE, LOOMING, WORTH

from benchmarks import dissociation
from benchmarks.bandits import markdown
from benchmarks.dissociation import BLOCK, INTACT, NOISE, REFLEX, VALUE, Lived
from evolearn.agent import BrainSpec
from evolearn.config import RunConfig
from evolearn.errors import UserError
from evolearn.genome import decode
from evolearn.life import OwnDrivers, new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import assemble
from evolearn.study import start_study
from evolearn.study.config import check_study
from tests.helpers.claim_cells import cells_without
from tests.helpers.watching import StudyWatcher

RUN = {
    "world": {"name": "crossroads"},
    "brain": {"trunk": "linear", "hidden": [], "prediction": True},
    "learner": {"window": 16, "optimiser": "sgd", "plasticity": {"learning_rate": 1e-6, "prediction_rate": 0.5}},
    "value": {"hidden": [], "uses": ["acting"]},
    "genome": {"prediction": "learned"},
    "search": {"population": 2, "generations": 1, "lives": 1, "selection_lifetime": 300},
    "evaluation": {"lives": 2, "lifetimes": [400], "birth_steps": 100, "bin_steps": 100},
}


def built(setup, value=0.0, features=0.0):
    """A newborn with a reflex, who sees how good a door was behind it by so much, and before it by so much."""
    brain = setup.conditions.brain
    (born,) = [decode(setup.pool, setup.pool.centre[None])]
    policy = np.zeros((4, brain.told))
    for side in range(2):
        policy[3 - side, LOOMING + side] = 12.0
        policy[side, DOORS + FEATURES * side : DOORS + FEATURES * (side + 1)] = features * WORTH
    policy[2:, :DOORS] = -6.0  # where nothing looms, it does not dodge
    start = 0
    for tensor in brain.tensors:
        if tensor.name == "policy.weight":
            born.weights[0, start : start + tensor.size] = policy.reshape(-1)
        start += tensor.size
    if value:
        born.value[0, HERE : HERE + FEATURES] = value * WORTH
    return born


@pytest.fixture(scope="module")
def setup():
    return assemble(RunConfig.model_validate(RUN))


@pytest.fixture(scope="module")
def driver(setup):
    with closing(new_driver(setup.conditions, 1)) as driver:
        yield driver


def test_who_decides_by_value_loses_decisions_with_it_and_keeps_the_reflex(setup, driver):
    keys = life_keys(3, VALIDATION, 0, 60)
    scores = dissociation.lived(setup, driver, built(setup, value=8.0), keys, 800, 3, seed=0)
    one = Lived("any", 0.5, "built", {name: values[None] for name, values in scores.items()}, np.zeros((1, 2)))
    assert (one.scores[INTACT][0, 1] > 0.6).all()
    assert one.drop(VALUE, "late", "decisions") > 0.5
    assert abs(one.drop(VALUE, "late", "reflexes")) < 0.1
    assert one.drop(REFLEX, "late", "reflexes") > 0.3
    assert abs(one.drop(REFLEX, "late", "decisions")) < 0.1
    assert abs(one.drop("features", "late", "decisions")) < 0.1
    assert one.scores[INTACT][0, 0, 0] < one.scores[INTACT][0, 1, 0], "where doors lead is found out in life"


def test_who_sees_doors_in_the_policy_loses_decisions_with_that_and_nothing_with_a_value_of_zero(setup, driver):
    fixed = assemble(RunConfig.model_validate(RUN | {"world": {"name": "crossroads", "parameters": {"fixity": 1.0}}}))
    with closing(new_driver(fixed.conditions, 1)) as other:
        scores = dissociation.lived(
            fixed, other, built(fixed, features=4.0), life_keys(3, VALIDATION, 0, 40), 540, 3, 0
        )
    assert (scores[VALUE] == scores[INTACT]).all()
    assert (scores[NOISE] == scores[INTACT]).all(), "noise of its norm"
    assert (scores[INTACT] > 0.6).all()
    assert (scores[INTACT] - scores["features"])[:, 0] == pytest.approx(scores[INTACT][:, 0], abs=0.15)
    assert (np.abs(scores[INTACT] - scores["features"])[:, 1] < 0.1).all()


def test_operations_are_of_the_sizes_that_they_say(setup):
    brain, born = setup.conditions.brain, built(setup, value=2.0)
    names, operations = dissociation.surgeries(brain, born, setup.conditions.value, 2, np.random.default_rng(0))
    assert names == [INTACT, "features", REFLEX, BLOCK, BLOCK, NOISE, NOISE, VALUE]
    assert (operations.factor == 0).sum(axis=1).tolist() == [0, 24, 8, 16, 16, 0, 0, 0]
    assert ((operations.factor == 0) == operations.held.astype(bool)).all()
    assert np.linalg.norm(operations.constant, axis=1) == pytest.approx([0, 0, 0, 0, 0, 2, 2, 0])
    reflex = dissociation.reading(brain, (LOOMING, LOOMING + 1))
    assert not operations.constant[:, reflex].any()
    assert (operations.factor[3:, reflex] == 1).all()
    assert np.isnan(operations.value[:-1]).all()
    assert (operations.value[-1, :16] == 0).all()
    assert np.isnan(operations.value[-1, 16:]).all(), "beta stays"


def test_of_a_critic_that_is_read_the_lesion_is_its_own(setup):
    learned = assemble(
        RunConfig.model_validate(
            RUN | {"value": {"uses": ["acting"], "read": "learned"}, "genome": {"critic": "learned"}}
        )
    )
    brain, value = learned.conditions.brain, learned.conditions.value
    born, places = built(learned), dissociation.critic(brain)
    assert not born.weights[0, places].any()
    assert dissociation.logits(brain, value, born)[0] == 0
    born.weights[0, places[HERE : HERE + FEATURES]] = 3.0 * WORTH
    born.value[0, 0] = 2.0
    assert dissociation.logits(brain, value, born)[0] == pytest.approx(6)
    names, operations = dissociation.surgeries(brain, born, value, 2, np.random.default_rng(0))
    assert names == [INTACT, "features", REFLEX, BLOCK, BLOCK, VALUE]
    assert (operations.factor == 0).sum(axis=1).tolist() == [0, 24, 8, 16, 16, 16]
    assert np.flatnonzero(operations.held[-1]).tolist() == sorted(places)
    assert not set(places) & set(np.flatnonzero(operations.factor[3:5] == 0) % brain.weights)
    with closing(new_driver(learned.conditions, 1)) as driver:
        born.value[0, 0] = 8.0 / 3.0
        scores = dissociation.lived(learned, driver, born, life_keys(3, VALIDATION, 0, 20), 800, 1, seed=0)
    assert scores[INTACT][1, 0] - scores[VALUE][1, 0] > 0.3, "late decisions are lost with it"


def test_late_is_the_second_half_alone(setup, monkeypatch):
    senses = [sense.name for sense in setup.conditions.world.senses]

    def good_until_200(driver, conditions, newborns, born_as, keys, plan, surgeries):
        steps, good = plan.lifetime, min(plan.lifetime, 200)
        sums = {"choice": steps, "decision": good, "dodged": good, "struck": steps - good, "waited": 0}
        return SimpleNamespace(drives=np.tile([0.0, *(sums[name] for name in senses)], (len(born_as), 1))), None

    monkeypatch.setattr(dissociation, "lives", good_until_200)
    scores = dissociation.lived(setup, None, built(setup, value=1.0), life_keys(3, VALIDATION, 0, 2), 400, 1, 0)
    for values in scores.values():
        assert values == pytest.approx(np.array([[np.sqrt(np.pi), 1], [0, 0]]))


def test_value_and_policy_prefer_a_door_by_so_much_as_was_built_in(setup):
    brain, value = setup.conditions.brain, setup.conditions.value
    assert dissociation.logits(brain, value, built(setup, value=8.0)) == pytest.approx([8, 0])
    assert dissociation.logits(brain, value, built(setup, features=4.0)) == pytest.approx([0, 4])
    doubled = built(setup, value=3.0)
    doubled.value[0, value.weights] = 2.0
    assert dissociation.logits(brain, value, doubled)[0] == pytest.approx(6)
    assert dissociation.logits(brain, None, doubled)[0] == 0


def test_a_gated_trunk_is_cut_off_from_what_it_sees_in_all_its_gates():
    brain = BrainSpec("gru", 15, (4,), 4, "categorical")
    places = dissociation.reading(brain, (LOOMING,))
    assert len(places) == 12
    with pytest.raises(UserError, match="no dense or gated layer"):
        dissociation.reading(SimpleNamespace(trunk="own.py:trunk", hidden=(4,), tensors=()), (LOOMING,))


def planted(fixity, value, features, runs=10):
    """Ten runs in which lesions cost decisions so much; the reflex its own half and shams nothing."""
    intact = np.full((runs, 2, 2), 0.9) + 0.01 * np.arange(runs)[:, None, None]

    def costing(decisions, reflexes):
        return intact - np.array([decisions, reflexes])

    return Lived(
        f"{fixity:g}",
        fixity,
        "valued",
        {
            INTACT: intact,
            VALUE: costing(value, 0.0),
            "features": costing(features, 0.0),
            REFLEX: costing(0.0, 0.5),
            BLOCK: costing(0.02, 0.0),
            NOISE: costing(0.1, 0.1),
        },
        np.zeros((runs, 2)),
    )


def test_counts_find_what_is_planted_and_nothing_where_nothing_is():
    rows = {row[1:3]: row[3:] for row in dissociation.counts([planted(0.5, 0.8, 0.0), planted(1, 0.0, 0.4)]).rows}
    assert rows["0.5", "all of these"][0] == "10 of 10"
    assert rows["1", "all of these"][0] == "0 of 10"
    assert rows["1", "value costs decisions at least 0.3"][0] == "0 of 10"
    assert rows["1", "value costs reflexes at most 0.1"][0] == "10 of 10"
    assert rows["0.5 less 1", "interaction: value less features"] == ("+1.20 [+1.20, +1.20]", "< .001")
    assert rows["0.5 less 1", "cost of features to decisions"][0].startswith("-0.40")
    flat = {row[1:3]: row[3:] for row in dissociation.counts([planted(0.5, 0.2, 0.2), planted(1, 0.2, 0.2)]).rows}
    assert flat["0.5", "all of these"][0] == "0 of 10"
    assert flat["0.5 less 1", "interaction: value less features"] == ("+0.00 [+0.00, +0.00]", "1.000")


def test_the_claim_is_decided_by_these_counts():
    found = [planted(0.5, 0.8, 0.0), planted(1, 0.0, 0.4)]
    assert cells_without("emotions", markdown(dissociation.counts(found))) == []
    assert cells_without("emotions", markdown(dissociation.counts(found, "early"))) != []


def test_arms_are_held_against_the_first_at_their_own_fixity():
    others = [planted(0.5, 0.8, 0.0)._replace(arm="other"), planted(1, 0.0, 0.4)._replace(arm="other")]
    for one in others[:1]:
        one.scores[INTACT][:, 0, 0] -= 0.3
    found = [planted(0.5, 0.8, 0.0), others[0], planted(1, 0.0, 0.4), others[1]]
    rows = {(row[0], row[2]): row[1:2] + row[3:] for row in dissociation.against(found).rows}
    assert rows["0.5", "decisions, early"] == ("valued less other", "+0.30 [+0.27, +0.33]", "< .001")
    assert rows["0.5", "decisions, late"][1].startswith("+0.00")
    assert rows["1", "decisions, early"][1].startswith("+0.00")
    assert not dissociation.against(found[:1]).rows


def test_conditions_of_one_fixity_are_held_apart_by_their_names():
    """Short lives and long ones, in which alone the other arm is worse."""
    names = ("lives of 300", "lives of 4,000")
    short, long = (planted(0.5, 0.8, 0.0)._replace(condition=name) for name in names)
    others = [one._replace(arm="other", scores=planted(0.5, 0.8, 0.0).scores) for one in (short, long)]
    others[1].scores[INTACT][:, 0, 0] -= 0.3
    table = dissociation.against([short, others[0], long, others[1]])
    assert table.heads[0] == "condition"
    rows = {(row[0], row[2]): row[3] for row in table.rows}
    assert rows["lives of 300", "decisions, early"].startswith("+0.00")
    assert rows["lives of 4,000", "decisions, early"].startswith("+0.30")


def test_a_study_gives_both_tables(tmp_path, quick_report, capsys, monkeypatch):
    content = {
        "runs": 2,
        "run": RUN,
        "conditions": [
            {"name": "fixity 1", "set": {"world.parameters.fixity": 1.0}},
            {"name": "fixity .5", "set": {"world.parameters.fixity": 0.5}},
        ],
        "arms": ["random", "valued", "valueless"],
        "define": {
            "valued": {"like": "evolved_weights", "value": "inherited"},
            "valueless": {"like": "evolved_weights", "value": "zero"},
        },
        "primary": {"arm": "valued", "against": "valueless", "metric": "total"},
        "margins": {"total": 0.05},
        "resamples": 100,
        "replay": {"steps": 20},
        "threshold": {"of": "best"},
    }
    path = tmp_path / "study"
    start_study(check_study(content, "toy"), "toy", path, OwnDrivers(1), StudyWatcher())
    monkeypatch.setattr(sys, "argv", ["dissociation", str(path), "--lives", "4", "--shams", "1", "--markdown"])
    dissociation.main()
    lines = capsys.readouterr().out.splitlines()
    cells = [tuple(cell.strip() for cell in line.split("|")[1:4]) for line in lines if line.startswith("| 0.5 |")]
    lesions = (INTACT, VALUE, "features", REFLEX, BLOCK, NOISE)
    nothing = "0.00 [0.00, 0.00]"
    assert cells[:12] == [("0.5", arm, lesion) for arm in ("valued", "valueless") for lesion in lesions]
    assert [cell[1] for cell in cells[12:14]] == ["valued", "valueless"]
    assert [cell[1] for cell in cells[14:]] == ["valued less valueless"] * 4
    assert cells[13][2] == nothing, "by value"
    (lost,) = [line for line in lines if line.startswith("| 0.5 | valueless | value |")]
    assert lost.count(nothing) == 4
    with pytest.raises(UserError, match="--arms random: must be arms that evolve themselves: valued, valueless"):
        dissociation.dissociated(path, ["random"], 2, None, 1, 1)
    with pytest.raises(UserError, match="--lifetime 100: must be at least 270 steps"):
        dissociation.dissociated(path, ["valued"], 2, 100, 1, 1)
