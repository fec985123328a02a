"""`evolearn new`: something of a user's own, its file, its test and its config. No logic."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from evolearn.cli.terminal import at_terminal, print_line


def new(
    kind: Annotated[Literal["drive", "learner", "policy", "trunk", "world"], typer.Argument(help="What to write.")],
    name: Annotated[str, typer.Argument(help="A Python name in small letters.", metavar="NAME")],
    folder: Annotated[Path, typer.Option(help="Where to write.", metavar="DIR")] = Path("."),
) -> None:
    """Write a drive, learner, policy, trunk or world of your own, with its test and a run, complete as they stand."""
    with at_terminal() as console:
        if kind == "world":
            from evolearn.cli.worlds import make_world

            make_world(name, folder)
            return
        from evolearn.agent import new_part

        for path, what in new_part(kind, name, folder).items():
            print_line(console, f"Wrote {path}: {what}")
        console.print("Next: test it, evolve with it:")
        steps = [] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]
        for step in [*steps, f"pytest test_{name}.py  # after pip install pytest", f"evolearn run {name}.yaml"]:
            print_line(console, f"  {step}")
