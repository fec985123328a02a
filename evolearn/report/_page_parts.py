"""What all pages share: HTML files that need nothing else, with everything that a user can write escaped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
from jinja2.utils import htmlsafe_json_dumps
from plotly.offline import get_plotlyjs

from evolearn.files import json_text
from evolearn.report import texts
from evolearn.report._chart import Chart
from evolearn.report._plotly_charts import page_chart
from evolearn.verdict import cluster_words

PAGE_BYTES = 5_900_000  # replays are thinned until the page is no larger
_HERE = Path(__file__).parent


def templates() -> jinja2.Environment:
    """The templates of this room, which escape whatever they are given."""
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
        "cluster_words": cluster_words,
        "probability": texts.probability,
        "in_words": texts.parameters_in_words,
        "extension": texts.extension_in_words,
        "band_value": texts.band_value,
        "cost": texts.cost_in_words,
    }
    return environment


def drawings(charts: Sequence[Chart]) -> markupsafe.Markup:
    """What the page's script draws, by the charts' keys."""
    return as_json({chart.key: page_chart(chart) for chart in charts})


def as_json(content: Any) -> markupsafe.Markup:
    """Data to stand in a script element; a user's text in it cannot end the element."""
    return htmlsafe_json_dumps(content, dumps=_dumps)


def own_file(name: str) -> markupsafe.Markup:
    """A style sheet or script that lies in this room."""
    return _script((_HERE / name).read_text(encoding="utf-8"))


def plotly() -> markupsafe.Markup:
    """Plotly's script."""
    return _script(get_plotlyjs())


def _script(code: str) -> markupsafe.Markup:
    """Code of ours or of Plotly's, never of a user's, to stand in a script or style element."""
    return markupsafe.Markup(code.replace("</script", r"<\/script").replace("<!--", r"<\!--"))


def _dumps(content: Any, **options: Any) -> str:
    return json_text(content, separators=(",", ":"), ensure_ascii=True, **options)
