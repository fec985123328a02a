"""What `evolearn.run_study` gives: a study's jobs, one by one, and in the end its verdict and tables."""

from __future__ import annotations

import contextlib
import dataclasses
import html
import tempfile
import warnings
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evolearn.api.arguments import Evolving, deaths_explained, refusals_in_python, workers_for
from evolearn.config import ConfigError, check_model
from evolearn.files import read_json
from evolearn.life import OwnDrivers
from evolearn.run import Generation, assemble
from evolearn.study import Progress, StudyConfig, StudyJob, jobs_of_study
from evolearn.verdict import Json


@dataclasses.dataclass(frozen=True, eq=False)
class Studied:
    """What came of a study. Tables are tidy: a row per observation, a column per variable."""

    path: Path | None  # the study directory; None: nothing was kept
    verdict: Json  # as verdict.json, see docs/study-directory.md
    # Every metric of every evolution run: condition, arm, run, metric, value; NaN: never reached, or no DNA.
    scores: pd.DataFrame
    # Every contrast: condition, family (primary, secondary), arm, against, metric, verdict, difference, low, high, p
    # (after correction), sentence.
    contrasts: pd.DataFrame
    lives: pd.DataFrame  # every test life by age: lives.parquet
    costs: pd.DataFrame  # world steps: condition, arm, and the columns of ledger.json

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict in words, a condition each."""
        return tuple(condition["sentence"] for condition in self.verdict["conditions"])

    def __str__(self) -> str:
        """The verdict, and how much it is worth."""
        study = self.verdict["study"]
        few = f"{study['runs']} evolution run(s) per arm: exploratory, not evidence for a claim."
        return "\n".join([*self.sentences, *([few] if study["exploratory"] else [])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return "".join(f"<p>{html.escape(line)}</p>" for line in str(self).splitlines())


class Studying(Iterator[Progress]):
    """A study under way: an iterator over its jobs, each as it is finished. `result` goes through what is left."""

    def __init__(self, jobs: Generator[Progress, None, Studied]) -> None:
        """Take over the jobs."""
        self._jobs = jobs
        self._result: Studied | None = None

    def __next__(self) -> Progress:
        """Do the next job.

        Raises:
            StopIteration: the study is finished and judged.
        """
        if self._result is not None:
            raise StopIteration
        try:
            return next(self._jobs)
        except StopIteration as end:
            if end.value is None:
                raise ConfigError("run_study: this study was closed before it was finished; begin it again") from None
            self._result = end.value
            raise StopIteration from None

    @property
    def result(self) -> Studied:
        """What came of the study, once all its jobs are done."""
        for _ in self:
            pass
        assert self._result is not None
        return self._result

    def close(self) -> None:
        """Stop, and let go of workers; a study directory that was asked for can be resumed."""
        self._jobs.close()


def studying(config: StudyConfig, name: str, out: Path | None, workers: int | None) -> Studying:
    """See `evolearn.run_study`. What is wrong with `workers` is said here, and with the rest at the first job."""
    asked = check_model(Evolving, {"workers": workers}, "evolearn.run_study").workers
    return Studying(_jobs(config, name, out, asked))


def _jobs(config: StudyConfig, name: str, out: Path | None, workers: int | None) -> Generator[Progress, None, Studied]:
    worlds = [assemble(config.run_of(condition)).conditions.world for condition in config.conditions]
    count = min(workers_for(world, workers) for world in worlds)
    watch = _Watch()
    with contextlib.ExitStack() as stack:
        stack.enter_context(deaths_explained())
        here = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evolearn-study-"))) / "study"
        stack.enter_context(refusals_in_python(f"out={here}", "name another directory"))
        jobs = jobs_of_study(config, name, here, OwnDrivers(count), watch, page=out is not None)
        stack.enter_context(contextlib.closing(jobs))
        for _ in jobs:
            yield watch.progress
        return read_studied(here, out)


def read_studied(study: Path, path: Path | None) -> Studied:
    """The results in a study directory.

    Args:
        study: the directory.
        path: of it, for whoever asks; None: it goes away.
    """
    verdict = read_json(study / "verdict.json")
    conditions = verdict["conditions"]
    return Studied(
        path=path,
        verdict=verdict,
        scores=pd.DataFrame([row for condition in conditions for row in _scores(condition, list(verdict["metrics"]))]),
        contrasts=pd.DataFrame([row for condition in conditions for row in _contrasts(condition)]),
        lives=pd.read_parquet(study / "lives.parquet"),
        costs=pd.DataFrame(
            [
                {"condition": condition, "arm": arm, **steps}
                for condition, arms in verdict["ledger"]["conditions"].items()
                for arm, steps in arms.items()
            ]
        ),
    )


def _scores(condition: Json, metrics: Sequence[str]) -> Iterator[dict[str, Any]]:
    for arm, entry in condition["arms"].items():
        for run in entry["runs"]:
            for metric in metrics:
                if metric in run:
                    place = {"condition": condition["name"], "arm": arm, "run": run["run"], "metric": metric}
                    yield {**place, "value": float("nan") if run[metric] is None else float(run[metric])}


def _contrasts(condition: Json) -> Iterator[dict[str, Any]]:
    for family, contrasts in (("primary", [condition["primary"]]), ("secondary", condition["secondary"])):
        for contrast in contrasts:
            yield {
                "condition": condition["name"],
                "family": family,
                **{name: contrast[name] for name in ("arm", "against", "metric", "verdict")},
                "difference": contrast["difference"]["iqm"],
                "low": contrast["difference"]["low"],
                "high": contrast["difference"]["high"],
                "p": contrast.get("p_holm", contrast["p"]),
                "sentence": contrast["sentence"],
            }


class _Watch:
    """A display that remembers how far the study is, and shows nothing but warnings, as Python shows them."""

    progress: Progress

    def preparing(self, what: str) -> None:
        pass

    def planned(self, config: StudyConfig, plan: Any, rates: Any, left: Sequence[StudyJob]) -> None:
        pass

    def began(self, directory: Path) -> None:
        pass

    def working(self, progress: Progress, what: str) -> None:
        pass

    def generation(self, progress: Progress, generation: Generation, generations: int) -> None:
        pass

    def done(self, progress: Progress, what: str) -> None:
        self.progress = progress

    def warning(self, text: str) -> None:
        warnings.warn(text, stacklevel=2)

    def looked(self, look: Any, came_out: Sequence[str], still_open: Sequence[str], another: bool) -> None:
        pass

    def judging(self, what: str) -> None:
        pass
