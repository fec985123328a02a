"""What a run looks like."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn
from rich.table import Table
from rich.text import Text

from evolearn.cli.screen import Screen, accidents, counted
from evolearn.cli.terminal import print_line, shown
from evolearn.report import duration

if TYPE_CHECKING:
    from evolearn.config import SearchPart, TeacherPart
    from evolearn.run import Estimate, Generation, Result, Setup
    from evolearn.world import Parameter

ROWS_SHOWN = 12
ARM_LABELS = {
    "blank": "blank slate",
    "evolved": "evolved",
    "evolved_frozen": "evolved, learning off",
    "random": "random",
    "oracle": "oracle",
}


class RunScreen(Screen):
    """The last generations and a bar."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        columns = (BarColumn(bar_width=32), MofNCompleteColumn(), "{task.fields[left]}")
        super().__init__(console, "{task.description}", *columns, description="generation")
        self._rows: list[Generation] = []
        self._clock = _Clock()
        self._generations = 0
        self._per_generation = 1
        self._done = 0.0  # of them; a larger one counts for several
        self._rate = math.nan  # world steps per second, as far as is known
        self._closing = 0  # world steps of the closing table

    def above(self) -> Table:
        """The last generations."""
        return generation_table(self._rows[-ROWS_SHOWN:])

    def estimated(self, estimate: Estimate) -> None:
        """Say what the run will take."""
        self._rate = estimate.learning
        self.say(described_estimate(estimate), wrapped=True)

    def starting(self, setup: Setup, directory: Path, first: int) -> None:
        """Say what is about to run and begin to draw."""
        from evolearn.run import RunDirectory, closing_steps
        from evolearn.search import planned_evaluations, planned_outer_steps

        self._search = setup.config.search
        self._generations = self._search.generations
        self._per_generation = planned_evaluations(self._search) // self._generations
        before = sum(row["evaluations"] for row in RunDirectory(directory).rows()) / self._per_generation
        self._done = before if first else 0.0
        self._clock = _Clock()
        self._closing = sum(closing_steps(setup))
        self.say(describe_setup(setup, directory, first), wrapped=True)
        steps = planned_outer_steps(self._search) * (1.0 - self._done / self._generations)
        self.draw(
            description="generation",
            total=self._generations,
            completed=self._done,
            left=self._left(steps + self._closing),
        )

    def made(self, generation: Generation) -> None:
        """Show another generation."""
        self._rows.append(generation)
        made = generation.evaluations / self._per_generation  # more than one where restarts have larger populations
        self._done += made
        self._rate = generation.steps_per_second
        seconds = self._clock.left(made, self._generations - self._done) + self._seconds(self._closing)
        left = f"{duration(seconds)} left"
        self.log(
            f"generation {numbered(generation, self._search)}  best {fitness_shown(generation.fitness_best)}  "
            f"mean {fitness_shown(generation.fitness_mean)}  centre {fitness_shown(generation.fitness_centre)}  "
            f"{generation.steps_per_second / 1e6:.2f} M steps/s  {left}{effort_of(generation)}"
            + (f"  {generation.diverged_lives:,} lives diverged" if generation.diverged_lives else "")
        )
        self.draw(completed=self._done, left=left)

    def choosing(self, what: str, number: int, of: int) -> None:
        """Show what lives again."""
        left = self._left(self._closing)
        self.log(f"choosing by validation lives {number + 1}/{of}: {what}  {left}")
        self.draw(description=f"choosing: {what}", total=of, completed=number, left=left)

    def judging(self, arm: str, number: int, of: int) -> None:
        """Show which arm lives."""
        label = ARM_LABELS.get(arm, arm)
        left = self._left(self._closing * (of - number) / of)
        self.log(f"validation lives {number + 1}/{of}: {label}  {left}")
        self.draw(description=f"validation lives: {label}", total=of, completed=number, left=left)

    def _seconds(self, steps: float) -> float:
        return steps / self._rate if self._rate > 0.0 else math.nan

    def _left(self, steps: float) -> str:
        """How long so many world steps will take, as fast as the last ones; empty where that is not known."""
        seconds = self._seconds(steps)
        return f"{duration(seconds)} left" if math.isfinite(seconds) else ""

    def finished(self, setup: Setup, directory: Path, result: Result) -> None:
        """The closing table and what to do next; in a terminal, generations stay too."""
        self.close()
        if self.console.is_terminal:
            self.console.print(generation_table(_thinned(self._rows)))
        from evolearn.overview import PAGE, look_at, write_overview

        write_overview([look_at(directory)], directory / PAGE)
        print_result(self.console, setup, directory, result)


