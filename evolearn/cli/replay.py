"""The commands that show newborns: replay one's life, and list those that come with evolearn. No heavy imports."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from evolearn.cli.opening import open_dna
from evolearn.cli.terminal import (
    Trust,
    Workers,
    at_terminal,
    expect_wait,
    listen,
    naming,
    print_line,
    shown,
    worker_count,
)

if TYPE_CHECKING:
    from evolearn.run import Resident


def zoo_command() -> None:
    """List the newborns that come with evolearn: wherever DNA is asked for, they go by zoo/NAME."""
    with at_terminal() as console:
        from evolearn.run import residents

        print_zoo(console, residents())


def print_zoo(console: Console, newborns: dict[str, Resident]) -> None:
    """A row for each, and what to do with them."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("DNA", "birth", "random", "what it does"):
        table.add_column(title, justify="right" if title in ("birth", "random") else "left", overflow="fold")
    for name, resident in newborns.items():
        table.add_row(f"zoo/{name}", f"{resident.birth:.3g}", f"{resident.random:.3g}", resident.doc)
    console.print(table)
    console.print()
    print_line(console, "birth: mean score of the first steps, learning off; random: of random actions in those lives.")
    for example in ("inspect zoo/foal --quick", "replay zoo/foal zoo/blank-foal --to foal.gif"):
        print_line(console, f"  evolearn {example}")


def replay_command(
    run: Annotated[
        Path, typer.Argument(help="A run directory, a DNA file, or a name in the zoo: zoo/foal.", metavar="RUN|DNA")
    ],
    other: Annotated[
        Path | None,
        typer.Argument(help="Who lives beside it; a blank slate if nobody.", metavar="OTHER", show_default=False),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            help="The file to write: .html, a page that plays it; or .gif, .webm, .mp4.",
            show_default="NAME-replay.html",
            metavar="FILE",
        ),
    ] = None,
    start: Annotated[int, typer.Option("--from", help="Age at which it begins, in world steps.", metavar="AGE")] = 0,
    steps: Annotated[
        int | None, typer.Option(help="World steps to see.", show_default="as many as the birth score is of")
    ] = None,
    every: Annotated[
        int | None, typer.Option(help="World steps per frame.", show_default="so that there are 300 frames")
    ] = None,
    life: Annotated[int, typer.Option(help="Which life, from 0.")] = 0,
    width: Annotated[int, typer.Option(help="Of a film, in pixels.")] = 720,
    fps: Annotated[int, typer.Option(help="Of a film, frames per second.")] = 25,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    workers: Workers = None,
    trust: Trust = False,
) -> None:
    """Watch a newborn live, beside another in the same life: as a page, or as a film."""
    with at_terminal() as console, naming(console, run if other is None else Path(f"{run} or {other}"), trust):
        file = to or Path(f"{'-'.join(one.name.split('.')[0] for one in (run, other) if one is not None)}-replay.html")
        from evolearn.report import check_film, is_replay_page, write_film

        check_film(file, width, fps, force or (to is None and is_replay_page(file)))
        file = file.absolute()  # worlds may take the process elsewhere
        expect_wait(console)
        open_dna(console, run, other)
        from evolearn.inspection import Scene, replay_dna

        listen(console)
        replay = replay_dna(run, other, Scene(start, steps, every, life), worker_count(console, workers))
        write_film(replay, file, width, fps, shlex.join(["evolearn", *sys.argv[1:]]))
        print_replay(console, replay, file)


def print_replay(console: Console, replay: dict[str, Any], file: Path) -> None:
    """What was to be seen, in a line for each who lived it, and where it is."""
    mean = replay["score"].startswith("mean")
    for arm in replay["arms"]:
        told = (
            f"mean score {sum(arm['score']) / len(arm['score']):.3g}"
            if mean
            else f"return at the end {arm['score'][-1]:.4g}"
        )
        ends = len(arm["ends"])
        again = f", {ends} episode{'s' * (ends != 1)} ended" if ends else ""
        print_line(console, f"{arm['arm']} ({arm['label']}): {told}{again}")
    last = replay["start"] + replay["step_stride"] * len(replay["arms"][0]["score"])
    print_line(console, f"The steps {replay['start']:,} to {last:,} of life {replay['life']}: {shown(file)}")
