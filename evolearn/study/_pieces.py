"""What a verdict is made of, piece by piece: evolution runs and their test lives, and whether each is what it must be.

Beside every finished piece lies its seal, a small file that says whose it is (study, condition, arm, run, seed, DNA)
and the checksums of what a verdict reads of it. It is written last: a piece without a seal is not finished. A damaged
file, another arm's in its place, another run's DNA, another study's folder do not fit, and are named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from evolearn.config import RunConfig
from evolearn.environment import package_versions
from evolearn.errors import RunDirectoryError, UserError
from evolearn.files import (
    FileDamaged,
    FileUnfit,
    Record,
    parse_json,
    read_bytes,
    read_sealed,
    read_tensor_labels,
    sealed,
    sha256,
    sha256_of,
)
from evolearn.run import DNA, RunDirectory, SearchDiverged, open_run
from evolearn.study._held_out import HeldOut, parse_table, read_held_out, unlived
from evolearn.study.config import ConditionPart, StudyConfig
from evolearn.study.directory import StudyDirectory
from evolearn.study.plan import (
    StudyJob,
    StudyPlan,
    arm_part,
    held_out_keys,
    long_plan,
    origin_of,
    run_seed,
    siblings_of,
)

CONFIG_FILE, ROWS_FILE, DNA_FILE = "config.yaml", "generations.jsonl", "dna.safetensors"
OF_RUN = (CONFIG_FILE, ROWS_FILE, DNA_FILE)  # what a verdict reads of a run directory
OF_DIVERGED = (CONFIG_FILE, ROWS_FILE)  # of one that has no DNA


class Diverged(Record):
    """How an evolution ended that left the finite numbers: nothing came of it, and it is not evolved again."""

    why: str  # when, and with which settings
    steps: Annotated[int, Field(ge=0)]  # world steps of the generation that was not made, which no row holds


class Seal(Record):
    """Whose a piece is, and the checksums of its files."""

    kind: Literal["seal"]
    piece: Literal["run", "lives"]
    evolearn: str | None  # version that made the piece
    study: str  # hash of the config that the study began with
    condition: str
    arm: str
    run: int
    seed: int  # of the run; of test lives the study's
    # checksum of the file of the DNA that it came to, or that lived; None: lives without an evolution, or diverged
    dna: str | None
    files: dict[str, str]  # name -> SHA-256
    diverged: Diverged | None = None  # of a run


class PieceUnfit(FileUnfit):
    """A piece that is damaged, or another one than it must be; the text names the file."""


class Pieces:
    """The pieces of a study on disk."""

    def __init__(self, config: StudyConfig, study: StudyDirectory) -> None:
        """Name them; nothing of them is read yet.

        Args:
            config: of the study.
            study: its directory.
        """
        self._config = config
        self._study = study
        self._of = study.first_config_sha256

    def left(
        self, plan: StudyPlan, unfit: Callable[[StudyJob, PieceUnfit], None]
    ) -> tuple[list[StudyJob], list[StudyJob]]:
        """Check every piece that is there: what is left to do.

        Args:
            plan: of the study.
            unfit: is told of test lives that do not fit, which are left to do.
        Returns:
            Evolutions, and test lives.
        Raises:
            PieceUnfit: a run does not fit. It is not evolved again unasked: that may be the work of days.
        """
        evolutions = [job for job in plan.evolutions if not self.is_run_done(job)]
        return evolutions, [job for job in plan.tests if not self.are_lives_done(job, unfit)]

    def is_run_done(self, job: StudyJob) -> bool:
        """Whether an evolution run is finished, with DNA or without; or can never begin, for want of another's DNA.

        Raises:
            PieceUnfit: it is, and is damaged, or is another one.
        """
        if self._lender_without_dna(self._config.condition(job.condition), job.arm, job.run) is not None:
            return True
        directory = self._study.run(job.condition, job.arm, job.run)
        seal = _seal_of(directory.path)
        diverged = self.diverged(job)
        if not seal.exists() or not (directory.has_dna or diverged):
            return False
        remedy = self.run_again(directory)
        found = read_sealed(seal, Seal, remedy)
        self._check_identity(found, self._identity("run", job), seal, remedy)
        self._open(directory)
        for name in OF_DIVERGED if diverged else OF_RUN:
            file = directory.path / name
            if sha256_of(file, remedy) != found.files.get(name):
                raise PieceUnfit(f"{file}: {_what_dna_is(file, found.seed) or _ALTERED}; {remedy}")
        return True

    def opened(self, job: StudyJob) -> tuple[RunDirectory, RunConfig]:
        """A run that has been begun, and its config.

        Raises:
            PieceUnfit: it is damaged.
        """
        directory = self._open(self._study.run(job.condition, job.arm, job.run))
        try:
            return directory, directory.read_config()
        except RunDirectoryError as error:
            raise PieceUnfit(f"{_problem(error)}; {self.run_again(directory)}") from error

    def _open(self, directory: RunDirectory) -> RunDirectory:
        try:
            return open_run(directory.path)
        except RunDirectoryError as error:
            raise PieceUnfit(f"{_problem(error)}; {self.run_again(directory)}") from error

    def run_again(self, directory: RunDirectory) -> str:
        """What to do about a run that does not fit."""
        return (
            f"put it back, or remove {directory.path}: evolearn resume {self._study.path} repeats this run, with the "
            "same result"
        )

    def seal_run(self, job: StudyJob) -> None:
        """Write the seal of a run that has just been finished."""
        directory = self._study.run(job.condition, job.arm, job.run)
        files = {name: sha256_of(directory.path / name) for name in OF_RUN}
        self._write(_seal_of(directory.path), {**self._identity("run", job), "dna": files[DNA_FILE], "files": files})

    def seal_diverged(self, job: StudyJob, end: SearchDiverged) -> None:
        """Write the seal of a run that has just come to nothing."""
        directory = self._study.run(job.condition, job.arm, job.run)
        files = {name: sha256_of(directory.path / name) for name in OF_DIVERGED}
        diverged = Diverged(why=end.why, steps=end.steps).model_dump()
        content = {**self._identity("run", job), "dna": None, "files": files, "diverged": diverged}
        self._write(_seal_of(directory.path), content)

    def diverged(self, job: StudyJob) -> Diverged | None:
        """How an evolution run came to nothing; None: it did not, or has not yet."""
        path = self._study.run(job.condition, job.arm, job.run).path
        if not (path / CONFIG_FILE).exists():  # removed, to be made again
            return None
        try:
            return read_sealed(_seal_of(path), Seal).diverged
        except FileUnfit:  # to be made again, or said where it is needed
            return None

    def no_dna(self, condition: ConditionPart, arm: str, run: int) -> str | None:
        """Why there is no DNA with which an arm could live under a condition; None: there is, or will be, or need not.

        Args:
            condition: under which it lives.
            arm: which.
            run: number of the run.
        """
        origin = origin_of(self._config, arm)
        if origin is None:
            return None
        there = condition if condition.evolved_in is None else self._config.condition(condition.evolved_in)
        if (lender := self._lender_without_dna(there, origin, run)) is not None:
            return f"{self._whose(origin, arm, there, condition)} takes genes of {lender}, which came to no DNA"
        diverged = self.diverged(StudyJob(there.name, origin, run, 0, False))
        if diverged is None:
            return None
        whose = self._whose(origin, arm, there, condition)
        return f"{whose} left the finite numbers" + (f": {diverged.why}" if whose == _OWN else "")

    def _whose(self, origin: str, arm: str, there: ConditionPart, condition: ConditionPart) -> str:
        named = _OWN if origin == arm else f"the evolution of {origin}"
        return named if there is condition else f"{named} under {there.name}"

    def _lender_without_dna(self, condition: ConditionPart, arm: str, run: int) -> str | None:
        """The arm from which an arm's evolution was to take something, and that has nothing to give."""
        needs = arm_part(self._config, arm).needs()
        return next((lender for lender in needs if self.no_dna(condition, lender, run) is not None), None)

    def are_lives_done(self, job: StudyJob, unfit: Callable[[StudyJob, PieceUnfit], None]) -> bool:
        """Whether the test lives of a run are lived, and are what they must be; or can never be, for want of DNA.

        Args:
            job: which.
            unfit: is told if they do not fit; they count as not lived.
        """
        if self.no_dna(self._config.condition(job.condition), job.arm, job.run) is not None:
            return True
        path = self._lives(job)
        if not path.exists() or not _seal_of(path).exists():
            return False
        try:
            self._read(job)
        except FileUnfit as error:
            unfit(job, PieceUnfit(str(error)))
            return False
        return True

    def set_aside(self, job: StudyJob) -> str:
        """Move test lives out of the way; see `StudyDirectory.set_aside`."""
        path = self._lives(job)
        return self._study.set_aside(path, _seal_of(path))

    def seal_lives(self, job: StudyJob, payload: bytes) -> None:
        """Write the seal of test lives that have just been lived.

        Args:
            job: which.
            payload: of their file.
        """
        path = self._lives(job)
        self._write(_seal_of(path), {**self._identity("lives", job), "files": {path.name: sha256(payload)}})

    def table(self, job: StudyJob) -> pa.Table:
        """The test lives of a run, as rows.

        Raises:
            FileUnfit: they are missing, damaged or others.
        """
        path = self._lives(job)
        config = self._config
        condition = config.condition(job.condition)
        lives = len(held_out_keys(config, condition, job.arm, job.run))
        rows = lives * (1 + long_plan(config, condition, job.arm).bins)
        try:
            return parse_table(self._read(job), rows)
        except ValueError as error:
            raise PieceUnfit(f"{path}: is damaged: {error}; remove it, and {self._live_again}") from error

    def held_out(self, job: StudyJob) -> HeldOut:
        """The test lives of a run; where there is no DNA, that none was lived.

        Raises:
            FileUnfit: they are missing, damaged or others.
        """
        config = self._config
        condition = config.condition(job.condition)
        if (why := self.no_dna(condition, job.arm, job.run)) is not None:
            lives = len(held_out_keys(config, condition, job.arm, job.run))
            birth_steps = config.run_of(condition).evaluation.birth_steps
            return unlived(lives, birth_steps, long_plan(config, condition, job.arm), why)
        try:
            read = read_held_out(self.table(job))
            return dataclasses.replace(read, siblings=siblings_of(config, condition, job.arm))
        except ValueError as error:
            raise PieceUnfit(f"{self._lives(job)}: is damaged: {error}; remove it, and {self._live_again}") from error

    def check_run(
        self, job: StudyJob, own: RunConfig, planned: RunConfig, rows: Any = (), dna: DNA | None = None
    ) -> None:
        """Check what a run says of itself against what the study has planned.

        Args:
            job: which.
            own: its config.
            planned: what it must be.
            rows: of its generations, once it is finished.
            dna: of the run, once it is finished.
        Raises:
            PieceUnfit: it is another run.
        """
        directory = self._study.run(job.condition, job.arm, job.run)
        remedy = self.run_again(directory)
        for file, config in ((CONFIG_FILE, own), *(((DNA_FILE, dna.config),) if dna else ())):
            if config != planned:
                raise PieceUnfit(
                    f"{directory.path / file}: is of another run than {job.arm} under {job.condition}, run {job.run}: "
                    f"{_difference(config.model_dump(mode='json'), planned.model_dump(mode='json'))}; {remedy}"
                )
        if dna is not None:
            problem = _not_its_end(dna, rows)
            if problem:
                raise PieceUnfit(f"{dna.path}: {problem}; {remedy}")

    def _read(self, job: StudyJob) -> bytes:
        path = self._lives(job)
        remedy = self._live_again
        seal = read_sealed(_seal_of(path), Seal, remedy)
        self._check_identity(seal, self._identity("lives", job), _seal_of(path), remedy)
        payload = read_bytes(path, remedy)
        if sha256(payload) != seal.files.get(path.name):
            raise PieceUnfit(f"{path}: {_ALTERED}; {remedy}")
        return payload

    @property
    def _live_again(self) -> str:
        return f"evolearn resume {self._study.path} lives these lives again"

    def _lives(self, job: StudyJob) -> Path:
        return self._study.lives(job.condition, job.arm, job.run)

    def _identity(self, piece: str, job: StudyJob) -> dict[str, Any]:
        whose = {
            "piece": piece,
            "study": self._of,
            "condition": job.condition,
            "arm": job.arm,
            "run": job.run,
        }
        if piece == "run":
            return {**whose, "seed": run_seed(self._config, job.condition, job.arm, job.run)}
        return {
            **whose,
            "seed": self._config.seed,
            "dna": self.dna_of(self._config.condition(job.condition), job.arm, job.run),
        }

    def dna_of(self, condition: ConditionPart, arm: str, run: int) -> str | None:
        """Checksum of the file of the DNA with which an arm lives under a condition; None: it has none, or not yet."""
        origin = origin_of(self._config, arm)
        if origin is None:
            return None
        file = self._study.run(condition.evolved_in or condition.name, origin, run).path / DNA_FILE
        return sha256_of(file) if file.exists() else None

    def _check_identity(self, seal: Seal, must: Mapping[str, Any], path: Path, remedy: str) -> None:
        is_now = seal.model_dump()
        for name, value in must.items():
            # Of a run that is to be made again it is not known yet.
            if is_now[name] != value and not (name == "dna" and value is None and origin_of(self._config, must["arm"])):
                said = f"{path}: says {name} {is_now[name]}, must be {value}: it belongs to something else"
                raise PieceUnfit(f"{said}; {remedy}")

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        made = {"kind": "seal", "evolearn": package_versions()["evolearn"], **content}
        self._study.write_json(path, sealed(made))


