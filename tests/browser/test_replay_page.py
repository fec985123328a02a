"""The page of a replay in a real browser: it plays, says how old who is shown is, and shows what was rendered."""

import numpy as np
import pytest

from evolearn.report import write_film
from evolearn.world import packed_picture
from tests.browser.pages import assert_fits
from tests.helpers.study_on_disk import made_up_replay

pytestmark = pytest.mark.browser


def page_of(folder, replay):
    write_film(replay, folder / "replay.html", 320, 25, "evolearn replay zoo/foal")
    return folder / "replay.html"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_click_plays_it_from_the_age_at_which_it_begins(visit, tmp_path, width):
    page = visit(page_of(tmp_path, {**made_up_replay(frames=400), "start": 5000}), width)
    page.wait_for_selector("#clock[data-frame]")
    assert page.locator("#clock").text_content() == "step 5000 of 5798"
    assert page.locator("#stages canvas").count() == 2
    page.locator("#play").click()
    page.wait_for_function("Number(document.querySelector('#clock').dataset.frame) > 5")
    page.locator("#play").click()
    assert page.locator("#play").text_content() == "▶ Play"
    assert_fits(page, width, tmp_path / f"replay-{width}.png")


def test_pictures_that_were_rendered_are_shown_frame_by_frame(visit, tmp_path):
    replay = made_up_replay(frames=4, shapes=False)
    shades = [np.full((40, 60, 3), (250, 60 * place, 0), np.uint8) for place in range(4)]
    for arm in replay["arms"]:
        arm["pictures"] = [packed_picture(shade) for shade in shades]
    page = visit(page_of(tmp_path, replay))
    page.wait_for_selector("#clock[data-frame]")
    middle = """() => { const canvas = document.querySelector("#stages canvas");
        const spare = document.createElement("canvas");
        const pen = spare.getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, -canvas.width / 2, -canvas.height / 2);
        return [...pen.getImageData(0, 0, 1, 1).data]; }"""
    for place in (0, 3, 1):
        page.locator("#scrub").fill(str(place))
        page.wait_for_function(f"({middle})()[1] === {60 * place} && ({middle})()[0] === 250")
