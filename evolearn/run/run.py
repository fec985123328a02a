"""One evolution run from config to closing table: begin or resume it, and keep on disk what it came to so far.

What is chosen of what it came to is `evolearn.run.choosing`'s, how that is judged `evolearn.run.closing`'s.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Protocol

from evolearn.config import RunConfig
from evolearn.errors import RunDirectoryError, UserError
from evolearn.life import Driver, Drivers
from evolearn.numerics import processor_type
from evolearn.run._resuming import standing
from evolearn.run.choosing import best_stretch
from evolearn.run.closing import Result, closing_table, unseen_keys
from evolearn.run.descent import births_of, join_births, keep_births
from evolearn.run.directory import Checkpoint, RunDirectory, create_run
from evolearn.run.dna import NAME, ancestor_file, is_ancestor, save_dna
from evolearn.run.estimate import HUGE, Estimate, estimate_run
from evolearn.run.evolution import SearchDiverged, evolve, is_over, new_search, remedy_of_diverged
from evolearn.run.record import Generation
from evolearn.run.setup import Setup, assemble, make_ready, remarks_on, settled, to_genomes, to_spread
from evolearn.search import LeftFinite, Restarting, Rivals, Search, require_finite
from evolearn.world import GYMNASIUM, World


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; what is finished is on disk."""

    def __init__(self, directory: Path, finished: bool = False) -> None:
        """Remember where the run can be resumed, or is if it was finished."""
        super().__init__(str(directory))
        self.directory = directory
        self.finished = finished


class ProgramEnded(UserError):
    """Something that lived in a run asked for the end of the program; what is finished is on disk."""

    def __init__(self, directory: Path, end: SystemExit) -> None:
        """Say where the run can be resumed."""
        super().__init__(
            f"{directory}: its world, or what that is made of, asked for the end of the program (SystemExit, code "
            f"{end.code}), and the run is not finished. What is finished is kept: mend it, then evolearn resume "
            f"{shlex.quote(str(directory))}"
        )


class EvolutionDisplay(Protocol):
    """What shows an evolution while it goes on."""

    def starting(self, setup: Setup, directory: Path, first: int) -> None:
        """The run is set up; evolution begins at generation `first`."""

    def warning(self, text: str) -> None:
        """Something that a user should know, and that did not stop the run."""

    def made(self, generation: Generation) -> None:
        """A generation is finished."""

    def choosing(self, what: str, number: int, of: int) -> None:
        """Evolution is over; what it came to is about to live again, so that the best of it is found."""


class Display(EvolutionDisplay, Protocol):
    """What shows a run, its beginning and its closing table included."""

    def preparing(self, what: str) -> None:
        """Something that may take seconds is about to happen, before anything is on disk."""

    def estimated(self, estimate: Estimate) -> None:
        """What the run will take, if that was asked for or is much."""

    def judging(self, arm: str, number: int, of: int) -> None:
        """An arm of the closing table is about to live."""

    def finished(self, setup: Setup, directory: Path, result: Result) -> None:
        """The run is over."""


def start_run(
    config: RunConfig, name: str, out: Path | None, drivers: Drivers, display: Display, dry_run: bool = False
) -> Result | None:
    """Run a config in a new run directory.

    Args:
        config: resolved.
        name: of the run directory where `out` is not given.
        out: the run directory to make.
        drivers: where lives are lived; closed at the end.
        display: shows what happens.
        dry_run: only check and estimate; nothing is written.
    Returns:
        The closing table; none after a dry run.
    Raises:
        ConfigError, RunDirectoryError, WorldError: see there.
        Interrupted: the user stopped it.
    """
    with contextlib.closing(drivers):
        if config.world.name.startswith(GYMNASIUM):
            display.preparing("looking at the environment, and rehearsing a life in it")
        setup = assemble(settled(config))
        for remark in remarks_on(setup):
            display.warning(remark)
        new_search(setup)  # refuses what EvoTorch refuses before anything is on disk
        make_ready(setup, drivers)  # likewise
        unseen_keys(setup)  # likewise
        if dry_run or setup.pool.size >= HUGE:
            display.preparing("living a few short lives, to see how long they take")
            display.estimated(estimate_run(setup, drivers))
        if dry_run:
            return None
        directory = create_run(setup.config, name, out, drivers.describe())
        with directory.hold():
            return _complete(setup, drivers, directory, display)


