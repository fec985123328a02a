"""The page in a real browser, without a network: what it draws, what it plays, and that nobody's text becomes code."""

import pytest

from evolearn.report import write_report
from tests.browser.pages import assert_fits, draw_all
from tests.helpers.study_on_disk import made_up_replay, made_up_verdict, write_study

pytestmark = pytest.mark.browser

CONDITIONS = ("alpha 0", "alpha 70", "alpha 90")
IMAGE = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"
HOSTILE = {
    "made-up lives": f"{SCRIPT} <!-- {{{{ 7 * 7 }}}} & $x$",
    "evolved_frozen": IMAGE,
    "tuned_blank": "<b onmouseover='alert(3)'>bold</b> %{y}",
    "instinct": "<b>x</b>",  # which Plotly would print in bold, without the tags
    "alpha 70": f"{SCRIPT}{IMAGE}",
    "approach to mother": "<a href='javascript:alert(4)'>mother</a>",
}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    replays = [made_up_replay(name, shapes=name != "alpha 70") for name in CONDITIONS]
    replays += [
        made_up_replay("alpha 0", frames=50, phase=run + start) | {"run": run, "start": start}
        for run in (0, 1)
        for start in ((2000,) if run == 0 else (0, 2000))
    ]
    return write_report(write_study(tmp_path_factory.mktemp("page") / "study", made_up_verdict(), replays), False)


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory):
    arms = ("evolved", HOSTILE["tuned_blank"])
    replay = made_up_replay(HOSTILE["alpha 70"], arms)
    for arm in replay["arms"]:
        arm["label"], arm["drives"][SCRIPT], arm["shapes"][2]["label"] = IMAGE, arm["drives"]["fitness"], IMAGE
    verdict = made_up_verdict(rename=HOSTILE)
    return write_report(write_study(tmp_path_factory.mktemp("hostile") / "study", verdict, [replay]), False)


def redrawn(page, key, action):
    """Do something that makes a chart be drawn again, and wait for it."""
    before = int(page.locator(f"#chart-{key}").get_attribute("data-drawn"))
    action()
    page.wait_for_function(f"Number(document.querySelector('#chart-{key}').dataset.drawn) > {before}")


def colours_of(page, selector):
    """What lines and marks of a drawn chart are coloured with."""
    return page.locator(selector).evaluate_all("all => all.map(one => one.style.stroke || one.style.fill)")


def frame(page):
    page.wait_for_selector("#clock[data-frame]")
    return int(page.locator("#clock").get_attribute("data-frame"))


def test_every_chart_is_drawn_when_it_comes_into_sight(visit, page_file):
    page = visit(page_file)
    assert page.locator("#chart-ledger .panel").count() == 0
    keys = draw_all(page)
    assert {"catch_up", "learning_curves", "map", "evolution", "drives", "ledger", "break_even"} <= set(keys)
    marks = ".trace path, .trace .point, .hm image, .hm rect, .lines path, .points path"
    for key in keys:
        panels = page.locator(f"#chart-{key} .panel")
        assert panels.count() > 0, key
        for place in range(panels.count()):
            assert panels.nth(place).locator(marks).count() > 0, f"{key}, panel {place}"
            size = panels.nth(place).locator("svg.main-svg").first.bounding_box()
            assert size["width"] > 200, f"{key}, panel {place}"


def test_every_chart_has_a_title_a_sentence_and_units(visit, page_file):
    page = visit(page_file)
    for key in draw_all(page):
        figure = page.locator(f"#chart-{key}")
        assert len(figure.locator("h3").inner_text()) > 10, key
        assert len(figure.locator(".lead").inner_text()) > 60, key
        assert figure.locator(".xtitle, .ytitle").count() > 0, key


def test_choosing_a_condition_changes_all_charts_and_the_replay(visit, page_file):
    page = visit(page_file)
    draw_all(page)
    before = page.locator("#chart-learning_curves .lines path.js-line").first.get_attribute("d")
    select = page.locator("#chart-evolution select")
    redrawn(page, "learning_curves", lambda: select.select_option("alpha 90"))
    assert page.locator("#chart-learning_curves select").input_value() == "alpha 90"
    assert page.locator("#replay-condition").input_value() == "alpha 90"
    assert page.locator("#chart-learning_curves .lines path.js-line").first.get_attribute("d") != before


