"""Studies whose lives or searches leave the finite numbers: said, judged in nothing, and never a crash at the end."""

import contextlib
import dataclasses
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from evolearn.cli.show_life import LifeScreen
from evolearn.cli.show_study import print_study
from evolearn.config import ConfigError
from evolearn.errors import RunDirectoryError
from evolearn.life import OwnDrivers
from evolearn.report import write_report
from evolearn.run import (
    DNAError,
    Interrupted,
    SearchDiverged,
    Wanted,
    assemble,
    evolve,
    evolve_run,
    load_dna,
    new_search,
    open_run,
    relive_selection,
)
from evolearn.run.transplant import Arm
from evolearn.search import LeftFinite
from evolearn.study import open_study, resume_study, start_study
from evolearn.study._held_out import arm_lives
from evolearn.study.replay import _rounded
from evolearn.world import MEAN_PER_STEP
from tests.helpers.held_out_lives import BIRTH, LONG, held_out
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import Onlooker, make, page_only, results, rows_of, verdict_of


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_an_arm_whose_brains_all_diverge_is_named_and_not_judged(tmp_path: Path, monkeypatch) -> None:
    born = Arm.born

    def broken(arm: Arm, keys):
        newborns, born_as = born(arm, keys)
        if arm.name == "evolved":
            newborns = newborns._replace(weights=np.full_like(newborns.weights, np.nan))
        return newborns, born_as

    monkeypatch.setattr(Arm, "born", broken)
    monkeypatch.setattr("evolearn.study.study.write_report", lambda path: path)  # once is enough
    path = tmp_path / "study"
    start_study(toy_study(), "toy", path, OwnDrivers(1), Onlooker())
    verdict = json.loads((path / "verdict.json").read_text(), parse_constant=refuse)
    (condition,) = verdict["conditions"]
    runs = verdict["study"]["runs"]
    lives = runs * verdict["study"]["test_lives"]
    assert {arm: entry["diverged"] for arm, entry in condition["arms"].items()} == {
        "random": 0, "tuned_blank": 0, "evolved": lives, "oracle": 0,
    }  # fmt: skip
    contrasts = [condition["primary"], *condition["secondary"], *condition["by_lifetime"]]
    assert {(row["verdict"], row["p"]) for row in contrasts} == {("inconclusive", None)}
    reason = f"in {runs} of {runs} runs of evolved every life left the finite numbers, so that it has no score"
    assert reason in condition["sentence"]
    assert any(said.startswith(f"In {lives} of {lives} test lives of evolved") for said in condition["remarks"])
    assert reason in write_report(path, figures=False).read_text(encoding="utf-8")


WILD = {"search.algorithm": "snes", "search.options": {"stdev_learning_rate": 10000.0}}
DEFINE = {
    "wild": {"like": "evolved", "settings": WILD},
    "transplant": {"like": "shuffled", "origin": "wild"},
    "borrower": {"like": "evolved", "drives": "wild", "plasticity": "wild"},
}
OF_WILD = ("wild", "transplant", "borrower")  # none of them has DNA
LOST = "came to no DNA, since an evolution left the finite numbers, so that it has no score"


def with_wild(**fields):
    """A study one of whose arms diverges in its second generation, in every run, and lends its DNA to others."""
    asked = [{"arm": arm, "against": "evolved", "metrics": ["total", "catch_up"]} for arm in ("transplant", "wild")]
    about: dict = {
        "arms": ["random", "tuned_blank", "wild", "transplant", "borrower", "evolved", "oracle"],
        "define": DEFINE,
        "runs": 4,
        "conditions": [{"name": "home"}, {"name": "away", "evolved_in": "home"}],
        "secondary": [*asked, {"arm": "evolved", "against": "tuned_blank", "metrics": ["total"]}],
        "margins": {"catch_up": 100, "total": 0.1},
    }
    return toy_study(**about | fields)


@pytest.fixture(scope="module")
def wild(tmp_path_factory) -> Iterator[tuple[Path, Onlooker]]:
    path = tmp_path_factory.mktemp("wild") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolearn.study.study.write_report", page_only)  # seconds, and the page has a test of its own
        yield path, make(with_wild(), path)


