"""A replay as a film: its frames painted side by side, one arm beside the other, and written as GIF, WebM or MP4."""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evolearn.report._chart import Look
from evolearn.report._files import Json, ReportError
from evolearn.report._looks import LIGHT
from evolearn.world import Circle, Line, Polygon, Shape, paint, unpacked_picture

CODECS = {".webm": "libvpx-vp9", ".mp4": "libx264"}
_PAPER, _INK, _QUIET, _LINE = "#ffffff", "#16191d", "#5a636e", "#d8dde2"
_GAP = 8  # pixels
_NAME, _TEXT = 15, 12  # pixels high
_HEAD, _FOOT = 46, 30  # pixels above and below the stages
_TALLEST = 1.4  # a stage's height by its width
_COLOURS = 48  # of a GIF
_SAMPLES = 8  # frames that these are chosen from
_ALMOST_WHITE = 248


def film_frames(replay: Json, looks: Mapping[str, Look], width: int) -> Iterator[Image.Image]:
    """Every frame of a replay.

    Args:
        replay: as `evolearn.study.record_replay` makes it, of a world that is drawn.
        looks: of the arms.
        width: pixels; the height follows from what is to be seen, both are even.
    """
    arms = replay["arms"]
    stage = (width - _GAP * (len(arms) + 1)) // len(arms)
    height = _stage_height(replay, stage)
    count = min(len(arm["score"]) for arm in arms)
    for frame in range(count):
        image = Image.new("RGB", (width // 2 * 2, (_HEAD + height + _FOOT + 1) // 2 * 2), _PAPER)
        pen = ImageDraw.Draw(image)
        for place, arm in enumerate(arms):
            left = _GAP + place * (stage + _GAP)
            colour = LIGHT[looks[arm["arm"]].colour]
            image.paste(Image.fromarray(_stage(replay, arm, frame, stage, height, colour)), (left, _HEAD))
            pen.rectangle((left, _HEAD, left + stage - 1, _HEAD + height - 1), outline=_LINE)
            pen.text((left, 4), arm["arm"], fill=colour, font=ImageFont.load_default(_NAME))
            _write(pen, left, stage, 26, arm["label"], _score_in_words(replay["score"], arm, frame))
        _write_foot(pen, replay, frame, count, image.size)
        yield image


def _stage_height(replay: Json, stage: int) -> int:
    if replay["bounds"] is not None:
        left, right, bottom, top = replay["bounds"]
        return max(round(stage * min((top - bottom) / (right - left), _TALLEST)), 1)
    rows, columns, _ = unpacked_picture(replay["arms"][0]["pictures"][0]).shape
    return round(stage * rows / columns)


def _stage(replay: Json, arm: Json, frame: int, width: int, height: int, colour: str) -> np.ndarray:
    if arm.get("pictures"):
        picture = Image.fromarray(unpacked_picture(arm["pictures"][frame]))
        return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))
    return paint(_shapes(arm["shapes"], arm["frames"][frame]), replay["bounds"], width, height, colour)


def _shapes(heads: Sequence[Json], numbers: Sequence[float]) -> Iterator[Shape]:
    """The shapes of a frame, from what of them is the same in every frame and their numbers."""
    at = 0
    for head in heads:
        size = {"circle": 3, "line": 4}.get(head["kind"]) or 2 * head["points"]
        own, opacity = numbers[at : at + size], numbers[at + size]
        at += size + 1
        about = {"role": head["role"], "label": head["label"], "opacity": opacity}
        if head["kind"] == "polygon":
            yield Polygon(list(zip(own[::2], own[1::2], strict=True)), **about)
        else:
            yield {"circle": Circle, "line": Line}[head["kind"]](*own, **about)


def _score_in_words(score: str, arm: Json, frame: int) -> str:
    """Mean fitness over all that was shown so far, or the return of the episode under way."""
    if score.startswith("mean"):
        return f"score so far {np.mean(arm['score'][: frame + 1]):.2f}"
    return f"return {arm['score'][frame]:.4g}"


def _write(pen: ImageDraw.ImageDraw, left: float, width: float, top: int, text: str, number: str) -> None:
    """A text at the left, as much of it as there is room for, and a number at the right."""
    font = ImageFont.load_default(_TEXT)
    room = width - pen.textlength(number, font) - _GAP
    if pen.textlength(text, font) > room:
        while text and pen.textlength(text + "...", font) > room:
            text = text[:-1]
        text += "..."
    pen.text((left, top), text, fill=_QUIET, font=font)
    pen.text((left + width, top), number, fill=_INK, font=font, anchor="ra")


def _write_foot(pen: ImageDraw.ImageDraw, replay: Json, frame: int, count: int, size: tuple[int, int]) -> None:
    """The age in words, and how far the film is as a bar."""
    width, height = size
    age = replay.get("start", 0) + frame * replay["step_stride"]
    _write(pen, _GAP, width - 2 * _GAP, height - 22, f"the same life, world {replay['world']}", f"age {age:,} steps")
    done = (width - 2 * _GAP) * (frame + 1) / count
    pen.rectangle((_GAP, height - 4, width - _GAP, height - 3), fill=_LINE)
    pen.rectangle((_GAP, height - 4, _GAP + done, height - 3), fill=_QUIET)


def gif(frames: Sequence[Image.Image], fps: float) -> bytes:
    """Frames as a GIF that begins again at its end, in colours that all of them share."""
    shown = frames[:: max(len(frames) // _SAMPLES, 1)]
    sample = Image.new("RGB", (shown[0].width, shown[0].height * len(shown)))
    for place, frame in enumerate(shown):
        sample.paste(frame, (0, place * frame.height))
    palette = sample.quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = np.array(palette.getpalette(), np.uint8).reshape(-1, 3)
    colours[(colours >= _ALMOST_WHITE).all(axis=1)] = 255  # paper stays white
    palette.putpalette(colours.ravel().tolist())
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=1000 / fps, loop=0, optimize=False)
    return file.getvalue()


def video(frames: Sequence[Image.Image], fps: float, suffix: str) -> bytes:
    """Frames as WebM or MP4.

    Raises:
        ReportError: what writes them is not installed, or fails.
    """
    try:
        import imageio_ffmpeg
    except ModuleNotFoundError as error:
        raise ReportError(
            f"--to {suffix}: needs the package imageio-ffmpeg, which is not installed: pip install 'evolearn[video]'; "
            "or name a .gif or a .html file"
        ) from error
    width, height = frames[0].size
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"film{suffix}"
        wanted = ["-an", "-vcodec", CODECS[suffix], "-pix_fmt", "yuv420p", str(file)]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *given, *wanted]
        done = subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), capture_output=True)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise ReportError(f"--to {suffix}: ffmpeg could not write it: {said}; name a .gif or a .html file")
        return file.read_bytes()
