"""What watches a study in tests, and two finished ones to look at."""

import dataclasses
import hashlib
import importlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolearn.life import OwnDrivers
from evolearn.life._fused import FusedDriver
from evolearn.rng import TEST
from evolearn.run import open_run
from evolearn.study import StudyConfig, start_study
from tests.helpers.studies import toy_study
from tests.helpers.watching import StudyWatcher

ARMS = "arms=[random, tuned_blank, evolved, evolved_frozen, shuffled, long_blank, pretrained, oracle]"
FEW = "arms=[random, tuned_blank, evolved, oracle]"
RESULTS = ("verdict.json", "ledger.json", "lives.parquet")


class Onlooker:
    """A display that remembers what happened, and can stop a study as a user would."""

    def __init__(self, stop: Callable[[str, Any], bool] = lambda event, what: False) -> None:
        self.generations: Counter[tuple[str, str, int]] = Counter()
        self.jobs: list[tuple[str, str, int, str]] = []
        self.warnings: list[str] = []
        self.looks: list[tuple[int, list[str]]] = []  # runs, and the conditions that were still open
        self.came_out: list[str] = []  # conditions whose test came out at a look
        self.shares: list[float] = []
        self.under_way: tuple[str, str, int, str] | None = None
        self.left: list[Any] | None = None
        self._stop = stop

    def _happened(self, event: str, what: Any = None) -> None:
        if self._stop(event, what):
            raise KeyboardInterrupt

    def preparing(self, what) -> None:
        self.prepared = what
        self._happened("preparing", what)

    def planned(self, config, plan, rates, left) -> None:
        self.left = list(left)

    def began(self, directory) -> None:
        self._happened("began")

    def working(self, progress, what) -> None:
        self.progress = progress
        self.under_way = (progress.job.condition, progress.job.arm, progress.job.run, what)
        self._happened("working", self.under_way)

    def generation(self, progress, generation, generations) -> None:
        self.progress = progress
        self.generations[self.under_way[:3]] += 1
        self.shares.append(progress.share)
        self._happened("generation", sum(self.generations.values()))

    def done(self, progress, what) -> None:
        self.progress = progress
        self.jobs.append((progress.job.condition, progress.job.arm, progress.job.run, what))
        self.shares.append(progress.share)
        self._happened("done", len(self.jobs))

    def warning(self, text) -> None:
        self.warnings.append(text)

    def looked(self, look, came_out, still_open, another) -> None:
        self.looks.append((look.runs, list(still_open)))
        self.came_out += came_out
        self._happened("looked", look.runs)

    def judging(self, what) -> None:
        self.under_way = None
        self._happened("judging", what)


@dataclasses.dataclass
class Call:
    """One call of a driver."""

    keys: list[tuple[int, ...]]
    steps: int  # as the kernel reports them
    lifetime: int
    learns: bool
    where: str  # evolution, test, check, timing, replay
    job: tuple[str, str, int, str] | None


class Spy:
    """Writes down every life that a driver lives."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.lived: list[Call] = []
        self.onlooker: Onlooker | None = None
        self.stop: Callable[[Call], bool] = lambda lived: False
        self._where: str | None = None
        live = FusedDriver.live

        def spied(driver, job) -> None:
            live(driver, job)
            under_way = self.onlooker.under_way if self.onlooker else None
            where = self._where or ("test" if under_way and "test lives" in under_way[3] else "evolution")
            keys = [tuple(key) for key in job.keys.tolist()]
            lived = Call(
                keys, int(job.outcome.age.sum()), job.plan.lifetime, job.plan.learn_until != 0, where, under_way
            )
            self.lived.append(lived)
            if self.stop(lived):
                raise KeyboardInterrupt

        patch.setattr(FusedDriver, "live", spied)
        self._name_after(patch, "evolearn.study.study.check_arms_differ", "check")
        self._name_after(patch, "evolearn.study.study.measure_rates", "timing")
        self._name_after(patch, "evolearn.study._work.record_replay", "replay")

    def _name_after(self, patch: pytest.MonkeyPatch, place: str, where: str) -> None:
        module, name = place.rsplit(".", 1)
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


def lived_without_page(config: StudyConfig, path: Path, workers: int = 1) -> Path:
    """The directory of a study, for what its results are asked; its page is an empty one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolearn.study.study.write_report", page_only)
        return start_study(config, "toy", path, OwnDrivers(workers), StudyWatcher())


def make(config: StudyConfig, path: Path, workers: int = 1, onlooker: Onlooker | None = None) -> Onlooker:
    onlooker = onlooker or Onlooker()
    assert start_study(config, "toy", path, OwnDrivers(workers), onlooker) == path
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


def whole_study(path: Path) -> Whole:
    """Of every kind of arm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolearn.study.study.write_report", page_only)
        spy = Spy(patch)
        spy.onlooker = Onlooker()
        config = toy_study(ARMS)
        make(config, path, 1, spy.onlooker)
    return Whole(config, path, spy.onlooker, spy)


def study_of_few(path: Path) -> Path:
    """Of few arms, to be copied."""
    return lived_without_page(toy_study(FEW), path)


def openings(lived: list[Call]) -> Counter[tuple[Any, ...]]:
    """How often each test life was lived: (condition, arm, key, birth or long)."""
    found: Counter[tuple[Any, ...]] = Counter()
    for entry in lived:
        for key in entry.keys:
            if key[1] == TEST:
                assert entry.where == "test", f"{entry.where} opened test life {key}"
                found[entry.job[0], entry.job[1], key, "long" if entry.lifetime > 40 else "birth"] += 1
    return found
