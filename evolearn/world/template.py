"""A new world: its file, its test and its config, from the templates in this package."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import keyword
import re
from pathlib import Path

from evolearn.errors import UserError

_TEMPLATES = Path(__file__).parent / "templates"
_PLACEHOLDER = "NAME"
# Template -> the name of what is made of it, and what that is.
FILES = {
    "world.py.txt": ("NAME.py", "the world; as it stands, a small complete one"),
    "test.py.txt": ("test_NAME.py", "its test"),
    "config.yaml.txt": ("NAME.yaml", "a run in it"),
}


class NewWorldError(UserError):
    """A world that cannot be made; the text says why, and what to do."""


def new_world(name: str, folder: Path) -> dict[Path, str]:
    """Write the files of a new world.

    Args:
        name: of the world, its file and what it is called in the file; a Python name in small letters.
        folder: where; made if it is not there.
    Returns:
        What each file is, by path.
    Raises:
        NewWorldError: the name cannot be a world's, a file is there already, or the folder cannot be written.
    """
    _check_name(name, folder)
    texts = {
        folder / target.replace(_PLACEHOLDER, name): (_TEMPLATES / template).read_text(encoding="utf-8")
        for template, (target, _) in FILES.items()
    }
    there = [path for path in texts if path.exists()]
    if there:
        raise NewWorldError(
            f"{', '.join(map(str, there))}: exists already, and nothing is overwritten; choose another NAME or --folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text.replace(_PLACEHOLDER, name))
    except OSError as error:
        raise NewWorldError(
            f"{error.filename or folder}: cannot be written: {error.strerror}; choose another --folder"
        ) from error
    return dict(zip(texts, (what for _, what in FILES.values()), strict=True))


def _check_name(name: str, folder: Path) -> None:
    refused = f"NAME={name}: "
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        slug = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
        slug = f"my_{slug}".rstrip("_") if not slug or slug[0].isdigit() or keyword.iskeyword(slug) else slug
        raise NewWorldError(
            f"{refused}must be a Python name: small letters, digits and _, a letter first; for example {slug}"
        )
    if name in _words() or hasattr(builtins, name):
        raise NewWorldError(f"{refused}is used in the world's own code already; for example my_{name}")
    try:
        taken = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        taken = None
    if taken is not None and (taken.origin is None or Path(taken.origin).resolve().parent != folder.resolve()):
        raise NewWorldError(
            f"{refused}is a module already ({taken.origin or 'a package'}), which its test would import; "
            f"for example my_{name}"
        )


def _words() -> set[str]:
    """Every name that the templates' code uses for something else."""
    words: set[str] = set()
    for template in FILES:
        if not template.endswith(".py.txt"):
            continue
        for node in ast.walk(ast.parse((_TEMPLATES / template).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name):
                words.add(node.id)
            elif isinstance(node, ast.arg):
                words.add(node.arg)
            elif isinstance(node, ast.FunctionDef):
                words.add(node.name)
            elif isinstance(node, ast.alias):
                words.add(node.asname or node.name.partition(".")[0])
    return words - {_PLACEHOLDER}
