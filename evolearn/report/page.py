"""The pages: HTML files that need nothing else, with everything that a user can write escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
from jinja2.utils import htmlsafe_json_dumps
from plotly.offline import get_plotlyjs

from evolearn.report import texts
from evolearn.report.chart import Chart
from evolearn.report.cost_charts import COLUMNS
from evolearn.report.looks import DARK, LIGHT, arm_looks
from evolearn.report.methods import commit_in_words
from evolearn.report.plotly_charts import page_chart
from evolearn.report.replays import pack_replays
from evolearn.report.study_files import ExperimentResults, StudyResults

PAGE_BYTES = 5_900_000  # replays are thinned until the page is no larger
_HERE = Path(__file__).parent


def render_page(results: StudyResults, charts: Sequence[Chart], methods: str, figures: bool) -> str:
    """The page as text.

    Args:
        results: of the study.
        charts: in the order of the page.
        methods: the methods paragraph.
        figures: whether figures for papers lie beside the page and are linked.
    """
    template = _templates().get_template("page.html.jinja")
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
        "replayed": [replay["condition"] for replay in results.replays],
        "plotly": _script(get_plotlyjs()),
        "style": _own_file("page.css"),
        "scripts": [_own_file("page.js"), _own_file("replay.js")],
        "drawings": _drawings(charts),
    }
    without = template.render(**content, replays=markupsafe.Markup("[]"))
    packed = pack_replays(results.replays, looks, PAGE_BYTES - len(without.encode()))
    return template.render(**content, replays=htmlsafe_json_dumps(packed, dumps=_dumps))


def render_experiment(results: ExperimentResults, charts: Sequence[Chart], figures: bool) -> str:
    """The page of an experiment that is no study, as text.

    Args:
        results: of the experiment.
        charts: in the order of the page.
        figures: whether figures for papers lie beside the page and are linked.
    """
    return (
        _templates()
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
            plotly=_script(get_plotlyjs()),
            style=_own_file("page.css"),
            scripts=[_own_file("page.js")],
            drawings=_drawings(charts),
        )
    )


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "quantity": texts.quantity,
        "with_interval": texts.with_interval,
        "probability": texts.probability,
        "in_words": texts.parameters_in_words,
        "extension": texts.extension_in_words,
        "band_value": texts.band_value,
        "cost": texts.cost_in_words,
    }
    return environment


def _drawings(charts: Sequence[Chart]) -> markupsafe.Markup:
    return htmlsafe_json_dumps({chart.key: page_chart(chart) for chart in charts}, dumps=_dumps)


def _own_file(name: str) -> markupsafe.Markup:
    return _script((_HERE / name).read_text(encoding="utf-8"))


def _script(code: str) -> markupsafe.Markup:
    """Code of ours or of Plotly's, never of a user's, to stand in a script or style element."""
    return markupsafe.Markup(code.replace("</script", r"<\/script").replace("<!--", r"<\!--"))


def _dumps(content: Any, **options: Any) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False, **options)
