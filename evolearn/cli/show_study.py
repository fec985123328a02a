"""What a study looks like."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn
from rich.table import Table
from rich.text import Text

from evolearn.cli.screen import Screen
from evolearn.cli.show_experiment import print_replication
from evolearn.cli.show_run import arms_table, effort_of, fitness_shown, rebirth_line
from evolearn.cli.terminal import print_line, shown
from evolearn.config import read_yaml
from evolearn.files import read_json
from evolearn.report import duration
from evolearn.run import Generation
from evolearn.study import Progress as StudyProgress, Rates, StudyConfig, StudyJob, StudyPlan, arm_part
from evolearn.verdict import CLAIM_RUNS, Look, cluster_words


class StudyScreen(Screen):
    """One bar over the whole study, and the job under way."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        columns = (BarColumn(bar_width=32), TaskProgressColumn(), "{task.fields[left]}", "{task.description}")
        super().__init__(console, "study", *columns, total=1.0)

    def planned(self, config: StudyConfig, plan: StudyPlan, rates: Rates, left: Sequence[StudyJob]) -> None:
        """What will be done, and about how long it will take."""
        print_plan(self.console, config, plan, rates, left)

    def began(self, directory: Path) -> None:
        """Say where the study is and begin to draw."""
        self.say(f"Study directory: {shown(directory)}")
        self.draw()

    def working(self, progress: StudyProgress, what: str) -> None:
        """Another job; its line is written when it is done."""
        self._draw(progress, what)

    def generation(self, progress: StudyProgress, generation: Generation, generations: int) -> None:
        """Another generation."""
        job = progress.job
        restart = f", restart {generation.restart}" if generation.restart else ""
        centre = f"centre {fitness_shown(generation.fitness_centre)}{effort_of(generation)}"
        text = f"generation {generation.generation + 1}/{generations}{restart}, {centre}"
        self.now_and_then(f"{place(progress)}  {job.arm}, run {job.run + 1}: {text}")
        self._draw(progress, text)

    def done(self, progress: StudyProgress, what: str) -> None:
        """A job is finished."""
        job = progress.job
        self.log(f"{place(progress)}  {job.condition}: {job.arm}, run {job.run + 1}: {what}")
        self._draw(progress, what)

    def looked(self, look: Look, came_out: Sequence[str], still_open: Sequence[str], another: bool) -> None:
        """A planned look: whose test came out, and which conditions are open."""
        self.say(f"Look at {look.runs} runs, level {look.level:.3g}: {_look_words(came_out, still_open, another)}")

    def judging(self, what: str) -> None:
        """The last part."""
        self.log(f"Judging: {what}")
        self.draw(description=f"judging: {what}", completed=1.0, left="")

    def _draw(self, progress: StudyProgress, text: str) -> None:
        job = progress.job
        self.draw(
            completed=progress.share,
            left=f"{duration(progress.seconds_left)} left",
            description=f"{progress.done}/{progress.of} jobs  {job.condition}: {job.arm}, run {job.run + 1}: {text}",
        )


def _look_words(came_out: Sequence[str], still_open: Sequence[str], another: bool) -> str:
    """A test that came out is no verdict yet: that may be withheld."""
    parts = [f"the test came out: {', '.join(came_out)}"] if came_out else []
    parts += [f"not decided{' yet' if another else ''}: {', '.join(still_open)}"] if still_open else []
    return "; ".join(parts) or "no condition is left to look at"


def place(progress: StudyProgress) -> str:
    """How far the study is, in a few characters."""
    return f"[{progress.done}/{progress.of} jobs, {duration(progress.seconds_left)} left]"


def print_plan(console: Console, config: StudyConfig, plan: StudyPlan, rates: Rates, left: Sequence[StudyJob]) -> None:
    """Conditions, arms, steps and minutes."""
    names = ", ".join(condition.name for condition in config.conditions)
    console.print(Text(f"{config.title or 'Study'}: {len(config.conditions)} condition(s): {names}"))
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1), pad_edge=False)
    table.add_column("arm", no_wrap=True)
    table.add_column("what it is")
    table.add_column("evolution", justify="right", no_wrap=True)
    table.add_column("test lives", justify="right", no_wrap=True)
    arms = dict.fromkeys(job.arm for job in plan.tests)
    for arm in arms:
        table.add_row(
            arm,
            arm_part(config, arm).doc,
            _steps(job for job in plan.evolutions if job.arm == arm),
            _steps(job for job in plan.tests if job.arm == arm),
        )
    console.print(table)
    total = sum(job.steps for job in left)
    finished = plan.steps - total
    looks = config.planned_looks
    first = plan.until({condition.name: looks[0].runs for condition in config.conditions})
    undone = set(left)
    until_first = rates.seconds([job for job in (*first.evolutions, *first.tests) if job in undone])
    exploratory = (
        "" if config.runs >= CLAIM_RUNS else f": fewer than {CLAIM_RUNS} are exploratory, not evidence for a claim"
    )
    for line in (
        f"World steps over all runs: {plan.steps / 1e6:,.0f} million"
        + (f", of which {finished / 1e6:,.0f} million are done" if finished else "")
        + f". About {duration(rates.seconds(left))}"
        + (f", or {duration(until_first)} if the first look decides," if config.looks else "")
        + f" at {rates.learning / 1e6:.2g} million steps/s with learning and "
        f"{rates.frozen / 1e6:.2g} million without, as measured now.",
        f"{config.runs} evolution run(s) per arm{exploratory}.",
        f"Decided by: {config.primary.arm} against {config.primary.against}, {config.primary.metric}, at "
        f"{looks[0].level if len(looks) == 1 else config.level:g}{_correction(config)}.",
        *_looks_words(config),
        *(("Bands, fixed by now:", *config.replication.bands_in_words) if config.replication else ()),
    ):
        console.print(Text(line))


