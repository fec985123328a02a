"""A world in a terminal: what `evolearn worlds show` prints."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evolearn.world import Declaration, Discrete, Signal, World

_LISTED = re.compile(r"([-*+|]|\d+[.)]) ")


def print_world(console: Console, name: str, world: Declaration) -> None:
    """Print a world's description, observations, actions, senses and parameters."""
    console.print(Text(unwrapped(inspect.cleandoc(world.doc))))
    console.print()
    _print_signals(console, "observations", world.observations)
    actions = world.actions
    names = actions.names or tuple(f"action {number}" for number in range(world.action_outputs))
    kind = "one of" if isinstance(actions, Discrete) else "a number in -1 .. 1 for each of"
    console.print(Text.assemble(("actions  ", "bold"), f"{kind}: {', '.join(names)}"))
    console.print()
    _print_signals(console, "senses, which drives may weigh", world.senses)
    if world.parameters:
        table = _table("parameters", "default", "range", "unit", "")
        for parameter in world.parameters:
            span = f"{parameter.low:g} .. {parameter.high:g}" + (", whole" if parameter.whole else "")
            table.add_row(parameter.name, f"{parameter.default:g}", span, parameter.unit, parameter.doc)
        console.print(table)
        console.print()
    console.print(Text.assemble(("life fitness  ", "bold"), world.fitness_rule))
    drawn = "drawn" if isinstance(world, World) and world.draw is not None else "not drawn: its observations by age"
    console.print(Text.assemble(("in replays    ", "bold"), drawn))
    console.print(Text(f"\nIn a config:  world: {{name: {name}}}"))


def unwrapped(text: str) -> str:
    """Text whose paragraphs are a line each, to be wrapped anew; lists and indented lines stay as they are."""
    lines: list[str] = []
    joins = False
    for line in text.splitlines():
        is_plain = bool(line) and not line[0].isspace() and not _LISTED.match(line)
        if joins and is_plain:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        joins = is_plain
    return "\n".join(lines)


def _print_signals(console: Console, title: str, signals: Sequence[Signal]) -> None:
    if not signals:
        return
    table = _table(title, "unit", "")
    for signal in signals:
        table.add_row(signal.name, signal.unit, signal.doc)
    console.print(table)
    console.print()


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title)
    return table
