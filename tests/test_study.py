"""Studies end to end: budgets, the ledger, test lives opened once, interruptions, extensions, damage."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_study_config import toy_study

from evolearn.config_reading import ConfigError
from evolearn.errors import RunDirectoryError
from evolearn.fused import FusedDriver
from evolearn.results import read_table
from evolearn.rng import SELECTION, TEST, VALIDATION
from evolearn.run import Interrupted
from evolearn.rundir import load_dna, open_run
from evolearn.study import extend_study, resume_study, start_study
from evolearn.study_config import StudyConfig
from evolearn.study_plan import check_keys, evolving_arms, plan_study
from evolearn.studydir import StudyDirectory, open_study

ARMS = "arms=[random, tuned_blank, evolved, evolved_frozen, shuffled, long_blank, pretrained, oracle]"
FEW = "arms=[random, tuned_blank, evolved, oracle]"
RESULTS = ("verdict.json", "ledger.json", "lives.parquet")


class Onlooker:
    """A display that remembers what happened, and can stop a study as a user would."""

    def __init__(self, stop: Callable[[str, Any], bool] = lambda event, what: False) -> None:
        self.generations: Counter[tuple[str, str, int]] = Counter()
        self.jobs: list[tuple[str, str, int, str]] = []
        self.warnings: list[str] = []
        self.shares: list[float] = []
        self.under_way: tuple[str, str, int, str] | None = None
        self.left: list[Any] | None = None
        self._stop = stop

    def _happened(self, event: str, what: Any = None) -> None:
        if self._stop(event, what):
            raise KeyboardInterrupt

    def planned(self, config, plan, rates, left) -> None:
        self.left = list(left)

    def began(self, directory) -> None:
        self._happened("began")

    def working(self, progress, what) -> None:
        self.under_way = (progress.job.condition, progress.job.arm, progress.job.run, what)
        self._happened("working", self.under_way)

    def generation(self, progress, generation, generations) -> None:
        self.generations[self.under_way[:3]] += 1
        self.shares.append(progress.share)
        self._happened("generation", sum(self.generations.values()))

    def done(self, progress, what) -> None:
        self.jobs.append((progress.job.condition, progress.job.arm, progress.job.run, what))
        self.shares.append(progress.share)
        self._happened("done", len(self.jobs))

    def warning(self, text) -> None:
        self.warnings.append(text)

    def judging(self, what) -> None:
        self.under_way = None
        self._happened("judging", what)


@dataclasses.dataclass
class Lived:
    """One call of a driver."""

    keys: list[tuple[int, ...]]
    steps: int  # as the kernel reports them
    lifetime: int
    where: str  # evolution, test, check, timing, replay
    job: tuple[str, str, int, str] | None


class Spy:
    """Writes down every life that a driver lives."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.lived: list[Lived] = []
        self.onlooker: Onlooker | None = None
        self.stop: Callable[[Lived], bool] = lambda lived: False
        self._where: str | None = None
        live = FusedDriver.live

        def spied(driver, job) -> None:
            live(driver, job)
            under_way = self.onlooker.under_way if self.onlooker else None
            where = self._where or ("test" if under_way and "test lives" in under_way[3] else "evolution")
            keys = [tuple(key) for key in job.keys.tolist()]
            lived = Lived(keys, int(job.outcome.age.sum()), job.plan.lifetime, where, under_way)
            self.lived.append(lived)
            if self.stop(lived):
                raise KeyboardInterrupt

        patch.setattr(FusedDriver, "live", spied)
        self._name_after(patch, "evolearn.study.check_arms_differ", "check")
        self._name_after(patch, "evolearn.study.measure_rates", "timing")
        self._name_after(patch, "evolearn.study_work.record_replay", "replay")

    def _name_after(self, patch: pytest.MonkeyPatch, place: str, where: str) -> None:
        module, name = place.rsplit(".", 1)
        import importlib

        original = getattr(importlib.import_module(module), name)

        def named(*arguments, **more):
            self._where = where
            try:
                return original(*arguments, **more)
            finally:
                self._where = None

        patch.setattr(place, named)

    def steps(self, *where: str) -> int:
        return sum(lived.steps for lived in self.lived if lived.where in where)


def page_only(study: Path, figures: bool = True) -> Path:
    """Stands in for the report, which takes seconds and has tests of its own."""
    (study / "report").mkdir(exist_ok=True)
    (study / "report" / "index.html").write_text("a page")
    return study / "report" / "index.html"


