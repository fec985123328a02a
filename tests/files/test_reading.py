"""Files are read with bounds: what is no regular file, too large, too deep or not what it must be is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from evolearn.files import (
    FileDamaged,
    FileMissing,
    Record,
    check_record,
    read_bytes,
    read_json,
    read_record,
    read_tensor_labels,
    read_tensors,
    read_text,
)


class Label(Record):
    """What these tests ask a file for."""

    kind: str
    format: int
    scores: tuple[float, ...]


WHOLE = {"kind": "run", "format": 1, "scores": [1.0, 2, float("nan")], "more": {"is": "left alone"}}


def written(path: Path, content: str | bytes) -> Path:
    """The file with that in it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_missing_file_is_another_error_than_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match=r"a\.json: is missing; make it again"):
        read_text(tmp_path / "a.json", "make it again")
    with pytest.raises(FileMissing):
        read_text(written(tmp_path / "file", "") / "below", "make it again")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileDamaged, match="is not a regular file"):  # and does not wait for a writer
        read_bytes(tmp_path / "pipe")
    with pytest.raises(FileDamaged, match="is a directory"):
        read_bytes(tmp_path)
    with pytest.raises(FileDamaged, match="is not a regular file"):
        read_bytes(Path("/dev/zero"))


def test_a_file_larger_than_its_kind_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(FileDamaged, match="has 1,099,511,627,776 bytes, at most"):
        read_bytes(path)


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileDamaged, match=r"is not UTF-8 text \(byte 2\)"):
        read_text(written(tmp_path / "text", b"ab\xff"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "Expecting property name"),
        ("[1]", "holds a list, not names with values"),
        ('"text"', "holds a text"),
        ("null", "holds nothing"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested more than 100 deep"),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "nested more than 100 deep"),
        ('{"a": ' + "9" * 5000 + "}", "4300 digits"),
        (r'{"a": "\ud800"}', "half a character"),
    ],
)
def test_json_that_cannot_be_used_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(FileDamaged) as caught:
        read_json(written(tmp_path / "a.json", content))
    assert str(caught.value).startswith(f"{tmp_path / 'a.json'}: is damaged: ")
    assert complaint in str(caught.value)


def test_a_whole_pair_of_surrogates_is_a_character(tmp_path: Path) -> None:
    assert read_json(written(tmp_path / "a.json", r'{"a": "\ud83e\udd93"}')) == {"a": "🦓"}


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    label = read_record(written(tmp_path / "a.json", json.dumps(WHOLE)), Label)
    assert (label.kind, label.format, label.scores[:2]) == ("run", 1, (1.0, 2.0))
    assert np.isnan(label.scores[2])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": True}, "format=True: must be a valid integer"),
        ({"format": "1"}, "format='1': must be a valid integer"),
        ({"format": None}, "format=None"),
        ({"kind": 3}, "kind=3: must be a valid string"),
        ({"scores": {"a": 1}}, "scores="),
        ({"scores": ["1"]}, "scores.0='1': must be a valid number"),
    ],
)
def test_a_field_of_another_type_is_named(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    with pytest.raises(FileDamaged) as caught:
        check_record(Label, {**WHOLE, **change}, tmp_path / "a.json", "make it again", "row 3")
    assert f"a.json: is damaged: row 3: {complaint}" in str(caught.value)
    assert str(caught.value).endswith("; make it again")


def test_a_field_that_is_left_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileDamaged, match=r"is damaged: lacks kind; lacks format; lacks scores$"):
        check_record(Label, {}, tmp_path / "a.json")


def test_tensors_and_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    payload = safetensors.numpy.save({"a": np.arange(6, dtype=np.float32).reshape(2, 3)}, metadata={"b": "c"})
    labels, tensors = read_tensors(written(tmp_path / "a.safetensors", payload))
    assert labels == read_tensor_labels(tmp_path / "a.safetensors") == {"b": "c"}
    np.testing.assert_array_equal(tensors["a"], [[0, 1, 2], [3, 4, 5]])
    tensors["a"][0, 0] = 7  # a copy of its own


def _header(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x01",
        b"\xff" * 8,
        _header("{"),
        _header("[]"),
        _header('{"__metadata__": {"a": 1}}'),
        _header('{"__metadata__": 1}'),
        _header('{"a": {"dtype": "F32", "shape": [100000, 100000], "data_offsets": [0, 40000000000]}}'),
        _header('{"a": {"dtype": "F32", "shape": [18446744073709551615, 2], "data_offsets": [0, 8]}}') + bytes(8),
        _header('{"a": {"dtype": "Q7", "shape": [1], "data_offsets": [0, 4]}}') + bytes(4),
        _header('{"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}') + bytes(4),
        _header('{"a": 5}'),
    ],
)
def test_what_is_no_safetensors_file_is_refused_and_asks_for_no_memory(tmp_path: Path, payload: bytes) -> None:
    with pytest.raises(FileDamaged, match="is not a safetensors file"):
        read_tensors(written(tmp_path / "a.safetensors", payload))
