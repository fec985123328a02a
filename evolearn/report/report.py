"""Results of a study -> one self-contained page, figures and tables for papers, a methods paragraph.

Everything is made from the study directory's result files alone; the same files give the same report, byte for byte.
"""

from __future__ import annotations

from pathlib import Path

import jinja2

from evolearn.files import write_whole
from evolearn.report._files import ReportError
from evolearn.report._paper import save_figures
from evolearn.report.inspection.files import INSPECTION_FILE, read_inspection
from evolearn.report.inspection.page import render_inspection
from evolearn.report.inspection.section import Section
from evolearn.report.inspection.sections import sections_of
from evolearn.report.study.experiment_charts import experiment_charts
from evolearn.report.study.files import is_experiment, read_experiment_results, read_results
from evolearn.report.study.methods import methods_paragraph
from evolearn.report.study.page import all_charts, render_experiment, render_page
from evolearn.report.study.tables import save_tables


def write_report(study: Path, figures: bool = True) -> Path:
    """Write the report of a study into `study`/report.

    Args:
        study: study directory that holds verdict.json, study.yaml, study.json, environment.json and perhaps replays/
            and replication.json; or the directory of an experiment, see `write_experiment_report`.
        figures: write the figures for papers too, as SVG, PDF and PNG.
    Returns:
        The page, report/index.html.
    Raises:
        ReportError: a file is missing or damaged, or the report cannot be written.
    """
    if is_experiment(study):
        return write_experiment_report(study, figures)
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
    except _UNFIT as error:
        raise ReportError(_own_fault(study / "verdict.json", error)) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    return page


def write_experiment_report(directory: Path, figures: bool = True) -> Path:
    """Write the page of an experiment of its own into `directory`/report.

    Args:
        directory: holds replication.json, experiment.yaml and environment.json.
        figures: write the figures for papers too, as SVG, PDF and PNG.
    Returns:
        The page, report/index.html.
    Raises:
        ReportError: a file is missing or damaged, or the report cannot be written.
    """
    results = read_experiment_results(directory)
    folder = directory / "report"
    try:
        charts = experiment_charts(results.replication)
        text = render_experiment(results, charts, figures)
        folder.mkdir(exist_ok=True)
        if figures:
            save_figures(charts, folder / "figures")
        write_whole(folder / "index.html", text.encode())
    except _UNFIT as error:
        raise ReportError(_own_fault(directory / "replication.json", error)) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder / "index.html"


def write_inspection_report(directory: Path, figures: bool = False) -> tuple[Path, tuple[Section, ...]]:
    """Write the page of an inspection into its directory.

    Args:
        directory: holds inspection.json.
        figures: write the figures for papers too, as SVG, PDF and PNG.
    Returns:
        The page, index.html, and the sections that it shows.
    Raises:
        ReportError: inspection.json is missing or damaged, or the page cannot be written.
    """
    inspection = read_inspection(directory)
    try:
        sections = sections_of(inspection)
        text = render_inspection(inspection, sections, figures)
        if figures:
            save_figures([chart for section in sections for chart in section.charts], directory / "figures")
        write_whole(directory / "index.html", text.encode())
    except _UNFIT as error:
        raise ReportError(
            f"{directory / INSPECTION_FILE}: is damaged: {_what(error)}; `evolearn inspect` makes it again"
        ) from error
    except OSError as error:
        raise _unwritable(directory, error) from error
    return directory / "index.html", sections


# What drawing ends with where a result file holds something else than its kind does, and its record did not show it.
_UNFIT = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, jinja2.UndefinedError)


def _own_fault(path: Path, error: Exception) -> str:
    return (
        f"{path}: could not be drawn: {_what(error)}; its checksum fits, so that this is a fault of evolearn: please "
        "report it, with this file"
    )


def _what(error: Exception) -> str:
    return f"lacks {error}" if isinstance(error, LookupError | jinja2.UndefinedError) else str(error)


def _unwritable(folder: Path, error: OSError) -> ReportError:
    if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
        return ReportError(
            f"{folder}: cannot be written: {error.filename or folder} is in the way ({error.strerror}); remove it"
        )
    return ReportError(f"{folder}: cannot be written: {error.strerror}; free space or make it writable")
