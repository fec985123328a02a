"""The page of runs and studies as they lie on disk, finished or not: how far they are, curves, differences."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from evolearn.report._chart import Axis, Chart, Look, Panel, Series, View
from evolearn.report._looks import (
    BLACK,
    BLUE,
    DARK,
    GREEN,
    LIGHT,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    arm_looks,
)
from evolearn.report._page_parts import drawings, own_file, plotly, templates
from evolearn.report.texts import duration

_POINTS = 400  # of a curve: more than a page can show
_LOOKS = [  # of runs side by side
    Look(colour, dash)
    for dash in ("solid", "dash", "dot", "dashdot")
    for colour in (VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY, YELLOW, BLACK)
]


@dataclasses.dataclass(frozen=True)
class Curve:
    """Fitness of a search's centre while it evolves."""

    name: str  # of the evolution, in its study
    arm: str  # of the study; empty of a run by itself
    condition: str  # likewise
    steps: tuple[float, ...]  # world steps so far, after each generation
    fitness: tuple[float, ...]  # of the centre; NaN where every life diverged


@dataclasses.dataclass(frozen=True)
class Seen:
    """One run or study."""

    path: Path
    kind: str  # run or study
    world: str
    made: float  # when it was begun, in seconds since the epoch
    state: str  # finished, running or stopped
    done: int  # generations, of all its evolutions so far
    of: int | None  # generations of a run's plan; None of a study, whose looks decide how many
    seconds_left: float | None  # of evolution, at the pace so far; of a study as it says; None: cannot be told
    scores: Mapping[str, float]  # life fitness by arm, at the longest lifetime of a run's closing table
    says: str  # a study's first sentence; empty: not judged yet
    has_dna: bool
    settings: Mapping[str, Any]  # the resolved config, by dotted key
    curves: tuple[Curve, ...]  # of a run one; of a study one for each evolution that began
    study: Path | None = None  # that a run is one of
    jobs: tuple[int, int] | None = None  # of a study: finished, and all; None: it has not begun, or is judged

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        of = f" of {self.of:,}" if self.of else ""
        begun = len(self.curves)
        jobs = "{:,} of {:,} jobs, ".format(*self.jobs) if self.jobs else ""
        many = f" of {begun:,} evolution{'s' * (begun != 1)}" if self.kind == "study" else ""
        return f"{self.state}, {jobs}{self.done:,}{of} generations{many}"

    @property
    def left(self) -> str:
        """How long it will go on, in words; empty where nobody works on it, or that cannot be told."""
        if self.state != "running" or self.seconds_left is None:
            return ""
        return f"about {duration(self.seconds_left)} left"


class Gene(NamedTuple):
    """A natural value that newborns have."""

    group: str  # drives or plasticity
    name: str
    first: float  # where evolution started
    last: float


class Newborn(NamedTuple):
    """Whom evolution has come to so far."""

    generation: int  # from 0
    genes: tuple[Gene, ...]


def render_overview(seen: Sequence[Seen], refresh: int | None = None, newborn: Newborn | None = None) -> str:
    """The page as text.

    Args:
        seen: at least one, in the order of the page.
        refresh: seconds after which a browser reads it again; None: never, since nobody writes it again.
        newborn: of the one run that is seen; None: not shown.
    """
    charts = list(_curve_charts(seen))
    arms = list(dict.fromkeys(arm for one in seen for arm in one.scores))
    return (
        templates()
        .get_template("overview.html.jinja")
        .render(
            seen=seen,
            newborn=newborn,
            names=_names(seen),
            arms=arms,
            unfinished=any(one.state != "finished" for one in seen),
            stopped=list(
                dict.fromkeys(shlex.quote(str(one.study or one.path)) for one in seen if one.state == "stopped")
            ),
            differences=_differences(seen) if len(seen) > 1 else (),
            charts=charts,
            refresh=refresh,
            light=LIGHT,
            dark=DARK,
            plotly=plotly(),
            style=own_file("page.css"),
            scripts=[own_file("page.js")],
            drawings=drawings(charts),
        )
    )


def _names(seen: Sequence[Seen]) -> list[str]:
    """What tells them apart: the folder's name, or the path where two have one name."""
    names = [one.path.name for one in seen]
    return [name if names.count(name) == 1 else str(one.path) for name, one in zip(names, seen, strict=True)]


def _curve_charts(seen: Sequence[Seen]) -> Iterator[Chart]:
    for number, (name, one) in enumerate(zip(_names(seen), seen, strict=True)):
        if one.kind == "study" and one.curves:
            yield Chart(
                f"study_{number}",
                f"Evolutions of {name}",
                "Fitness of the centre of each search, by the world steps that it has lived: a line for every run.",
                "condition",
                tuple(_views_of_study(one)),
            )
    runs = [(name, one) for name, one in zip(_names(seen), seen, strict=True) if one.kind == "run" and one.curves]
    if runs:
        panels = []
        for world in dict.fromkeys(one.world for _, one in runs):  # fitness of two worlds has no scale in common
            lines = [
                _line(name, _LOOKS[number % len(_LOOKS)], one.curves[0])
                for number, (name, one) in enumerate(runs)
                if one.world == world
            ]
            panels.append(dataclasses.replace(_panel(tuple(lines)), title=world))
        yield Chart(
            "runs",
            "Evolution",
            "Fitness of the centre of the search, by the world steps that it has lived. It is of other lives in every "
            "generation, and selection is for it: what comes of it the scores of the closing table say.",
            "",
            (View("", tuple(panels)),),
        )


def _views_of_study(study: Seen) -> Iterator[View]:
    looks = arm_looks(list(dict.fromkeys(curve.arm for curve in study.curves)))
    for condition in dict.fromkeys(curve.condition for curve in study.curves):
        curves = [curve for curve in study.curves if curve.condition == condition]
        yield View(condition, (_panel(tuple(_line(curve.arm, looks[curve.arm], curve) for curve in curves)),))


def _panel(series: tuple[Series, ...]) -> Panel:
    return Panel(Axis("world steps"), Axis("fitness of the centre"), series)


def _line(name: str, look: Any, curve: Curve) -> Series:
    every = max(1, len(curve.steps) // _POINTS)
    last = len(curve.steps) - 1
    places = [place for place in range(last + 1) if place % every == 0 or place == last]
    return Series(
        name,
        look,
        "line",
        tuple(curve.steps[place] for place in places),
        tuple(curve.fitness[place] for place in places),
    )


def _differences(seen: Sequence[Seen]) -> list[tuple[str, list[str]]]:
    """Settings that are not the same in all, each with its value in each; none where it is not there."""
    keys = dict.fromkeys(key for one in seen for key in one.settings)
    rows = [(key, [_written(one.settings, key) for one in seen]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _written(settings: Mapping[str, Any], key: str) -> str:
    return json.dumps(settings[key], default=str) if key in settings else "none"