def test_a_study_goes_on_when_an_evolution_leaves_the_finite_numbers(wild) -> None:
    path, onlooker = wild
    ended = {job[:3] for job in onlooker.jobs if job[3] == "came to no DNA"}
    assert ended == {("home", arm, run) for arm in ("wild", "borrower") for run in range(4)}
    lived = {job[1] for job in onlooker.jobs if job[3] == "lived the test lives"}
    assert lived == {"random", "tuned_blank", "evolved", "oracle"}
    assert onlooker.shares[-1] <= 1.0
    assert not (path / "runs" / "home" / "borrower").exists(), "it could not begin"
    told = [
        text for text in onlooker.warnings if text.startswith("wild under home, run 1: its evolution left the fini")
    ]
    assert len(told) == 1
    assert "generation 2 of 2 was not made: the new population has " in told[0]
    assert "in define.wild.settings" in told[0]


def test_no_arm_is_judged_whose_dna_is_not_finite_and_the_others_are(wild) -> None:
    verdict = json.loads((wild[0] / "verdict.json").read_text(), parse_constant=refuse)
    for condition, whose in zip(verdict["conditions"], ("its evolution", "its evolution under home"), strict=True):
        assert condition["primary"]["p"] is not None
        assert "No evolution is born" in condition["sentence"]
        judged = {row["arm"]: (row["p"] is not None) for row in condition["secondary"]}
        assert judged == {"transplant": False, "wild": False, "evolved": True}
        for row in condition["secondary"][:4]:
            assert (row["verdict"], row["difference"]["iqm"]) == ("inconclusive", None)
            assert row["withheld"] == f"4 of 4 runs of {row['arm']} {LOST}"
            assert row["withheld"] in row["sentence"]
        remarks = [text for text in condition["remarks"] if text.startswith("There is no DNA of ")]
        assert [text.split()[5] for text in remarks] == list(OF_WILD)
        assert remarks[0].startswith(
            "There is no DNA of wild in runs 0, 1, 2 and 3 of 4, so wild is judged in nothing: "
            f"{whose} left the finite numbers"
        )
        assert "borrower is judged in nothing: " in remarks[2]
        assert "takes genes of wild, which came to no DNA" in remarks[2]
        assert condition["catch_up_level"] is not None
        for arm in OF_WILD:
            entry = condition["arms"][arm]
            assert {summary["iqm"] for summary in entry["metrics"].values()} == {None}
            assert {run["total"] for run in entry["runs"]} == {None}
            assert set(entry["curve"]["score"]) == {None}
            assert (entry["diverged"], entry["evolution"]) == (0, None), "no life that was never lived"
            assert all("finite numbers" in run["no_dna"] or "no DNA" in run["no_dna"] for run in entry["runs"])
        assert condition["arms"]["evolved"]["evolution"]["runs"]


def test_the_steps_of_what_came_to_nothing_are_paid(wild) -> None:
    path, _ = wild
    ledger = json.loads((path / "ledger.json").read_text())
    rows = [row for run in range(4) for row in rows_of(path, "home", "wild", run)]
    assert len(rows) == 4
    spent = sum(row["world_steps"] for row in rows)
    assert ledger["conditions"]["home"]["wild"]["outer"] == spent > 0
    assert ledger["conditions"]["home"]["borrower"]["outer"] == ledger["conditions"]["away"]["wild"]["outer"] == 0


def test_lives_of_a_generation_that_was_not_made_are_paid_as_well() -> None:
    def lost(text: str) -> None:
        raise LeftFinite(text)

    setup = assemble(toy_study().run)
    search = new_search(setup)
    step = search.step
    search.step = lambda trial: (step(trial), lost("the centre has no number"))  # type: ignore[method-assign]
    with contextlib.closing(OwnDrivers(1)) as drivers, pytest.raises(SearchDiverged) as caught:
        next(evolve(setup, setup.driver(drivers), search))
    assert caught.value.steps == 5 * 2 * 40, "population and centre, on two lives"


def test_stopped_and_resumed_it_ends_with_the_same_bytes_and_repeats_nothing(wild, tmp_path: Path) -> None:
    path = tmp_path / "study"
    with pytest.raises(Interrupted):
        make(with_wild(), path, onlooker=Onlooker(lambda event, what: (event, what) == ("done", 7)))
    again = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), again)
    assert results(path) == results(wild[0])
    assert ("home", "wild", 0) not in {job[:3] for job in again.jobs}
    assert ("home", "wild", 3) in {job[:3] for job in again.jobs}
    with pytest.raises(RunDirectoryError, match="is finished; its verdict is in"):
        resume_study(open_study(path), OwnDrivers(1), Onlooker())
    seal = path / "runs" / "home" / "wild" / "run_00.json"
    assert json.loads(seal.read_text())["diverged"]["why"].startswith("generation 2 of 2 was not made")
    shutil.rmtree(path / "runs" / "home" / "wild" / "run_00")
    again = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), again)
    assert [job[:3] for job in again.jobs] == [("home", "wild", 0), ("home", "borrower", 0)]
    assert results(path) == results(wild[0])
    rows = path / "runs" / "home" / "wild" / "run_00" / "generations.jsonl"
    rows.write_text(rows.read_text().replace('"generation": 0', '"generation":  0'))
    with pytest.raises(RunDirectoryError, match=r"generations\.jsonl: was altered .*or remove .*run_00"):
        resume_study(open_study(path), OwnDrivers(1), Onlooker())


