"""Replays as files to watch: frames that show what the replay holds, and texts where there can be none."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evolearn.report import check_film, write_film
from evolearn.report._chart import Look
from evolearn.report._files import ReportError
from evolearn.report._film import _shapes, film_frames
from evolearn.report._looks import BLUE, LIGHT, VERMILION
from evolearn.world import Circle, Line, Polygon, packed_picture, unpacked_picture
from tests.helpers.places import ROOT
from tests.helpers.study_on_disk import made_up_replay

LOOKS = {"evolved": Look(VERMILION), "tuned_blank": Look(BLUE)}


def colour(look: int) -> np.ndarray:
    return np.array([int(LIGHT[look][at : at + 2], 16) for at in (1, 3, 5)])


def test_every_arm_is_drawn_in_its_colour_on_its_side_and_moves() -> None:
    replay = made_up_replay(frames=30)
    frames = [np.asarray(frame) for frame in film_frames(replay, LOOKS, 401)]
    assert len(frames) == 30
    assert {frame.shape for frame in frames} == {(frames[0].shape[0], 400, 3)}
    assert frames[0].shape[0] % 2 == 0
    own = frames[0][50:-34]  # without names and the foot
    left, right = own[:, :200], own[:, 200:]
    assert (left == colour(VERMILION)).all(axis=2).any()
    assert (right == colour(BLUE)).all(axis=2).any()
    assert not (left == colour(BLUE)).all(axis=2).any()
    assert not (right == colour(VERMILION)).all(axis=2).any()
    assert any((frame[50:-34] != own).any() for frame in frames[1:])


def test_shapes_come_back_from_their_numbers() -> None:
    shapes = [
        Circle(1.0, 2.0, 3.0, role="goal", label="here", opacity=0.5),
        Line(0.0, 1.0, 2.0, 3.0, role="self"),
        Polygon([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], role="friend", label="mother"),
    ]
    heads = [{"kind": s.kind, "role": s.role, "label": s.label} for s in shapes]
    heads[2]["points"] = 3
    assert list(_shapes(heads, [number for shape in shapes for number in shape.numbers])) == shapes


def test_a_gif_has_every_frame_for_as_long_as_was_asked(tmp_path: Path) -> None:
    file = tmp_path / "two.gif"
    write_film(made_up_replay(frames=20), file, 300, 20, "evolearn replay")
    with Image.open(file) as film:
        assert film.n_frames == 20
        assert film.info["duration"] == 50
        assert film.info["loop"] == 0
        assert film.size[0] == 300
        assert film.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_a_world_that_renders_itself_is_shown_as_it_is_rendered(tmp_path: Path) -> None:
    replay = made_up_replay(frames=2, shapes=False)
    red, green = (np.full((40, 60, 3), value, np.uint8) for value in ((200, 0, 0), (0, 150, 0)))
    for arm in replay["arms"]:
        arm["pictures"] = [packed_picture(red), packed_picture(green)]
        assert np.array_equal(unpacked_picture(arm["pictures"][0]), red)
    first, second = (np.asarray(frame) for frame in film_frames(replay, LOOKS, 300))
    assert tuple(first[80, 80]) == (200, 0, 0)
    assert tuple(second[80, 80]) == (0, 150, 0)
    write_film(replay, page := tmp_path / "two.html", 300, 20, "evolearn replay")
    assert replay["arms"][0]["pictures"][1] in page.read_text()


def test_a_page_plays_it_and_needs_nothing_else(tmp_path: Path) -> None:
    replay = {**made_up_replay(frames=20), "start": 400}
    write_film(replay, file := tmp_path / "two.html", 300, 20, "evolearn replay zoo/foal")
    text = file.read_text(encoding="utf-8")
    assert "from the age of 400 steps on" in text
    assert "evolearn replay zoo/foal" in text
    assert '"start":400' in text
    assert "http" not in text.replace("http-equiv", "")
    assert len(text) < 200_000


@pytest.mark.parametrize("suffix", [".webm", ".mp4"])
def test_films_of_other_kinds_are_written_or_say_what_to_install(suffix: str, tmp_path: Path, monkeypatch) -> None:
    replay, file = made_up_replay(frames=6), tmp_path / f"two{suffix}"
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "imageio_ffmpeg", None)
        with pytest.raises(
            ReportError, match=rf"^--to \{suffix}: needs the package imageio-ffmpeg, .*evolearn\[video\]"
        ):
            write_film(replay, file, 320, 25, "")
    assert not file.exists()
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    write_film(replay, file, 320, 25, "")
    read = [ffmpeg.get_ffmpeg_exe(), "-i", str(file), "-f", "null", "-"]
    said = subprocess.run(read, capture_output=True, text=True, check=True).stderr
    assert " 25 fps" in said
    assert " 320x" in said
    assert re.findall(r"frame= *(\d+)", said)[-1] == "6"


def test_a_world_without_a_drawing_makes_a_page_and_no_film(tmp_path: Path) -> None:
    replay = made_up_replay(frames=6, shapes=False)
    write_film(replay, tmp_path / "page.html", 320, 25, "")
    with pytest.raises(
        ReportError, match=r"has no drawing; give it a draw, see evolearn\.world\.World, or name a \.html"
    ):
        write_film(replay, tmp_path / "film.gif", 320, 25, "")


@pytest.mark.parametrize(
    ("name", "width", "fps", "text"),
    [
        ("film.avi", 320, 25, r"^--to film\.avi: must end in \.html, \.gif, \.webm or \.mp4$"),
        ("film.gif", 100, 25, r"^--width 100: must be 160 \.\. 1920$"),
        ("film.gif", 320, 60, r"^--fps 60: must be 1 \.\. 50$"),
        ("no/film.gif", 320, 25, r"^--to no/film\.gif: there is no folder no; make it, or name another$"),
        ("here.gif", 320, 25, r"^--to here\.gif: is there already; --force replaces it, or name another$"),
        ("folder.gif", 320, 25, r"^--to folder\.gif: is a directory; name a file$"),
    ],
)
def test_what_cannot_be_written_is_refused_before(name, width, fps, text, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.gif").touch()
    Path("folder.gif").mkdir()
    with pytest.raises(ReportError, match=text):
        check_film(Path(name), width, fps, force=False)
    check_film(Path("here.gif"), 320, 25, force=True)


def test_the_film_of_the_readme_is_one_and_small() -> None:
    file = ROOT / "docs" / "foal.gif"
    assert file.stat().st_size <= 1_000_000
    with Image.open(file) as film:
        assert film.n_frames == 150
