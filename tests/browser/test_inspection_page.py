"""The page of an inspection in a real browser, without a network: what it draws, unfolds and plays, and escapes."""

import pytest

from evolearn.inspection import Wishes, compare_dna, inspect_dna
from evolearn.life import OwnDrivers
from evolearn.run import start_run
from tests.browser.pages import assert_fits, draw_all
from tests.helpers.dna_configs import config
from tests.helpers.inspection_on_disk import BUILDERS, GENES, full_inspection, made_up_about, write_inspection
from tests.helpers.inspections import Notes
from tests.helpers.runs import Watcher

pytestmark = pytest.mark.browser

IMAGE = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    return write_inspection(tmp_path_factory.mktemp("inspection"), full_inspection(), BUILDERS)


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory):
    content = full_inspection(f"{SCRIPT}{IMAGE} {{{{ 7 * 7 }}}} %{{y}} <b>x</b>")
    text = made_up_about().keys() - {"generation", "genes", "age", "lifetime", "brain", "parameters", "extent"}
    for name in text:
        held = content["about"][name]
        if isinstance(held, str | list):
            content["about"][name] = [IMAGE, SCRIPT] if isinstance(held, list) else f"{IMAGE}{SCRIPT}"
    content["about"]["parameters"] = {IMAGE: 1.0}
    content["about"]["warning"] = IMAGE
    content["about"]["other"] = made_up_about(name=SCRIPT)
    content["sections"][2]["missing"] = content["sections"][2]["title"] = IMAGE + SCRIPT
    for arm in content["replays"][0]["arms"]:
        arm["arm"] = arm["label"] = IMAGE
    content["command"] = SCRIPT
    return write_inspection(tmp_path_factory.mktemp("hostile"), content, BUILDERS)


def first_cells(page, table):
    return page.locator(f"#table-{table} tbody tr > :first-child").all_text_contents()


def test_every_kind_of_drawing_is_drawn(visit, page_file):
    page = visit(page_file)
    keys = draw_all(page)
    assert len(keys) == 5
    counts = {
        "genes_values": (".barlayer .point", 17),
        "repertoire_curves": (".lines path.js-line", 10),
        "landscape_plane": (".hm image", 1),
        "landscape_senses": (".hm image", 1),
        "landscape_effects": (".points path", 2),
    }
    for key, (marks, count) in counts.items():
        assert page.locator(f"#chart-{key} {marks}").count() == count, key
    assert page.locator("#chart-landscape_plane .points path").count() == 2
    assert page.locator("#chart-landscape_plane .lines path.js-line").count() == 1
    assert page.locator("#chart-landscape_senses .heatmap-label").count() == 4
    assert page.locator("#chart-landscape_plane .heatmap-label").count() == 0
    cell = page.locator("#chart-landscape_plane .hm image").bounding_box()
    assert cell["width"] == pytest.approx(cell["height"], rel=0.02), "a unit is as long on both axes"


def test_colours_of_maps_follow_the_theme(visit, page_file):
    page = visit(page_file)
    draw_all(page)
    scale = "document.querySelector('#chart-landscape_plane .js-plotly-plot').data[0].colorscale"
    before = page.evaluate(scale)
    assert len(before) == 4
    count = int(page.locator("#chart-landscape_plane").get_attribute("data-drawn"))
    page.locator("#theme").click()
    page.wait_for_function(f"Number(document.querySelector('#chart-landscape_plane').dataset.drawn) > {count}")
    assert page.evaluate(scale) != before


def test_a_missing_section_says_why_and_the_others_are_there(visit, page_file):
    page = visit(page_file)
    assert page.locator("#lesions .warning").inner_text() == "Missing. the world is not here"
    assert page.locator("nav a").all_inner_texts() == [
        "Genes",
        "Innate repertoire",
        "Lesions",
        "Landscape",
        "How it was made",
    ]
    assert page.locator(".card.missing").count() == 1


