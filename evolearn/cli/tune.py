"""The command that searches an arm's start and settings, and what it prints. No logic, no heavy imports at the top."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TimeRemainingColumn

from evolearn.cli.screen import Screen, counted
from evolearn.cli.terminal import (
    Address,
    RuntimeEnv,
    TimeLimit,
    Workers,
    at_terminal,
    drivers,
    expect_wait,
    prepare_cluster,
    print_line,
    shown,
)
from evolearn.errors import UserError

if TYPE_CHECKING:
    from evolearn.study import TunedSettings
    from evolearn.tuning import TuningPlan

_UNITS = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_MOST_STEPS = 10**15  # years on the largest cluster


def tune(
    study: Annotated[str, typer.Argument(help="A study's YAML file, or the name of a shipped study.", metavar="STUDY")],
    arm: Annotated[str, typer.Option(help="Whose settings to search, among the study's arms.")],
    budget: Annotated[
        str, typer.Option(help="World steps at most, for example 21M; the study is charged what it took.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings that differ, for example run.search.lives=4.", metavar="[KEY=VALUE]..."),
    ] = None,
    condition: Annotated[
        str | None, typer.Option(help="Of the study, under which to search.", show_default="the first")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the search.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write.", show_default="STUDY.ARM.tuned.yaml beside the study"),
    ] = None,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    time_limit: TimeLimit = None,
) -> None:
    """Search an arm's start and settings before a study, on lives that the study never sees, and say what it cost.

    A search that is stopped cannot be resumed: what it has found is written at its end.
    """
    with at_terminal(time_limit) as console:
        steps = steps_of(budget)
        prepare_cluster(address)
        from evolearn.config import STUDIES, find_config

        path = find_config(study, STUDIES)
        folder = path.parent if Path(study).is_file() else None  # a shipped study has no folder of its user's
        file = out or (folder or Path()) / f"{path.stem}.{arm}.tuned.yaml"
        from evolearn.files import check_name

        check_name(f"--out {file}", file)
        if file.exists():
            raise UserError(f"--out {file}: exists already, and is never written over; name another, or remove it")
        if not file.parent.is_dir():
            raise UserError(f"--out {file}: folder {file.parent} does not exist; make it, or name another")
        from evolearn.study import read_study, run_configs, write_tuned

        config = read_study(path, overrides or [])
        expect_wait(console)
        from evolearn.files import holding
        from evolearn.tuning import tune_arm

        file = file.absolute()
        with (
            holding(file.with_name(f".{file.name}.lock"), f"--out {file}"),
            TuneScreen(console) as screen,
            drivers(screen, address, workers, runtime_env, run_configs(config)) as here,
        ):
            tuned = tune_arm(config, arm, condition, steps, seed, here, screen)
            screen.close()
            print_found(console, tuned)  # first: a disk that is full by now must not lose what was found
            write_tuned(file, tuned)
        print_line(console, f"Wrote {shown(file)}")
        print_next(console, tuned, name_in_study(file, folder))


def steps_of(text: str) -> int:
    """World steps as a person writes them.

    >>> steps_of("21M"), steps_of("1_500_000"), steps_of("2.5k")
    (21000000, 1500000, 2500)

    Raises:
        UserError: it is no number of steps.
    """
    unit = _UNITS.get(text[-1:], 1)
    number = text[:-1] if text[-1:] in _UNITS else text
    try:
        steps = round(float(number.replace(",", "")) * unit)
    except (ValueError, OverflowError):
        steps = 0
    if not 1 <= steps <= _MOST_STEPS:
        raise UserError(
            f"--budget {text}: must be a number of world steps, 1 .. {_MOST_STEPS:,}, for example 21M or 21000000"
        )
    return steps


class TuneScreen(Screen):
    """One bar over the whole search."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        columns = (BarColumn(bar_width=32), TaskProgressColumn(), TimeRemainingColumn(), "{task.description}")
        super().__init__(console, *columns, description="tuning", total=1.0)

    def planned(self, arm: str, condition: str, plan: TuningPlan) -> None:
        """Say what will be done, and begin to draw."""
        self.say(f"Tuning {arm} under {condition}: {plan.steps:,} world steps at most", wrapped=True)
        if plan.starts is not None:
            self.say(
                f"  {plan.starts.starts} starts lived from birth, {counted(plan.starts.rounds, 'round')}, lives of "
                f"{plan.lifetime:,} steps; the best {plan.starts.closer} of each round again",
                wrapped=True,
            )
        if plan.evolutions:
            self.say(
                f"  {plan.evolutions} evolutions of {plan.evolution_steps:,} steps, {plan.repeats} of them to repeat "
                "the best settings",
                wrapped=True,
            )
        self.draw(completed=0.0)

    def advanced(self, steps: int, of: int, what: str) -> None:
        """So many world steps of the planned ones are lived."""
        self.now_and_then(f"{steps / of:.0%}  {what}")
        self.draw(completed=steps / of, description=what)


def print_found(console: Console, tuned: TunedSettings) -> None:
    """What came of it, and what it cost."""
    scores = tuned.scores
    for line in (
        f"{tuned.arm} under {tuned.condition}: {_told(scores.tuned)} with what was found, {_told(scores.present)} as "
        f"the study has it (mean life fitness, {scores.lives} lives of {scores.lifetime:,} steps that chose nothing).",
        f"Of all that were tried the best had {_told(scores.best)} on the lives that chose it, the median "
        f"{_told(scores.median)}.",
        *(f"  {key}: {value}" for key, value in tuned.settings.items()),
        f"Cost: {tuned.steps:,} world steps, which a study that reads the file is charged.",
    ):
        print_line(console, line)


def _told(score: float | None) -> str:
    return "none (a life left the finite numbers)" if score is None else f"{score:.3f}"


def print_next(console: Console, tuned: TunedSettings, name: str) -> None:
    """How a study takes what was found, and whether that is worth it.

    Args:
        console: to print on.
        tuned: what was found.
        name: of the file, as the study has to name it.
    """
    from evolearn.config import dump_yaml

    worth, before = (-math.inf if x is None else x for x in (tuned.scores.tuned, tuned.scores.present))
    if worth <= before:
        print_line(
            console,
            "Nothing was found that is better than what the study has. Keep that, and let the study be charged "
            f"(define, {tuned.arm}: tuning_steps: {tuned.steps}); or search again with more --budget.",
        )
        return
    named = dump_yaml({tuned.arm: {"tuned": name}}, default_flow_style=True, width=10**6, allow_unicode=True)
    where = "its absolute path" if Path(name).is_absolute() else "relative to the study's file"
    print_line(console, f"Next: name it in the study, {where}:")
    print_line(console, f"  define: {named.strip()}")


def name_in_study(file: Path, folder: Path | None) -> str:
    """How a study names the file: relative to its own file where that lies above it, else by the absolute path.

    Args:
        file: that was written.
        folder: of the study's file; None: a shipped study.
    """
    whole = file.resolve()
    if folder is not None and whole.is_relative_to(folder.resolve()):
        return whole.relative_to(folder.resolve()).as_posix()
    return str(whole)
