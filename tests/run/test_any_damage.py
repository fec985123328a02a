"""Whatever is done to the files of a run, opening it to go on is a text or a whole state of that run."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from evolearn.config import check_config
from evolearn.errors import UserError
from evolearn.life import OwnDrivers
from evolearn.run import Interrupted, assemble, open_run, start_run
from evolearn.run._resuming import standing
from tests.helpers.runs import Watcher, toy

STOPPED = 3  # generations

FILES = ("run.json", "config.yaml", "environment.json", "generations.jsonl")
CHECKPOINTS = tuple(f"checkpoints/generation_00000{n}.{kind}" for n in (1, 2) for kind in ("json", "safetensors"))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Interrupted):
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), Watcher(stop_after=STOPPED - 1))
    return path


def damage(file: Path, how: str, place: float, content: bytes) -> None:
    before = file.read_bytes()
    at = int(place * len(before))
    file.unlink()
    if how == "folder":
        file.mkdir()
    elif how == "pipe":
        os.mkfifo(file)
    elif how == "link":
        file.symlink_to("/dev/zero")
    elif how != "gone":
        after = {"cut": b"", "in the place": before[at + len(content) :], "put in": before[at:]}[how]
        file.write_bytes(before[:at] + (b"" if how == "cut" else content) + after)


@settings(max_examples=60, deadline=None)
@given(
    file=st.sampled_from(FILES + CHECKPOINTS),
    how=st.sampled_from(["folder", "pipe", "link", "gone", "cut", "in the place", "put in"]),
    place=st.floats(0.0, 0.999),
    content=st.binary(min_size=1, max_size=20) | st.sampled_from([b'"', b"{}", b"null", b"-1", b"1e999", b"\n", b"\0"]),
)
def test_any_damage_is_a_text_or_an_earlier_state(
    stopped: Path, file: str, how: str, place: float, content: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copytree(stopped, Path(folder) / "run"))
        damage(path / file, how, place, content)
        refused, stands = "", None
        try:
            run = open_run(path)
            stands = standing(assemble(run.read_config()), run)
        except UserError as error:
            refused = str(error)
        if stands is None:
            assert file in (*FILES[:2], FILES[3]), "a checkpoint or the surroundings never keep a run from going on"
            assert file in refused or "RUN=" in refused
        else:
            newest = f"generation_{STOPPED - 1:06d}.safetensors"
            lost = how == "gone" and newest in file  # nothing is left of it that could be complained of
            assert stands.first == (STOPPED - 1 if lost else STOPPED) or stands.complaints, (
                "what is passed over is said"
            )
