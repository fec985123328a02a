"""Files are whole or not there, and what a disk refuses is said with what can be done about it."""

import errno
import os
from pathlib import Path

import pytest

from evolearn.errors import RunDirectoryError
from evolearn.files import explained, make_directory, whole_file, write_whole
from evolearn.files.directories import make_next


@pytest.fixture
def full(monkeypatch) -> None:
    """A disk without room."""

    def refuse(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.usefixtures("full")
def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("before")
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "file", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "before"


def test_nothing_is_written_through_what_lies_beside_the_file(tmp_path: Path, monkeypatch) -> None:
    drawn = iter(["link", "pipe", "free"])
    monkeypatch.setattr("evolearn.files.writing.secrets.token_hex", lambda size: next(drawn))
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "file.link.part").symlink_to(tmp_path / "theirs")
    os.mkfifo(tmp_path / "file.pipe.part")
    for _ in range(2):
        with pytest.raises(FileExistsError):
            write_whole(tmp_path / "file", b"ours")
    write_whole(tmp_path / "file", b"ours")
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert not (tmp_path / "file").is_symlink()


def test_two_who_write_one_file_do_not_spoil_it(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file") as first:
        first.write(b"first")
        write_whole(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("label", "within", "said"),
    [
        ("run.json", "", "free space and continue with evolearn resume {0}$"),
        ("study.json", "runs/a", "free space and continue with evolearn resume {0}$"),
        ("other", "", "nothing is there yet that could be resumed: free space, or choose another --out, and begin"),
    ],
)
@pytest.mark.usefixtures("full")
def test_a_resume_is_recommended_where_there_is_something_to_resume(
    label: str, within: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / label).touch()
    (tmp_path / within).mkdir(parents=True, exist_ok=True)
    with pytest.raises(RunDirectoryError, match=said.format(tmp_path)), explained(tmp_path / within):
        write_whole(tmp_path / within / "file", b"")


def test_a_directory_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(RunDirectoryError, match="/file: is a directory, and a file is to be"), explained(tmp_path):
        write_whole(tmp_path / "file", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_directory_that_was_removed_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="gone: was removed while it was written"), explained(tmp_path / "gone"):
        write_whole(tmp_path / "gone" / "file", b"")


@pytest.mark.parametrize(
    ("name", "said"), [("a\0b", r"--out .*a\?b: holds a zero byte"), ("a\udcff", "--out .*: is not text in UTF-8")]
)
def test_names_that_no_file_can_have_are_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=said):
        make_directory("run", tmp_path / name)
    with pytest.raises(RunDirectoryError, match=said.removeprefix("--out ")):
        make_next(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_stays_where_it_was_made(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert make_directory("run", Path("out")) == tmp_path / "out"
    assert make_directory("run", None) == tmp_path / "runs" / "run-1"


def test_a_path_of_too_many_folders_is_refused(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a"] * 1500)
    for make in (lambda: make_directory("run", deep), lambda: make_next(deep, "run")):
        with pytest.raises(RunDirectoryError, match=r"folders within each other, at most 256 are made; name another"):
            make()
    assert not list(tmp_path.iterdir())