def test_its_page_and_its_screen_say_so(wild, tmp_path: Path) -> None:
    path = tmp_path / "study"
    shutil.copytree(wild[0], path)
    assert "so wild is judged in nothing" in write_report(path, figures=False).read_text(encoding="utf-8")
    console = Console(file=io.StringIO(), width=400)
    print_study(console, path)
    assert "so wild is judged in nothing" in console.file.getvalue()


def test_a_run_that_came_to_no_dna_is_told_of_by_name(wild) -> None:
    run = wild[0] / "runs" / "home" / "wild" / "run_00"
    with pytest.raises(DNAError, match=r"has no DNA yet, .* or says why it came to none"):
        load_dna(run)
    with pytest.raises(ConfigError, match="--generation 1: has no such life: it was not made, since the new populatio"):
        relive_selection(open_run(run), Wanted(1, 0, 0), False, 1, LifeScreen(Console(file=io.StringIO())))


def test_a_primary_whose_arm_has_no_dna_is_withheld_and_looked_at_no_more(tmp_path: Path, monkeypatch) -> None:
    """One run of four is without DNA: the condition is over at its first look, and no other run is evolved for it."""
    monkeypatch.setattr("evolearn.study.study.write_report", page_only)
    lost = "evolved"

    def evolving(setup, drivers, directory, display) -> None:
        if directory.path.parts[-2:] == (lost, "run_01"):
            directory.keep_rows_until(-1)
            raise SearchDiverged("RUN=x: the centre left", "the centre left", 7)
        evolve_run(setup, drivers, directory, display)

    monkeypatch.setattr("evolearn.study._work.evolve_run", evolving)
    looks = {"runs": 6, "looks": [4, 6], "look_levels": [0.03, 0.02]}
    study = with_wild(
        arms=["random", "tuned_blank", "evolved", "instinct", "oracle"],
        define={},
        conditions=[{"name": "home"}],
        secondary=[{"arm": "instinct", "against": "random", "metrics": ["total"]}],
        **looks,
    )
    path = tmp_path / "study"
    onlooker = make(study, path)
    (condition,) = verdict_of(path)["conditions"]
    reason = f"1 of 4 runs of {lost} {LOST}"
    assert (condition["primary"]["verdict"], condition["primary"]["p"]) == ("inconclusive", None)
    assert reason in condition["sentence"]
    assert "is born" not in condition["sentence"]
    assert any(text == f"home: is looked at no more: {reason}" for text in onlooker.warnings)
    assert (onlooker.looks, onlooker.came_out) == ([(4, [])], [])
    assert [(look["runs"], look["decided"]) for look in condition["looks"]] == [(4, True)]
    assert condition["secondary"][0]["p"] is not None
    assert condition["catch_up_level"] is None, "nothing is measured by what has no score"
    assert [run["run"] for run in condition["arms"][lost]["evolution"]["runs"]] == [0, 2, 3]
    assert condition["arms"][lost]["runs"][0]["total"] is not None
    assert verdict_of(path)["ledger"]["conditions"]["home"][lost]["runs"] == 4
    print_study(Console(file=io.StringIO(), width=200), path)


def test_lives_that_ended_before_their_time_are_known_to_have_diverged() -> None:
    lives = arm_lives("evolved", [held_out(1), held_out(2)], MEAN_PER_STEP, (80, 160), 40)
    assert lives.diverged is not None
    assert lives.birth_diverged is not None
    assert lives.diverged.tolist() == lives.birth_diverged.tolist() == [[False, False, False, True]] * 2
    whole = held_out(1)
    whole.outcome.age[-1], whole.birth.age[-1] = LONG.lifetime, BIRTH.lifetime
    assert not arm_lives("evolved", [dataclasses.replace(whole)], MEAN_PER_STEP, (80, 160), 40).broken.any()


def test_a_replay_holds_no_number_that_is_none() -> None:
    assert _rounded([1.0, -0.0, np.nan, np.inf, 0.25]) == [1, 0, None, None, 0.25]
