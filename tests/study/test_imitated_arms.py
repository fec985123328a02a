"""Arms that are taught before birth, and that start where another came to: who gives, in which order, at whose cost."""

from pathlib import Path

import numpy as np
import pytest

from evolearn.config import ConfigError
from evolearn.genome import decode
from evolearn.run import DNA, load_dna, open_run
from evolearn.study import planned_config
from evolearn.study._judge import _bill
from evolearn.study.checks import _same_evolution
from evolearn.study.plan import evolving_arms
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import make

pytestmark = pytest.mark.usefixtures("quick_report")

ARMS = "arms=[random, evolved_and_imitated, imitated_frozen, imitated, adults, of_oracle, evolved, tuned_blank, oracle]"
DEFINED = {
    "adults": {"like": "imitated", "settings": {"search.algorithm": "clone", "search.options": {"age": 20}}},
    "of_oracle": {"like": "imitated", "teacher": "oracle"},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("imitated") / "study"
    make(toy_study("arms=[random, tuned_blank, evolved, imitated, evolved_and_imitated, oracle]", "runs=1"), path)
    return path


def dna_of(study: Path, arm: str) -> DNA:
    return load_dna(study / f"runs/as-it-is/{arm}/run_00")


def test_who_gives_evolves_before_who_takes() -> None:
    order = evolving_arms(toy_study(ARMS, define=DEFINED))
    assert order.index("evolved") < order.index("imitated") < order.index("evolved_and_imitated")
    assert order.index("tuned_blank") < order.index("of_oracle")


def test_the_teacher_is_the_dna_of_the_same_run(study: Path) -> None:
    options = open_run(study / "runs/as-it-is/imitated/run_00").read_config().search.options
    weights = np.concatenate([np.float32(part) for part in options["teacher"]["weights"].values()])
    assert weights.tobytes() == dna_of(study, "evolved").newborns.weights[0].tobytes()


def test_evolution_starts_at_the_clone(study: Path) -> None:
    clone, then = dna_of(study, "imitated"), dna_of(study, "evolved_and_imitated")
    start = decode(then.pool, then.pool.centre[None])
    assert start.weights.tobytes() == clone.newborns.weights.tobytes()
    np.testing.assert_allclose(start.drives, clone.newborns.drives, rtol=1e-6)
    np.testing.assert_allclose(start.plasticity, clone.newborns.plasticity, rtol=1e-6)
    assert not np.array_equal(then.newborns.weights, clone.newborns.weights)


@pytest.mark.parametrize(("arm", "privileged"), [("imitated", False), ("adults", True), ("of_oracle", True)])
def test_a_teacher_is_called_privileged_where_it_is(arm: str, privileged: bool) -> None:
    config = toy_study(ARMS, define=DEFINED)
    options = planned_config(config, config.conditions[0], arm).search.options
    assert options["privileged"] is privileged
    assert (options["teacher"] == "oracle") == (arm == "of_oracle")


def test_a_clone_owes_its_teachers_evolution_and_who_starts_at_it_all_of_that() -> None:
    config = toy_study(ARMS, define=DEFINED)
    own = {"tuned_blank": 1, "evolved": 20, "imitated": 300, "of_oracle": 4000, "evolved_and_imitated": 50_000}
    evolution = {arm: [{"steps": steps, "validation_steps": 0}] for arm, steps in own.items()}
    bills = {arm: _bill(config, config.conditions[0], arm, evolution) for arm in (*own, "imitated_frozen")}
    assert bills == {
        "tuned_blank": 1,
        "evolved": 20,
        "imitated": 321,
        "imitated_frozen": 321,
        "of_oracle": 4001,
        "evolved_and_imitated": 50_321,
    }


def test_arms_that_differ_in_their_teacher_or_start_alone_differ() -> None:
    define = {
        "pupil": {"like": "imitated", "teacher": "instinct"},
        "other": {"like": "evolved_and_imitated", "start": "pupil"},
        "again": {"like": "imitated"},
    }
    arms = "arms=[random, tuned_blank, evolved, instinct, imitated, pupil, again, evolved_and_imitated, other, oracle]"
    config = toy_study(arms, define=define)
    alike = {
        pair: _same_evolution(config, config.conditions[0], *pair)
        for pair in (("imitated", "pupil"), ("evolved_and_imitated", "other"), ("imitated", "again"))
    }
    assert alike == {
        ("imitated", "pupil"): False,
        ("evolved_and_imitated", "other"): False,
        ("imitated", "again"): True,
    }


@pytest.mark.parametrize(
    ("define", "text"),
    [
        ({"imitated": {"teacher": "nobody"}}, "define.imitated.teacher='nobody': no such arm"),
        (
            {"imitated": {"teacher": "tuned_blank"}},
            "imitated takes weights of tuned_blank, whose weights are drawn afre",
        ),
        ({"imitated": {"teacher": "imitated_frozen"}}, "imitated takes its genes from imitated_frozen, which"),
        (
            {"imitated": {"teacher": "evolved_and_imitated"}},
            "imitated takes its genes from evolved_and_imitated, which takes its own from imitated; name another arm",
        ),
        ({"evolved_and_imitated": {"start": "nobody"}}, "define.evolved_and_imitated.start='nobody': no such arm"),
    ],
)
def test_teachers_that_cannot_be_are_refused(define: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        toy_study(
            "arms=[random, tuned_blank, evolved, imitated, imitated_frozen, evolved_and_imitated, oracle]",
            define=define,
        )
    assert text in str(caught.value)
