"""An inspection: DNA in, its world and a driver around it, every section in order, inspection.json and the page out.

A section that cannot be made is missing with its reason, and the others are made all the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from evolearn.environment import describe_environment
from evolearn.errors import UserError, offer
from evolearn.files import LOCK, FileUnfit, check_name, holding, json_text, read_json, write_whole
from evolearn.inspection._sections import COMPARISON, PARTS, Part, Subject
from evolearn.inspection._specimen import FULL, Extent, Json, Progress, Specimen, extent_of, lifetime_of
from evolearn.inspection.record import Answer, describe, name_of, record
from evolearn.life import new_driver
from evolearn.plugins import NotTrusted, named_by_unless_told
from evolearn.report import INSPECTION_FILE, Section, is_inspection, write_inspection_report
from evolearn.run import DNA, admit_sources, dna_so_far, setup_of, why_not_over

LONGEST = 10_000_000  # world steps of a life: some hundred such lives are lived


class InspectionError(UserError):
    """An inspection that cannot be made as asked; the text says why and what to do."""


class Display(Protocol):
    """What shows an inspection while it goes on."""

    def starting(self, title: str) -> None:
        """A section is about to be made."""

    def progress(self, done: int, of: int) -> None:
        """How far the section is."""

    def finished(self, answer: Answer) -> None:
        """A section is made, or missing."""

    def warning(self, text: str) -> None:
        """Something that a user should know, and that did not stop the inspection."""


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What is asked of an inspection."""

    quick: bool = False
    only: tuple[str, ...] = ()  # keys of sections; none: all
    lifetime: int | None = None  # world steps of a life with learning; None: see `lifetime_of`
    age: int | None = None  # steps, at which lesions are made beside those at birth
    figures: bool = False  # for papers, as SVG, PDF and PNG


@dataclasses.dataclass(frozen=True)
class Inspected:
    """What came of an inspection."""

    page: Path
    sections: tuple[Section, ...]
    faults: tuple[Exception, ...] = ()  # of evolearn itself, each of which cost a section


def inspect_dna(
    path: Path, wishes: Wishes, out: Path | None, workers: int, display: Display, *, trust: bool = False
) -> Inspected:
    """Inspect DNA: compute every section that is wanted, write inspection.json and the page.

    Args:
        path: of a run directory, finished or not, or of a DNA file.
        wishes: what is asked.
        out: the directory to write; None: RUN/inspection, or NAME-inspection here for DNA outside of a run.
        workers: threads or processes; changes speed only.
        display: what shows it.
        trust: run the code that the DNA names, its world's among them, also if you have never used it before.
    Raises:
        NotTrusted: it names code that you have not used before.
        DNAError: the DNA cannot be read.
        InspectionError: a wish cannot be granted, or `out` holds something else.
    """
    with named_by_unless_told(path, trust):
        return _inspect(path, wishes, out, workers, display)


def _inspect(path: Path, wishes: Wishes, out: Path | None, workers: int, display: Display) -> Inspected:
    parts = wanted_parts(wishes.only)
    dna = dna_so_far(path)
    if wishes.age is not None and all(part.key != "lesions" for part in parts):
        raise InspectionError(
            f"--age {wishes.age}: is for lesions, and --only {','.join(wishes.only)} leaves them out; add lesions, or "
            "leave --age out"
        )
    directory = free_directory(out or place_of(dna), [dna], is_partial=wishes.quick or bool(wishes.only))
    extent = extent_of([dna], wishes.quick)
    lifetime = _checked_lifetime(dna, wishes, extent)
    with _held(directory), _alive(dna, extent, lifetime, workers, parts) as (specimen, why_not):
        about = describe(dna, extent, lifetime, wishes.age, specimen) | {"note": extent.note}
        warnings = _not_over([dna])
        if why_not:
            warnings.append(f"The world cannot be lived in, so that sections that need lives are missing: {why_not}")
        _warn(about, warnings, display)
        subject = Subject(dna, specimen, wishes.age)
        faults: list[Exception] = []
        answers = [_answer(part, subject, display, faults) for part in parts]
        inspected = _write(directory, about, _command([path], wishes), answers, workers, wishes.figures)
    return dataclasses.replace(inspected, faults=tuple(faults))


def compare_dna(
    first: Path, second: Path, wishes: Wishes, out: Path | None, workers: int, display: Display, *, trust: bool = False
) -> Inspected:
    """Compare two DNAs, and write inspection.json and the page of the comparison.

    Args:
        first: a run directory or DNA file.
        second: another one.
        wishes: what is asked; sections and ages are not chosen here.
        out: the directory to write; None: RUN/inspection-against-SECOND, or beside neither run, here.
        workers: threads or processes; changes speed only.
        display: what shows it.
        trust: run the code that the DNA names, its world's among them, also if you have never used it before.
    Raises:
        NotTrusted: it names code that you have not used before.
        DNAError: DNA cannot be read.
        InspectionError: a wish cannot be granted, both are the same file, or `out` holds something else.
    """
    with named_by_unless_told(f"{first} or {second}", trust):
        return _compare(first, second, wishes, out, workers, display)


