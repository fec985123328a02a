"""What the reference takes from the source beside docstrings as they stand.

Records document their fields by a comment on the line (`weights: FloatArray  # [P, W]`), configs by
`Field(description=...)`; neither is a docstring, which is what mkdocstrings shows. A class gets a list of its fields,
a constant of a module the comment as its docstring. And sections of a docstring need no blank lines between them, nor
examples (`>>>`) a heading, as in the source.
"""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Any

from griffe import Attribute, Class, Docstring, Extension, Function, Inspector, ObjectNode, Visitor

NOTHING = "\N{ZERO WIDTH SPACE}"  # an entry without a text is no entry
HEADING = re.compile(r"(Args|Returns|Yields|Raises|Source|Examples?|Attributes|Note):")
COMMENT = re.compile(r"#\s*(?!noqa|type:)(?P<text>[^#]*\S)\s*$")
BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"), ("min_length", "at least so many:"))


class Docstrings(Extension):
    """Gives fields without a docstring the text that stands beside them, and sets sections apart."""

    def on_function_instance(self, *, func: Function, **kwargs: Any) -> None:
        """A function: its sections."""
        if func.docstring is not None:
            func.docstring.value = _sectioned(func.docstring.value, str(func.returns) if func.returns else None)

    def on_attribute_instance(
        self, *, node: ast.AST | ObjectNode, attr: Attribute, agent: Visitor | Inspector, **kwargs: Any
    ) -> None:
        """A constant of a module: its comment."""
        if attr.docstring is None and attr.parent is not None and attr.parent.is_module and (text := _comment(attr)):
            attr.docstring = _docstring(text, attr, agent)

    def on_class_members(
        self, *, node: ast.AST | ObjectNode, cls: Class, agent: Visitor | Inspector, **kwargs: Any
    ) -> None:
        """A class: the list of its fields, behind what its docstring says."""
        if cls.docstring is not None:
            cls.docstring.value = _sectioned(cls.docstring.value, None)
        if not isinstance(node, ast.ClassDef):
            return
        values = {
            part.target.id: part.value
            for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        }
        rows = []
        for name, value in values.items():
            field = cls.members.get(name)
            if isinstance(field, Attribute) and not name.startswith("_") and not field.has_docstring:
                rows.append(f"    {name}: {_text(field, value)}")
        if rows:
            said = f"{cls.docstring.value}\n\n" if cls.docstring else ""
            cls.docstring = _docstring(said + "Attributes:\n" + "\n".join(rows), cls, agent)


def _sectioned(text: str, returns: str | None) -> str:
    """A docstring with its sections apart, as the parser wants them: the source leaves no blank lines between them.

    Args:
        text: as it stands.
        returns: annotation of what a function returns; a text with a colon would be taken for "type: description".
    """
    lines: list[str] = []
    for line in text.splitlines():
        if HEADING.match(line) and lines and lines[-1].strip():
            lines.append("")
        if lines and lines[-1] == "Returns:" and returns:
            line = f"    {returns}: {line.strip()}"
        lines.append(re.sub(r"^Source: ", "**Source:** ", line))
    blocks = "\n".join(lines).split("\n\n")
    # what begins with >>> at the margin is a quotation in Markdown
    return "\n\n".join(
        "Examples:\n" + textwrap.indent(part, "    ") if part.startswith(">>>") else part for part in blocks
    )


def _docstring(text: str, owner: Attribute | Class, agent: Visitor | Inspector) -> Docstring:
    parser = {"parser": agent.docstring_parser, "parser_options": agent.docstring_options}
    return Docstring(text, lineno=owner.lineno, endlineno=owner.endlineno, parent=owner, **parser)


def _text(field: Attribute, value: ast.expr | None) -> str:
    """What a field is, its range and its default."""
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Field":
        given = {word.arg: word.value for word in value.keywords}
        text = given["description"].value if isinstance(given.get("description"), ast.Constant) else ""
        more = [f"{words} {ast.unparse(given[name])}" for name, words in BOUNDS if name in given]
        default = value.args[0] if value.args else given.get("default")
    else:
        text, more, default = _comment(field), [], value
    if default is not None and ast.unparse(default) not in ("...", '""', "''"):
        more.append(f"default `{ast.unparse(default)}`")
    return "; ".join(part for part in [_plain(str(text)), *more] if part) or NOTHING


def _comment(field: Attribute) -> str:
    """The comment at the end of the field's last line, or on the lines right above it."""
    lines = field.lines
    if not lines:
        return ""
    found = COMMENT.search(lines[-1])
    if found and found["text"].count('"') % 2 == 0:
        return _plain(found["text"])
    above: list[str] = []
    for line in reversed(field.lines_collection[field.filepath][: (field.lineno or 1) - 1]):
        if not line.strip().startswith("# "):
            break
        above.insert(0, line.strip()[2:])
    return _plain(" ".join(above))


def _plain(text: str) -> str:
    """Shapes and powers as code, lest Markdown takes `[P, W]` for a link, or `**` for emphasis."""
    return re.sub(r"(?<!`)(\[[^\]`]*\]|\S*\*\*\S*)(?!`)", r"`\1`", text)