def _correction(config: StudyConfig) -> str:
    if len(config.conditions) == 1:
        return ""
    return ", conditions in a fixed sequence" if config.sequence else f", Holm over {len(config.conditions)} conditions"


def _looks_words(config: StudyConfig) -> list[str]:
    if not config.looks:
        return []
    planned = ", ".join(f"{look.runs} runs at {look.level:.3g}" for look in config.planned_looks)
    return [f"Looks: {planned}. A condition takes no more runs once it is decided."]


def print_study(console: Console, directory: Path) -> None:
    """What came of a study, from its files: verdict, and replication if it is one."""
    directory = shown(directory)
    verdict = read_json(directory / "verdict.json")
    print_verdict(console, directory, verdict, directory / "report" / "index.html")
    replication = directory / "replication.json"
    if replication.exists():
        print_replication(console, read_json(replication))


def print_verdict(console: Console, directory: Path, verdict: dict[str, Any], page: Path) -> None:
    """The sentences of the verdict, its numbers by arm, and where everything is."""
    for condition in verdict["conditions"]:
        console.print()
        console.print(Text(condition["sentence"], style="bold"))
        console.print(arm_table(condition, verdict))
        if condition.get("termination_is_death"):
            rows = (
                (arm, row["metrics"]["birth_reborn"]["iqm"], row["birth_deaths"])
                for arm, row in condition["arms"].items()
                if row["birth_deaths"] is not None
            )
            console.print(Text(rebirth_line(verdict["birth_steps"], rows)))
        for contrast in condition["secondary"]:
            console.print(Text(f"- {contrast['sentence']}"))
        for remark in condition["remarks"]:
            console.print(Text(f"- {remark}"))
        for row in condition["break_even"]:
            console.print(Text(f"- {row['sentence']}"))
    console.print()
    if verdict["study"]["exploratory"]:
        runs = verdict["study"]["runs"]
        console.print(Text(f"{runs} evolution run(s) per arm: exploratory, not evidence for a claim."))
    console.print(Text(f"Cost: {verdict['ledger']['total']:,} world steps (ledger.json says of what)."))
    print_line(console, f"Study directory: {directory}")
    print_line(console, f"  The page: {page}")
    console.print(Text("  verdict.json: all numbers; lives.parquet: every test life; runs/: every evolution run"))
    config = directory / "study.yaml"
    again = [f"seed={verdict['study']['seed'] + 1}"]
    if read_yaml(config).get("looks"):  # they say how many runs there are
        console.print("Next: the same under another seed:")
    else:
        console.print("Next: the same under another seed, with enough runs for a claim:")
        again.append(f"runs={max(CLAIM_RUNS, verdict['study']['runs'])}")
    print_line(console, f"  evolearn study {shlex.quote(str(config))} {' '.join(again)}")


def arm_table(condition: dict[str, Any], verdict: dict[str, Any]) -> Table:
    """Birth score, catch-up time, ceiling and total of every arm."""
    lifetime = max(verdict["lifetimes"])
    table = arms_table(
        None,
        f"interquartile means over runs, [interval]; birth: first {verdict['birth_steps']} steps, learning off; "
        f"catch-up: steps of learning{_to_level(condition['catch_up_level'])}; ceiling: last quarter, "
        f"total: all of {lifetime:,} steps",
        ("birth", "catch-up", "ceiling", "total"),
    )
    for arm, entry in condition["arms"].items():
        clusters = entry.get("clusters") or []
        for part in clusters or [entry]:  # of two clusters no mean describes either
            metrics = part["metrics"]
            table.add_row(
                arm if part is entry else f"{arm}\n  {cluster_words(part)}",
                _score(metrics["birth"]),
                _time(metrics["catch_up"]),
                _score(metrics["ceiling"], with_interval=False),
                _score(metrics["total"]),
            )
    return table


def _to_level(level: float | None) -> str:
    return "" if level is None else f" to a score of {level:.3g}"


def _score(summary: dict[str, Any], with_interval: bool = True) -> str:
    if summary["iqm"] is None:
        return "-"
    digits = 3 if abs(summary["iqm"]) < 10 else 1
    value = f"{summary['iqm']:.{digits}f}"
    if summary.get("low") is None or not with_interval:
        return value
    return f"{value} [{summary['low']:.{digits - 1}f}, {summary['high']:.{digits - 1}f}]"


def _time(summary: dict[str, Any]) -> str:
    if summary["iqm"] is None:
        return "-"
    if summary["censored"] == summary["runs"]:
        return "never"
    never = f" (never in {summary['censored']} of {summary['runs']})" if summary["censored"] else ""
    return f"{'>= ' if summary['at_least'] else ''}{summary['iqm']:,.0f}{never}"


def _steps(jobs: Any) -> str:
    steps = sum(job.steps for job in jobs)
    return f"{steps / 1e6:,.1f} M" if steps else "-"
