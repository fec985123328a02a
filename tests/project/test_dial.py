"""The picture of where the verdict turns: what it draws is the table of the page beside it."""

from pathlib import Path

from PIL import Image

from benchmarks import dial
from tests.helpers.places import ROOT

PAGE = """
| body | born: evolved / instinct | head start | of instinct | whole life: evolved / instinct / tuned blank | p |
|---|---|---|---|---|---|
| alpha 0 | 1.00 / .99 | 1 | 2 | .98 / .97 / .79 | .006 |
| alpha 75 | .12 / .71 | 3 | 4 | .84 / .77 / .79 | .043 |

More.
"""


def test_the_table_is_read() -> None:
    angles, at_birth, over_life = dial.read(PAGE)
    assert angles == [0, 75]
    assert at_birth == {"evolved": [1.0, 0.12], "instinct": [0.99, 0.71], "blank": [0.09, 0.09]}
    assert over_life == {"evolved": [0.98, 0.84], "instinct": [0.97, 0.77], "blank": [0.79, 0.79]}


def test_the_page_has_that_table_and_says_how_a_blank_slate_is_born() -> None:
    page = (dial.DOCS / "foal.md").read_text(encoding="utf-8")
    angles, at_birth, _ = dial.read(page)
    assert len(angles) == len(at_birth["evolved"]) >= 6
    assert f"A tuned blank slate is born at {dial.BLANK_AT_BIRTH:.2f}".replace("0.", ".") in page


def test_the_picture_is_fit_for_paper(tmp_path: Path) -> None:
    dial.draw(PAGE, tmp_path / "dial.png")
    for path in (tmp_path / "dial.png", ROOT / "docs" / "dial.png"):
        with Image.open(path) as picture:
            assert picture.width >= 1600
            assert round(picture.info["dpi"][0]) >= 200