def resume_run(directory: RunDirectory, drivers: Drivers, display: Display) -> Result:
    """Continue a run from its last whole checkpoint; the result is that of a run never stopped, bit for bit.

    Args:
        directory: from `open_run`.
        drivers: see `start_run`; may differ from before.
        display: shows what happens, damaged checkpoints among it.
    Raises:
        RunDirectoryError: the run is finished, its config was altered, or another process is at it.
    """
    with contextlib.closing(drivers):
        _refuse_finished(directory)
        with directory.hold():
            _refuse_finished(directory)  # meanwhile, by the one who had it
            return _complete(assemble(directory.read_config()), drivers, directory, display)


def _refuse_finished(directory: RunDirectory) -> None:
    if directory.is_finished:
        table = directory.path / "result.json"
        raise RunDirectoryError(f"RUN={directory.path}: is finished; its table is in {table}")


def _complete(setup: Setup, drivers: Drivers, directory: RunDirectory, display: Display) -> Result:
    if damaged := directory.put_damaged_table_aside():
        display.warning(damaged)
    with resumable(directory.path), directory.keeping_faulty_life(setup.config):
        evolve_run(setup, drivers, directory, display)
        genome, steps = directory.load_dna().genome, sum(row["world_steps"] for row in directory.rows())
        result = closing_table(setup, setup.driver(drivers), genome, steps, display.judging)
        directory.save_result(result.as_json())
    try:
        display.finished(setup, directory.path, result)
    except KeyboardInterrupt as stop:
        raise Interrupted(directory.path, finished=True) from stop
    return result