class _Clock:
    """Time left, from the generations made since it was started."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._made = 0.0

    def left(self, made: float, remaining: float) -> float:
        """Seconds for `remaining` more, after `made` more were finished."""
        self._made += made
        return (time.monotonic() - self._started) / self._made * max(0.0, remaining)


def fitness_shown(fitness: float) -> str:
    """A fitness to three decimals; "none" where lives left the finite numbers."""
    return f"{fitness:.3f}" if math.isfinite(fitness) else "none"


def numbered(generation: Generation, search: SearchPart) -> str:
    """Which generation it is, and of how many; then of which restart, where there are any."""
    number = str(generation.generation + 1)
    if search.restart != "ipop":
        number += f"/{search.generations}"
    return number if search.restart == "none" else f"{number}, restart {generation.restart}"


def generation_table(rows: list[Generation]) -> Table:
    """Generations as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    spread = any(row.cluster is not None for row in rows)
    restarted = any(row.restart for row in rows)
    columns = ["generation", *(["restart"] if restarted else []), "best", "mean", "centre", "M steps/s"]
    for title in (*columns, *(CLUSTER_COLUMNS if spread else ())):
        table.add_column(title, justify="right")
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        table.add_row(
            str(row.generation + 1),
            *([str(row.restart)] if restarted else []),
            fitness_shown(row.fitness_best),
            fitness_shown(row.fitness_mean),
            fitness_shown(row.fitness_centre),
            f"{row.steps_per_second / 1e6:.2f}",
            *(_cluster_cells(row) if spread else ()),
            end_section=after is not None and after.restart > row.restart,
        )
    return table


def print_result(console: Console, setup: Setup, directory: Path, result: Result) -> None:
    """The closing table, the catch-up sentence, where everything is and what to type next."""
    from evolearn.overview import PAGE

    console.print()
    console.print(result_table(setup, result))
    for line in (
        *diverged_lines(result),
        *ever_lines(result),
        *switch_lines(result),
        *seen_lines(result),
        *rebirth_lines(result),
        *lifetime_lines(result),
        *cultural_lines(result),
        catch_up_sentence(result),
        "That blank slate is not tuned: published defaults, fitness as its only reward. Evolution started from the "
        "config's learning rate and drives. One evolution run: exploratory, not evidence for a claim.",
        f"Cost: {result.evolution_steps:,} world steps of evolution.",
    ):
        console.print(Text(line))
    console.print()
    directory = shown(directory)
    config = shlex.quote(str(directory / "config.yaml"))
    print_line(console, f"Run directory: {directory}")
    print_line(console, f"  The page: {shown(directory / PAGE)}")
    print_line(console, "  dna.safetensors: what evolved; result.json: this table; generations.jsonl: every generation")
    console.print("Next: another seed, another body, or what the world is:")
    print_line(console, f"  evolearn run {config} --seed {setup.config.seed + 1}")
    if setup.conditions.world.parameters:
        parameter = setup.conditions.world.parameters[0]
        setting = f"world.parameters.{parameter.name}={other_value(parameter, setup.conditions.parameters):g}"
        print_line(console, f"  evolearn run {config} {setting}")
    print_line(console, f"  evolearn worlds show {shlex.quote(setup.config.world.name)}")


def other_value(parameter: Parameter, parameters: Mapping[str, float]) -> float:
    """A value that a parameter may have and does not: between its default and an end of its range, or the end."""
    value = parameters[parameter.name]
    end = parameter.high if value != parameter.high else parameter.low
    between = (end + parameter.default) / 2
    between = float(math.floor(between)) if parameter.whole else round(between, 3)
    return between if between != value else end


def useful_share(generation: Generation) -> float | None:
    """Share, 0 .. 1, of the cores' time in a generation that was spent in lives and sums; None off a cluster."""
    effort = generation.cluster
    if effort is None or not effort.cores:
        return None
    return min(1.0, effort.busy_seconds / (effort.cores * generation.seconds))


def effort_of(generation: Generation) -> str:
    """What a generation took of a cluster, to be put behind its other numbers; empty off a cluster."""
    effort, useful = generation.cluster, useful_share(generation)
    if effort is None or useful is None:
        return ""
    text = (
        f"  {useful:.0%} of {counted(effort.cores, 'core')} on {counted(effort.hosts, 'host')} useful, "
        f"{counted(effort.tasks, 'task')}, {effort.bytes_sent / 1e6:.1f} MB sent, "
        f"driver {generation.peak_memory / 1e6:.0f} MB"
    )
    return ", ".join([text, *accidents(effort)])


CLUSTER_COLUMNS = ("cores", "useful", "MB sent", "driver MB")


