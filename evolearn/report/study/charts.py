"""All charts of a report, in the order of the page."""

from __future__ import annotations

from evolearn.report.chart import Chart
from evolearn.report.study.contrast_charts import contrast_charts
from evolearn.report.study.cost_charts import cost_charts
from evolearn.report.study.files import Json
from evolearn.report.study.inheritance_charts import inheritance_charts
from evolearn.report.study.score_charts import score_charts


def all_charts(verdict: Json) -> list[Chart]:
    """Every chart that a verdict has the numbers for.

    Args:
        verdict: verdict.json.
    """
    return [
        *score_charts(verdict), *contrast_charts(verdict), *inheritance_charts(verdict), *cost_charts(verdict)
    ]  # fmt: skip