def test_a_click_in_the_legend_hides_an_arm(visit, page_file):
    page = visit(page_file)
    draw_all(page)
    lines = page.locator("#chart-learning_curves .lines path.js-line")
    before = lines.count()
    button = page.locator("#chart-learning_curves .legend button", has_text="shuffled")
    redrawn(page, "learning_curves", button.click)
    assert button.get_attribute("aria-pressed") == "false"
    assert lines.count() < before
    redrawn(page, "learning_curves", button.click)
    assert lines.count() == before


def test_age_can_be_shown_on_a_linear_axis(visit, page_file):
    page = visit(page_file)
    draw_all(page)
    redrawn(page, "learning_curves", lambda: page.locator(".linear").check())
    plot = "document.querySelector('#chart-learning_curves .js-plotly-plot')._fullLayout.xaxis.type"
    assert page.evaluate(plot) == "linear"


@pytest.mark.parametrize(("system", "other"), [("light", "Dark"), ("dark", "Light")])
def test_the_theme_follows_the_system_and_switches(visit, page_file, system, other):
    page = visit(page_file, theme=system)
    draw_all(page)
    frame(page)
    button = page.locator("#theme")
    assert button.inner_text() == other

    def look():
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lines = colours_of(page, "#chart-learning_curves .lines path.js-line")
        return background, lines, page.evaluate("document.getElementById('tracks').toDataURL()")

    before = look()
    redrawn(page, "learning_curves", button.click)
    after = look()
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert before[2] != after[2]
    redrawn(page, "learning_curves", button.click)
    assert look() == before


def test_the_replay_plays_pauses_and_is_scrubbed_by_keyboard(visit, page_file):
    page = visit(page_file)
    frame(page)
    play, scrub = page.locator("#play"), page.locator("#scrub")
    play.scroll_into_view_if_needed()
    at_birth = page.locator("#stages canvas").first.evaluate("canvas => canvas.toDataURL()")
    assert frame(page) == 0
    play.focus()
    page.keyboard.press("Space")
    page.wait_for_function("Number(document.getElementById('clock').dataset.frame) > 10")
    assert play.get_attribute("aria-label") == "Pause"
    assert page.locator("#stages canvas").first.evaluate("canvas => canvas.toDataURL()") != at_birth
    play.click()
    stopped = frame(page)
    assert play.get_attribute("aria-label") == "Play"
    scrub.focus()
    page.keyboard.press("ArrowRight")
    assert frame(page) == stopped + 1
    page.keyboard.press("End")
    assert frame(page) == 449
    assert page.locator("#clock").inner_text() == "step 898 of 898"


def test_the_replay_ends_and_starts_again(visit, page_file):
    page = visit(page_file)
    frame(page)
    page.locator("#scrub").fill("440")
    page.locator("#speed").select_option("4")
    page.locator("#play").click()
    page.wait_for_function("document.getElementById('play').getAttribute('aria-label') === 'Play'")
    assert frame(page) == 449
    page.locator("#play").click()
    page.wait_for_function("Number(document.getElementById('clock').dataset.frame) < 440")


def stage(page):
    """The first newborn's picture, and what stands above it."""
    frame(page)
    figure = page.locator("#stages figure").first
    return figure.locator("canvas").evaluate("canvas => canvas.toDataURL()"), figure.locator("figcaption").inner_text()


def test_the_replay_jumps_to_another_age_and_another_run(visit, page_file):
    page = visit(page_file)
    at_birth = stage(page)
    ages = page.locator("#replay-ages button")
    assert ages.all_inner_texts() == ["birth", "2,000"]
    ages.nth(1).click()
    late = stage(page)
    assert page.locator("#clock").inner_text() == "step 2000 of 2098"
    assert ages.nth(1).get_attribute("aria-pressed") == "true"
    page.locator("#replay-run").select_option("1")
    other = stage(page)
    assert page.locator("#clock").inner_text() == "step 2000 of 2098"
    ages.nth(0).click()
    other_birth = stage(page)
    assert len({at_birth, late, other, other_birth}) == 4
    page.locator("#replay-condition").select_option("alpha 90")
    assert frame(page) == 0
    assert page.locator("#replay-run").is_hidden()
    assert ages.count() < 2 or page.locator("#replay-ages").is_hidden()


