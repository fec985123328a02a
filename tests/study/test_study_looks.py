"""Studies that are judged look by look: they stop when decided, go on by themselves when not, and can be resumed."""

import io
import re
import shlex
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from evolearn.cli.show_study import StudyScreen, print_plan, print_study
from evolearn.config import ConfigError
from evolearn.life import OwnDrivers
from evolearn.run import Interrupted
from evolearn.study import Rates, StudyConfig, extend_study, open_study, read_study, resume_study, start_study
from evolearn.study._judge import ARMS_ADDED
from evolearn.study.plan import plan_study
from evolearn.verdict import Look
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import Onlooker, results, verdict_of

pytestmark = pytest.mark.usefixtures("quick_report")

# The oracle balances and uniform actions do not: found with four runs. Two arms of uniform actions are alike.
TWO = [
    {"name": "apart", "primary": {"arm": "oracle", "against": "random", "metric": "total"}},
    {"name": "alike", "primary": {"arm": "random", "against": "chance", "metric": "total"}},
]
LOOKS = {"runs": 6, "looks": (4, 5, 6), "look_levels": (0.03, 0.01, 0.01), "margins": {"total": 1e-6}}


def looking(conditions=TWO, **fields) -> StudyConfig:
    return toy_study(
        arms=["random", "chance", "oracle"],
        define={"chance": {"like": "random"}},
        expect_identical=[["random", "chance"]],
        primary=conditions[0]["primary"],
        conditions=conditions,
        **{**LOOKS, **fields},
    )


def folders(path: Path, condition: str) -> set[str]:
    return {file.stem for file in (path / "lives" / condition).rglob("*.parquet")}


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Onlooker]:
    """A sequence of conditions, so that the first one has the whole level of its look."""
    path, onlooker = tmp_path_factory.mktemp("looks") / "study", Onlooker()
    start_study(looking(sequence=("apart", "alike")), "looks", path, OwnDrivers(1), onlooker)
    return path, onlooker


def test_a_condition_stops_when_it_is_decided_and_the_other_goes_on(looked) -> None:
    path, onlooker = looked
    assert onlooker.looks == [(4, ["alike"]), (5, ["alike"]), (6, ["alike"])]
    assert onlooker.came_out == ["apart"]
    assert folders(path, "apart") == {f"run_{run:02d}" for run in range(4)}
    assert folders(path, "alike") == {f"run_{run:02d}" for run in range(6)}
    verdict = verdict_of(path)
    apart, alike = verdict["conditions"]
    assert (apart["runs"], alike["runs"], verdict["study"]["runs"]) == (4, 6, 6)
    assert [(row["runs"], row["level"], row["decided"]) for row in apart["looks"]] == [(4, 0.03, True)]
    assert [(row["runs"], row["decided"]) for row in alike["looks"]] == [(4, False), (5, False), (6, False)]
    assert (apart["primary"]["verdict"], apart["primary"]["p"]) == ("better", pytest.approx(2 / 70, rel=1e-4))
    assert len(apart["arms"]["oracle"]["runs"]) == 4
    assert "From 4 runs per arm (fewer than 10: exploratory) at look 1." in apart["sentence"]
    assert verdict["ledger"]["conditions"]["apart"]["random"]["runs"] == 4
    assert verdict["key_spaces"]["test"]["keys"] == 6 * 3


def test_the_command_that_is_offered_next_fits_a_study_with_looks(looked) -> None:
    console = Console(file=io.StringIO(), width=200)
    print_study(console, looked[0])
    (command,) = re.findall(r"^  evolearn study (.+)$", console.file.getvalue(), re.MULTILINE)
    path, *settings = shlex.split(command)
    study = read_study(Path(path), settings)
    assert (study.seed, study.looks) == (4, (4, 5, 6))


@pytest.mark.parametrize(
    ("came_out", "still_open", "another", "said"),
    [
        (["a"], ["b"], True, "the test came out: a; not decided yet: b"),
        (["a", "b"], [], False, "the test came out: a, b"),
        ([], ["a"], False, "not decided: a"),
    ],
)
def test_a_look_is_told_by_what_came_out_and_what_is_open(came_out, still_open, another, said) -> None:
    """A test that came out may have its verdict withheld."""
    console = Console(file=io.StringIO(), width=200)
    StudyScreen(console).looked(Look(4, 0.03), came_out, still_open, another)
    assert console.file.getvalue() == f"Look at 4 runs, level 0.03: {said}\n"


def test_the_plan_names_the_level_of_a_single_look() -> None:
    console = Console(file=io.StringIO(), width=200)
    study = looking([TWO[0]], runs=4, looks=(4,), look_levels=(0.03,))
    print_plan(console, study, plan_study(study), Rates(1.0, 1.0), [])
    assert "Decided by: oracle against random, total, at 0.03." in console.file.getvalue()


