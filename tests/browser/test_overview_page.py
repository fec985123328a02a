"""The page of runs side by side, opened in a browser."""

import pytest

from evolearn.report import Curve, Seen, render_overview
from tests.browser.pages import draw_all

pytestmark = pytest.mark.browser


def seen(folder, name, state="finished", seed=0):
    curve = Curve(name, "", "", (1e3, 2e3, 3e3), (0.1, 0.2, 0.3 + seed))
    settings = {"seed": seed, "search.population": 8}
    return Seen(
        folder / name, "run", "cart-pole", 0.0, state, 3, 9, 60.0, {"evolved": 0.5}, "", True, settings, (curve,)
    )


def test_a_click_in_the_legend_hides_a_run_and_what_differs_is_listed(visit, tmp_path):
    path = tmp_path / "comparison.html"
    path.write_text(render_overview([seen(tmp_path, "a"), seen(tmp_path, "b", seed=1)]))
    page = visit(path)
    draw_all(page)
    lines = page.locator("#chart-runs .lines path.js-line")
    assert lines.count() == 2
    button = page.locator("#chart-runs .legend button", has_text="b")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    page.wait_for_function("document.querySelectorAll('#chart-runs .lines path.js-line').length === 1")
    assert page.locator("#differences tbody tr").all_inner_texts() == ["seed\t0\t1"]


def test_a_page_of_what_runs_reads_itself_again(visit, tmp_path):
    path = tmp_path / "overview.html"
    path.write_text(render_overview([seen(tmp_path, "a", "running")], refresh=1))
    page = visit(path, width=390, theme="dark")
    assert "running, 3 of 9 generations; about 1 min 00 s left" in page.locator("#state").inner_text()
    path.write_text(render_overview([seen(tmp_path, "a")]))
    page.get_by_text("finished, 3 of 9 generations.").wait_for(timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
