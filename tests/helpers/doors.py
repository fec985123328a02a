"""A contract for import-linter: from another package only what its `__init__` exports.

A package's exports are listed in its stub, `__init__.pyi`. A module may be among them; then what is in it is, too.
"""

from __future__ import annotations

import ast
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class Doors(Contract):
    """Configuration: ``package``, whose sub-packages have doors."""

    package = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        inside = [
            detail
            for module in sorted(graph.modules)
            for imported in sorted(graph.find_modules_directly_imported_by(module))
            if is_inside(str(self.package), module, imported)
            for detail in graph.get_import_details(importer=module, imported=imported)
        ]
        return ContractCheck(kept=not inside, metadata={"inside": inside})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for detail in check.metadata["inside"]:
            output.print_error(f"{detail['importer']}:{detail['line_number']}: {detail['line_contents']}")


def is_inside(package: str, module: str, imported: str) -> bool:
    """Whether an import goes past a door of `package`, into another room than that of the importing module."""
    room = imported.removeprefix(f"{package}.").partition(".")[0]
    door = f"{package}.{room}"
    if not imported.startswith(f"{door}.") or f"{module}.".startswith(f"{door}."):
        return False
    exported = exports(door).get("", ())
    return not any(f"{imported}.".startswith(f"{door}.{name}.") for name in exported)


def exports(package: str, root: Path = Path()) -> dict[str, list[str]]:
    """Names that a package exports, by the module within it that they come from; modules themselves under ``""``."""
    stub = root.joinpath(*package.split("."), "__init__.pyi")
    found: dict[str, list[str]] = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body if stub.exists() else ():
        if isinstance(node, ast.ImportFrom):
            found.setdefault(node.module or "", []).extend(alias.name for alias in node.names)
    return found
