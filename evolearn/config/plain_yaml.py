"""The only reader and writer of YAML: plain values, each written out where it stands, and nothing that surprises.

A config needs tables, lists, texts, numbers, true, false and null. The rest of the language is refused with its line
and column: aliases and merges (a few lines can stand for more than memory holds), tags, keys that are no texts, a key
that stands twice, and what YAML 1.1 reads otherwise than YAML 1.2 and most people do: `on`, `010`, `1:30`.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

MOST_CHARACTERS = 1 << 18  # of a text in YAML; read in seconds
DEEPEST = 50  # tables and lists within each other
_MOST_DIGITS = 400  # of a whole number: more than a floating-point number can have
_TAG = "tag:yaml.org,2002:"
# Read as texts: a date is no value of a config, and `=` is no more than a character.
_NOT_HEEDED = (f"{_TAG}timestamp", f"{_TAG}value")


class YamlError(ValueError):
    """A text that is not such YAML; says line, column and what is wrong."""


def parse_yaml(text: str) -> Any:
    """What a text in YAML holds: tables, lists, texts, numbers, truth values and None.

    Raises:
        YamlError: it is not YAML, or uses what is not taken, see above.
    """
    if len(text) > MOST_CHARACTERS:
        raise YamlError(f"has {len(text):,} characters, at most {MOST_CHARACTERS:,} are read")
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        raise YamlError(f"line {line}, column {column}: a character U+{error.character:04X} that is no text") from error
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or loader.get_mark()
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(f"line {mark.line + 1}, column {mark.column + 1}: {said}") from error
    except (ValueError, OverflowError) as error:  # escapes of characters that there are not, versions of 5,000 digits
        mark = loader.get_mark()
        raise YamlError(f"line {mark.line + 1}, column {mark.column + 1}: {error}") from error


def dump_yaml(content: Any, **style: Any) -> str:
    """Plain values as YAML that `parse_yaml` reads back; what is held twice is written twice.

    Args:
        content: tables, lists, texts, numbers, truth values and None.
        style: see `yaml.dump`.
    """
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, **style))


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 - as the class that it is of
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_HEEDED]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused(event, f"an alias (*{event.anchor}) is not taken; write the value out")
        if event.anchor is not None:
            raise _refused(event, f"an anchor (&{event.anchor}) is not taken; leave it out")
        if event.tag is not None:
            raise _refused(event, f"a tag ({event.tag.replace(_TAG, '!!')}) is not taken; leave it out")
        if self.depth == DEEPEST:
            raise _refused(event, f"nested more than {DEEPEST} deep")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        node = super().compose_scalar_node(anchor)
        for character in node.value:
            if character == "\0" or "\ud800" <= character <= "\udfff":
                raise _refused(node, f"a character U+{ord(character):04X} that is no text")
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if key.tag == f"{_TAG}merge":
                raise _refused(key, "a merge (<<) is not taken; write the fields out")
            if key.tag != f"{_TAG}str":
                given = f' ({key.value}); write "{key.value}" in quotes' if isinstance(key, yaml.ScalarNode) else ""
                raise _refused(key, f"a key that is no text{given}")
            if key.value in lines:
                raise _refused(key, f"{key.value} stands twice, first in line {lines[key.value]}; leave one out")
            lines[key.value] = key.start_mark.line + 1
        return node

    def truth(self, node: Any) -> bool:
        text = self.construct_scalar(node)
        if text.lower() not in ("true", "false"):
            raise _refused(node, f'{text} may be a truth value or a text; write true or false, or "{text}" in quotes')
        return bool(text.lower() == "true")

    def whole_number(self, node: Any) -> int:
        text = self.construct_scalar(node).replace("_", "").lstrip("+")
        digits = text.lstrip("-")
        if ":" in text or (len(digits) > 1 and digits.isdigit() and digits[0] == "0"):
            raise _ambiguous(node)
        if len(text) > _MOST_DIGITS:
            raise _refused(node, f"a number of {len(text):,} digits")
        try:
            return int(text, 0)
        except ValueError as error:
            raise _refused(node, f"{node.value} is not a number") from error

    def number(self, node: Any) -> float:
        text = self.construct_scalar(node).replace("_", "").lower()
        if ":" in text:
            raise _ambiguous(node)
        try:
            value = float(text.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as error:
            raise _refused(node, f"{node.value} is not a number") from error
        if math.isinf(value) and "inf" not in text:
            raise _refused(node, f"{node.value} is too large a number")
        return value


# YAML 1.1 reads 1e-3 as text; everybody who writes it means a number. "1e-3" in quotes is meant as text.
_EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+$", re.ASCII)
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(f"{_TAG}float", _EXPONENT, list("+-.0123456789"))
_Loader.add_constructor(f"{_TAG}bool", _Loader.truth)
_Loader.add_constructor(f"{_TAG}int", _Loader.whole_number)
_Loader.add_constructor(f"{_TAG}float", _Loader.number)


def _refused(place: Any, problem: str) -> yaml.MarkedYAMLError:
    """The error at a node or an event."""
    shown = problem if len(problem) <= 300 else f"{problem[:200]}... ({len(problem):,} characters)"
    return yaml.MarkedYAMLError(problem=shown, problem_mark=place.start_mark)


def _ambiguous(node: Any) -> yaml.MarkedYAMLError:
    return _refused(
        node, f'{node.value} may be a number of another base or a text; write it decimal, or "{node.value}" in quotes'
    )
