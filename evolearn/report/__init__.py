"""Results of a study -> one self-contained page, figures and tables for papers, a methods paragraph.

Everything is made from the study directory's result files alone; the same files give the same report, byte for byte.
"""

from __future__ import annotations

from pathlib import Path

import jinja2

from evolearn.files import write_whole
from evolearn.report.charts import all_charts
from evolearn.report.methods import methods_paragraph
from evolearn.report.page import render_page
from evolearn.report.paper import save_figures
from evolearn.report.study_files import ReportError, StudyResults, read_results
from evolearn.report.tables import save_tables

__all__ = ["ReportError", "StudyResults", "read_results", "write_report"]


def write_report(study: Path, figures: bool = True) -> Path:
    """Write the report of a study into `study`/report.

    Args:
        study: study directory that holds verdict.json, study.yaml, study.json, environment.json and perhaps replays/.
        figures: write the figures for papers too, as SVG, PDF and PNG.
    Returns:
        The page, report/index.html.
    Raises:
        ReportError: a file is missing or damaged, or the report cannot be written.
    """
    results = read_results(study)
    folder = study / "report"
    try:
        charts = all_charts(results.verdict)
        methods = methods_paragraph(results)
        folder.mkdir(exist_ok=True)
        write_whole(folder / "methods.txt", (methods + "\n").encode())
        save_tables(results.verdict, folder / "tables")
        page = folder / "index.html"
        text = render_page(results, charts, methods, figures)
        if figures:
            save_figures(charts, folder / "figures")
        write_whole(page, text.encode())  # last: where it is, the report is whole
    except (KeyError, jinja2.UndefinedError) as error:
        raise ReportError(
            f"{study / 'verdict.json'}: is damaged (lacks {error}); `evolearn resume {study}` writes it again"
        ) from error
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}; free space or make it writable") from error
    return page
