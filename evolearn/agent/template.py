"""A new drive, learner, policy or trunk: its file, its test and its config, from the templates in this package."""

from __future__ import annotations

from pathlib import Path

from evolearn.plugins import write_new

_WHAT = {
    "drive": "the drive; as it stands, a small complete one",
    "learner": "the learner; as it stands, a small complete one",
    "policy": "the policy and a learner that teaches it; as it stands, a small complete one",
    "trunk": "the trunk; as it stands, a small complete one",
}
KINDS = tuple(_WHAT)


def new_part(kind: str, name: str, folder: Path) -> dict[Path, str]:
    """Write the files of a new part of an agent; see `evolearn.plugins.write_new`.

    Args:
        kind: of KINDS.
        name: of the part.
        folder: where.
    """
    files = {
        f"{kind}.py.txt": ("NAME.py", _WHAT[kind]),
        f"{kind}_test.py.txt": ("test_NAME.py", "its test"),
        f"{kind}.yaml.txt": ("NAME.yaml", "a run that uses it"),
    }
    return write_new(kind, name, folder, Path(__file__).parent / "templates", files)
