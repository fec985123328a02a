"""The commands that look at what lies on disk: list runs, follow one, compare several. No logic."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from evolearn.cli.terminal import at_terminal, print_line, shown
from evolearn.errors import UserError

if TYPE_CHECKING:
    from evolearn.report import Seen

RUNS = Path("runs")  # where runs and studies are made, if nothing else is said


def runs(
    folder: Annotated[Path, typer.Argument(help="Where to look, three folders deep.", metavar="[DIR]")] = RUNS,
    sort: Annotated[str, typer.Option(help="By made, name, state or score.", metavar="WHAT")] = "made",
    only: Annotated[
        str, typer.Option(help="Those in whose name, world, kind or state this text is.", show_default=False)
    ] = "",
) -> None:
    """List runs and studies: from when, how far, what they scored, and whether there is DNA."""
    with at_terminal() as console:
        if sort not in _ORDERS:
            raise UserError(f"--sort {sort}: must be one of {', '.join(_ORDERS)}")
        from evolearn.overview import find_seen

        found = find_seen(folder) if folder != RUNS or folder.exists() else []
        kept = [one for one in found if only.lower() in f"{one.path} {one.world} {one.kind} {one.state}".lower()]
        if not kept:
            has = f" has {only!r}" if found else "; evolearn run CONFIG makes one, such as evolearn run cart-pole"
            print_line(console, f"No run and no study in {shown(folder)}{has}")
            return
        kept.sort(key=_ORDERS[sort])
        console.print(runs_table(kept, folder))
        print_line(console, "done: generations; evolved, blank: life fitness in the closing table.")
        print_line(console, "Look at one: evolearn watch RUN; several side by side: evolearn compare RUN RUN")


def compare(
    directories: Annotated[list[Path], typer.Argument(help="Run or study directories.", metavar="A B...")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("comparison.html"),
) -> None:
    """Show runs side by side: their curves, their scores and what their configs differ in."""
    with at_terminal() as console:
        if len(directories) < 2:
            raise UserError(f"A B...={directories[0]}: must be at least two; evolearn watch shows one")
        from evolearn.overview import look_at, write_overview

        write_overview([look_at(path) for path in directories], out)
        print_line(console, f"The page: {shown(out)}")


def watch(
    directory: Annotated[Path, typer.Argument(help="A run or study directory.", metavar="DIR")],
    every: Annotated[int, typer.Option(min=1, help="Seconds between two looks.")] = 5,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
) -> None:
    """Follow a run or a study under way: a page that a browser reads again, and a line here, until it is finished."""
    with at_terminal() as console:
        from evolearn.overview import PAGE, RUNNING, look_at, write_overview

        page, said = directory / PAGE, ""
        while True:
            seen = look_at(directory)
            write_overview([seen], page, every)
            if not said:
                print_line(console, f"The page: {shown(page)}")
            if (line := _line(seen)) != said:
                print_line(console, line)
                said = line
            if once or seen.state != RUNNING:
                return
            time.sleep(every)


def runs_table(seen: list[Seen], folder: Path) -> Table:
    """What was found, as a table.

    Args:
        seen: in the order of the table.
        folder: in which they were found.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")
    numbers, folded = ("done", "evolved", "blank"), {"name": 10, "world": 8}
    for name in ("name", "world", "from", "kind", "state", *numbers, "DNA"):
        if name in folded:
            table.add_column(name, overflow="fold", min_width=folded[name])
        else:
            table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    for one in seen:
        table.add_row(
            Text(str(one.path.relative_to(folder)) if one.path != folder else one.path.name),
            Text(one.world.rpartition("/")[2] if ".py:" in one.world else one.world),
            time.strftime("%m-%d %H:%M", time.localtime(one.made)),
            one.kind,
            one.state,
            f"{one.done:,}" + (f"/{one.of:,}" if one.of else ""),
            *(f"{one.scores[arm]:.3f}" if arm in one.scores else "" for arm in ("evolved", "blank")),
            "yes" if one.has_dna else "",
        )
    return table


def _line(seen: Seen) -> str:
    centre = [curve.fitness[-1] for curve in seen.curves][-1:] if seen.kind == "run" else []
    parts = [seen.progress, *(f"centre {fitness:.3f}" for fitness in centre)]
    return ", ".join([*parts, *filter(None, [seen.left])])


# Of each way to sort; the best score first, and what has none last.
_ORDERS: dict[str, Callable[[Seen], Any]] = {
    "made": lambda seen: seen.made,
    "name": lambda seen: seen.path,
    "state": lambda seen: seen.state,
    "score": lambda seen: -seen.scores.get("evolved", float("-inf")),
}
