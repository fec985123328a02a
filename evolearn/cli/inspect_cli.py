"""The command that inspects DNA. No logic, and no heavy imports outside of it."""

from __future__ import annotations

import contextlib
import traceback
from pathlib import Path
from typing import Annotated

import typer

from evolearn.cli.terminal import Errors, Workers, enter_portable_mode_for, expect_wait, new_console, worker_count


def inspect(
    run: Annotated[Path, typer.Argument(help="A run directory, or a DNA file.", metavar="RUN|DNA")],
    other: Annotated[
        Path | None, typer.Argument(help="Another one: compare the two.", metavar="OTHER", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The directory to write; an earlier inspection of the same DNA there is made anew.",
            show_default="RUN/inspection; NAME-inspection for DNA outside of a run",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A rough look, in seconds instead of minutes.")] = False,
    only: Annotated[
        str | None,
        typer.Option(
            help="Only these sections, with commas: genes, weights, drives, repertoire, lesions, landscape, lineage.",
            show_default=False,
            metavar="SECTIONS",
        ),
    ] = None,
    lifetime: Annotated[
        int | None,
        typer.Option(help="World steps of a life; as evolution selected on if not given.", show_default=False),
    ] = None,
    age: Annotated[
        int | None,
        typer.Option(help="Lesions at this age too, in world steps, beside those at birth.", show_default=False),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Write the figures for papers too.")] = False,
    workers: Workers = None,
) -> None:
    """Look into DNA: genes, weights, drives, innate repertoire, lesions, landscape and lineage, on one page."""
    console = new_console()
    with Errors(console):
        for path in filter(None, (run, other)):
            enter_portable_mode_for(path)
        expect_wait(console)
        from evolearn.cli.inspect import InspectDisplay, print_sections
        from evolearn.inspection import Wishes, compare_dna, inspect_dna

        wishes = Wishes(quick, tuple(only.split(",")) if only is not None else (), lifetime, age, figures)
        count = worker_count(console, workers)
        with contextlib.closing(InspectDisplay(console)) as display:
            if other is None:
                inspected = inspect_dna(run, wishes, out, count, display)
            else:
                inspected = compare_dna(run, other, wishes, out, count, display)
        print_sections(console, inspected.sections, inspected.page)
        for fault in inspected.faults:
            traceback.print_exception(fault)
        if inspected.faults:
            raise typer.Exit(1)
