"""The documentation's site in headless Chromium: opened from a folder, without a server and without a network."""

import os
import subprocess
import sys

import pytest

from tests.helpers.places import ROOT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment, timeout=300)
    return folder


@pytest.fixture
def page(browser, site):
    """A page whose errors, and whose requests for anything beyond the site's folder, are collected in `page.seen`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.seen = []
    page.on("console", lambda message: page.seen.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.seen.append(str(error)))
    page.on("request", lambda asked: page.seen.append(asked.url) if not asked.url.startswith(site.as_uri()) else None)
    # a page that is left while it still loads aborts what was under way
    page.on("requestfailed", lambda asked: page.seen.append(asked.url) if "ABORTED" not in asked.failure else None)
    yield page
    context.close()
    assert page.seen == []


def test_every_page_opens_whole_and_no_wider_than_the_window(page, site):
    pages = [path for path in sorted(site.rglob("*.html")) if "files" not in path.parts and path.name != "404.html"]
    assert len(pages) > 20
    for path in pages:
        page.goto(path.as_uri())
        assert page.locator("h1").count() == 1, path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_the_search_works_without_a_server(page, site):
    page.goto((site / "reference" / "statistics.html").as_uri())
    page.click("[data-md-component=search-query]")
    page.keyboard.type("interquartile mean")
    page.wait_for_selector(".md-search-result__item")
    assert "iqm" in page.inner_text(".md-search-result")
    page.locator(".md-search-result__link").first.click()
    page.wait_for_load_state()
    assert page.url.startswith(site.as_uri())
