"""A new drive, learner, policy or trunk: its file, its test and its config, from the templates in this package."""

from __future__ import annotations

from pathlib import Path

from evolearn.agent.drives.table import DRIVE
from evolearn.agent.learners.table import LEARNER
from evolearn.agent.policies.table import POLICY
from evolearn.agent.trunks.table import TRUNK
from evolearn.plugins import NewFileError, registered, write_new

_WHAT = {
    "drive": "the drive; as it stands, a small complete one",
    "learner": "the learner; as it stands, a small complete one",
    "policy": "the policy and a learner that teaches it; as it stands, a small complete one",
    "trunk": "the trunk; as it stands, a small complete one",
}
KINDS = tuple(_WHAT)
_TABLES = {kind.word: kind for kind in (DRIVE, LEARNER, POLICY, TRUNK)}


def new_part(kind: str, name: str, folder: Path) -> dict[Path, str]:
    """Write the files of a new part of an agent; see `evolearn.plugins.write_new`.

    Args:
        kind: of KINDS.
        name: of the part.
        folder: where.
    Raises:
        NewFileError: one goes by that name already, or as `evolearn.plugins.write_new`.
    """
    # The world's fitness has a drive weight too: in a config, two would go by one name.
    taken = [*(["fitness"] if kind == "drive" else []), *_TABLES[kind].box, *registered(_TABLES[kind].group)]
    if name in taken:
        others = ", ".join(other for other in taken if other != name)
        raise NewFileError(f"NAME={name}: is the name of a {kind} already, as are {others}; for example my_{name}")
    files = {
        f"{kind}.py.txt": ("NAME.py", _WHAT[kind]),
        f"{kind}_test.py.txt": ("test_NAME.py", "its test"),
        f"{kind}.yaml.txt": ("NAME.yaml", "a run that uses it"),
    }
    return write_new(kind, name, folder, Path(__file__).parent / "templates", files)