def _cluster_cells(generation: Generation) -> list[str]:
    effort, useful = generation.cluster, useful_share(generation)
    if effort is None:
        return [""] * len(CLUSTER_COLUMNS)
    return [
        str(effort.cores),
        "" if useful is None else f"{useful:.0%}",
        f"{effort.bytes_sent / 1e6:.1f}",
        f"{generation.peak_memory / 1e6:.0f}",
    ]


def cultural_lines(result: Result) -> list[str]:
    """What lineages of the evolved genome came to, if there are any."""
    if not result.lineage:
        return []
    listed = " / ".join(f"{row.fitness:.3f}" for row in result.lineage)
    return [
        f"Life fitness by cultural generation, the evolved genome in {result.lives} lineages that selection never saw: "
        f"{listed}. The table above is of lives by themselves, without elders."
    ]


def lifetime_lines(result: Result) -> list[str]:
    """Life fitness at every evaluation lifetime, if there are several."""
    if len(result.lifetimes) < 2:
        return []
    ages = " / ".join(f"{lifetime:,}" for lifetime in result.lifetimes)
    arms = "; ".join(
        f"{ARM_LABELS.get(row.arm, row.arm)} {' / '.join(f'{value:.3g}' for value in row.by_lifetime)}"
        for row in result.arms
    )
    return [f"Life fitness over the first {ages} steps: {arms}."]