def _compare(first: Path, second: Path, wishes: Wishes, out: Path | None, workers: int, display: Display) -> Inspected:
    for name, given in (("--only", wishes.only), ("--age", wishes.age)):
        if given:
            raise InspectionError(
                f"{name}: is for the inspection of one DNA; leave it out, or leave out OTHER={second}"
            )
    dna, other = dna_so_far(first), dna_so_far(second)
    if dna.path.resolve() == other.path.resolve():
        raise InspectionError(f"OTHER={second}: is the same DNA as {first}; name another, or none to inspect this one")
    admit_sources(
        [dna.config, other.config]
    )  # before a section begins, in which a refusal would be one that is missing
    directory = free_directory(out or place_of(dna, other), [dna, other], is_partial=wishes.quick)
    extent = extent_of([dna, other], wishes.quick)
    lifetime = _checked_lifetime(dna, wishes, extent)
    about = describe(dna, extent, lifetime, None, None) | {"note": extent.note}
    about["other"] = describe(other, extent, lifetime, None, None)
    _warn(about, _not_over([dna, other]), display)

    def comparing(progress: Progress) -> Json:
        return COMPARISON(dna, other, extent, workers=workers, progress=progress, lifetime=wishes.lifetime)

    faults: list[Exception] = []
    with _held(directory):
        answers = [_timed("comparison", "Comparison", comparing, display, faults)]
        inspected = _write(directory, about, _command([first, second], wishes), answers, workers, wishes.figures)
    return dataclasses.replace(inspected, faults=tuple(faults))


def _not_over(dnas: Sequence[DNA]) -> list[str]:
    return [f"{said}." for dna in dnas if (said := why_not_over(dna))]


def _warn(about: Json, warnings: Sequence[str], display: Display) -> None:
    for warning in warnings:
        display.warning(warning)
    about["warning"] = " ".join(warnings)


def wanted_parts(only: tuple[str, ...]) -> tuple[Part, ...]:
    """The sections of these keys, in the order of the page; all if none is named.

    Raises:
        InspectionError: there is no such section.
    """
    known = [part.key for part in PARTS]
    for key in only:
        if key not in known:
            raise InspectionError(f"--only {key}: is not a section.{offer(key, known)}")
    return tuple(part for part in PARTS if not only or part.key in only)


def place_of(dna: DNA, other: DNA | None = None) -> Path:
    """Where an inspection is written if nobody says otherwise.

    Args:
        dna: the DNA.
        other: with which it is compared; None: it is inspected.
    """
    against = f"-against-{name_of(other)}".replace(" ", "-") if other else ""
    stem = dna.path.stem
    if dna.run is None:
        return Path(f"{stem}-inspection{against}")
    return dna.run / (f"inspection{against}" if stem == "dna" else f"inspection-{stem}{against}")


def free_directory(directory: Path, dnas: Sequence[DNA], is_partial: bool) -> Path:
    """A directory that an inspection may be written into: none yet, an empty one, or that of an earlier inspection.

    Args:
        directory: to write into; it is not made yet, but can be made.
        dnas: who is inspected.
        is_partial: quick, or not of all sections: that does not replace a whole one.
    Raises:
        InspectionError: it holds something else, is no directory, or cannot be written.
    """
    check_name(f"--out {directory}", directory)
    if directory.exists() and not directory.is_dir():
        raise InspectionError(f"--out {directory}: is a file; name a directory")
    if directory.is_dir() and not is_inspection(directory) and _holds_something(directory):
        raise InspectionError(
            f"--out {directory}: holds something else than an inspection, which would be mixed with it; name another"
        )
    _check_earlier(directory, dnas, is_partial)
    with _passing(directory):
        try:
            tempfile.TemporaryFile(dir=directory).close()
        except OSError as error:
            raise _unwritable(directory, error) from error
    return directory.absolute()  # worlds may take the process elsewhere


@contextlib.contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Be the only one who inspects into a directory; what is stopped leaves no empty one behind."""
    with _passing(directory), holding(directory / LOCK, f"--out {directory}"):
        yield


@contextlib.contextmanager
def _passing(directory: Path) -> Iterator[None]:
    """A directory that is there, and at the end only if something is in it."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    try:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(directory, error) from error
        yield
    finally:
        for folder in missing:  # Ctrl-C leaves nothing behind
            with contextlib.suppress(OSError):
                folder.rmdir()


def _holds_something(directory: Path) -> bool:
    return any(entry.name != LOCK for entry in directory.iterdir())  # one that was left is no content


