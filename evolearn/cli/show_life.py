"""What a life that is lived again looks like."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evolearn.cli.screen import Screen
from evolearn.cli.show_run import fitness_shown
from evolearn.cli.terminal import print_line, shown
from evolearn.errors import RunDirectoryError
from evolearn.life import DIVERGED, own_parts
from evolearn.run import Generation, Relived, ReliveDisplay, Wanted, open_run, relive_fault, relive_selection
from evolearn.study import open_study
from evolearn.world import World


class LifeScreen(Screen):
    """A line for each generation that is made again: they are few."""

    _wanted = 0

    def remaking(self, generation: int, checkpoint: int | None) -> None:
        """Say from where the generation is made."""
        self._wanted = generation
        start = "the start" if checkpoint is None else f"the checkpoint of generation {checkpoint}"
        between = generation - (0 if checkpoint is None else checkpoint + 1)
        work = f"; {between} generation{'s' * (between != 1)} must be evolved again before it" if between else ""
        self.say(f"Making generation {generation} again from {start}{work}. Generations are numbered from 0.")

    def made(self, generation: Generation) -> None:
        """One line per generation."""
        best = fitness_shown(generation.fitness_best)
        self.say(f"generation {generation.generation} (until {self._wanted - 1})  best {best}")


def print_relived(console: Console, run: Path, relived: Relived, trace: Path | None) -> None:
    """Say which life it was, how it ended, and what came of it.

    Args:
        console: the terminal.
        run: the run or study directory, as it was given.
        relived: what came of the life.
        trace: the file that its trace was written to; none if it was not asked for.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, text in _rows(relived):
        table.add_row(name, Text(text))
    console.print(table)
    if trace is not None:
        steps = len(relived.trace.fitness)
        print_line(console, f"Trace of {steps:,} finished step{'s' * (steps != 1)}: {shown(trace)}")
    for line in (*_conclusion(run, relived), *_where(relived)):
        print_line(console, line)


def _rows(relived: Relived) -> list[tuple[str, str]]:
    outcome, conditions = relived.outcome, relived.setup.conditions
    lived = int(outcome.age[0])
    until = f" until step {lived}" if relived.fault is not None else ""
    episodes, deaths = int(outcome.finished.sum()), int(outcome.deaths.sum())
    drives = zip(conditions.drive_names, outcome.drives[0], strict=True)
    rows = [("world", f"{conditions.world.name}{_parameters(relived)}"), ("life", str(relived.key))]
    if born_with := _drawn_at_birth(relived):
        rows.append(("born with", born_with))
    if relived.doing:
        rows.append(("lived in", relived.doing))
    rows += [("ended", _ending(relived)), ("lifetime", f"{lived:,} of {relived.plan.lifetime:,} steps")]
    if relived.fault is None:
        rows += [
            ("fitness", f"{relived.fitness!r}, {conditions.world.fitness_rule}"),
            ("by quarter", " / ".join(f"{score:.4g}" for score in relived.quarters)),
        ]
    else:
        rows.append(("fitness", f"sum over steps{until}: {outcome.fitness.sum():.6g}"))
    return [
        *rows,
        ("episodes", f"{episodes:,} ended{until}, {deaths:,} of them by death"),
        ("drives", f"sums{until}: " + ", ".join(f"{name} {total:.6g}" for name, total in drives)),
        ("skipped", f"{int(outcome.skipped_updates[0]):,} learning updates, their gradient not finite"),
    ]


def _parameters(relived: Relived) -> str:
    parameters = relived.setup.conditions.parameters
    return f" ({', '.join(f'{name} {value:g}' for name, value in parameters.items())})" if parameters else ""


def _drawn_at_birth(relived: Relived) -> str:
    """What this life varies of a Gymnasium environment, as drawn."""
    from evolearn.world import GymnasiumWorld

    world = relived.setup.conditions.world
    drawn = world.drawn(relived.key) if isinstance(world, GymnasiumWorld) else {}
    return ", ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in drawn.items()
    )


def _ending(relived: Relived) -> str:
    if relived.fault is not None:
        return f"by {relived.fault.whose}'s fault, at step {relived.fault.step}: {relived.fault.reason}"
    if relived.outcome.status[0] == DIVERGED:
        return f"its brain left the finite numbers at step {int(relived.outcome.age[0])}; that is no fault of the world"
    return "lived to its end"


def _where(relived: Relived) -> list[str]:
    """The lines of the world's file that led to its exception, or how to see them if compiled code does not know."""
    if relived.fault is None or not isinstance(relived.setup.conditions.world, World):
        return []
    if relived.lines:
        return ["Where it was raised:", relived.lines]
    if relived.fault.reason.startswith("raised "):
        return [
            "Compiled code does not know the line. To see it, put NUMBA_DISABLE_JIT=1 before the same command: that "
            "lives the life uncompiled, far slower, and the same but for the rounding of floats."
        ]
    return []


def _conclusion(run: Path, relived: Relived) -> list[str]:
    before, fault = relived.before, relived.fault
    if before is None:
        return []
    then = f"step {before.step}: {before.reason}"
    if fault is not None and fault.step != before.step:
        return [f"It went wrong otherwise than when it ended the run, at {then}"]
    if fault is not None and fault.reason.splitlines()[0] == before.reason.splitlines()[0]:
        return ["It went wrong as it did when it ended the run: same step, same reason."]
    if fault is not None:
        return [f"It went wrong at the same step as when it ended the run; the reason was: {before.reason}"]
    own = own_parts(relived.setup.conditions)
    causes = ", ".join(["the world", *([own] if own else []), "a version or the processor"])
    return [
        f"It ended the run at {then}",
        f"That did not happen now: {causes} is another one. What the run made before was "
        f"made as it was then. Continue with: evolearn resume {shlex.quote(str(run))}",
    ]


def changes_since(path: Path) -> list[str]:
    """What differs from how things were when a run or a study was made.

    Raises:
        RunDirectoryError: there is neither.
    """
    if (path / "study.json").exists():
        return open_study(path).version_changes()
    return open_run(path).version_changes()


def relive_life(path: Path, wanted: Wanted | None, traced: bool, workers: int, display: ReliveDisplay) -> Relived:
    """Open a run or a study, and live one of its lives again; without `wanted` the one that ended it.

    Raises:
        RunDirectoryError: there is neither, or a life of a study's run is asked for.
    """
    if (path / "study.json").exists():
        open_study(path)
        run = None
    else:
        run = open_run(path)
    if wanted is None:
        return relive_fault(path, traced)
    if run is None:
        raise RunDirectoryError(
            f"RUN={path}: is a study; a generation belongs to one of its runs: {path}/runs/CONDITION/ARM/run_NN"
        )
    return relive_selection(run, wanted, traced, workers, display)
