"""A new world: its file, its test and its config, from the templates in this package."""

from __future__ import annotations

from pathlib import Path

from evolearn.plugins import write_new

FILES = {
    "world.py.txt": ("NAME.py", "the world; as it stands, a small complete one"),
    "test.py.txt": ("test_NAME.py", "its test"),
    "config.yaml.txt": ("NAME.yaml", "a run in it"),
}


def new_world(name: str, folder: Path) -> dict[Path, str]:
    """Write the files of a new world; see `evolearn.plugins.write_new`."""
    return write_new("world", name, folder, Path(__file__).parent / "templates", FILES)
