"""What compiled code depends on: a hash of all sources that it can reach, docstrings and comments left out.

Numba looks at one file when it decides whether what it kept of a function is still good, and not at the files of what
the function calls. So what is kept lies in a folder named by this hash: it holds code of exactly these sources.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from evolearn.files import FileUnfit, read_text

_PACKAGE = Path(__file__).parents[1]
_NUMERICS = f"{_PACKAGE.name}.numerics"
# Whoever imports one of these from there compiles something.
_COMPILING = {
    *("adapter", "compiled", "inlined", "inlined_within", "plug", "specialised", "spliced", "within", "world_code"),
}

Sources = Mapping[str, bytes]  # by module; the stub of a package, which says where its names come from, by `NAME.pyi`


def read_sources(package: Path = _PACKAGE) -> Sources:
    """Every source of a package and every stub that says what its packages export."""
    return {
        _module(path.relative_to(package.parent)): path.read_bytes()
        for path in sorted(package.rglob("*.py*"))
        if path.suffix in (".py", ".pyi")
    }


def reached_hash(sources: Sources, kept_in: Path) -> str:
    """Hash of the syntax of all modules that compiled code can reach, 16 hexadecimal digits.

    Args:
        sources: from `read_sources`.
        kept_in: a folder; to parse takes half a second, so what came of the same bytes is kept there.
    """
    digest = hashlib.sha256()
    for name, content in sources.items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    known = kept_in / f"{digest.hexdigest()[:32]}.txt"
    with contextlib.suppress(FileUnfit):
        if re.fullmatch("[0-9a-f]{16}", found := read_text(known)):
            return found
    trees = {name: ast.parse(content) for name, content in sources.items()}
    digest = hashlib.sha256()
    for name in sorted(reached(trees)):
        digest.update(f"{name}\0{_syntax(trees[name])}\0".encode())
    result = digest.hexdigest()[:16]
    with contextlib.suppress(OSError):  # a folder that cannot be written to: parsed again next time
        kept_in.mkdir(mode=0o700, parents=True, exist_ok=True)
        known.write_text(result, encoding="ascii")
    return result


def reached(trees: Mapping[str, ast.Module]) -> set[str]:
    """The modules that compile something, and all that they import in turn."""
    imports = {name: set(_imports(name, tree, trees)) for name, tree in trees.items() if not name.endswith(".pyi")}
    queue = [name for name in imports if _compiles(trees[name])]
    found: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += imports[name]
    return found


def _compiles(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(_NUMERICS):
            if any(alias.name in _COMPILING for alias in node.names):
                return True
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            if any(module.partition(".")[0] == "numba" for module in modules):
                return True
    return False


def _imports(name: str, tree: ast.Module, trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Modules of the package that a module imports, wherever in it; through a package's door, those behind it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in trees)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports relatively, which only the stubs do"
            for alias in node.names:
                yield from _behind(str(node.module), alias.name, trees)


def _behind(module: str, name: str, trees: Mapping[str, ast.Module]) -> Iterator[str]:
    if f"{module}.{name}" in trees:
        yield f"{module}.{name}"
    elif module in trees:
        yield module
        stub = trees.get(f"{module}.pyi")
        for node in stub.body if stub else ():
            if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
                inner = f"{module}.{node.module}" if node.module else module
                yield from _behind(inner, name, trees)


def _syntax(tree: ast.Module) -> str:
    """A module's syntax, without places in the file, comments and docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                del node.body[0]
    return ast.dump(tree)


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return name if path.suffix == ".py" else f"{name}.pyi"
