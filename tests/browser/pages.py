"""What tests of every page do with it."""

import os
import shutil
from pathlib import Path


def draw_all(page):
    """Scroll to every chart and wait until it is drawn."""
    keys = page.locator("figure.chart").evaluate_all("figures => figures.map(figure => figure.dataset.chart)")
    for key in keys:
        page.locator(f"#chart-{key}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#chart-{key}[data-drawn]")
    return keys


def assert_fits(page, width, picture):
    """Nothing of the whole page, all unfolded, is wider than its window; a picture is kept if one is asked for."""
    draw_all(page)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 50_000
    if folder := os.environ.get("EVOLEARN_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder)
