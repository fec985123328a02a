"""Studies interrupted, resumed, extended and damaged: what was done stays done, and what was fixed stays fixed."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolearn.config import ConfigError
from evolearn.errors import RunDirectoryError
from evolearn.files import write_whole
from evolearn.life import OwnDrivers
from evolearn.run import Interrupted
from evolearn.study import extend_study, open_study, resume_study, start_study
from evolearn.study._judge import EXTENDED
from evolearn.study.plan import plan_study
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import FEW, RESULTS, Onlooker, Spy, Whole, make, openings, page_only, results, verdict_of

pytestmark = pytest.mark.usefixtures("quick_report")


@pytest.fixture
def copied(study_of_few: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        return Path(shutil.copytree(study_of_few, tmp_path / "copy"))

    return copy


def nth(event: str, number: Any) -> Callable[[str, Any], bool]:
    return lambda happened, what: (happened, what) == (event, number)


STOPS = {
    "before anything": nth("began", None),
    "in the first generation": nth("generation", 1),
    "in a later evolution": nth("generation", 5),
    "between two evolutions": nth("done", 3),
    "between evolution and tests": nth("done", 6),
    "between two tests": nth("done", 10),
    "before the verdict": nth("judging", "statistics"),
    "before the page": nth("judging", "page, figures and tables"),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_stopped_and_resumed_it_ends_with_the_same_bytes(stop, whole_study: Whole, tmp_path: Path, spy: Spy) -> None:
    path = tmp_path / "study"
    first = spy.onlooker = Onlooker(stop)
    with pytest.raises(Interrupted) as caught:
        start_study(whole_study.config, "toy", path, OwnDrivers(2), first)
    assert caught.value.directory == path
    second = spy.onlooker = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), second)
    assert results(path) == results(whole_study.path)
    assert second.warnings == []
    assert first.generations + second.generations == whole_study.onlooker.generations, "no generation is made twice"
    assert [*first.jobs, *second.jobs] == whole_study.onlooker.jobs, "no job is done twice"
    assert set(openings(spy.lived).values()) == {1}, "no test life is opened twice"
    assert len(second.left) == len(whole_study.onlooker.jobs) - len(first.jobs)


def test_stopped_in_the_midst_of_test_lives_it_ends_with_the_same_bytes(
    whole_study: Whole, tmp_path: Path, spy: Spy
) -> None:
    """The lives that were under way are lived again: nothing was kept of them, so nobody saw how they ended."""
    path = tmp_path / "study"
    first = spy.onlooker = Onlooker()
    spy.stop = lambda lived: lived.where == "test" and lived.lifetime > 40 and lived.job[1:3] == ("evolved", 1)
    with pytest.raises(Interrupted):
        start_study(whole_study.config, "toy", path, OwnDrivers(1), first)
    assert not (path / "lives/as-it-is/evolved/run_01.parquet").exists()
    assert (path / "lives/as-it-is/evolved/run_00.parquet").exists()
    spy.stop = lambda lived: False
    spy.onlooker = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), spy.onlooker)
    assert results(path) == results(whole_study.path)
    twice = {entry for entry, times in openings(spy.lived).items() if times > 1}
    assert {(arm, key[2]) for _, arm, key, _ in twice} == {("evolved", 1)}


def test_stopped_twice_in_one_evolution_no_generation_is_made_twice(whole_study: Whole, tmp_path: Path) -> None:
    path = tmp_path / "study"
    config = whole_study.config
    seen: Counter[tuple[str, str, int]] = Counter()
    for start in (lambda display: start_study(config, "toy", path, OwnDrivers(1), display),
                  lambda display: resume_study(open_study(path), OwnDrivers(1), display)):  # fmt: skip
        onlooker = Onlooker(nth("generation", 1))
        with pytest.raises(Interrupted):
            start(onlooker)
        seen += onlooker.generations
    last = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), last)
    assert seen + last.generations == whole_study.onlooker.generations
    assert results(path) == results(whole_study.path)


def test_stopped_while_the_page_is_written_resume_writes_it(whole_study: Whole, tmp_path: Path, monkeypatch) -> None:
    def stopped_after_the_page(study: Path, figures: bool = True) -> Path:
        page_only(study)
        raise KeyboardInterrupt

    path = tmp_path / "study"
    monkeypatch.setattr("evolearn.study.study.write_report", stopped_after_the_page)
    with pytest.raises(Interrupted):
        start_study(whole_study.config, "toy", path, OwnDrivers(1), Onlooker())
    assert results(path) == results(whole_study.path), "the verdict is there"
    monkeypatch.setattr("evolearn.study.study.write_report", page_only)
    second = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), second)
    assert second.jobs == []
    assert (path / "report/index.html").exists()
    assert results(path) == results(whole_study.path)


def test_a_run_directory_cut_off_while_it_was_made_is_made_again(whole_study: Whole, tmp_path: Path) -> None:
    path = tmp_path / "study"
    with pytest.raises(Interrupted):
        start_study(whole_study.config, "toy", path, OwnDrivers(1), Onlooker(nth("began", None)))
    half = path / "runs/as-it-is/evolved/run_00"
    half.mkdir(parents=True)
    (half / "config.yaml").write_text("half")
    resume_study(open_study(path), OwnDrivers(1), Onlooker())
    assert results(path) == results(whole_study.path)


def test_a_finished_study_is_not_resumed(study_of_few: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"is finished; its verdict is in .*verdict\.json.*study add"):
        resume_study(open_study(study_of_few), OwnDrivers(1), Onlooker())


def test_workers_change_nothing(whole_study: Whole, tmp_path: Path) -> None:
    make(whole_study.config, tmp_path / "study", workers=2)
    assert results(tmp_path / "study") == results(whole_study.path)


def test_another_seed_is_another_study(study_of_few: Path, tmp_path: Path) -> None:
    make(toy_study(FEW, "seed=4"), tmp_path / "study")
    one, other = verdict_of(study_of_few), verdict_of(tmp_path / "study")
    assert one["conditions"] != other["conditions"]
    for space in ("selection", "validation", "test"):
        assert one["key_spaces"][space]["sha256"] != other["key_spaces"][space]["sha256"]
    runs = [verdict["conditions"][0]["arms"]["evolved"]["runs"] for verdict in (one, other)]
    assert not {run["seed"] for run in runs[0]} & {run["seed"] for run in runs[1]}


def test_the_hash_of_the_config_is_on_disk_before_the_first_run(tmp_path: Path) -> None:
    path = tmp_path / "study"
    seen: dict[str, Any] = {}

    def look(event: str, what: Any) -> bool:
        if event == "began":
            seen["label"] = json.loads((path / "study.json").read_text())
            seen["runs"] = (path / "runs").exists()
        return event == "began"

    with pytest.raises(Interrupted):
        start_study(toy_study(FEW), "toy", path, OwnDrivers(1), Onlooker(look))
    assert seen["label"]["config_sha256"] == hashlib.sha256((path / "study.yaml").read_bytes()).hexdigest()
    assert seen["runs"] is False


def test_the_verdict_repeats_what_was_fixed(study_of_few: Path) -> None:
    study = verdict_of(study_of_few)["study"]
    assert study["config_sha256"] == study["first_config_sha256"] == open_study(study_of_few).label()["config_sha256"]
    assert (study["runs"], study["test_lives"], study["exploratory"], study["extended"]) == (2, 3, True, [])


@pytest.mark.parametrize("act", [resume_study, lambda *more: extend_study(more[0], 1, (), *more[1:])])
def test_an_altered_config_is_refused(act, study_of_few: Path, copied: Callable[[], Path]) -> None:
    path = copied()
    if act is resume_study:
        (path / "verdict.json").unlink()
    text = (path / "study.yaml").read_text()
    (path / "study.yaml").write_text(text.replace("catch_up: 100", "catch_up: 5000"))
    assert (path / "study.yaml").read_text() != text
    with pytest.raises(
        RunDirectoryError, match="was altered since the study was made, and a verdict rests on what was"
    ):
        act(open_study(path), OwnDrivers(1), Onlooker())


def test_a_dry_run_writes_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    onlooker = Onlooker()
    assert start_study(toy_study(FEW), "toy", None, OwnDrivers(1), onlooker, dry_run=True) is None
    plan = plan_study(toy_study(FEW))
    assert onlooker.left == [*plan.evolutions, *plan.tests]
    assert onlooker.jobs == []
    assert onlooker.prepared.startswith("living the first lives of every arm")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_never_written_over(study_of_few: Path) -> None:
    before = results(study_of_few)
    with pytest.raises(RunDirectoryError, match="exists already, and runs are never overwritten; evolearn resume"):
        start_study(toy_study(FEW), "toy", study_of_few, OwnDrivers(1), Onlooker())
    assert results(study_of_few) == before


def state(path: Path) -> dict[str, tuple[int, bytes]]:
    """When every file below was written, and what is in it."""
    return {
        str(file.relative_to(path)): (file.stat().st_mtime_ns, file.read_bytes())
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def test_more_runs_leave_the_earlier_ones_alone_and_the_verdict_says_so(copied, tmp_path: Path, spy: Spy) -> None:
    path = copied()
    before = {part: state(path / part) for part in ("runs", "lives", "replays")}
    first = verdict_of(path)
    onlooker = spy.onlooker = Onlooker()
    extend_study(open_study(path), 1, (), OwnDrivers(1), onlooker)
    for part, files in before.items():
        after = state(path / part)
        assert {name: after[name] for name in files} == files
    assert {job[2] for job in onlooker.jobs} == {2}
    verdict = verdict_of(path)
    extension = {"runs_before": 2, "runs_after": 3, "arms_added": [], "verdict_seen": True}
    assert verdict["study"]["extended"] == [extension]
    assert verdict["study"]["runs"] == 3
    assert verdict["ledger"]["total"] == first["ledger"]["total"] + spy.steps("evolution", "test", "check")
    assert verdict["study"]["first_config_sha256"] == first["study"]["config_sha256"]
    assert verdict["study"]["config_sha256"] != first["study"]["config_sha256"]
    for arm, entry in first["conditions"][0]["arms"].items():
        was = [(run["seed"], run["birth"], run["total"]) for run in entry["runs"]]
        now = [(run["seed"], run["birth"], run["total"]) for run in verdict["conditions"][0]["arms"][arm]["runs"]]
        assert now[:2] == was
        assert len(now) == 3
    make(toy_study(FEW, "runs=3"), tmp_path / "at once")
    at_once = verdict_of(tmp_path / "at once")
    extended, planned = verdict["conditions"][0], at_once["conditions"][0]
    assert extended.pop("sentence") == f"{planned.pop('sentence')} {EXTENDED}"
    assert extended == planned, "the runs are those of a study that had them from the start"
    assert at_once["key_spaces"] == verdict["key_spaces"]
    assert at_once["study"]["extended"] == []


def test_more_arms_and_more_extensions_are_all_told(copied) -> None:
    path = copied()
    extend_study(open_study(path), 0, ("blank", "shuffled"), OwnDrivers(1), Onlooker())
    onlooker = Onlooker()
    extend_study(open_study(path), 1, (), OwnDrivers(1), onlooker)
    verdict = verdict_of(path)
    assert verdict["study"]["extended"] == [
        {"runs_before": 2, "runs_after": 2, "arms_added": ["blank", "shuffled"], "verdict_seen": True},
        {"runs_before": 2, "runs_after": 3, "arms_added": [], "verdict_seen": True},
    ]
    assert list(verdict["conditions"][0]["arms"]) == ["random", "tuned_blank", "evolved", "oracle", "blank", "shuffled"]
    assert {job[2] for job in onlooker.jobs} == {2}


def test_an_extension_can_be_stopped_and_resumed(copied, tmp_path: Path) -> None:
    whole = copied()
    extend_study(open_study(whole), 1, (), OwnDrivers(1), Onlooker())
    path = tmp_path / "stopped"
    shutil.copytree(whole.parent / "copy", path)
    for run in path.rglob("run_02*"):
        shutil.rmtree(run) if run.is_dir() else run.unlink()
    for name in (*RESULTS, "report/index.html"):
        (path / name).unlink()
    with pytest.raises(Interrupted):
        resume_study(open_study(path), OwnDrivers(1), Onlooker(nth("generation", 2)))
    resume_study(open_study(path), OwnDrivers(1), Onlooker())
    assert results(path) == results(whole)


@pytest.mark.parametrize(
    ("runs", "arms", "text"),
    [
        (0, (), "nothing to add: give --runs N, at least 1, or --arm NAME"),
        (0, ("evolved",), "--arm evolved: is in the study already"),
        (0, ("blnk",), "arms: arm 'blnk' is unknown here. Did you mean blank?"),
        (0, ("blank", "blank"), "arms: 'blank' is named twice; names must differ"),
        (0, ("lamarckian",), "set search.algorithm=genetic, or genome.inheritance=darwinian"),
    ],
)
def test_what_cannot_be_added_is_refused_and_changes_nothing(
    runs: int, arms: tuple[str, ...], text: str, copied
) -> None:
    path = copied()
    before = state(path)
    with pytest.raises(ConfigError) as caught:
        extend_study(open_study(path), runs, arms, OwnDrivers(1), Onlooker())
    assert text in str(caught.value)
    assert state(path) == before


def test_an_unfinished_study_is_not_extended(copied) -> None:
    path = copied()
    (path / "verdict.json").unlink()
    with pytest.raises(RunDirectoryError, match=r"is not finished; `evolearn resume .*` continues it"):
        extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())


@pytest.mark.parametrize("writes", [1, 2])
def test_an_extension_that_is_killed_while_it_is_written_down_is_the_old_study_or_the_new(
    copied, monkeypatch, writes: int
) -> None:
    path = copied()
    old = open_study(path).read_config()
    whole = write_whole

    def killed(target: Path, payload: bytes, done: list[Path] = []) -> None:  # noqa: B006
        if target.name in ("study.json", "study.yaml"):
            if len(done) == writes:
                raise KeyboardInterrupt
            done.append(target)
        whole(target, payload)

    with monkeypatch.context() as patched:
        patched.setattr("evolearn.study.directory.write_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())
    study = open_study(path)
    assert study.read_config().runs == old.runs + (writes == 2)
    assert len(study.label()["extensions"]) == (writes == 2)
    resume_study(study, OwnDrivers(1), Onlooker())
    assert verdict_of(path)["study"]["runs"] == old.runs + (writes == 2)