@contextlib.contextmanager
def resumable(directory: Path) -> Iterator[None]:
    """Say where to continue what is stopped within.

    Args:
        directory: of the run or the study.
    Raises:
        Interrupted: the user stopped it; from what did.
        ProgramEnded: something that lived asked for the end of the program.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Interrupted(directory) from stop
    except SystemExit as end:
        raise ProgramEnded(directory, end) from end


def evolve_run(setup: Setup, drivers: Drivers, directory: RunDirectory, display: EvolutionDisplay) -> None:
    """Evolve from where the directory stands, its last whole checkpoint or the beginning, to DNA on disk.

    Args:
        setup: of the directory's config.
        drivers: where lives are lived.
        directory: of the run.
        display: shows what happens.
    """
    for _ in generations_of_run(setup, drivers, directory, display):
        pass


def generations_of_run(
    setup: Setup, drivers: Drivers, directory: RunDirectory, display: EvolutionDisplay
) -> Generator[tuple[Generation, Search]]:
    """The same, a generation at a time; see `evolve_run`.

    Yields:
        Each generation once it is on disk, with the search in the state after it. Who closes the generator before it
        is exhausted stops the run as Ctrl-C would: it can be resumed, and has no DNA yet.
    """
    stands = standing(setup, directory)
    search, first = stands.search, stands.first
    for complaint in stands.complaints:
        display.warning(complaint)
    directory.keep_rows_until(first - 1)
    display.starting(setup, directory.path, first)
    driver = setup.driver(drivers)
    processors = directory.processors()
    last_whole: Checkpoint | None = None
    try:
        for generation in evolve(setup, driver, search, first, drivers.effort):
            directory.append(generation)
            if (births := births_of(search)) is not None:
                keep_births(directory.path, setup.pool, generation, births)
            last_whole = Checkpoint(generation.generation, "", search.state())
            is_last = is_over(setup, search, generation.generation + 1)
            if _is_kept(search, generation, is_last):
                _save_centre(setup, directory, search, generation)
            if is_last or (generation.generation + 1) % setup.config.checkpoint_every == 0:
                directory.save_checkpoint(last_whole)
            display.made(generation)
            processors = _compare_processors(setup, processors, generation, display)
            yield generation, search
        join_births(directory.path)
        _save_dna(setup, driver, directory, search, display)
    except BaseException as end:
        # Whatever went wrong, the last whole generation is kept; a second Ctrl-C must not cut that short.
        with _undisturbed():
            if last_whole is not None:
                _save_in_the_end(directory, last_whole, end)
        if isinstance(end, SystemExit):  # with a code of 0, maybe
            raise ProgramEnded(directory.path, end) from end
        if isinstance(end, SearchDiverged):
            raise SearchDiverged(
                f"RUN={directory.path}: {end}. There is no DNA, and evolearn resume comes to the same end; begin "
                f"anew, with smaller steps: evolearn run {directory.path / 'config.yaml'} "
                f"{remedy_of_diverged(setup.config)}",
                end.why,
                end.steps,
            ) from end
        raise


def _save_in_the_end(directory: RunDirectory, checkpoint: Checkpoint, end: BaseException) -> None:
    try:
        directory.save_checkpoint(checkpoint)
    except RunDirectoryError:
        if not isinstance(end, UserError):  # else that is the cause, and the rows are not lost
            raise


def _compare_processors(setup: Setup, before: set[str], generation: Generation, display: EvolutionDisplay) -> set[str]:
    """Say so if a run goes on on another type of processor and that can matter; the types so far."""
    cluster = generation.cluster
    now = set(cluster.processors) if cluster is not None else {processor_type()[1]}
    if before and now - before and not isinstance(setup.conditions.world, World):
        display.warning(
            f"generation {generation.generation + 1} was lived on {', '.join(sorted(now - before))}, those before on "
            f"{', '.join(sorted(before))}: what a Gymnasium environment computes may differ in last bits between them, "
            "and then this is not bit for bit the run that it would have been"
        )
    return before | now


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold off what stops a run, where this is the main thread, which alone may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler if handler is not None else signal.SIG_DFL)


def _is_kept(search: Search, generation: Generation, is_last: bool) -> bool:
    """Whether the centre of a generation is kept as an ancestor; counted from the last restart."""
    number, ends = generation.generation, is_last
    if isinstance(search, Restarting):
        number -= search.began_at
        ends = search.ends_here
    return is_ancestor(number, number + 1 if ends else number + 2)


def _save_centre(setup: Setup, directory: RunDirectory, search: Search, generation: Generation) -> None:
    """Keep the centre that lived a generation, for the lineage."""
    file = ancestor_file(directory.path, generation.generation)
    about = {"role": _role(search), "lineage": _lineage(setup, directory, generation.generation, generation.restart)}
    save_dna(file, setup, to_genomes(setup, search.centre()), to_spread(setup, search.stdev()), about)
    if isinstance(search, Rivals):
        _save_opponents_centres(setup, directory, search, generation.generation, ancestor_file)


def _save_opponents_centres(
    setup: Setup, directory: RunDirectory, search: Rivals, generation: int, file_of: Callable[[Path, int], Path]
) -> None:
    """Keep the centre of each population of opponents that lived a generation, in a folder of its own."""
    rows = directory.rows()[generation]["opponent"]
    folders = directory.opponents(len(search.opponents))
    sides = zip(setup.opponents, search.opponents, folders, strict=True)
    for (other, rival, folder), row in zip(sides, rows if isinstance(rows, list) else [rows], strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        lineage = {**_lineage(other, directory, generation, 0), "fitness_sha256": row["fitness_sha256"]}
        genome, stdev = to_genomes(other, rival.centre()), to_spread(other, rival.stdev())
        save_dna(file_of(folder, generation), other, genome, stdev, {"role": "centre", "lineage": lineage})


def _save_dna(setup: Setup, driver: Driver, directory: RunDirectory, search: Search, display: EvolutionDisplay) -> None:
    """Write the DNA: `dna` last, so that it says that both are there."""
    stretch, best, steps = best_stretch(setup, driver, search, display.choosing)
    try:
        require_finite("the best genome", best)
    except LeftFinite as error:
        raise SearchDiverged(f"no genome of the last generation can live: {error}", steps=steps) from error
    # Of the Gaussian searches this is the centre that made the last generation, judged in its row.
    genome = to_genomes(setup, stretch.centre) if search.has_centre else best
    stdev = to_spread(setup, stretch.stdev)
    lineage = {**_lineage(setup, directory, stretch.generation, stretch.restart), "validation_steps": steps}
    if isinstance(search, Rivals):
        _save_opponents_centres(setup, directory, search, stretch.generation, lambda folder, _: folder / NAME)
    save_dna(directory.path / "dna_best.safetensors", setup, best, stdev, {"role": "best", "lineage": lineage})
    save_dna(directory.path / NAME, setup, genome, stdev, {"role": _role(search), "lineage": lineage})


def _role(search: Search) -> str:
    return "centre" if search.has_centre else "best"


def _lineage(setup: Setup, directory: RunDirectory, generation: int, restart: int) -> dict[str, Any]:
    search = setup.config.search
    return {
        "run": directory.path.name,
        "algorithm": search.algorithm,
        "generations": search.generations,
        "generation": generation,
        "restart": restart,
        "fitness_sha256": directory.rows()[generation]["fitness_sha256"],
    }
