import csv
import dataclasses
import errno
import filecmp
import hashlib
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from evolearn.cli.show_study import arm_table
from evolearn.errors import UserError
from evolearn.files import sealed
from evolearn.report import write_report
from evolearn.report._chart import log_axis, spread_out
from evolearn.report._files import ReportError
from evolearn.report._looks import DARK, LIGHT, arm_looks
from evolearn.report._paper import draw_figure, save_figures
from evolearn.report._plotly_charts import escaped, page_chart
from evolearn.report._replays import pack_replays
from evolearn.report.inspection.marks import listed, percent, short, signed
from evolearn.report.study.files import read_results
from evolearn.report.study.inheritance_charts import thinned
from evolearn.report.study.methods import methods_paragraph
from evolearn.report.study.page import all_charts, render_page
from evolearn.report.texts import commit_in_words, extension_in_words, probability, quantity, with_interval
from tests.helpers.packed_replays import unpacked
from tests.helpers.study_on_disk import made_up_replay, made_up_verdict, write_study, write_verdict
from tests.helpers.synthetic_lives import full_verdict

HOSTILE = "</script><img src=x onerror=alert(1)> <!-- & 'it' {{ 7 * 7 }} $x_1$ 100% \\input{x}"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of three conditions with its whole report. Not to be written to."""
    replays = [made_up_replay("alpha 0", frames=60), made_up_replay("alpha 70", frames=60, shapes=False)]
    folder = write_study(tmp_path_factory.mktemp("report") / "study", made_up_verdict(), replays)
    write_report(folder)
    return folder


@pytest.fixture
def results_alone(study, tmp_path):
    """A copy of the result files, to be damaged."""
    return shutil.copytree(study, tmp_path / "study", ignore=shutil.ignore_patterns("report"))


def charts_of(verdict):
    return {chart.key: chart for chart in all_charts(verdict)}


def elements(text):
    """Tags with their attributes, as a browser reads them."""
    found = []
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(text)
    return found


def test_the_report_has_a_page_figures_tables_and_methods(study):
    report = study / "report"
    keys = set(charts_of(made_up_verdict()))
    assert {path.name for path in report.iterdir()} == {"index.html", "figures", "tables", "methods.txt"}
    assert {path.name for path in (report / "figures").iterdir()} == {
        f"{key}.{kind}" for key in keys for kind in ("svg", "pdf", "png")
    }
    assert {path.name for path in (report / "tables").iterdir()} == {
        f"{name}.{kind}" for name in ("contrasts", "arms", "ledger") for kind in ("csv", "tex")
    }
    for path in (report / "figures").iterdir():
        assert path.stat().st_size > 2000, path


def test_the_same_results_give_the_same_report_byte_for_byte(study, results_alone, monkeypatch):
    drawn = []

    def some_figures(charts, folder):
        """One chart of points and arrows, one of lines, one of cells and one of bars: they are drawn alike."""
        drawn.extend(chart for chart in charts if chart.key in ("catch_up", "learning_curves", "map", "ledger"))
        save_figures(drawn, folder)

    monkeypatch.setattr("evolearn.report.report.save_figures", some_figures)
    write_report(results_alone)
    again, first = results_alone / "report", study / "report"
    names = [str(path.relative_to(again)) for path in again.rglob("*") if path.is_file()]
    assert len(names) == 1 + 1 + 6 + 3 * len(drawn) == 20
    _, different, missing = filecmp.cmpfiles(first, again, names, shallow=False)
    assert (different, missing) == ([], [])


def test_figures_can_be_left_out(results_alone):
    page = write_report(results_alone, figures=False)
    assert not (page.parent / "figures").exists()
    assert "figures/" not in re.sub("<script>.*?</script>", "", page.read_text(), flags=re.DOTALL)


def test_links_to_figures_lead_somewhere(study):
    links = [
        attributes["href"] for tag, attributes in elements((study / "report/index.html").read_text()) if tag == "a"
    ]
    figures = [link for link in links if not link.startswith("#")]
    assert len(figures) == 3 * len(charts_of(made_up_verdict()))
    assert all((study / "report" / link).exists() for link in figures)


def test_the_page_asks_for_nothing_but_itself(study):
    for tag, attributes in elements((study / "report/index.html").read_text()):
        assert "src" not in attributes, tag
        assert tag not in ("link", "iframe", "object", "base"), tag
        assert not attributes.get("href", "").startswith(("http", "//")), tag


@pytest.mark.parametrize("name", ["study.json", "verdict.json", "environment.json", "study.yaml"])
def test_a_missing_file_is_named_with_the_remedy(results_alone, name):
    (results_alone / name).unlink()
    with pytest.raises(UserError, match=rf"study/{name}: is missing; .*(evolearn (study|resume)|put it back)"):
        write_report(results_alone)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("study.json", '{"kind": "run"}', r"study\.json: says kind 'run', not 'study'; name a study directory"),
        (
            "study.json",
            '{"kind": "study", "format": 3}',
            r"study\.json: is damaged: lacks sha256; put it back, or start",
        ),
        ("verdict.json", '{"kind": "run"}', r"verdict\.json: says kind 'run', not 'verdict'; evolearn resume"),
        ("verdict.json", '{"kind": "verdict", "format": 3}', r"is damaged: lacks sha256; evolearn resume"),
        ("verdict.json", '{"kind": "verd', r"verdict\.json: is damaged: Unterminated string"),
        ("environment.json", "{}", r"environment\.json: is damaged, or of another one than the rest; evolearn resume"),
        ("study.yaml", "a: 1", r"study\.yaml: was altered since the study was made; put it back"),
        ("study.yaml", b"\xff\xfe", r"study\.yaml: is not UTF-8 text"),
        ("replays/condition-0.json", "{}", r"condition-0\.json: is damaged, or of other results than verdict\.json"),
    ],
)
def test_a_damaged_file_is_named_with_the_remedy(results_alone, name, content, message):
    (results_alone / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message):
        write_report(results_alone)


def test_an_older_study_is_not_called_damaged_and_its_maker_is_named(results_alone):
    (results_alone / "study.json").write_text(json.dumps({"kind": "study", "format": 1, "evolearn": "0.0.7"}))
    with pytest.raises(
        ReportError, match=r"format 1, .* reads 3; use the version that made it \(evolearn 0\.0\.7, of "
    ):
        write_report(results_alone)


def test_files_of_another_study_with_the_same_names_are_not_made_into_one_page(results_alone, tmp_path):
    other = write_study(tmp_path / "other", made_up_verdict(), [made_up_replay(frames=61)], seed=1)
    for name in ("verdict.json", "environment.json", "replays/condition-0.json", "study.yaml"):
        whole = (results_alone / name).read_bytes()
        (results_alone / name).write_bytes((other / name).read_bytes() + b" " * (name == "environment.json"))
        with pytest.raises(UserError, match=rf"{name}: (is|was) .*(another|other|altered)"):
            write_report(results_alone)
        (results_alone / name).write_bytes(whole)


def test_a_verdict_that_lacks_something_says_what_and_where(results_alone):
    verdict = made_up_verdict()
    del verdict["conditions"][1]["secondary"]
    write_verdict(results_alone, verdict)
    with pytest.raises(UserError, match=r"verdict\.json: is damaged: lacks conditions\.1\.secondary; evolearn resume"):
        write_report(results_alone)


def test_a_verdict_damaged_further_down_is_still_the_users_to_mend(results_alone):
    verdict = made_up_verdict()
    del verdict["conditions"][1]["arms"]["evolved"]["metrics"]["birth"]["iqm"]
    write_verdict(results_alone, verdict)
    with pytest.raises(UserError, match=r"verdict\.json: is damaged: lacks conditions\.1\.arms\.evolved.*iqm"):
        write_report(results_alone)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (("lifetimes",), [], r"lifetimes=\[\]: "),
        (("conditions",), {}, r"conditions=\{\}: "),
        (("conditions", 0, "primary", "arm"), "nobody", "names 'nobody', which is none of arms"),
        (("conditions", 0, "primary", "runs"), [4], r"conditions\.0\.primary\.runs"),
        (("conditions", 0, "arms", "evolved", "curve", "score"), [], "age, score, low and high must be of one length"),
        (("ledger", "total"), "many", r"ledger\.total='many': must be a valid integer"),
        (("study", "exploratory"), 1, r"study\.exploratory=1: must be a valid boolean"),
        (("files", "../../x"), "0" * 64, r"files"),
        (
            ("conditions", 0, "primary", "smallest_margin"),
            "wide",
            "could not be drawn: .*fault of evolearn: please report",
        ),  # which only a table shows
    ],
)
def test_a_verdict_that_holds_something_else_is_told_also_where_its_checksum_fits(results_alone, place, value, text):
    verdict = json.loads((results_alone / "verdict.json").read_text())
    inner = verdict
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    (results_alone / "verdict.json").write_text(json.dumps(sealed(verdict)))
    with pytest.raises(UserError, match=rf"verdict\.json: is damaged: .*{text}|verdict\.json: {text}"):
        write_report(results_alone, figures=False)


def test_a_report_that_cannot_be_written_says_so(results_alone):
    (results_alone / "report").write_text("in the way")
    with pytest.raises(
        ReportError, match=r"report: cannot be written: .*report is in the way \(File exists\); remove it"
    ):
        write_report(results_alone)


@pytest.mark.parametrize("writes", [0, 1])  # that succeed: methods.txt is first, the page last
def test_a_full_disk_leaves_the_page_and_the_methods_of_before_whole(results_alone, monkeypatch, writes):
    page = write_report(results_alone, figures=False)
    names = ["methods.txt", "index.html"][writes:]
    before = {name: (page.parent / name).read_bytes() for name in names}
    write_verdict(results_alone, made_up_verdict(rename={"made-up lives": "others"}))
    left = [None] * writes

    def fsync(file):
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left.pop()

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(ReportError, match=r"report: cannot be written: No space left on device; free space"):
        write_report(results_alone, figures=False)
    assert {name: (page.parent / name).read_bytes() for name in names} == before


def test_a_study_without_replays_says_so(tmp_path):
    study = write_study(tmp_path / "study", made_up_verdict(conditions=1))
    assert "This study recorded no replay." in write_report(study, figures=False).read_text()


def test_nothing_that_a_user_writes_becomes_markup(tmp_path):
    names = ("made-up lives", "evolved_frozen", "alpha 0", "approach to mother")
    verdict = made_up_verdict(conditions=1, rename={name: f"{name[:3]}{HOSTILE}" for name in names})
    verdict["conditions"][0]["remarks"] = [HOSTILE]
    plain = write_report(write_study(tmp_path / "plain", made_up_verdict(conditions=1)), figures=False)
    hostile = write_report(write_study(tmp_path / "hostile", verdict), figures=False)
    charts = charts_of(verdict)
    save_figures([charts[key] for key in ("catch_up", "improvement", "drives")], tmp_path)  # arms, conditions, genes
    expected, found = ([tag for tag, _ in elements(page.read_text())] for page in (plain, hostile))
    assert [tag for tag in found if tag == "img"] == []
    assert found.count("script") == expected.count("script")
    assert "7 * 7" in hostile.read_text()
    latex = (hostile.parent / "tables/arms.tex").read_text()
    assert r"\textbackslash input\{x\}" in latex
    assert r"100\%" in latex


def test_pngs_for_papers_have_three_hundred_dots_per_inch(tmp_path):
    chart = charts_of(made_up_verdict(conditions=1))["catch_up"]
    save_figures([chart], tmp_path)
    rows, columns, _ = imread(tmp_path / "catch_up.png").shape
    width, height = draw_figure(chart).get_size_inches()
    assert (columns, rows) == pytest.approx((300 * width, 300 * height), abs=1)


def test_texts_for_plotly_are_escaped():
    assert escaped("<b>&amp;</b>") == "&lt;b&gt;&amp;amp;&lt;/b&gt;"
    drawn = json.dumps([page_chart(chart) for chart in all_charts(made_up_verdict(rename={"evolved_frozen": HOSTILE}))])
    shown = re.sub(r'"(name|note)": "[^"]*", ("note|"panels)', "", drawn)  # of views: set as text, not as markup
    assert "<" not in shown


def test_the_page_stays_small_with_ten_conditions_and_long_replays(tmp_path):
    verdict = made_up_verdict(conditions=1, runs=10)
    (judged,), (charged,) = verdict["conditions"], verdict["ledger"]["conditions"].values()
    names = [f"alpha {place}" for place in range(10)]
    verdict["conditions"] = [{**judged, "name": name} for name in names]
    verdict["ledger"]["conditions"] = dict.fromkeys(names, charged)
    replays = [made_up_replay(condition["name"], frames=2000) for condition in verdict["conditions"]]
    assert len(replays) == 10
    page = write_report(write_study(tmp_path / "study", verdict, replays), figures=False)
    assert 5_500_000 < page.stat().st_size < 6_000_000


def test_curves_show_the_verdicts_numbers():
    verdict = made_up_verdict()
    view = charts_of(verdict)["learning_curves"].views[1]
    drawn = {series.name: series for series in view.panels[0].series}
    for arm, entry in verdict["conditions"][1]["arms"].items():
        assert list(drawn[arm].x) == entry["curve"]["age"]
        assert list(drawn[arm].y) == entry["curve"]["score"]
        assert list(drawn[arm].low) == entry["curve"]["low"]
    assert set(drawn["caught up"].y) == {verdict["conditions"][1]["catch_up_level"]}


def test_runs_that_never_caught_up_are_open_arrows_at_the_end_of_life():
    verdict = made_up_verdict()
    panel = charts_of(verdict)["birth_catch_up_ceiling"].views[0].panels[1]
    arrows = [series for series in panel.series if series.name == "random" and series.kind == "censored"]
    assert [set(series.x) for series in arrows] == [{20000.0}, {20000.0}]
    assert any(note.endswith("never") for note in arrows[0].notes)
    drawn = page_chart(charts_of(verdict)["birth_catch_up_ceiling"])["views"][0]["panels"][1]["data"]
    assert "arrow-right-open" in {trace["marker"]["symbol"] for trace in drawn if trace["name"] == "random"}


def test_with_one_condition_catch_up_is_shown_over_lifetimes():
    chart = charts_of(made_up_verdict(conditions=1))["catch_up"]
    assert [text for _, text in chart.views[0].panels[0].x.ticks] == ["1,200", "6,000", "20,000"]
    chart = charts_of(made_up_verdict())["catch_up"]
    assert [view.name for view in chart.views] == ["20,000 steps", "6,000 steps", "1,200 steps"]


def test_the_map_holds_differences_and_letters():
    verdict = made_up_verdict()
    heat = charts_of(verdict)["map"].views[0].panels[0].heat
    row = next(row for row in verdict["conditions"][2]["by_lifetime"] if row["lifetime"] == 6000)
    assert heat.values[1][2] == row["difference"]["iqm"]
    assert heat.texts[1][2][0] == row["verdict"][0].upper()


def test_the_maps_caption_says_how_its_letters_were_corrected():
    verdict = made_up_verdict()
    verdict["conditions"][0]["by_lifetime"][0]["verdict"] = "better"
    sentence = charts_of(verdict)["map"].sentence
    assert "The letters of a condition are a family of tests of its own, corrected after Holm." in sentence
    assert sentence.endswith("the map turns to E towards long lives.")


@pytest.mark.parametrize(
    ("runs", "p", "reading"),
    [
        (4, None, "no sign of equality"),  # withheld
        (4, 0.5, "no sign of equality"),  # three lifetimes: 3 x 2/70 is above the level
        (10, 0.5, "Every letter is I: the map shows neither differences nor equality."),
    ],
)
def test_a_map_without_findings_does_not_look_like_equality(runs, p, reading):
    verdict = made_up_verdict()
    verdict["study"]["runs"] = runs
    for condition in verdict["conditions"]:
        for row in condition["by_lifetime"]:
            row |= {"verdict": "inconclusive", "p": p}
    sentence = charts_of(verdict)["map"].sentence
    assert reading in sentence
    assert "turns to E" not in sentence


def test_a_map_whose_verdicts_are_withheld_says_that_something_was_shown():
    verdict = made_up_verdict()
    for condition in verdict["conditions"]:
        for row in condition["by_lifetime"]:
            row |= {"verdict": "inconclusive", "p": 0.001, "unfinished": "the search of tuned_blank had not ended"}
    sentence = charts_of(verdict)["map"].sentence
    assert "because a search had not ended" in sentence
    assert "neither differences nor equality" not in sentence


def test_a_withheld_verdict_is_explained_in_the_tables(tmp_path):
    verdict = made_up_verdict(conditions=1)
    reason = "the search of tuned_blank had not ended: 3 of 4 runs still climbed"
    verdict["conditions"][0]["primary"] |= {"verdict": "inconclusive", "unfinished": reason}
    verdict["conditions"][0]["secondary"][0].pop("unfinished")
    page = write_report(write_study(tmp_path / "study", verdict), figures=False)
    assert page.read_text().count(f"; verdict withheld: {reason}</td>") == 1
    with (page.parent / "tables/contrasts.csv").open() as file:
        told = [row["unfinished"] for row in csv.DictReader(file)]
    assert (told[0], set(told[1:])) == (reason, {""})


def test_one_look_that_spends_less_than_the_level_is_said_to_be_tested_at_that(study):
    verdict = made_up_verdict(conditions=1)
    verdict["study"]["looks"] = [{"runs": 4, "level": 0.03}]
    results = dataclasses.replace(read_results(study), verdict=verdict)
    assert "tested at 0.03, that of one planned look, of 0.05 in all; secondary" in methods_paragraph(results)
    assert "primary contrast is tested at 0.03; the others" in render_page(results, [], "", figures=False)


def test_the_break_even_formula_has_both_bills(study):
    page = (study / "report/index.html").read_text()
    assert "N* = (the arm's bill \N{MINUS SIGN} its rival's) / (steps that the rival needs" in page


def test_the_two_by_two_is_a_description():
    chart = charts_of(made_up_verdict())["factorial"]
    assert "A description: intervals and p-values are not corrected for several tests" in chart.sentence
    assert chart.views[0].panels[0].series[0].notes[0] == "0.300, uncorrected p 0.030"


def test_break_even_lines_cross_at_the_verdicts_number():
    verdict = made_up_verdict()
    row = verdict["conditions"][0]["break_even"][0]
    row |= {"descendants": 100.0, "bound": "exact", "evolution_steps": 1000, "evolution_steps_against": 0}
    row |= {"steps_each": 5, "steps_each_against": 15}
    panel = charts_of(verdict)["break_even"].views[0].panels[0]
    falling, level = panel.series
    assert np.interp(100.0, falling.x, falling.y) == pytest.approx(15, rel=0.1)
    assert set(level.y) == {15.0}
    assert panel.rules[0].value == 100.0


@pytest.mark.parametrize(("bound", "drawn"), [("at once", True), ("unknown", False), ("unclear", False)])
def test_no_lines_cross_where_the_sentence_names_no_crossing(bound, drawn):
    verdict = made_up_verdict(conditions=1)
    (row,) = verdict["conditions"][0]["break_even"]
    row |= {"descendants": 0.0 if drawn else None, "bound": bound, "evolution_steps": 1000}
    row |= {"evolution_steps_against": 1000, "steps_each": 5, "steps_each_against": 15}
    chart = charts_of(verdict).get("break_even")
    assert (chart is not None) == drawn
    if chart is not None:
        (panel,) = chart.views[0].panels
        assert (np.array(panel.series[0].y) < panel.series[1].y).all()
        assert not panel.rules


@pytest.mark.parametrize("missing", ["by_lifetime", "break_even", "factorial"])
def test_what_a_study_does_not_have_is_not_drawn(missing, tmp_path):
    verdict = made_up_verdict()
    for condition in verdict["conditions"]:
        condition[missing] = None if missing == "factorial" else []
    key = "map" if missing == "by_lifetime" else missing
    assert key not in charts_of(verdict)
    assert f'id="chart-{key}"' not in write_report(write_study(tmp_path / "study", verdict), figures=False).read_text()


def test_arms_without_evolution_or_dna_are_no_trouble(tmp_path):
    verdict = made_up_verdict()
    for condition in verdict["conditions"]:
        for entry in condition["arms"].values():
            entry |= {"evolution": None, "dna": None}
    assert not {"evolution", "drives", "plasticity"} & set(charts_of(verdict))
    write_report(write_study(tmp_path / "study", verdict), figures=False)


def test_only_arms_that_inherit_drives_show_them():
    verdict = made_up_verdict()
    verdict["arms"]["tuned_learner"]["drives"] = "fitness only"
    charts = charts_of(verdict)
    assert "tuned_learner" not in dict(charts["drives"].legend)
    assert "tuned_learner" in dict(charts["plasticity"].legend)


def test_searches_that_did_not_converge_are_named():
    verdict = made_up_verdict(conditions=1)
    arms = verdict["conditions"][0]["arms"]
    states = {"evolved": True, "tuned_blank": False, "tuned_learner": None, "instinct": True}
    for arm, converged in states.items():
        arms[arm]["evolution"]["converged"] = converged
    note = charts_of(verdict)["evolution"].views[0].note
    assert note == "Not converged: tuned_blank. Too few generations to say: tuned_learner."
    for arm in states:
        arms[arm]["evolution"]["converged"] = True
    assert charts_of(verdict)["evolution"].views[0].note == "All searches converged."


def test_two_clusters_of_runs_are_drawn_as_two():
    """Runs 1 and 3 of 4 stand still: a mean of all four lies where no run is."""
    verdict = made_up_verdict(conditions=1, stuck=(1, 3))
    charts = charts_of(verdict)
    (view,) = charts["birth_catch_up_ceiling"].views
    birth, catch_up, _ = view.panels
    marks = [series for series in birth.series if series.name == "evolved" and not series.faint]
    assert [mark.low for mark in marks] == [(), ()]
    assert [mark.x[0] for mark in marks] == pytest.approx([0.94, 0.4], abs=0.04)
    assert [mark.notes[0].split(":")[0] for mark in marks] == ["2 runs, not stuck", "runs 1 and 3, stuck"]
    assert sum(len(series.x) for series in birth.series if series.name == "evolved" and series.faint) == 4
    assert sorted(mark.kind for mark in catch_up.series if mark.name == "evolved" and not mark.faint) == [
        "censored",
        "points",
    ]
    curves = [series for series in charts["learning_curves"].views[0].panels[0].series if series.name == "evolved"]
    assert [(curve.y[-1] > 0.9, curve.low) for curve in curves] == [(True, ()), (False, ())]
    times = [series for series in charts["catch_up"].views[0].panels[0].series if series.name == "evolved"]
    assert [(series.kind, len(series.x), series.low) for series in times] == [("points", 3, ()), ("censored", 3, ())]
    assert view.note == (
        "Two clusters of runs, with a mark each and no interval: evolved (runs 1 and 3 stuck, 2 not); evolved_frozen "
        "(runs 1 and 3 stuck, 2 not)."
    )
    assert charts["catch_up"].views[0].note.endswith("interval: evolved (runs 1 and 3 stuck, 2 not).")
    assert charts["evolution"].views[0].note.endswith("Stuck: runs 1 and 3 of evolved.")


def test_the_tables_have_a_row_per_cluster(tmp_path):
    verdict = made_up_verdict(conditions=1, stuck=(1, 3))
    page = write_report(write_study(tmp_path / "study", verdict), figures=False).read_text()
    assert page.count("<small>runs 1 and 3, stuck</small>") == page.count("<small>2 runs, not stuck</small>") == 2
    names = list(arm_table(verdict["conditions"][0], verdict).columns[0].cells)
    assert [name for name in names if name.startswith("evolved\n")] == [
        "evolved\n  2 runs, not stuck",
        "evolved\n  runs 1 and 3, stuck",
    ]


def test_a_search_that_began_again_is_drawn_from_where_it_did_and_says_so():
    verdict = made_up_verdict(conditions=1)
    assert "began again" not in charts_of(verdict)["evolution"].sentence
    run = verdict["conditions"][0]["arms"]["evolved"]["evolution"]["runs"][1]
    run |= {"restart": [0] * 9 + [1] * len(run["centre"]) + [2] * 5, "from_restart": 1}
    chart = charts_of(verdict)["evolution"]
    assert "Some searches stagnated and began again: shown is the restart that the result came from" in chart.sentence
    (panel,) = chart.views[0].panels
    lines = [series for series in panel.series if series.kind == "line" and series.y == tuple(run["centre"])]
    assert [series.x[0] for series in lines] == [10.0], "a gap where another restart was, and no fall"
    (mark,) = [series for series in panel.series if series.kind == "points"]
    assert (mark.x, mark.y) == ((10.0,), (run["centre"][0],))
    assert mark.notes == ("run 1: restart 1 begins, the result is of it",)


def test_differences_within_the_margin_stay_pale():
    verdict = made_up_verdict(conditions=1)
    condition = verdict["conditions"][0]
    for row in condition["by_lifetime"]:
        row["difference"]["iqm"] = 0.01
    for contrast in condition["secondary"]:
        contrast["margin"] = 0.05
    assert charts_of(verdict)["map"].views[0].panels[0].heat.bound == 0.1


def test_the_methods_say_which_tests_were_withheld(results_alone):
    verdict = made_up_verdict()
    for condition in verdict["conditions"]:
        for contrast in (condition["primary"], *condition["secondary"]):
            contrast |= {"withheld": "too few runs", "test": "none"}
    write_verdict(results_alone, verdict)
    text = methods_paragraph(read_results(results_alone))
    assert "Tests withheld: too few runs." in text
    assert "Tests:" not in text


def test_tables_hold_the_verdicts_numbers(study):
    verdict = made_up_verdict()
    with (study / "report/tables/contrasts.csv").open() as file:
        rows = list(csv.DictReader(file))
    primary = verdict["conditions"][0]["primary"]
    assert rows[0]["rank"] == "primary"
    assert float(rows[0]["p"]) == primary["p"]
    assert float(rows[0]["difference_iqm"]) == primary["difference"]["iqm"]
    assert len(rows) == sum(1 + len(condition["secondary"]) for condition in verdict["conditions"])
    with (study / "report/tables/ledger.csv").open() as file:
        ledger = list(csv.DictReader(file))
    charged = sum(int(row[name]) for row in ledger for name in ("outer", "inner", "tuning", "evaluation"))
    assert charged == verdict["ledger"]["total"]


def test_where_termination_is_a_death_the_page_shows_rebirths_and_deaths_beside_the_birth_score(tmp_path):
    verdict = made_up_verdict(conditions=2)
    mortal, other = verdict["conditions"]
    mortal["termination_is_death"] = True
    for arm in mortal["arms"].values():
        arm["metrics"]["birth_reborn"] = {**arm["metrics"]["birth"], "iqm": 0.4321}
        arm["birth_deaths"] = 1.25
    results = read_results(write_study(tmp_path / "study", verdict))
    page = render_page(results, [], "", figures=False)
    with_deaths, without = re.findall(r'aria-label="Arms, [^"]*">(.*?)</table>', page, flags=re.DOTALL)
    assert "birth reborn" in with_deaths
    assert "deaths at birth" in with_deaths
    assert with_deaths.count("0.432<br>") == with_deaths.count(">1.250<") == len(mortal["arms"])
    assert "birth reborn" not in without
    assert "deaths at birth" not in without
    assert "<th" in without
    said = f"learning switched off, and under {mortal['name']} of the first body alone: steps after its death count 0."
    assert said in methods_paragraph(results)
    other["termination_is_death"] = True
    write_verdict(tmp_path / "study", verdict)
    text = methods_paragraph(read_results(tmp_path / "study"))
    assert "learning switched off, and of the first body alone: steps after its death count 0." in text


def test_a_replay_survives_its_packing():
    replay = made_up_replay(frames=50) | {"run": 3, "start": 2000}
    (packed,) = pack_replays([replay], arm_looks(["evolved", "tuned_blank"]), 10**6)
    assert [packed[name] for name in ("condition", "run", "start")] == ["alpha 0", 3, 2000]
    head, columns = unpacked(packed)
    assert (head["steps"], head["start"], head["tracks"]) == (2, 2000, ["score", "fitness", "approach"])
    for arm, own, found in zip(replay["arms"], head["arms"], columns, strict=True):
        named = [arm["score"], *arm["drives"].values()]
        named += [values for name in ("observations", "actions", "senses") for values in arm[name].values()]
        np.testing.assert_allclose(found, [*np.transpose(arm["frames"]), *named], atol=1e-3)
        assert own["drawn"] == len(arm["frames"][0])
        assert [own[name] for name in ("observations", "actions", "senses")] == [
            list(arm[name]) for name in ("observations", "actions", "senses")
        ]
    assert head["arms"][0]["ends"] == [16, 33]
    assert head["arms"][0]["colour"] != head["arms"][1]["colour"]


def test_what_does_not_move_and_what_moves_alike_takes_no_bytes():
    replay = made_up_replay(frames=400)
    (small,) = pack_replays([replay], {}, 10**6)
    for arm in replay["arms"]:
        arm["senses"] |= {f"{name} {twin}": values for twin in range(9) for name, values in arm["senses"].items()}
        arm["observations"] |= {f"still {number}": [number] * 400 for number in range(9)}
    (large,) = pack_replays([replay], {}, 10**6)
    assert len(large["data"]) < len(small["data"]) + 2000


def test_a_replay_too_large_loses_frames_but_no_reward():
    replay = made_up_replay(frames=400)
    looks = arm_looks(["evolved", "tuned_blank"])
    (whole,), (thin,) = pack_replays([replay], looks, 10**6), pack_replays([replay], looks, 4_000)
    assert len(json.dumps(thin)) <= 4_000
    head, columns = unpacked(thin)
    every = head["steps"] // unpacked(whole)[0]["steps"]
    assert every > 1
    assert head["arms"][0]["rows"] == -(-400 // every)
    means = [np.mean(replay["arms"][0]["score"][start : start + every]) for start in range(0, 400, every)]
    np.testing.assert_allclose(columns[0][head["arms"][0]["drawn"]], means, atol=1e-4)
    assert head["arms"][0]["ends"] == [133 // every, 266 // every]
    assert pack_replays([replay], looks, 10) == []


def test_replays_are_in_the_order_of_conditions_runs_and_ages(tmp_path):
    parts = [("alpha 70", 0, 0), ("alpha 0", 10, 0), ("alpha 0", 2, 900), ("alpha 0", 2, 0), ("alpha 0", 0, 0)]
    replays = [made_up_replay(name, frames=5) | {"run": run, "start": start} for name, run, start in parts]
    found = read_results(write_study(tmp_path / "study", made_up_verdict(), replays)).replays
    assert [(one["condition"], one["run"], one["start"]) for one in found] == [*parts[:0:-1], parts[0]]


def test_every_arm_looks_different_and_the_same_in_every_study():
    names = ["random", "blank", "tuned_learner", "tuned_blank", "instinct", "evolved_weights", "evolved"]
    names += ["evolved_frozen", "evolved_drives", "shuffled", "long_blank", "lamarckian", "pretrained", "oracle"]
    names += ["evolved_x2", "tuned_blank_x2", "mine", "yours", "theirs"]
    looks = arm_looks(names)
    assert len(set(looks.values())) == len(names)
    assert arm_looks(["mine", "evolved"])["evolved"] == looks["evolved"]
    assert len(LIGHT) == len(DARK)


def test_the_report_needs_no_world_no_torch_and_no_compiler():
    code = (
        "import sys; from evolearn.report import write_report; "
        "print([m for m in ('torch', 'numba', 'evolearn.worlds', 'ray') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_methods_paragraph_says_what_was_done(study):
    text = methods_paragraph(read_results(study))
    for said in (
        "8 arms were compared under 3 conditions",
        "4 runs per arm and condition",
        "seed 7",
        "lives of 6,000 world steps",
        "judged on lives of 1,200, 6,000 and 20,000",
        "PGPE with a population of 64, 30 generations, 4 lives per genome",
        "the same number of outer world steps for all evolving arms of a condition, twice as many where a budget was",
        "secondary contrasts were corrected after Holm, and so, as a family of its own, was the comparison by lifetime",
        "the 2 x 2 and the doubled budgets are descriptions, uncorrected",
        "The conditions' primary contrasts were corrected together, after Holm.",
        "catch_up of evolved against tuned_blank, tested at 0.05",
        hashlib.sha256((study / "study.yaml").read_bytes()).hexdigest(),
        "exploratory",
        "optional stopping",
        "margins: catch_up 500, birth 0.05",
        "numpy 2.4.6",
        "commit 0123456789abcdef, with uncommitted changes (dirty working tree)",
    ):
        assert said in text, said
    assert text + "\n" == (study / "report/methods.txt").read_text()


def test_the_methods_name_the_looks(study):
    verdict = made_up_verdict(conditions=1)
    verdict["study"]["looks"] = [{"runs": 4, "level": 0.02}, {"runs": 8, "level": 0.03}]
    text = methods_paragraph(dataclasses.replace(read_results(study), verdict=verdict))
    assert "looks planned beforehand that share the level of 0.05 (0.02 at 4 runs, 0.03 at 8 runs)" in text
    assert "corrected together" not in text


def test_head_starts_are_drawn_run_by_run():
    verdict = full_verdict(runs=6, lives=2, conditions={"easy": 0.0, "hard": 1.0}, primary="head_start", resamples=100)
    assert "head_starts" not in charts_of(made_up_verdict())
    (panel,) = charts_of(verdict)["head_starts"].views[0].panels
    margin, *marks = panel.series
    drawn = sorted(y for series in marks for y in series.y)
    listed = [row["primary"]["head_start"] for row in verdict["conditions"]]
    assert drawn == sorted(20_000.0 if steps is None else steps for steps in [*listed[0], *listed[1]])
    assert set(margin.y) == {2000.0}
    notes = [note.split(":")[0] for series in marks for note in series.notes]
    assert sorted(notes) == sorted(2 * [f"run {run}" for run in range(6)]), "as their directories are numbered"


@pytest.mark.parametrize("primary", ["total", "birth", "catch_up"])
def test_the_first_picture_is_what_the_verdict_rests_on_run_by_run(primary):
    verdict = full_verdict(runs=6, lives=2, conditions={"easy": 0.0, "hard": 1.0}, primary=primary, resamples=100)
    chart = all_charts(verdict)[0]
    assert chart.key == "primary"
    (panel,) = chart.views[0].panels
    drawn = [(series.name, y) for series in panel.series if series.faint and series.kind == "points" for y in series.y]
    assert sorted(drawn) == sorted(
        (arm, run[primary])
        for condition in verdict["conditions"]
        for arm in (condition["primary"]["arm"], condition["primary"]["against"])
        for run in condition["arms"][arm]["runs"]
        if run[primary] is not None
    )


@pytest.mark.parametrize("primary", ["head_start", "catch_up"])
def test_the_first_picture_is_never_one_of_arrows(primary):
    verdict = full_verdict(runs=4, lives=2, conditions={"easy": 0.0}, primary=primary, resamples=100)
    condition = verdict["conditions"][0]
    condition["primary"]["head_start"] = [600.0, None, None, None] if primary == "head_start" else None
    for arm in condition["arms"].values():
        arm["runs"] = [run | {"catch_up": None} for run in arm["runs"]]
    assert all_charts(verdict)[0].key == "learning_curves"


def test_runs_that_are_two_clusters_have_no_mean_in_the_first_picture():
    charts = {stuck: all_charts(made_up_verdict(conditions=1, stuck=stuck))[0] for stuck in ((), (0, 1))}
    means = {
        stuck: [series.name for series in chart.views[0].panels[0].series if not series.faint]
        for stuck, chart in charts.items()
    }
    assert means == {(): ["evolved", "tuned_blank"], (0, 1): ["tuned_blank"]}


def test_lifetimes_in_any_order_end_at_the_longest():
    verdict = full_verdict(runs=4, lives=2, conditions={"easy": 0.0}, primary="head_start", resamples=100)
    verdict["conditions"][0]["primary"]["head_start"] = [20_000.0, 20_000.0, 20_000.0, None]
    for lifetimes in (verdict["lifetimes"], verdict["lifetimes"][::-1]):
        (panel,) = charts_of(verdict | {"lifetimes": lifetimes})["head_starts"].views[0].panels
        assert [set(series.y) for series in panel.series if series.kind == "censored"] == [{20_000.0}]


def test_the_methods_say_nothing_of_differences_that_there_are_not(study):
    text = methods_paragraph(read_results(study))
    for unsaid in ("settings of their own", "Conditions changed", "one life per run", "Lamarckian", "Reptile"):
        assert unsaid not in text, unsaid


def test_the_methods_say_how_arms_differ(tmp_path):
    verdict = made_up_verdict()
    own = {"search.algorithm": "genetic", "search.population": 32, "search.options": {"tournament_size": 4}}
    verdict["arms"]["tuned_learner"]["settings"] = {"search.algorithm": "reptile", "search.options": {}}
    verdict["arms"]["instinct"] |= {"settings": own, "inheritance": "lamarckian"}
    verdict["arms"]["evolved"]["inheritance"] = "lamarckian"
    verdict["arms"]["shuffled"] |= {"one_life": True, "origin": "tuned_blank"}
    text = methods_paragraph(read_results(write_study(tmp_path / "study", verdict)))
    lamarckian = "Lamarckian: offspring inherit weights as learned in life"
    assert (
        "Arms with settings of their own: tuned_learner (Reptile (Nichol, Achiam and Schulman 2018, arXiv:1803.02999); "
        "the algorithm's default options), instinct (a genetic algorithm; search.population = 32; "
        f"search.options.tournament_size = 4; {lamarckian}), evolved ({lamarckian})." in text
    )
    assert "(seed 7); shuffled was judged in one life per run, as long as all of the evolution of tuned_blank." in text


def test_the_methods_say_who_taught_and_which_teachers_are_privileged(tmp_path):
    verdict = made_up_verdict()
    clone = {"search.algorithm": "clone", "search.options": {}}
    verdict["arms"]["instinct"] |= {"settings": clone, "teacher": "oracle"}
    verdict["arms"]["tuned_learner"] |= {"settings": clone, "teacher": "evolved"}
    grown = {**clone, "search.options": {"age": 5400}}
    verdict["arms"]["shuffled"] |= {"settings": grown, "teacher": "evolved"}
    verdict["arms"]["tuned_blank"] |= {"start": "instinct"}
    text = methods_paragraph(read_results(write_study(tmp_path / "study", verdict)))
    for said in (
        "taught by the world's oracle, a privileged teacher: it knows what each life has drawn",
        "taught by the newborn of evolved)",
        "taught by evolved at an age of 5,400 steps, a privileged teacher: it has learned in its own life",
        "tuned_blank (starting from where instinct had come to)",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("brain", "text"),
    [
        ({"hidden": [8, 6]}, "Brains were tanh networks with hidden layers of 8, 6 units."),
        ({"trunk": "linear", "hidden": []}, "Brains were networks without hidden layers (linear)."),
        (
            {"trunk": "gru", "hidden": [8], "inputs": ["observation", "last_action"], "memory": "life"},
            "Brains were networks of gated recurrent units with hidden layers of 8 units, told last action beside the "
            "observation, remembering over the episodes of a life.",
        ),
        (
            {"trunk": "mine.py:BENT", "hidden": [4], "inputs": ["observation"], "memory": "episode"},
            "Brains were networks (mine.py:BENT) with hidden layers of 4 units.",
        ),
    ],
)
def test_the_methods_say_what_brains_were_and_what_they_were_told(tmp_path, brain, text):
    study = write_study(tmp_path / "study", made_up_verdict(), run={"brain": brain})
    assert text in methods_paragraph(read_results(study))


@pytest.mark.parametrize(
    ("teacher", "text"),
    [
        (
            {"source": "oracle", "mode": "asked"},
            "the world's oracle, asked what .*; privileged: it knew what its pupils",
        ),
        (
            {"source": "a.dna", "mode": "watched"},
            r"DNA that never learned \(a.dna\), watched .*; it saw what its pupils",
        ),
    ],
)
def test_the_methods_say_who_taught_and_what_it_saw(tmp_path, teacher, text):
    study = write_study(tmp_path / "study", made_up_verdict(), run={"teacher": teacher})
    assert re.search(text, methods_paragraph(read_results(study)))
    plain = write_study(tmp_path / "plain", made_up_verdict(), run={})
    assert "taught" not in methods_paragraph(read_results(plain))


def test_the_methods_say_that_searches_began_again_and_which_did_not(tmp_path):
    verdict = made_up_verdict()
    verdict["arms"]["tuned_learner"]["settings"] = {"search.restart": "none"}
    plain = methods_paragraph(read_results(write_study(tmp_path / "plain", verdict)))
    assert "began again" not in plain
    assert "search.restart" not in plain
    run = {"search": {"algorithm": "snes", "restart": "ipop"}}
    text = methods_paragraph(read_results(write_study(tmp_path / "restarts", verdict, run=run)))
    assert (
        "A search that stagnated began again, each time with twice the population, all restarts within the same number "
        "of steps; the result is that of the best restart on validation lives." in text
    )
    assert "Arms with settings of their own: tuned_learner (search.restart = none)." in text


def test_the_methods_say_what_conditions_change(tmp_path):
    conditions = [
        {"name": "alpha 0", "set": {"world.parameters.alpha": 0, "search.selection_lifetime": 1200}},
        {"name": "alpha 70", "set": {"search.population": 32, "search.options": {"stdev_init": 0.1}}},
        {"name": "alpha 90", "set": {"search": {"population": 16}, "learner.window": 5}},
    ]
    text = methods_paragraph(read_results(write_study(tmp_path / "study", made_up_verdict(), conditions=conditions)))
    assert (
        "Conditions changed more than the world: search.population (32 under alpha 70, 16 under alpha 90); "
        "search.options.stdev_init (0.1 under alpha 70); learner.window (5 under alpha 90)." in text
    )


def test_an_extension_is_told_at_the_top_of_the_page_and_in_the_methods(tmp_path):
    verdict = made_up_verdict()
    verdict["study"]["extended"] = [
        {"runs_before": 3, "runs_after": 4, "arms_added": [], "verdict_seen": True},
        {"runs_before": 4, "runs_after": 4, "arms_added": ["mine", "yours"], "verdict_seen": True},
    ]
    page = write_report(write_study(tmp_path / "study", verdict), figures=False)
    top = page.read_text().split('<div class="cards">')[0]
    for said in (
        "(from 3 to 4 runs per arm): this is optional stopping",
        "(arms added: mine, yours): its contrasts are those planned beforehand;",
    ):
        words = f"The study was extended after its verdict had been seen {said}"
        assert words in top
        assert words in (page.parent / "methods.txt").read_text()
    assert top.count('<p class="warning">') == 2


def test_an_extension_before_any_verdict_is_no_optional_stopping():
    change = {"runs_before": 3, "runs_after": 4, "arms_added": ["mine"], "verdict_seen": False}
    told = "The study was extended before any verdict (from 3 to 4 runs per arm; arms added: mine)."
    assert extension_in_words(change) == told


def test_an_extension_after_looks_tells_of_them():
    looks = [{"runs": 4, "level": 0.03}, {"runs": 6, "level": 0.02}]
    change = {"runs_before": 4, "runs_after": 5, "arms_added": [], "verdict_seen": True, "looks_before": looks}
    assert extension_in_words(change).endswith(
        "Planned were looks (4 runs at 0.03, 6 runs at 0.02); now it is judged once, at the level of the last."
    )


def test_a_commit_is_clean_dirty_or_unknown():
    assert commit_in_words("abc") == "Source: commit abc, clean working tree."
    assert "dirty" in commit_in_words("abc+")
    assert "unknown" in commit_in_words(None)


def test_numbers_are_written_for_readers():
    assert quantity(12345.0, "world steps") == "12,345"
    assert quantity(-0.25) == "\N{MINUS SIGN}0.250"
    assert quantity(2e-5) == "2.00e\N{MINUS SIGN}05"
    assert quantity(None) == "\N{EN DASH}"
    assert probability(0.0001) == "< 0.001"
    assert probability(0.0286) == "0.029"
    times = {"iqm": 20000.0, "low": 900.0, "high": 20000.0, "runs": 4, "at_least": True}
    assert with_interval(times | {"censored": 4}, "world steps") == "never by 20,000"
    partly = with_interval(times | {"censored": 1}, "world steps")
    assert partly == "\N{GREATER-THAN OR EQUAL TO} 20,000 [900, 20,000], 1 of 4 never"


def test_numbers_and_names_in_sentences():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed("abcdefgh", 3) == "a, b, c and 5 more"
    assert listed([]) == ""
    assert percent(None) == "\N{EN DASH}"
    assert percent(-0.001) == "0%"
    assert signed(0.414) == "+0.41"
    assert short(-3.14159) == "\N{MINUS SIGN}3.14"
    assert short(0.0123) == "0.012"


def test_axes_of_orders_of_magnitude_have_round_ticks():
    axis = log_axis("age", [600, 20_000])
    assert [text for _, text in axis.ticks] == ["500", "1,000", "2,000", "5,000", "10k", "20k"]
    assert axis.span == (500.0, 24_000.0)
    assert [text for _, text in log_axis("steps", [3e3, 0.0, 4e9]).ticks] == [
        "10k", "100k", "1M", "10M", "100M", "1G",
    ]  # fmt: skip
    assert log_axis("nothing", []).ticks == ((1.0, "1"),)


def test_neighbours_at_a_tick_do_not_meet_the_next_tick():
    for places in (1, 3, 10):
        offsets = spread_out(places, 8)
        assert len(set(offsets)) == 8
        assert max(offsets) - min(offsets) < 1
        assert sum(offsets) == pytest.approx(0)


def test_thinning_keeps_both_ends():
    assert thinned(5, 12) == [0, 1, 2, 3, 4]
    kept = thinned(100, 12)
    assert (kept[0], kept[-1], len(kept)) == (0, 99, 12)


def test_what_finding_settings_took_is_drawn_and_told_with_unequal_budgets(tmp_path):
    verdict = made_up_verdict(conditions=1)
    assert [series.name for series in charts_of(verdict)["ledger"].views[0].panels[0].series][-1] == "evaluation"
    same = methods_paragraph(read_results(write_study(tmp_path / "same", verdict)))
    assert "the same number of outer world steps for all evolving arms" in same
    (charged,), (condition,) = verdict["ledger"]["conditions"].values(), verdict["conditions"]
    charged["tuned_blank"] = charged["tuned_blank"] | {"settings": 21_000_000}
    verdict["arms"]["tuned_blank"]["tuning_steps"] = 21_000_000
    for arm, steps in (("evolved", 6_600_000), ("tuned_blank", 13_200_000)):
        condition["arms"][arm] |= {"outer_steps": steps, "selection_lifetime": steps // 1000}
    settings = charts_of(verdict)["ledger"].views[0].panels[0].series[-1]
    assert settings.name == "settings"
    assert sum(settings.x) == 21_000_000
    told = methods_paragraph(read_results(write_study(tmp_path / "told", verdict)))
    assert "The settings of tuned_blank were searched before the study, at a cost of 21,000,000 world steps." in told
    assert "no evolving arm had more outer world steps than the arm that it is compared with" in told
    assert "evolved 6,600,000" in told
    assert "fitness, lives of 6,600 or 13,200 steps" in str(charts_of(verdict)["evolution"].views[0].panels[0].y)
