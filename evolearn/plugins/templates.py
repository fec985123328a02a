"""Something new of a user's own: its files, from templates that a package keeps."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import keyword
import os
import re
from collections.abc import Mapping
from pathlib import Path

from evolearn.errors import UserError

_PLACEHOLDER = "NAME"

Files = Mapping[str, tuple[str, str]]  # template -> the name of what is made of it, and what that is


class NewFileError(UserError):
    """Files that cannot be made; the text says why, and what to do."""


def write_new(thing: str, name: str, folder: Path, templates: Path, files: Files) -> dict[Path, str]:
    """Write the files of something new.

    Args:
        thing: what it is: "world".
        name: of it, its file and what it is called in the file; a Python name in small letters.
        folder: where; made if it is not there.
        templates: folder of the templates.
        files: what becomes of each.
    Returns:
        What each file is, by path.
    Raises:
        NewFileError: the name cannot be used, a file is there already, or the folder cannot be written.
    """
    from evolearn.files import check_name  # here: it takes long to import

    _check_name(thing, name, folder, [templates / template for template in files if template.endswith(".py.txt")])
    texts = {
        folder / target.replace(_PLACEHOLDER, name): (templates / template).read_text(encoding="utf-8")
        for template, (target, _) in files.items()
    }
    there = [path for path in texts if os.path.lexists(path)]
    if there:
        raise NewFileError(
            f"{', '.join(map(str, there))}: exists already, and nothing is overwritten; choose another NAME or --folder"
        )
    check_name(f"--folder {folder}", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text.replace(_PLACEHOLDER, name))
    except OSError as error:
        raise NewFileError(
            f"{error.filename or folder}: cannot be written: {error.strerror}; choose another NAME or --folder"
        ) from error
    return dict(zip(texts, (what for _, what in files.values()), strict=True))


def _check_name(thing: str, name: str, folder: Path, codes: list[Path]) -> None:
    refused = f"NAME={name}: "
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        slug = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
        slug = f"my_{slug}".rstrip("_") if not slug or slug[0].isdigit() or keyword.iskeyword(slug) else slug
        raise NewFileError(
            f"{refused}must be a Python name: small letters, digits and _, a letter first; for example {slug}"
        )
    if name in _words(codes) or hasattr(builtins, name):
        raise NewFileError(f"{refused}is used in the {thing}'s own code already; for example my_{name}")
    try:
        taken = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        taken = None
    if taken is not None and (taken.origin is None or Path(taken.origin).resolve().parent != folder.resolve()):
        raise NewFileError(
            f"{refused}is a module already ({taken.origin or 'a package'}), which its test would import; "
            f"for example my_{name}"
        )


def _words(codes: list[Path]) -> set[str]:
    """Every name that the templates' code uses for something else."""
    words: set[str] = set()
    for code in codes:
        for node in ast.walk(ast.parse(code.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name):
                words.add(node.id)
            elif isinstance(node, ast.arg):
                words.add(node.arg)
            elif isinstance(node, ast.FunctionDef):
                words.add(node.name)
            elif isinstance(node, ast.alias):
                words.add(node.asname or node.name.partition(".")[0])
    return words - {_PLACEHOLDER}