def test_a_planned_study_of_one_look_ends_at_once_when_that_decides(tmp_path: Path) -> None:
    onlooker = Onlooker()
    start_study(looking([TWO[0]]), "one", tmp_path / "study", OwnDrivers(1), onlooker)
    assert onlooker.looks == [(4, [])]
    assert onlooker.shares[-1] < 1.0
    assert verdict_of(tmp_path / "study")["study"]["runs"] == 4


@pytest.mark.parametrize("stop", [("looked", 4), ("looked", 6), ("done", 14)])
def test_stopped_at_a_look_and_resumed_it_ends_with_the_same_bytes(stop, looked, tmp_path: Path) -> None:
    path = tmp_path / "study"
    config = open_study(looked[0]).read_config()
    with pytest.raises(Interrupted):
        start_study(config, "looks", path, OwnDrivers(1), Onlooker(lambda event, what: (event, what) == stop))
    resume_study(open_study(path), OwnDrivers(1), Onlooker())
    assert results(path) == results(looked[0])


def test_runs_added_after_the_last_look_are_optional_stopping(tmp_path: Path) -> None:
    path = tmp_path / "study"
    start_study(looking([TWO[0]]), "one", path, OwnDrivers(1), Onlooker())
    extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())
    verdict = verdict_of(path)
    assert verdict["study"]["extended"][0]["runs_before"] == 4
    assert (verdict["study"]["runs"], verdict["study"]["looks"]) == (5, [{"runs": 5, "level": 0.01}])
    planned = [{"runs": 4, "level": 0.03}, {"runs": 5, "level": 0.01}, {"runs": 6, "level": 0.01}]
    assert verdict["study"]["extended"][0]["looks_before"] == planned
    assert "optional stopping" in verdict["conditions"][0]["sentence"]
    with pytest.raises(ConfigError, match="nothing to add"):
        extend_study(open_study(path), 0, (), OwnDrivers(1), Onlooker())
    extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())
    first, second = verdict_of(path)["study"]["extended"]
    assert (first["looks_before"], "looks_before" in second) == (planned, False)
    assert verdict_of(path)["study"]["looks"] == [{"runs": 6, "level": 0.01}]


def test_an_arm_added_after_looks_changes_nothing_of_them(looked, tmp_path: Path) -> None:
    path = Path(shutil.copytree(looked[0], tmp_path / "study"))
    onlooker = Onlooker()
    extend_study(open_study(path), 0, ("blank",), OwnDrivers(1), onlooker)
    before, after = verdict_of(looked[0]), verdict_of(path)
    assert onlooker.looks == looked[1].looks
    assert {(job[0], job[1]) for job in onlooker.jobs} == {("apart", "blank"), ("alike", "blank")}
    assert after["study"]["looks"] == before["study"]["looks"]
    extension = {"runs_before": 6, "runs_after": 6, "arms_added": ["blank"], "verdict_seen": True}
    assert after["study"]["extended"] == [extension]
    for was, now in zip(before["conditions"], after["conditions"], strict=True):
        assert (now["runs"], now["looks"], now["primary"]) == (was["runs"], was["looks"], was["primary"])
        assert len(now["arms"]["blank"]["runs"]) == was["runs"]
        assert now["sentence"] == f"{was['sentence']} {ARMS_ADDED}"


def test_evolutions_judged_elsewhere_go_on_with_the_condition_that_needs_them(tmp_path: Path) -> None:
    """The home condition is decided at the first look; another judges its DNA, and asks for more of it."""
    study = toy_study(
        arms=["random", "evolved", "oracle"],
        conditions=[
            {"name": "home", "primary": {"arm": "oracle", "against": "random", "metric": "total"}},
            {
                "name": "away",
                "evolved_in": "home",
                "primary": {"arm": "evolved", "against": "random", "metric": "birth"},
            },
        ],
        sequence=("home", "away"),
        **{**LOOKS, "margins": {"total": 1e-6, "birth": 1e-6}, "primary": TWO[0]["primary"]},
    )
    path = tmp_path / "study"
    start_study(study, "away", path, OwnDrivers(1), Onlooker())
    home, away = verdict_of(path)["conditions"]
    assert home["runs"] == 4
    assert away["runs"] in (4, 5, 6)
    assert len(list((path / "runs/home/evolved").glob("run_??"))) == away["runs"]
    ledger = verdict_of(path)["ledger"]["conditions"]
    assert ledger["home"]["evolved"]["outer"] == away["runs"] * 2 * 5 * 2 * 40
    assert ledger["away"]["evolved"]["outer"] == 0