def test_a_click_on_a_line_tells_what_is_known_of_that_step(visit, page_file):
    page = visit(page_file)
    frame(page)
    told = page.locator("#moment")
    assert told.get_attribute("open") is None
    page.locator("#play").click()
    tracks = page.locator("#tracks")
    tracks.scroll_into_view_if_needed()
    box = tracks.bounding_box()
    tracks.click(position={"x": box["width"] * 0.6, "y": 30})
    at = frame(page)
    assert at == pytest.approx(0.6 * 449, abs=2)
    assert page.locator("#play").get_attribute("aria-label") == "Play"
    assert told.locator(".facts").inner_text().startswith(f"Step {2 * at} .. {2 * at + 1} of life")
    cells = {
        (group, row[0]): row[1:]
        for group, row in grouped(
            told.locator("tr").evaluate_all("all => all.map(r => [...r.cells].map(c => c.innerText))")
        )
    }
    lived = [arm for arm in made_up_replay()["arms"]]
    for group, part in (("it observes", "observations"), ("it senses", "senses"), ("it is rewarded for", "drives")):
        for name in lived[0][part]:
            shown = [float(text.replace("\N{MINUS SIGN}", "-")) for text in cells[group, name]]
            assert shown == pytest.approx([arm[part][name][at] for arm in lived], abs=1e-3), name
    assert cells["it does", "action"] == [["rest", "run"][at % 2]] * 2
    total = [sum(column[at] for column in arm["drives"].values()) for arm in lived]
    shown = [float(text.replace("\N{MINUS SIGN}", "-")) for text in cells["it is rewarded for", "in all"]]
    assert shown == pytest.approx(total, abs=2e-3)
    page.locator("#scrub").focus()
    page.keyboard.press("Home")
    assert told.locator(".facts").inner_text().startswith("Step 0 .. 1 of life")


def grouped(rows):
    """Rows of the table of a step, each with the heading it stands under."""
    group = ""
    for row in rows[1:]:
        if len(row) == 1:
            group = row[0]
        else:
            yield group, row


def test_a_world_that_is_not_drawn_shows_its_observations(visit, page_file):
    page = visit(page_file)
    page.locator("#replay-condition").select_option("alpha 70")
    frame(page)
    canvas = page.locator("#stages canvas").first
    canvas.scroll_into_view_if_needed()
    painted = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(value => value > 0)"
    assert canvas.evaluate(painted)
    assert canvas.bounding_box()["height"] == pytest.approx(2 * 46, abs=1)


@pytest.mark.parametrize("width", [1400, 1280, 390])
def test_no_table_of_contrasts_or_arms_is_wider_than_its_box(visit, page_file, width):
    page = visit(page_file, width)
    page.locator("#tables details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    boxes = page.locator(".scroll:has(> table.fitted)")
    assert boxes.count() == 6
    assert boxes.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_page_fits_its_window(visit, page_file, tmp_path, width, theme):
    assert_fits(visit(page_file, width, theme), width, tmp_path / f"page-{width}-{theme}.png")


def test_what_a_user_writes_is_shown_and_never_run(visit, hostile_file):
    page = visit(hostile_file, 390)
    keys = draw_all(page)
    assert page.locator("h1").inner_text() == HOSTILE["made-up lives"]
    assert page.locator("main img, main a[href^='javascript'], svg a").count() == 0
    assert IMAGE in page.locator("#chart-learning_curves .legend").inner_text()
    ticks = page.locator("#chart-birth_catch_up_ceiling .ytick text").all_text_contents()
    assert any(text.startswith("<img src=x onerror") for text in ticks)
    assert "<b>x</b>" in ticks
    page.locator("#chart-learning_curves select").select_option(HOSTILE["alpha 70"])
    for key in keys:
        page.locator(f"#chart-{key} .panels").hover()
    frame(page)
    page.locator("#play").click()
    page.wait_for_function("Number(document.getElementById('clock').dataset.frame) > 3")
    page.locator("#moment summary").click()
    assert IMAGE in page.locator("#stages").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_sentences_and_tables_are_there(browser, page_file):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator(".card .sentence").count() == 3
    assert page.locator("#tables tbody tr").count() > 30
    assert page.locator("noscript").first.is_visible()
    context.close()