@pytest.fixture(autouse=True)
def _quick_report(monkeypatch) -> None:
    monkeypatch.setattr("evolearn.study.write_report", page_only)


@pytest.fixture
def spy(monkeypatch) -> Spy:
    return Spy(monkeypatch)


def make(config: StudyConfig, path: Path, workers: int = 1, onlooker: Onlooker | None = None) -> Onlooker:
    onlooker = onlooker or Onlooker()
    assert start_study(config, "toy", path, workers, onlooker) == path
    return onlooker


def results(path: Path) -> dict[str, str]:
    return {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in RESULTS}


def verdict_of(path: Path) -> dict[str, Any]:
    return json.loads((path / "verdict.json").read_text())


def rows_of(path: Path, condition: str, arm: str, run: int) -> list[dict[str, Any]]:
    return open_run(path / "runs" / condition / arm / f"run_{run:02d}").rows()


@dataclasses.dataclass(frozen=True)
class Whole:
    """An undisturbed study, and everything that was seen of it."""

    config: StudyConfig
    path: Path
    onlooker: Onlooker
    spy: Spy


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Whole:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolearn.study.write_report", page_only)
        spy = Spy(patch)
        spy.onlooker = Onlooker()
        config = toy_study(ARMS)
        path = tmp_path_factory.mktemp("whole") / "study"
        make(config, path, 1, spy.onlooker)
    return Whole(config, path, spy.onlooker, spy)


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    """A finished study of few arms, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolearn.study.write_report", page_only)
        path = tmp_path_factory.mktemp("few") / "study"
        make(toy_study(FEW), path)
    return path


def test_a_study_leaves_what_it_says_it_does(whole: Whole) -> None:
    for name in ("study.json", "study.yaml", "environment.json", "replays/as-it-is.json", *RESULTS):
        assert (whole.path / name).is_file(), name
    for arm in evolving_arms(whole.config):
        for run in range(2):
            assert (whole.path / f"runs/as-it-is/{arm}/run_{run:02d}/dna.safetensors").is_file()
    assert sorted(path.name for path in (whole.path / "runs/as-it-is").iterdir()) == [
        "evolved",
        "pretrained",
        "tuned_blank",
    ]
    for arm in whole.config.arms:
        assert len(list((whole.path / "lives/as-it-is" / arm).glob("*.parquet"))) == 2
    assert not list(whole.path.rglob("*.part"))
    assert whole.onlooker.warnings == []


def test_progress_grows_from_nothing_to_all(whole: Whole) -> None:
    shares = whole.onlooker.shares
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < 0.1
    assert shares[-1] == pytest.approx(1.0)


# --- equal budgets, and the ledger


def test_every_evolution_took_exactly_the_same_number_of_steps(whole: Whole) -> None:
    steps = {
        (arm, run): sum(row["world_steps"] for row in rows_of(whole.path, "as-it-is", arm, run))
        for arm in evolving_arms(whole.config)
        for run in range(2)
    }
    assert set(steps.values()) == {2 * 5 * 2 * 40}
    assert ("pretrained", 1) in steps


def test_long_blank_lives_exactly_as_long_as_the_evolution_of_its_origin(whole: Whole) -> None:
    for run in range(2):
        evolution = sum(row["world_steps"] for row in rows_of(whole.path, "as-it-is", "tuned_blank", run))
        table = read_table(whole.path / f"lives/as-it-is/long_blank/run_{run:02d}.parquet").to_pylist()
        lives = [row for row in table if row["learning"]]
        assert {row["lifetime"] for row in lives} == {row["lived"] for row in lives} == {evolution}
        assert {row["life"] for row in table} == {0}


def test_the_ledger_adds_up_to_the_steps_that_kernels_report(whole: Whole) -> None:
    """All but the lives that time this machine, and the replays."""
    ledger = json.loads((whole.path / "ledger.json").read_text())
    assert ledger["total"] == whole.spy.steps("evolution", "test", "check")
    assert whole.spy.steps("timing", "replay") > 0
    assert ledger["checks"] == whole.spy.steps("check")
    assert "lives that time this machine, the replays" in ledger["columns"]["checks"]
    entries = ledger["conditions"]["as it is"]
    columns = ("outer", "tuning", "inner", "evaluation")
    assert ledger["total"] == ledger["checks"] + sum(row[column] for row in entries.values() for column in columns)
    assert ledger == verdict_of(whole.path)["ledger"]


def test_every_step_is_in_the_column_where_it_belongs(whole: Whole) -> None:
    entries = json.loads((whole.path / "ledger.json").read_text())["conditions"]["as it is"]
    by_job: Counter[tuple[str, str]] = Counter()
    for lived in whole.spy.lived:
        if lived.where == "test":
            by_job[lived.job[1], "long" if lived.lifetime > 40 else "birth"] += lived.steps
        elif lived.where == "evolution":
            validating = lived.keys[0][1] == VALIDATION
            by_job[lived.job[1], "leaders" if validating else "evolution"] += lived.steps
    for arm, row in entries.items():
        learns, fresh = whole.config.arm(arm).learns, whole.config.arm(arm).weights != "inherited"
        evolution, births = by_job[arm, "evolution"], by_job[arm, "birth"]
        off = births + by_job[arm, "leaders"] + (0 if learns else by_job[arm, "long"])
        assert row == {
            "outer": 0 if fresh else evolution,
            "tuning": evolution if fresh else 0,
            "inner": by_job[arm, "long"] if learns else 0,
            "evaluation": off,
            "runs": 2,
        }, arm


def test_twice_the_budget_is_twice_the_steps(tmp_path: Path, spy: Spy) -> None:
    spy.onlooker = Onlooker()
    make(toy_study(FEW, "convergence.double_budget=true", "runs=1"), tmp_path / "study", 1, spy.onlooker)
    for arm in ("evolved", "tuned_blank"):
        once, twice = (rows_of(tmp_path / "study", "as-it-is", name, 0) for name in (arm, arm + "_x2"))
        assert sum(row["world_steps"] for row in twice) == 2 * sum(row["world_steps"] for row in once)
        digests = [row["fitness_sha256"] for row in twice]
        assert digests[: len(once)] == [row["fitness_sha256"] for row in once], "the same evolution, gone on with"
    verdict = verdict_of(tmp_path / "study")
    assert {entry["arm"] for entry in verdict["conditions"][0]["doubled"]} == {"evolved_x2", "tuned_blank_x2"}
    assert verdict["ledger"]["total"] == spy.steps("evolution", "test", "check")


def test_lamarckian_and_darwinian_cost_the_same_under_the_genetic_algorithm(tmp_path: Path) -> None:
    arms = "arms=[random, tuned_blank, evolved, lamarckian, oracle]"
    make(toy_study(arms, "run.search.algorithm=genetic", "runs=1"), tmp_path / "study")
    steps = {
        arm: sum(row["world_steps"] for row in rows_of(tmp_path / "study", "as-it-is", arm, 0))
        for arm in ("tuned_blank", "evolved", "lamarckian")
    }
    assert set(steps.values()) == {2 * 9 * 2 * 40}
    inheritance = {
        arm: open_run(tmp_path / f"study/runs/as-it-is/{arm}/run_00").read_config().genome.inheritance for arm in steps
    }
    assert inheritance == {"tuned_blank": "darwinian", "evolved": "darwinian", "lamarckian": "lamarckian"}


def test_what_is_borrowed_is_what_the_lender_of_the_same_run_evolved(whole: Whole) -> None:
    from evolearn.assemble import assemble
    from evolearn.transplant import natural_values

    for run in range(2):
        lender = open_run(whole.path / f"runs/as-it-is/tuned_blank/run_{run:02d}")
        borrower = open_run(whole.path / f"runs/as-it-is/pretrained/run_{run:02d}")
        lent = natural_values(assemble(lender.read_config()).pool, lender.load_dna()[0])
        assert dict(borrower.read_config().drives.weights) == lent["drives"]
        assert dict(borrower.read_config().learner.plasticity) == lent["plasticity"]


# --- test lives are opened once


def openings(lived: list[Lived]) -> Counter[tuple[Any, ...]]:
    """How often each test life was lived: (condition, arm, key, birth or long)."""
    found: Counter[tuple[Any, ...]] = Counter()
    for entry in lived:
        for key in entry.keys:
            if key[1] == TEST:
                assert entry.where == "test", f"{entry.where} opened test life {key}"
                found[entry.job[0], entry.job[1], key, "long" if entry.lifetime > 40 else "birth"] += 1
    return found


def expected_openings(config: StudyConfig) -> set[tuple[Any, ...]]:
    lives = {arm: 1 if config.arm(arm).one_life else config.run.evaluation.lives for arm in config.arms}
    return {
        (condition.name, arm, (config.seed, TEST, run, life), how)
        for condition in config.conditions
        for arm in config.arms
        for run in range(config.runs)
        for life in range(lives[arm])
        for how in ("birth", "long")
    }


def test_every_test_life_is_opened_once_for_birth_and_once_for_life(whole: Whole) -> None:
    found = openings(whole.spy.lived)
    assert set(found) == expected_openings(whole.config)
    assert set(found.values()) == {1}


def test_every_key_that_was_lived_is_in_the_space_that_the_verdict_hashes(whole: Whole) -> None:
    lived = {key for entry in whole.spy.lived for key in entry.keys}
    spaces = verdict_of(whole.path)["key_spaces"]
    for space, name in ((SELECTION, "selection"), (TEST, "test")):
        keys = np.array(sorted(key for key in lived if key[1] == space), "<i8")
        assert spaces[name] == {"keys": len(keys), "sha256": hashlib.sha256(keys.tobytes()).hexdigest()}
    validation = np.array(sorted(key for key in lived if key[1] == VALIDATION), "<i8")
    assert spaces["validation"] == {
        "keys": len(validation),
        "sha256": hashlib.sha256(validation.tobytes()).hexdigest(),
    }
    assert spaces["disjoint"] is True
    assert len(check_keys(whole.config)) > 0


def test_evolution_lives_selection_keys_of_its_own_seed_alone(whole: Whole) -> None:
    seeds: dict[tuple[Any, ...], set[int]] = {}
    for entry in whole.spy.lived:
        if entry.where == "evolution":
            assert {key[1] for key in entry.keys} <= {SELECTION, VALIDATION}
            seeds.setdefault(entry.job[:3], set()).update(key[0] for key in entry.keys)
    assert all(len(used) == 1 for used in seeds.values())
    assert len(set.union(*seeds.values())) == len(seeds) == 6
    assert whole.config.seed not in set.union(*seeds.values())


# --- interrupted and resumed


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
def test_stopped_and_resumed_it_ends_with_the_same_bytes(stop, whole: Whole, tmp_path: Path, spy: Spy) -> None:
    path = tmp_path / "study"
    first = spy.onlooker = Onlooker(stop)
    with pytest.raises(Interrupted) as caught:
        start_study(whole.config, "toy", path, 2, first)
    assert caught.value.directory == path
    second = spy.onlooker = Onlooker()
    resume_study(open_study(path), 1, second)
    assert results(path) == results(whole.path)
    assert second.warnings == []
    assert first.generations + second.generations == whole.onlooker.generations, "no generation is made twice"
    assert [*first.jobs, *second.jobs] == whole.onlooker.jobs, "no job is done twice"
    assert set(openings(spy.lived).values()) == {1}, "no test life is opened twice"
    assert len(second.left) == len(whole.onlooker.jobs) - len(first.jobs)


def test_stopped_in_the_midst_of_test_lives_it_ends_with_the_same_bytes(whole: Whole, tmp_path: Path, spy: Spy) -> None:
    """The lives that were under way are lived again: nothing was kept of them, so nobody saw how they ended."""
    path = tmp_path / "study"
    first = spy.onlooker = Onlooker()
    spy.stop = lambda lived: lived.where == "test" and lived.lifetime > 40 and lived.job[1:3] == ("evolved", 1)
    with pytest.raises(Interrupted):
        start_study(whole.config, "toy", path, 1, first)
    assert not (path / "lives/as-it-is/evolved/run_01.parquet").exists()
    assert (path / "lives/as-it-is/evolved/run_00.parquet").exists()
    spy.stop = lambda lived: False
    spy.onlooker = Onlooker()
    resume_study(open_study(path), 1, spy.onlooker)
    assert results(path) == results(whole.path)
    twice = {entry for entry, times in openings(spy.lived).items() if times > 1}
    assert {(arm, key[2]) for _, arm, key, _ in twice} == {("evolved", 1)}


def test_stopped_twice_in_one_evolution_no_generation_is_made_twice(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "study"
    config = whole.config
    seen: Counter[tuple[str, str, int]] = Counter()
    for start in (lambda display: start_study(config, "toy", path, 1, display),
                  lambda display: resume_study(open_study(path), 1, display)):  # fmt: skip
        onlooker = Onlooker(nth("generation", 1))
        with pytest.raises(Interrupted):
            start(onlooker)
        seen += onlooker.generations
    last = Onlooker()
    resume_study(open_study(path), 1, last)
    assert seen + last.generations == whole.onlooker.generations
    assert results(path) == results(whole.path)


def test_stopped_while_the_page_is_written_resume_writes_it(whole: Whole, tmp_path: Path, monkeypatch) -> None:
    def stopped_after_the_page(study: Path, figures: bool = True) -> Path:
        page_only(study)
        raise KeyboardInterrupt

    path = tmp_path / "study"
    monkeypatch.setattr("evolearn.study.write_report", stopped_after_the_page)
    with pytest.raises(Interrupted):
        start_study(whole.config, "toy", path, 1, Onlooker())
    assert results(path) == results(whole.path), "the verdict is there"
    monkeypatch.setattr("evolearn.study.write_report", page_only)
    second = Onlooker()
    resume_study(open_study(path), 1, second)
    assert second.jobs == []
    assert (path / "report/index.html").exists()
    assert results(path) == results(whole.path)


def test_a_run_directory_cut_off_while_it_was_made_is_made_again(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / "study"
    with pytest.raises(Interrupted):
        start_study(whole.config, "toy", path, 1, Onlooker(nth("began", None)))
    half = path / "runs/as-it-is/evolved/run_00"
    half.mkdir(parents=True)
    (half / "config.yaml").write_text("half")
    resume_study(open_study(path), 1, Onlooker())
    assert results(path) == results(whole.path)


def test_a_finished_study_is_not_resumed(few: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"is finished; its verdict is in .*verdict\.json.*study add"):
        resume_study(open_study(few), 1, Onlooker())


def test_workers_change_nothing(whole: Whole, tmp_path: Path) -> None:
    make(whole.config, tmp_path / "study", workers=2)
    assert results(tmp_path / "study") == results(whole.path)


def test_another_seed_is_another_study(few: Path, tmp_path: Path) -> None:
    make(toy_study(FEW, "seed=4"), tmp_path / "study")
    one, other = verdict_of(few), verdict_of(tmp_path / "study")
    assert one["conditions"] != other["conditions"]
    for space in ("selection", "validation", "test"):
        assert one["key_spaces"][space]["sha256"] != other["key_spaces"][space]["sha256"]
    runs = [verdict["conditions"][0]["arms"]["evolved"]["runs"] for verdict in (one, other)]
    assert not {run["seed"] for run in runs[0]} & {run["seed"] for run in runs[1]}


# --- what is fixed beforehand


def test_the_hash_of_the_config_is_on_disk_before_the_first_run(tmp_path: Path) -> None:
    path = tmp_path / "study"
    seen: dict[str, Any] = {}

    def look(event: str, what: Any) -> bool:
        if event == "began":
            seen["label"] = json.loads((path / "study.json").read_text())
            seen["runs"] = (path / "runs").exists()
        return event == "began"

    with pytest.raises(Interrupted):
        start_study(toy_study(FEW), "toy", path, 1, Onlooker(look))
    assert seen["label"]["config_sha256"] == hashlib.sha256((path / "study.yaml").read_bytes()).hexdigest()
    assert seen["runs"] is False


def test_the_verdict_repeats_what_was_fixed(few: Path) -> None:
    study = verdict_of(few)["study"]
    assert study["config_sha256"] == study["first_config_sha256"] == open_study(few).label()["config_sha256"]
    assert (study["runs"], study["test_lives"], study["exploratory"], study["extended"]) == (2, 3, True, [])


@pytest.mark.parametrize("act", [resume_study, lambda *more: extend_study(more[0], 1, (), *more[1:])])
def test_an_altered_config_is_refused(act, few: Path, copied: Callable[[], Path]) -> None:
    path = copied()
    if act is resume_study:
        (path / "verdict.json").unlink()
    text = (path / "study.yaml").read_text()
    (path / "study.yaml").write_text(text.replace("catch_up: 100", "catch_up: 5000"))
    assert (path / "study.yaml").read_text() != text
    with pytest.raises(
        RunDirectoryError, match="was altered since the study was made, and a verdict rests on what was"
    ):
        act(open_study(path), 1, Onlooker())


def test_a_dry_run_writes_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    onlooker = Onlooker()
    assert start_study(toy_study(FEW), "toy", None, 1, onlooker, dry_run=True) is None
    plan = plan_study(toy_study(FEW))
    assert onlooker.left == [*plan.evolutions, *plan.tests]
    assert onlooker.jobs == []
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_never_written_over(few: Path) -> None:
    before = results(few)
    with pytest.raises(RunDirectoryError, match="exists already, and runs are never overwritten; evolearn resume"):
        start_study(toy_study(FEW), "toy", few, 1, Onlooker())
    assert results(few) == before


# --- extensions


@pytest.fixture
def copied(few: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        import shutil

        return Path(shutil.copytree(few, tmp_path / "copy"))

    return copy


def state(path: Path) -> dict[str, tuple[int, bytes]]:
    """When every file below was written, and what is in it."""
    return {
        str(file.relative_to(path)): (file.stat().st_mtime_ns, file.read_bytes())
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def test_more_runs_leave_the_earlier_ones_alone_and_the_verdict_says_so(copied, tmp_path: Path) -> None:
    path = copied()
    before = {part: state(path / part) for part in ("runs", "lives", "replays")}
    first = verdict_of(path)
    onlooker = Onlooker()
    extend_study(open_study(path), 1, (), 1, onlooker)
    for part, files in before.items():
        after = state(path / part)
        assert {name: after[name] for name in files} == files
    assert {job[2] for job in onlooker.jobs} == {2}
    verdict = verdict_of(path)
    extension = {"runs_before": 2, "runs_after": 3, "arms_added": [], "verdict_seen": True}
    assert verdict["study"]["extended"] == [extension]
    assert verdict["study"]["runs"] == 3
    assert verdict["study"]["first_config_sha256"] == first["study"]["config_sha256"]
    assert verdict["study"]["config_sha256"] != first["study"]["config_sha256"]
    for arm, entry in first["conditions"][0]["arms"].items():
        was = [(run["seed"], run["birth"], run["total"]) for run in entry["runs"]]
        now = [(run["seed"], run["birth"], run["total"]) for run in verdict["conditions"][0]["arms"][arm]["runs"]]
        assert now[:2] == was
        assert len(now) == 3
    make(toy_study(FEW, "runs=3"), tmp_path / "at once")
    at_once = verdict_of(tmp_path / "at once")
    assert at_once["conditions"] == verdict["conditions"], "the runs are those of a study that had them from the start"
    assert at_once["key_spaces"] == verdict["key_spaces"]
    assert at_once["study"]["extended"] == []


def test_more_arms_and_more_extensions_are_all_told(copied) -> None:
    path = copied()
    extend_study(open_study(path), 0, ("blank", "shuffled"), 1, Onlooker())
    onlooker = Onlooker()
    extend_study(open_study(path), 1, (), 1, onlooker)
    verdict = verdict_of(path)
    assert verdict["study"]["extended"] == [
        {"runs_before": 2, "runs_after": 2, "arms_added": ["blank", "shuffled"], "verdict_seen": True},
        {"runs_before": 2, "runs_after": 3, "arms_added": [], "verdict_seen": True},
    ]
    assert list(verdict["conditions"][0]["arms"]) == ["random", "tuned_blank", "evolved", "oracle", "blank", "shuffled"]
    assert {job[2] for job in onlooker.jobs} == {2}


def test_an_extension_can_be_stopped_and_resumed(copied, tmp_path: Path) -> None:
    whole = copied()
    extend_study(open_study(whole), 1, (), 1, Onlooker())
    path = tmp_path / "stopped"
    import shutil

    shutil.copytree(whole.parent / "copy", path)
    for run in path.rglob("run_02*"):
        shutil.rmtree(run) if run.is_dir() else run.unlink()
    for name in (*RESULTS, "report/index.html"):
        (path / name).unlink()
    with pytest.raises(Interrupted):
        resume_study(open_study(path), 1, Onlooker(nth("generation", 2)))
    resume_study(open_study(path), 1, Onlooker())
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
        extend_study(open_study(path), runs, arms, 1, Onlooker())
    assert text in str(caught.value)
    assert state(path) == before


def test_an_unfinished_study_is_not_extended(copied) -> None:
    path = copied()
    (path / "verdict.json").unlink()
    with pytest.raises(RunDirectoryError, match=r"is not finished; `evolearn resume .*` continues it"):
        extend_study(open_study(path), 1, (), 1, Onlooker())


# --- comparisons that need care


def test_two_copies_of_one_arm_are_compared_where_it_is_asked(tmp_path: Path) -> None:
    settings = ("define={again: {like: evolved}}", "primary.against=again", "expect_identical=[[evolved, again]]")
    make(toy_study("arms=[random, evolved, again, oracle]", *settings, "runs=4"), tmp_path / "study")
    verdict = verdict_of(tmp_path / "study")
    primary = verdict["conditions"][0]["primary"]
    assert primary["verdict"] in ("better", "worse", "equivalent", "inconclusive")
    assert primary["withheld"] is None
    one, other = (verdict["conditions"][0]["arms"][arm]["runs"] for arm in ("evolved", "again"))
    assert not {run["seed"] for run in one} & {run["seed"] for run in other}, "evolution seeds are not shared"
    assert verdict["arms"]["again"]["doc"] == verdict["arms"]["evolved"]["doc"]


def test_identical_arms_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    config = toy_study("define={again: {like: evolved}}", "arms=[random, tuned_blank, evolved, again, oracle]")
    with pytest.raises(ConfigError, match="evolved and again live identical lives"):
        start_study(config, "toy", tmp_path / "study", 1, Onlooker())
    assert not (tmp_path / "study").exists()


def test_too_few_runs_withhold_the_test_and_say_why(few: Path) -> None:
    verdict = verdict_of(few)
    primary = verdict["conditions"][0]["primary"]
    assert primary["p"] is None
    assert "2 runs per arm can at best give p = 0.33; 4 per arm is the least" in primary["withheld"]
    assert any("test withheld" in remark.lower() for remark in verdict["conditions"][0]["remarks"])
    assert primary["verdict"] not in ("better", "worse")


def test_one_run_per_arm_has_a_verdict_all_the_same(tmp_path: Path) -> None:
    make(toy_study(FEW, "runs=1"), tmp_path / "study")
    primary = verdict_of(tmp_path / "study")["conditions"][0]["primary"]
    assert primary["withheld"]
    assert primary["verdict"] == "inconclusive"


def test_another_conditions_dna_is_judged_without_an_evolution_of_its_own(tmp_path: Path, spy: Spy) -> None:
    conditions = (
        "conditions=[{name: here, evolved_in: there, set: {world.parameters.predictability: 0}}, {name: there}]"
    )
    path = tmp_path / "study"
    spy.onlooker = make(toy_study(FEW, conditions), path, 1, spy_onlooker := Onlooker())
    assert spy_onlooker.warnings == []
    assert [folder.name for folder in (path / "runs").iterdir()] == ["there"]
    verdict = verdict_of(path)
    here, there = verdict["conditions"]
    assert (here["evolved_in"], there["evolved_in"]) == ("there", None)
    for arm in ("evolved", "tuned_blank"):
        assert here["arms"][arm]["dna"] == there["arms"][arm]["dna"]
        assert [run["seed"] for run in here["arms"][arm]["runs"]] == [run["seed"] for run in there["arms"][arm]["runs"]]
        row = verdict["ledger"]["conditions"]["here"][arm]
        assert (row["outer"], row["tuning"]) == (0, 0), "nothing was spent on evolution here"
    assert here["arms"]["evolved"]["runs"] != there["arms"]["evolved"]["runs"], "other lives: the cart is another"
    assert verdict["ledger"]["total"] == spy.steps("evolution", "test", "check")


def test_the_dna_that_is_judged_elsewhere_is_the_one_that_evolved(tmp_path: Path) -> None:
    """In the same world as at home it lives the same lives."""
    conditions = "conditions=[{name: home}, {name: twin, evolved_in: home}]"
    path = tmp_path / "study"
    make(toy_study(FEW, conditions, "runs=1"), path)
    home, twin = (
        read_table(path / f"lives/{name}/evolved/run_00.parquet").drop(["condition"]) for name in ("home", "twin")
    )
    assert home.equals(twin)
    assert np.isfinite(load_dna(path / "runs/home/evolved/run_00/dna.safetensors")[0]).all()


# --- damage


def test_a_missing_run_is_made_again_with_the_same_result(copied) -> None:
    import shutil

    path = copied()
    before = results(path)
    shutil.rmtree(path / "runs/as-it-is/evolved/run_01")
    (path / "verdict.json").unlink()
    onlooker = Onlooker()
    resume_study(open_study(path), 1, onlooker)
    assert results(path) == before
    assert onlooker.jobs == [("as it is", "evolved", 1, "evolved")]


def test_missing_dna_is_made_again_from_its_last_checkpoint(copied) -> None:
    path = copied()
    before = results(path)
    (path / "runs/as-it-is/evolved/run_01/dna.safetensors").unlink()
    (path / "verdict.json").unlink()
    onlooker = Onlooker()
    resume_study(open_study(path), 1, onlooker)
    assert results(path) == before
    assert sum(onlooker.generations.values()) == 0


def test_missing_test_lives_are_lived_again_with_the_same_result(copied) -> None:
    path = copied()
    before = results(path)
    (path / "lives/as-it-is/evolved/run_01.parquet").unlink()
    (path / "verdict.json").unlink()
    resume_study(open_study(path), 1, Onlooker())
    assert results(path) == before


@pytest.mark.parametrize(
    ("file", "damage", "text"),
    [
        ("lives/as-it-is/evolved/run_01.parquet", b"PAR1 no more", "is damaged: .*; remove it, and evolearn resume"),
        ("lives/as-it-is/oracle/run_00.parquet", None, "is damaged: .*3 rows are not whole lives|is damaged: .* lives"),
        ("runs/as-it-is/evolved/run_01/dna.safetensors", b"no dna", "dna.safetensors: is not a DNA file of evolearn"),
        ("runs/as-it-is/evolved/run_01/run.json", b"", "its run.json is damaged"),
        ("runs/as-it-is/evolved/run_01/config.yaml", b"seed: 1\n", "config.yaml: was altered since the run was made"),
        (
            "runs/as-it-is/evolved/run_01/generations.jsonl",
            b"",
            "generations.jsonl: has 0 whole rows, must have 2; put the file back, or remove .*run_01: evolearn resume",
        ),
    ],
    ids=["garbage for lives", "lives cut off", "garbage for dna", "no label", "altered run config", "no rows"],
)
def test_a_damaged_part_is_named_with_what_to_do(file: str, damage: bytes | None, text: str, copied) -> None:
    from evolearn.results import write_table

    path = copied()
    if damage is None:
        table = read_table(path / file)
        write_table(table.slice(0, table.num_rows - 3), path / file)
    else:
        (path / file).write_bytes(damage)
    (path / "verdict.json").unlink()
    with pytest.raises(RunDirectoryError, match=text):
        resume_study(open_study(path), 1, Onlooker())
    assert not (path / "verdict.json").exists()


def test_fewer_test_lives_than_planned_are_found(copied) -> None:
    from evolearn.results import write_table

    path = copied()
    file = path / "lives/as-it-is/evolved/run_01.parquet"
    table = read_table(file)
    write_table(table.filter([life < 2 for life in table["life"].to_pylist()]), file)
    (path / "verdict.json").unlink()
    with pytest.raises(RunDirectoryError, match=r"run_01\.parquet: is damaged: 2 lives, must be 3; remove it"):
        resume_study(open_study(path), 1, Onlooker())


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (None, r"STUDY=.*: is not a study directory \(no study\.json\)"),
        ("{", "its study.json is damaged"),
        ('{"kind": "study"}', "its study.json is damaged: 'format'"),
        (
            '{"kind": "study", "format": 99, "evolearn": "9.9"}',
            r"has format 99 \(made by evolearn 9\.9\), this evolearn",
        ),
    ],
)
def test_what_is_no_study_is_told(label: str | None, text: str, tmp_path: Path) -> None:
    if label is not None:
        (tmp_path / "study.json").write_text(label)
    with pytest.raises(RunDirectoryError, match=text):
        open_study(tmp_path)


def test_a_study_whose_config_is_gone_is_told(copied) -> None:
    path = copied()
    (path / "study.yaml").unlink()
    with pytest.raises(RunDirectoryError, match=r"study\.yaml: cannot be read: No such file"):
        extend_study(open_study(path), 1, (), 1, Onlooker())


def test_names_become_folders_that_stay_inside_the_study(tmp_path: Path) -> None:
    study = StudyDirectory(tmp_path / "study")
    assert study.run("../../etc", "evolved", 3).path == tmp_path / "study/runs/etc/evolved/run_03"
