"""The page of all claims in headless Chromium: pictures, both themes, narrow windows, names of others."""

import pytest

from evolearn.claims import claims, kept_records, write_claims_page
from tests.browser.pages import assert_fits, draw_all
from tests.helpers.claim_on_disk import made_up_claim

pytestmark = pytest.mark.browser

NOT_RUN = {"hunger", "scaling"}  # their records are hidden
HOSTILE = "</script><script>alert(2)</script><img src=x onerror=alert(1)> {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """The page of one made-up study, and of the records that are kept, but for two."""
    folder = tmp_path_factory.mktemp("claims")
    kept = {name: record for name, record in kept_records().items() if name not in NOT_RUN}
    study = made_up_claim(claims()["zebra"], folder / "study", title=HOSTILE)
    (study / "report").mkdir()
    (study / "report" / "index.html").write_text("<h1>its own</h1>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolearn.claims.found.kept_records", lambda: kept)
        write_claims_page(folder / "claims.html", [study])
    return folder / "claims.html"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_claim_has_its_verdict_and_every_study_its_picture(visit, page_file, theme) -> None:
    page = visit(page_file, theme=theme)
    assert draw_all(page) == ["zebra-head_starts"]
    assert page.locator("#chart-zebra-head_starts .trace .point").count() > 9
    assert page.locator("section.claim").count() == 20
    assert page.locator("#glance tbody tr").count() == 20
    assert page.locator("#zebra .card .verdict").inner_text() == "held"
    assert "2 of 2 parts shown" in page.locator("#zebra .sentence").inner_text()
    # What was not run says so.
    assert {name for name in claims() if page.locator(f"#{name} .card .verdict").inner_text() == "not run"} == NOT_RUN
    for name in NOT_RUN:
        assert f"evolearn claims {name}" in page.locator(f"#{name}").inner_text()


def test_it_links_to_the_studys_own_page(visit, page_file) -> None:
    page = visit(page_file)
    assert page.locator("#zebra a", has_text="own page").get_attribute("href") == "study/report/index.html"


def test_a_claim_in_the_glance_leads_to_its_section(visit, page_file) -> None:
    page = visit(page_file)
    page.locator("#glance tbody a").nth(19).click()
    assert page.evaluate("location.hash") == "#scaling"
    assert page.locator("#scaling h2").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_is_wider_than_the_window(visit, page_file, tmp_path, width, theme) -> None:
    assert_fits(visit(page_file, width=width, theme=theme), width, tmp_path / f"claims-{width}-{theme}.png")