def arms_table(title: str | None, caption: str, columns: Iterable[str]) -> Table:
    """An empty table of arms: their names, then columns of numbers, explained beneath."""
    table = Table(
        title=title,
        title_justify="left",
        caption=Text(caption),
        caption_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),  # the table fits into 80 columns
        pad_edge=False,
    )
    table.add_column("arm", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def result_table(setup: Setup, result: Result) -> Table:
    """Birth score, quarters of life and deaths of every arm."""
    scale = {row.arm: row.birth for row in result.arms}
    has_oracle = "oracle" in scale
    share = "share: the same from random (0) to oracle (1); " if has_oracle else ""
    table = arms_table(
        f"{result.lives} validation lives of {result.lifetime:,} steps, never used in selection",
        f"birth: score over the first {result.birth_steps} steps, learning off, ± standard error over lives; "
        f"{share}Q1 .. Q4: score by quarter of life; deaths: episodes terminated per life",
        ("birth", *(["share"] if has_oracle else []), "Q1", "Q2", "Q3", "Q4", "deaths"),
    )
    digits = 3 if max(abs(row.birth) for row in result.arms) < 10 else 1
    for row in result.arms:
        table.add_row(
            ARM_LABELS.get(row.arm, row.arm),
            f"{row.birth:.{digits}f} ± {row.birth_error:.{digits}f}",
            *([_share(row.birth, scale["random"], scale["oracle"])] if has_oracle else []),
            *(f"{value:.{digits}f}" for value in row.quarters),
            f"{row.deaths:.1f}",
            style="bold" if row.arm == "evolved" else "",
        )
    return table


def diverged_lines(result: Result) -> list[str]:
    """Which arms had lives that left the finite numbers, and what became of them."""
    return [
        f"{ARM_LABELS.get(row.arm, row.arm)}: in {row.diverged} of {result.lives} lives the brain left the finite "
        "numbers; each counts as the worst life of any arm."
        for row in result.arms
        if row.diverged
    ]


def switch_lines(result: Result) -> list[str]:
    """The score in the window of `window_after`, by arm, if there is one."""
    if result.window_after is None:
        return []
    age, width = result.window_after
    listed = [f"{ARM_LABELS.get(row.arm, row.arm)} {row.window_after:.3g}" for row in result.arms]
    return [f"Score from an age of {age:,} steps on, over {width:,} steps: {'; '.join(listed)}."]


def seen_lines(result: Result) -> list[str]:
    """What arms score where evolution selected, beside lives with births that it never saw."""
    if result.set is None:
        return []
    listed = [
        f"{ARM_LABELS.get(row.arm, row.arm)} {row.seen.birth:.3g} and {row.seen.by_lifetime[-1]:.3g} "
        f"(unseen {row.birth:.3g} and {row.by_lifetime[-1]:.3g})"
        for row in result.arms
        if row.seen is not None
    ]
    return [
        f"The table is of births that evolution never saw. On the {result.set:,} that it selected on, with other luck, "
        f"birth score and life fitness are: {'; '.join(listed)}."
    ]


def ever_lines(result: Result) -> list[str]:
    """Which share of lives ever scored, if some never did and others did."""
    shares = [(ARM_LABELS.get(row.arm, row.arm), row.ever) for row in result.arms if row.ever is not None]
    if not (any(share > 0.0 for _, share in shares) and any(share < 1.0 for _, share in shares)):
        return []
    return [f"Lives that ever scored: {'; '.join(f'{arm} {share:.0%}' for arm, share in shares)}."]


def rebirth_lines(result: Result) -> list[str]:
    """What the birth scores leave out, where termination is a death."""
    rows = [(ARM_LABELS.get(row.arm, row.arm), row.birth_reborn, row.birth_deaths) for row in result.arms]
    dying = [(arm, score, deaths) for arm, score, deaths in rows if score is not None and deaths is not None]
    return [rebirth_line(result.birth_steps, dying)] if dying else []


def rebirth_line(steps: int, arms: Iterable[tuple[str, float | None, float]]) -> str:
    """What the birth scores above leave out, where termination is a death.

    Args:
        steps: window of the birth score, world steps.
        arms: name, score with all bodies in the window, deaths in it per life.
    """
    listed = (f"{arm} {'-' if score is None else f'{score:.3g}'} ({deaths:.1f})" for arm, score, deaths in arms)
    return (
        "Birth is of the first body: steps after its death count 0. With whoever is reborn in the same "
        f"{steps:,} steps (deaths per life): {'; '.join(listed)}."
    )


def catch_up_sentence(result: Result) -> str:
    """When the blank slate catches up with the newborn, in words."""
    target = f"the newborn's birth score of {result.scores('evolved').birth:.3f}"
    if result.catch_up is None:
        return (
            f"Catch-up: the blank slate never reaches {target}: not by the age of {result.lifetime:,} steps, measured "
            f"over a running window of {result.birth_steps} steps."
        )
    return (
        f"Catch-up: the blank slate reaches {target} at an age of {result.catch_up:,} steps (the end of the first "
        f"running window of {result.birth_steps} steps that scores as much)."
    )


def describe_setup(setup: Setup, directory: Path, first: int) -> str:
    """What a run is about to do, in two lines."""
    config = setup.config
    search = config.search
    parameters = ", ".join(f"{name} {value:g}" for name, value in setup.conditions.parameters.items())
    genomes = f"{search.population} genomes of {setup.pool.size} genes ({setup.pool.bits:,} bits)"
    start = f" from generation {first + 1}" if first else ""
    return (
        f"{config.world.name}{f' ({parameters})' if parameters else ''}, seed {config.seed}: {search.algorithm}, "
        f"{genomes}, {search.lives} lives of {search.selection_lifetime:,} steps each, "
        f"{search.generations} generations{_restarts(search)}{taught_by(config.teacher)}{start}\n{shown(directory)}"
    )


def described_estimate(estimate: Estimate) -> str:
    """What a run will take: genes, steps, memory, time."""
    lives = estimate.closing_steps + estimate.birth_steps
    return (
        f"{estimate.genes:,} genes, {estimate.genomes:,} genomes a generation: about {bytes_shown(estimate.bytes)} for "
        f"genomes and what lives leave behind, beside the program itself. World steps: {estimate.evolution_steps:,} of "
        f"evolution, {lives:,} of validation lives. About {duration(estimate.seconds)}, a generation "
        f"{duration(estimate.generation_seconds)}, at {steps_shown(estimate.learning)} steps/s with learning and "
        f"{steps_shown(estimate.frozen)} without, as measured now."
    )


def steps_shown(rate: float) -> str:
    """Steps per second to two digits."""
    return f"{rate / 1e6:.2g} million" if rate >= 1e5 else f"{float(f'{rate:.2g}'):,.0f}"


def bytes_shown(size: int) -> str:
    """Bytes as MB, or as GB where they are many."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 1):.0f} MB"


def taught_by(teacher: TeacherPart | None) -> str:
    """Who teaches lives, to be put behind what they are; empty where nobody does."""
    if teacher is None:
        return ""
    sees = ", privileged: it sees what its pupils cannot" if teacher.source == "oracle" else ""
    return f", taught by {shown(Path(teacher.source))} ({teacher.mode}{sees})"


def _restarts(search: SearchPart) -> str:
    if search.restart == "none":
        return ""
    return f", restarts ({search.restart}) within their budget"


def _share(value: float, low: float, high: float) -> str:
    return f"{(value - low) / (high - low):.2f}" if high != low else "-"


def _thinned(rows: list[Generation]) -> list[Generation]:
    """A dozen generations spread over the run, the first and the last among them."""
    if len(rows) <= ROWS_SHOWN:
        return rows
    picks = {round(place * (len(rows) - 1) / (ROWS_SHOWN - 1)) for place in range(ROWS_SHOWN)}
    return [rows[pick] for pick in sorted(picks)]
