"""A replay as a file to watch: a page that plays it, or a film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evolearn.files import check_name, write_whole
from evolearn.report._chart import Look
from evolearn.report._files import Json, ReportError
from evolearn.report._film import CODECS, film_frames, gif, video
from evolearn.report._looks import BLUE, DARK, LIGHT, VERMILION, arm_looks
from evolearn.report._page_parts import PAGE_BYTES, as_json, drawings, own_file, templates
from evolearn.report._replays import pack_replays

PAGE, GIF = ".html", ".gif"
FORMATS = (PAGE, GIF, *CODECS)  # suffixes
_MARK = b'<script type="application/json" id="replays">'
WIDTHS, RATES = (160, 1920), (1, 50)  # of a film: pixels, frames per second


def check_film(path: Path, width: int, fps: int, force: bool) -> None:
    """Refuse what cannot be written, before anything is lived.

    Raises:
        ReportError: the suffix is none of FORMATS, a number is out of range, there is no such folder, or the file is
            there and not to be replaced.
    """
    check_name(f"--to {path}", path)
    if path.suffix.lower() not in FORMATS:
        raise ReportError(f"--to {path}: must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    for name, value, (low, high) in (("--width", width, WIDTHS), ("--fps", fps, RATES)):
        if not low <= value <= high:
            raise ReportError(f"{name} {value}: must be {low} .. {high}")
    if not path.parent.is_dir():
        raise ReportError(f"--to {path}: there is no folder {path.parent}; make it, or name another")
    if path.is_dir():
        raise ReportError(f"--to {path}: is a directory; name a file")
    if path.exists() and not force:
        raise ReportError(f"--to {path}: is there already; --force replaces it, or name another")


def is_replay_page(path: Path) -> bool:
    """Whether a file is a page that `write_film` wrote, so that another may take its place."""
    try:
        return _MARK in path.read_bytes()
    except OSError:
        return False


def write_film(replay: Json, path: Path, width: int, fps: int, command: str) -> None:
    """Write a replay as what the file's suffix says.

    Args:
        replay: as `evolearn.study.record_replay` makes it.
        path: checked by `check_film`.
        width: of a film, pixels.
        fps: of a film, frames per second.
        command: that makes it again; the page shows it.
    Raises:
        ReportError: it cannot be written; the world is not drawn, and it was to be a film; or what writes films of
            that kind is not installed.
    """
    suffix = path.suffix.lower()
    looks = _looks([arm["arm"] for arm in replay["arms"]])
    if suffix == PAGE:
        payload = _page(replay, looks, command).encode()
    else:
        if replay["bounds"] is None and not all(arm.get("pictures") for arm in replay["arms"]):
            raise ReportError(
                f"--to {path}: world {replay['world']} has no drawing; give it a draw, see evolearn.world.World, or "
                "name a .html file, which shows what is observed"
            )
        frames = list(film_frames(replay, looks, width))
        payload = gif(frames, fps) if suffix == GIF else video(frames, fps, suffix)
    try:
        write_whole(path, payload)
    except OSError as error:
        raise ReportError(f"--to {path}: cannot be written: {error.strerror}; name another") from error


def _looks(names: Sequence[str]) -> dict[str, Look]:
    """One for each: arms as everywhere, others in the colours of evolved and of a tuned blank slate."""
    known = arm_looks(names)
    return known | {name: Look(colour) for name, colour in zip(names, (VERMILION, BLUE), strict=False)}


def _page(replay: Json, looks: Mapping[str, Look], command: str) -> str:
    template = templates().get_template("replay.html.jinja")
    content = {
        "replay": replay,
        "command": command,
        "light": LIGHT,
        "dark": DARK,
        "plotly": "",
        "style": own_file("page.css"),
        "scripts": [own_file(name) for name in ("page.js", "replay.js")],
        "drawings": drawings([]),
    }
    without = template.render(**content, replays=as_json([]))
    packed = pack_replays([replay], dict(looks), PAGE_BYTES - len(without.encode()))
    return template.render(**content, replays=as_json(packed))
