"""The page of all claims, an HTML file that needs nothing else: what each asks, what came of it, and one picture."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from evolearn.report._chart import Chart
from evolearn.report._files import Json
from evolearn.report._looks import DARK, LIGHT
from evolearn.report._page_parts import drawings as drawn, own_file, plotly, templates
from evolearn.report.study.page import all_charts


@dataclasses.dataclass(frozen=True)
class ClaimOnPage:
    """A claim as its section shows it."""

    number: int
    name: str
    claim: str
    question: str
    word: str  # what came of it
    class_name: str  # of the word's colour: better, worse, equivalent or inconclusive
    study: str  # name of the study that asks it
    record: Json | None = None  # see `evolearn.claims.records`; none: it was not run
    cost: str = ""  # in words
    notes: tuple[str, ...] = ()  # what a reader must know of the study that was found
    link: str | None = None  # to the study's own page, from this one
    chart: Chart | None = None

    @property
    def shown(self) -> str:
        """How many of its parts are shown."""
        told = [part["told"] for part in self.record["parts"]] if self.record else []
        return f"{told.count('shown')} of {len(told)}" if told else ""


def decisive_chart(verdict: Json, name: str, key: str, first: str | None) -> Chart | None:
    """The picture of a study that shows a claim, under a key of its own.

    Args:
        verdict: verdict.json.
        name: of the claim.
        key: of the chart; none if the study has no such picture.
        first: condition whose view is seen first, if the picture has one of it.
    """
    found = next((chart for chart in all_charts(verdict) if chart.key == key), None)
    if found is None:
        return None
    views = tuple(sorted(found.views, key=lambda view: view.name != first))
    return dataclasses.replace(found, key=f"{name}-{key}", views=views)


def render_claims(claims: Sequence[ClaimOnPage], words: Sequence[str]) -> str:
    """The page as text.

    Args:
        claims: in the order of the page.
        words: all that may come of a claim, in the order in which they are counted.
    """
    counts = Counter(claim.word for claim in claims)
    charts = [claim.chart for claim in claims if claim.chart is not None]
    return (
        templates()
        .get_template("claims.html.jinja")
        .render(
            claims=claims,
            counts=[(word, counts[word]) for word in words if counts[word]],
            light=LIGHT,
            dark=DARK,
            plotly=plotly(),
            style=own_file("page.css"),
            scripts=[own_file("page.js")],
            drawings=drawn(charts),
        )
    )