_OWN = "its evolution"  # an arm's, under the condition in question
_ALTERED = "was altered or swapped since it was written: its bytes do not match the checksum in the file beside it"


def _problem(error: UserError) -> str:
    """What an error says without its remedy, which is another one in a study."""
    return str(error).partition("; ")[0]


def _seal_of(path: Path) -> Path:
    """The seal beside a run directory or a file of test lives."""
    return path.with_suffix(".json")


def _what_dna_is(file: Path, seed: int) -> str:
    """What is in the place of a run's DNA, if it can be told."""
    if file.name != DNA_FILE:
        return ""
    try:
        label = read_tensor_labels(file).get("evolearn", "")
    except FileDamaged:
        return ""
    try:
        found = parse_json(label)["seed"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f"is DNA of a run with seed {found}, must be of seed {seed}" if found != seed else ""


def _not_its_end(dna: DNA, rows: Any) -> str:
    """What keeps DNA from being what the generations of a run came to; empty if nothing does."""
    lineage = dna.header["lineage"]
    generation = dna.generation
    if not generation < len(rows):
        return f"is of generation {generation}, and the run has {len(rows)}"
    if lineage.get("fitness_sha256") != rows[generation]["fitness_sha256"]:
        return f"comes of another generation {generation} than generations.jsonl tells of"
    last = max(row["generation"] for row in rows if row.get("restart", 0) == rows[generation].get("restart", 0))
    if generation != last:
        return f"is of generation {generation}, must be of {last}, the last"
    role = "best" if dna.config.search.algorithm == "genetic" else "centre"
    if dna.role != role or "validation_steps" not in lineage:
        return f"is its {dna.role} of generation {generation}, must be the {role} that the run came to"
    return ""


def _difference(found: Any, planned: Any, field: str = "") -> str:
    """The first field in which two configs differ."""
    if isinstance(found, dict) and isinstance(planned, dict):
        for name in {**planned, **found}:
            if found.get(name) != planned.get(name):
                return _difference(found.get(name), planned.get(name), f"{field}.{name}" if field else str(name))
    return f"{field}={found!r}, must be {planned!r}"
