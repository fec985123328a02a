"""What `evolearn.evolve` goes through: evolution a generation at a time, with the DNA that it has reached."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

from evolearn.api.arguments import Evolving, deaths_explained, refusals_in_python, workers_for
from evolearn.api.evolved import Evolved
from evolearn.config import RunConfig, check_model
from evolearn.life import Drivers, OwnDrivers
from evolearn.run import (
    DNA,
    Generation,
    Setup,
    ancestor_file,
    assemble,
    create_run,
    dna_of,
    evolve,
    generations_of_run,
    make_ready,
    new_search,
    remarks_on,
    settled,
    to_genomes,
)
from evolearn.search import Search


class Moment(NamedTuple):
    """Evolution at one moment."""

    generation: Generation  # its record, as in generations.jsonl
    dna: Evolved  # the centre that lived it; of a genetic algorithm its best


def moments(config: RunConfig, out: Path | None, workers: int | None) -> Generator[Moment]:
    """See `evolearn.evolve`. What is wrong with the config is said here, not at the first generation."""
    workers = check_model(Evolving, {"workers": workers}, "evolearn.evolve").workers
    setup = assemble(settled(config))
    for remark in remarks_on(setup):
        warnings.warn(remark, stacklevel=3)
    # Before EvoTorch is imported, which takes a second: processes that run a script again are refused here.
    count = workers_for(setup.conditions.world, workers)
    new_search(setup)  # refuses what EvoTorch refuses
    return _moments(setup, out, count)


def _moments(setup: Setup, out: Path | None, workers: int) -> Generator[Moment]:
    rows: list[dict[str, Any]] = []
    with (
        deaths_explained(),
        contextlib.closing(OwnDrivers(workers)) as drivers,
        contextlib.closing(_in_memory(setup, drivers) if out is None else _on_disk(setup, drivers, out)) as made,
    ):
        for generation, search in made:
            rows.append(generation.row())
            yield Moment(generation, Evolved(_centre(setup, search, generation, out), rows))


def _in_memory(setup: Setup, drivers: Drivers) -> Generator[tuple[Generation, Search]]:
    search = new_search(setup)
    for generation in evolve(setup, setup.driver(drivers), search):
        yield generation, search


def _on_disk(setup: Setup, drivers: Drivers, out: Path) -> Generator[tuple[Generation, Search]]:
    make_ready(setup, drivers)
    with refusals_in_python(f"out={out}", "name another directory"):
        directory = create_run(setup.config, out.name, out, drivers.describe())
    remedy = f"what was written before is whole: free space, and `evolearn resume {out}` goes on"
    with refusals_in_python(f"out={out}", remedy), directory.hold(), directory.keeping_faulty_life(setup.config):
        yield from generations_of_run(setup, drivers, directory, _Quiet())


def _centre(setup: Setup, search: Search, generation: Generation, out: Path | None) -> DNA:
    """The centre that lived a generation, as a run would keep it."""
    lineage = {
        "run": None if out is None else out.name,
        "algorithm": setup.config.search.algorithm,
        "generations": setup.config.search.generations,
        "generation": generation.generation,
        "restart": generation.restart,
        "fitness_sha256": generation.fitness_sha256,
    }
    return dna_of(
        ancestor_file(out or Path(), generation.generation),
        setup,
        to_genomes(setup, search.centre()),
        setup.pool.spread * search.stdev(),
        {"role": "centre" if search.has_centre else "best", "lineage": lineage},
    )


class _Quiet:
    """A display that shows nothing but warnings, as Python shows them."""

    def starting(self, setup: Setup, directory: Path, first: int) -> None:
        pass

    def warning(self, text: str) -> None:
        warnings.warn(text, stacklevel=2)

    def made(self, generation: Generation) -> None:
        pass

    def choosing(self, what: str, number: int, of: int) -> None:
        pass
