"""A study whose lives are taught: what its arms pay for their teacher, and which teacher is whose."""

import numpy as np
import pytest

from evolearn.life import Plan, empty_outcome
from evolearn.study._held_out import HeldOut, parse_table, read_held_out, tabulate, write_table
from evolearn.study._judge import _bill, _ledger_row, _paid_before
from evolearn.study.plan import study_arm
from evolearn.study.study import _settled
from tests.helpers.inspected_dna import made_dna
from tests.helpers.studies import toy_study

UNTAUGHT = {"like": "evolved", "settings": {"teacher": None, "learner.name": "actor_critic"}}
LED = {"like": "evolved", "settings": {"teacher": {"source": "oracle"}}}
COST = 2 * 5 * 2 * 40  # of the DNA's evolution, world steps


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study taught by DNA; in one of its conditions the oracle teaches."""
    path = tmp_path_factory.mktemp("teacher") / "dna.safetensors"
    made_dna(path, toy_study().run)
    taught = ("run.learner.name=rewarded_imitation", f"run.teacher.source={path}")
    conditions = ({"name": "by DNA"}, {"name": "by the oracle", "set": {"teacher.source": "oracle"}})
    arms = ["random", "tuned_blank", "evolved", "untaught", "led", "oracle"]
    return _settled(toy_study(*taught, conditions=conditions, arms=arms, define={"untaught": UNTAUGHT, "led": LED}))


def test_who_teaches_is_charged_to_arms_that_learn(study):
    by_dna, by_oracle = study.conditions
    arms = ("evolved", "tuned_blank", "untaught", "led", "random")
    assert [_paid_before(study, by_dna, arm) for arm in arms] == [COST, COST, 0, 0, 0]
    assert [_paid_before(study, by_oracle, arm) for arm in arms] == [0] * 5
    evolution = {"evolved": [{"steps": 100, "validation_steps": 20}]}
    assert _bill(study, by_dna, "evolved", evolution) == 120 + COST


def test_every_arm_has_its_own_teacher(study):
    by_dna, by_oracle = study.conditions

    def teacher(condition, arm):
        return study_arm(study, condition, arm, lambda origin: (None, None)).setup.conditions.teacher

    assert teacher(by_dna, "evolved").weights
    assert not teacher(by_oracle, "evolved").weights
    assert teacher(by_dna, "led") == teacher(by_oracle, "led") == teacher(by_oracle, "evolved")
    assert teacher(by_dna, "untaught") is None


def test_steps_of_a_teacher_are_in_the_ledger_and_survive_the_file(study, tmp_path):
    def lived(steps):
        return empty_outcome(3, Plan(steps, bin_steps=20), 0, 0)._replace(
            age=np.full(3, steps), taught=np.array([4, 0, 9])
        )

    untaught = empty_outcome(3, Plan(40, bin_steps=40), 0, 0)._replace(age=np.full(3, 40))
    held_out = HeldOut(Plan(40, bin_steps=40), untaught, np.zeros(3), Plan(160, bin_steps=20), lived(160))
    row = _ledger_row(study, study.conditions[0], "evolved", [held_out], [{"steps": 100, "validation_steps": 20}])
    assert row == {
        "outer": 100,
        "tuning": 0,
        "settings": COST,
        "inner": 3 * 160 + 13,
        "evaluation": 3 * 40 + 20,
        "runs": 1,
    }
    table = tabulate("by DNA", "evolved", 0, held_out)
    again = read_held_out(parse_table(write_table(table, tmp_path / "lives.parquet"), table.num_rows))
    np.testing.assert_array_equal(again.outcome.taught, [4, 0, 9])
    older = write_table(table.drop_columns("taught"), tmp_path / "older.parquet")
    assert read_held_out(parse_table(older, table.num_rows)).outcome.taught.tolist() == [0, 0, 0]
