"""Pages of replications in a real browser, without a network: all pictures are drawn, and no text becomes code."""

import json

import numpy as np
import pytest

from evolearn.config import STUDIES, dump_config, find_config
from evolearn.experiments import (
    _culture as culture,
    _hinton_nowlan as hinton_nowlan,
    _nature_nurture as nature_nurture,
    read_experiment,
)
from evolearn.report import write_report
from evolearn.study.bands import replication_record, write_rounded
from tests.helpers.study_on_disk import made_up_verdict, write_experiment, write_study

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>alert(2)</script><img src=x onerror=alert(1)> {{ 7 * 7 }}"


def small_hinton_nowlan():
    settings = hinton_nowlan.Settings(agents=60, generations=20, long_runs=2, long_generations=30)
    lived = hinton_nowlan.live(settings, 0, 3, 1, lambda done: None)
    return lived, hinton_nowlan


def small_map():
    levels = (0.55, 0.75, 0.95)
    return nature_nurture.Instincts(
        levels, np.ones((3, 3, 1)), np.arange(9.0).reshape(3, 3, 1) / 4, 0, 0
    ), nature_nurture


def small_culture():
    """Curves that say themselves what they show."""
    return culture.live(culture.Settings(lives=5), 0, 3, 1, lambda done: None), culture


MADE = {"hinton-nowlan": small_hinton_nowlan, "nature-nurture": small_map, "culture": small_culture}


@pytest.fixture(scope="module", params=sorted(MADE))
def page_file(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    lived, module = MADE[request.param]()
    config = read_experiment(find_config(f"replicate/{request.param}", STUDIES))
    cost = {"world_steps": 0, "evaluations": 1, "evaluations_are": "lives", "seconds": 1.0}
    record = replication_record(config, config.replication, module.MEASURES, lived, 3, cost)
    record["about"]["paper"] = record["bands"][0]["name"] = record["bands"][0]["note"] = HOSTILE
    about = {"experiment": config.experiment, "title": HOSTILE, "seed": 0}
    pictures = module.pictures(lived)
    write_experiment(folder, dump_config(config) + f"# {HOSTILE}\n", {**record, **about, "pictures": pictures}, HOSTILE)
    return write_report(folder, figures=False)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_picture_is_drawn_in_every_view(visit, page_file, theme):
    page = visit(page_file, theme=theme)
    figures = page.locator("figure.chart")
    assert figures.count() > 0
    for place in range(figures.count()):
        figure = figures.nth(place)
        figure.scroll_into_view_if_needed()
        key = figure.get_attribute("data-chart")
        page.wait_for_selector(f"#chart-{key}[data-drawn]")
        marks = figure.locator(".trace path, .trace .point, .hm image, .hm rect, .lines path")
        assert marks.count() > 0, key
        views = figure.locator("select option").all_text_contents()
        for view in views[1:]:
            before = int(figure.get_attribute("data-drawn"))
            figure.locator("select").select_option(view)
            page.wait_for_function(f"Number(document.querySelector('#chart-{key}').dataset.drawn) > {before}")
            assert marks.count() > 0, f"{key}, {view}"


def test_texts_stay_texts_and_the_bands_are_there(visit, page_file):
    page = visit(page_file)
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("#replication img, #replication script").count() == 0
    rows = page.locator("#replication tbody tr")
    assert HOSTILE in rows.nth(0).inner_text()
    assert "reproduced" in page.locator("#replication .verdict").nth(0).inner_text()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(visit, page_file, width):
    page = visit(page_file, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_study_that_replicates_something_says_so_on_its_page(visit, tmp_path):
    study = write_study(tmp_path / "study", made_up_verdict(), replication={"paper": HOSTILE})
    config = read_experiment(find_config("replicate/nature-nurture", STUDIES))
    cost = {"world_steps": 5, "evaluations": 1, "evaluations_are": "genomes", "seconds": 1.0, "seconds_are": "in all"}
    record = replication_record(config, config.replication, nature_nurture.MEASURES, small_map()[0], 3, cost)
    record["about"]["paper"] = HOSTILE
    verdict_sha256 = json.loads((study / "verdict.json").read_text())["sha256"]
    write_rounded(study / "replication.json", {**record, "verdict_sha256": verdict_sha256})
    page = visit(write_report(study, figures=False))
    page.locator("nav a", has_text="Replication").click()
    assert page.locator("#replication").is_visible()
    assert HOSTILE in page.locator("#replication dl").inner_text()
    assert "5 world steps, 1 genomes, 1 seconds in all" in page.locator("#replication dl").inner_text()
