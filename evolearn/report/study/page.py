"""The pages of a study and of an experiment, and the charts that a study's shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import markupsafe

from evolearn.report._chart import Chart
from evolearn.report._files import Json
from evolearn.report._looks import DARK, LIGHT, arm_looks
from evolearn.report._page_parts import PAGE_BYTES, as_json, drawings, own_file, plotly, templates
from evolearn.report._replays import pack_replays
from evolearn.report.study.contrast_charts import contrast_charts
from evolearn.report.study.cost_charts import COLUMNS, cost_charts
from evolearn.report.study.decisive_chart import decisive_charts
from evolearn.report.study.files import ExperimentResults, StudyResults
from evolearn.report.study.inheritance_charts import inheritance_charts
from evolearn.report.study.score_charts import score_charts
from evolearn.report.texts import commit_in_words


def all_charts(verdict: Json) -> list[Chart]:
    """Every chart that a verdict has the numbers for, in the order of the page: the decisive one first.

    Args:
        verdict: verdict.json.
    """
    return [
        *decisive_charts(verdict), *score_charts(verdict), *contrast_charts(verdict), *inheritance_charts(verdict),
        *cost_charts(verdict),
    ]  # fmt: skip


def render_page(results: StudyResults, charts: Sequence[Chart], methods: str, figures: bool) -> str:
    """The page as text.

    Args:
        results: of the study.
        charts: in the order of the page.
        methods: the methods paragraph.
        figures: whether figures for papers lie beside the page and are linked.
    """
    template = templates().get_template("page.html.jinja")
    looks = arm_looks(list(results.verdict["arms"]))
    content: dict[str, Any] = {
        "verdict": results.verdict,
        "environment": results.environment,
        "commit": commit_in_words(results.environment.get("commit")),
        "config_text": results.config_text,
        "charts": charts,
        "looks": looks,
        "ledger_columns": [*COLUMNS, "runs"],
        "methods": methods,
        "figures": figures,
        "light": LIGHT,
        "dark": DARK,
        "replication": results.replication,
        "replayed": list(dict.fromkeys(replay["condition"] for replay in results.replays)),
        "plotly": plotly(),
        "style": own_file("page.css"),
        "scripts": [own_file("page.js"), own_file("replay.js")],
        "drawings": drawings(charts),
    }
    without = template.render(**content, replays=markupsafe.Markup("[]"))
    packed = pack_replays(results.replays, looks, PAGE_BYTES - len(without.encode()))
    return template.render(**content, replays=as_json(packed))


def render_experiment(results: ExperimentResults, charts: Sequence[Chart], figures: bool) -> str:
    """The page of an experiment that is no study, as text.

    Args:
        results: of the experiment.
        charts: in the order of the page.
        figures: whether figures for papers lie beside the page and are linked.
    """
    return (
        templates()
        .get_template("experiment.html.jinja")
        .render(
            replication=results.replication,
            environment=results.environment,
            commit=commit_in_words(results.environment.get("commit")),
            config_text=results.config_text,
            charts=charts,
            figures=figures,
            light=LIGHT,
            dark=DARK,
            plotly=plotly(),
            style=own_file("page.css"),
            scripts=[own_file("page.js")],
            drawings=drawings(charts),
        )
    )