def _check_earlier(directory: Path, dnas: Sequence[DNA], is_partial: bool) -> None:
    """An inspection of other DNA is not written over, nor is a whole one by a part."""
    try:
        earlier = read_json(directory / INSPECTION_FILE)
        about = earlier["about"]
        whose = [about["sha256"], *([about["other"]["sha256"]] if "other" in about else [])]
        was_whole = about["extent"] == FULL.name and (len(whose) > 1 or len(earlier["sections"]) == len(PARTS))
    except (FileUnfit, KeyError, TypeError):
        return  # none, or a damaged one: made anew
    if whose != [dna.sha256 for dna in dnas]:
        raise InspectionError(
            f"--out {directory}: holds the inspection of other DNA, {about.get('name', '?')}; name another, or remove "
            "what is there"
        )
    if was_whole and is_partial:
        raise InspectionError(
            f"--out {directory}: holds a whole inspection, and --quick or --only would put less in its place; name "
            "another, or remove it"
        )


def _unwritable(directory: Path, error: OSError) -> InspectionError:
    return InspectionError(
        f"{directory}: cannot be written: {error.strerror}; free space, make it writable, or choose another --out"
    )


def _checked_lifetime(dna: DNA, wishes: Wishes, extent: Extent) -> int:
    if wishes.lifetime is not None and not 1 <= wishes.lifetime <= LONGEST:
        raise InspectionError(
            f"--lifetime {wishes.lifetime}: must be 1 .. {LONGEST:,} world steps; choose a shorter one, or leave it "
            "out for as many as evolution selected on"
        )
    lifetime = lifetime_of(dna, extent, wishes.lifetime)
    if wishes.age is not None and not 1 <= wishes.age < lifetime:
        raise InspectionError(
            f"--age {wishes.age}: must be 1 .. {lifetime - 1:,}, an age within the lifetime of {lifetime:,} world "
            "steps; lesions at birth are made in any case"
        )
    return lifetime


@contextlib.contextmanager
def _alive(
    dna: DNA, extent: Extent, lifetime: int, workers: int, parts: tuple[Part, ...]
) -> Iterator[tuple[Specimen | None, str]]:
    """The DNA in its world, or why it cannot be; neither if no section asks."""
    if all(part.world == "none" for part in parts):
        yield None, ""
        return
    try:
        setup = setup_of(dna)
        driver = new_driver(setup.conditions, workers, setup.config.hang_seconds)
    except NotTrusted:
        raise
    except UserError as error:
        yield None, str(error)
        return
    with contextlib.closing(driver):
        yield Specimen(dna, setup, driver, extent, lifetime), ""


def _answer(part: Part, subject: Subject, display: Display, faults: list[Exception]) -> Answer:
    if part.world == "needed" and subject.specimen is None:
        answer = Answer(part.key, part.title, None, "needs the world, which cannot be lived in here", 0.0)
        display.finished(answer)
        return answer

    def inspecting(progress: Progress) -> Json:
        specimen = subject.specimen and dataclasses.replace(subject.specimen, progress=progress)
        return part.inspect(dataclasses.replace(subject, specimen=specimen))

    return _timed(part.key, part.title, inspecting, display, faults)


def _timed(
    key: str, title: str, inspecting: Callable[[Progress], Json], display: Display, faults: list[Exception]
) -> Answer:
    display.starting(title)
    start = time.perf_counter()
    found, missing = None, ""
    try:
        found = inspecting(display.progress)
    except UserError as error:  # a world at fault among them: the other sections are made all the same
        missing = str(error) or type(error).__name__
    except Exception as error:  # of ours: what the other sections found, maybe in minutes, is kept all the same
        faults.append(error)
        said = "".join(f": {line}" for line in str(error).splitlines()[:1])
        missing = f"a fault of evolearn: {type(error).__name__}{said}; please report it, with the traceback"
    answer = Answer(key, title, found, missing, round(time.perf_counter() - start, 3))
    display.finished(answer)
    return answer


def _command(paths: list[Path], wishes: Wishes) -> str:
    words = ["evolearn", "inspect", *(shlex.quote(str(path)) for path in paths)]
    words += ["--quick"] * wishes.quick
    words += ["--only", ",".join(wishes.only)] if wishes.only else []
    words += ["--lifetime", str(wishes.lifetime)] if wishes.lifetime else []
    words += ["--age", str(wishes.age)] if wishes.age else []
    return " ".join(words)


def _write(directory: Path, about: Json, command: str, answers: list[Answer], workers: int, figures: bool) -> Inspected:
    environment = describe_environment({"workers": workers, "cores": os.cpu_count()})
    content = record(about, command, answers, environment)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(directory / "figures", ignore_errors=True)  # of the inspection that was there
        write_whole(directory / INSPECTION_FILE, json_text(content, indent=1).encode())
    except OSError as error:
        raise _unwritable(directory, error) from error
    page, sections = write_inspection_report(directory, figures)
    return Inspected(page, sections)