def test_a_long_table_unfolds_sorts_and_is_searched(visit, page_file):
    page = visit(page_file)
    table = page.locator("#table-genes")
    assert len(first_cells(page, "genes")) == 50
    table.locator("button.all").click()
    assert len(first_cells(page, "genes")) == GENES
    assert table.locator("button.all").inner_text() == "Show the first 50 rows"
    table.locator("button.all").click()
    place = table.locator("button.sort", has_text="place")
    place.focus()
    page.keyboard.press("Enter")  # the largest first, of all rows
    assert first_cells(page, "genes")[:2] == ["w2999", "w2998"]
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("place")
    place.click()
    assert first_cells(page, "genes")[:2] == ["w0", "w1"]
    spread = table.locator("button.sort", has_text="spread")
    spread.click()
    assert first_cells(page, "genes")[0] == "w2999"
    table.locator("input").fill("W299")
    assert sorted(first_cells(page, "genes")) == ["w299", *(f"w299{n}" for n in range(10))]
    assert table.locator(".count").inner_text() == "11 rows found"
    assert first_cells(page, "genes")[-1] in ("w2996", "w299")


def test_what_has_no_number_goes_last_in_both_directions(visit, page_file):
    page = visit(page_file)
    head = page.locator("#table-few button.sort", has_text="how much")
    assert page.locator("#table-few button.all, #table-few input").count() == 0
    head.click()
    assert first_cells(page, "few") == ["b", "a", "c"]
    head.click()
    assert first_cells(page, "few") == ["a", "b", "c"]
    page.locator("#table-few button.sort", has_text="what").click()
    assert first_cells(page, "few") == ["a", "b", "c"]


def test_the_replay_plays_in_its_section(visit, page_file):
    page = visit(page_file)
    assert page.locator("#repertoire #stages canvas").count() == 2
    play = page.locator("#play")
    play.scroll_into_view_if_needed()
    play.focus()
    page.keyboard.press("Space")
    page.wait_for_function("Number(document.getElementById('clock').dataset.frame) > 5")
    play.click()
    assert play.get_attribute("aria-label") == "Play"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_fits_its_window(visit, page_file, tmp_path, width, theme):
    assert_fits(visit(page_file, width, theme), width, tmp_path / f"inspection-{width}-{theme}.png")


def test_what_a_user_writes_is_shown_and_never_run(visit, hostile_file):
    page = visit(hostile_file, 390)
    keys = draw_all(page)
    assert page.locator("h1").inner_text() == f"{IMAGE}{SCRIPT} and {SCRIPT}: what evolution wrote"
    page.locator("#table-genes button.all").click()
    assert IMAGE in first_cells(page, "genes")[-1]
    page.locator("#table-genes button.sort").first.click()
    page.locator("#table-genes input").fill("<img")
    page.locator("#chart-genes_values select").select_option(index=1)
    for key in keys:
        page.locator(f"#chart-{key} .panels").hover()
    assert IMAGE in page.locator("#stages").inner_text()
    assert page.locator("main img, main a[href^='javascript'], svg a, main section script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_sentences_and_first_rows_are_there(browser, page_file):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("#genes > p").count() == 2
    assert page.locator("#table-genes tbody tr").count() == 50
    assert page.locator("noscript").first.is_visible()
    context.close()


def test_in_print_every_chart_is_there(visit, page_file):
    page = visit(page_file)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("[...document.querySelectorAll('figure.chart')].every(one => one.dataset.drawn)")
    page.emulate_media(media="print")
    assert not page.locator("#table-genes input").is_visible()


@pytest.fixture(scope="module")
def real_files(tmp_path_factory):
    """Pages of a toy run, inspected and compared with where it began."""
    run = tmp_path_factory.mktemp("real") / "run"
    start_run(config(), "toy", run, OwnDrivers(1), Watcher())
    quick = Wishes(quick=True)
    first = run / "ancestors" / "generation_000000.safetensors"
    return [inspect_dna(run, quick, None, 1, Notes()).page, compare_dna(run, first, quick, None, 1, Notes()).page]


@pytest.mark.parametrize(("place", "width", "theme"), [(0, 1280, "light"), (0, 360, "dark"), (1, 360, "light")])
def test_every_chart_of_a_real_inspection_is_drawn_in_every_view(visit, real_files, place, width, theme):
    page = visit(real_files[place], width, theme)
    for key in draw_all(page):
        select = page.locator(f"#chart-{key} select")
        for view in range(select.locator("option").count()):
            select.select_option(index=view)
        for panel in page.locator(f"#chart-{key} .panel").all():
            assert panel.locator(".trace path, .hm image, .lines path, .points path").count() > 0, key
    assert page.evaluate("document.documentElement.scrollWidth") <= width
