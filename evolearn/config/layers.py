"""A config in layers: what it is based on, what its file says, what the command line says; and who said what.

``base: NAME`` in a file is a shipped config's name, or a path as seen from that file's folder. Sections are merged key
by key; lists and single values are replaced. A base may have a base itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evolearn.config.plain_yaml import dump_yaml
from evolearn.config.reading import ConfigError, Part, find_config, override, read_yaml

BASE = "base"
DEFAULT, COMMAND_LINE = "default", "command line"
_MOST_LAYERS = 20
_WIDEST = 72  # characters of a line before what is said of it


@dataclasses.dataclass(frozen=True)
class Layer:
    """What one source says."""

    source: str  # a path, or COMMAND_LINE
    content: Mapping[str, Any]


def layers_of(path: Path, overrides: Sequence[str] = (), folder: str = "") -> list[Layer]:
    """The layers of a config, the one that has the last word last.

    Args:
        path: of its file.
        overrides: ``dotted.key=value`` of the command line.
        folder: where shipped bases are, see `find_config`.
    Raises:
        ConfigError: a file does not parse, there is no such base, or bases go round in a circle.
    """
    layers, seen = [Layer(COMMAND_LINE, override({}, overrides))] if overrides else [], [path.resolve()]
    here: Path | None = path
    while here is not None:
        content = read_yaml(here)
        base = content.pop(BASE, None)
        layers.append(Layer(str(here), content))
        here = None if base is None else _base_of(here, base, folder)
        if here is not None and (here.resolve() in seen or len(seen) >= _MOST_LAYERS):
            names = " -> ".join(layer.source for layer in reversed(layers) if layer.source != COMMAND_LINE)
            raise ConfigError(f"{path}: base={base!r}: goes round in a circle, or deeper than {_MOST_LAYERS}: {names}")
        seen += [here.resolve()] if here is not None else []
    return layers[::-1]


def _base_of(file: Path, base: Any, folder: str) -> Path:
    if not isinstance(base, str) or not base:
        raise ConfigError(f"{file}: base={base!r}: must be the name of a shipped config, or the path of a file")
    beside = file.parent / base
    try:
        return beside if beside.is_file() else find_config(base, folder)
    except ConfigError as error:
        raise ConfigError(f"{file}: base={base!r}: {str(error).partition(': ')[2]}") from error


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """What all layers say together."""
    content: dict[str, Any] = {}
    for layer in layers:
        content = _laid_over(content, layer.content)
    return content


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        result[key] = _laid_over(under, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return result


def read_layered(path: Path, overrides: Sequence[str] = (), folder: str = "") -> dict[str, Any]:
    """What a file, its bases and the command line say together; see `layers_of`.

    An override that does not fit is refused as `override` refuses it.
    """
    return override(merged(layers_of(path, (), folder)), overrides)


def explained_config(content: Mapping[str, Any], layers: Sequence[Layer]) -> str:
    """A resolved config as YAML, with who says so behind every value.

    Args:
        content: of the config, resolved: every default filled in.
        layers: that it was made of, the one that has the last word last.
    """
    rows = list(_rows(content, [layer for layer in layers if layer.content], (), ""))
    width = min(max((len(text) for text, said in rows if said), default=0), _WIDEST)
    return "".join(f"{text:<{width}}  # {said}\n" if said else f"{text}\n" for text, said in rows)


def schema_of(model: type[Part]) -> dict[str, Any]:
    """The JSON schema of a config's file, for editors: what a base may say is asked of nobody."""
    schema = model.model_json_schema()
    for section in schema.get("$defs", {}).values():
        section.pop("required", None)
    said = "a config that this one is based on: a shipped one's name, or a path as seen from here"
    schema["properties"] = {BASE: {"type": "string", "description": said}, **schema["properties"]}
    schema["anyOf"] = [{"required": schema.pop("required", [])}, {"required": [BASE]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _rows(
    content: Mapping[str, Any], layers: Sequence[Layer], place: tuple[str, ...], indent: str, said: str | None = None
) -> Iterator[tuple[str, str]]:
    """Lines of YAML and who says so; a line that opens a section says nothing."""
    for key, value in content.items():
        by = said or _who_says(layers, (*place, key))
        opening = indent + _flow(key, None).removesuffix("null").rstrip()
        if isinstance(value, Mapping) and value:
            yield opening, ""
            yield from _rows(value, layers, (*place, key), f"{indent}  ", said)
        elif isinstance(value, list) and value and all(isinstance(entry, Mapping) and entry for entry in value):
            yield opening, ""
            for entry in value:  # a list is of one layer
                for number, (text, whose) in enumerate(_rows(entry, layers, (), "", by)):
                    yield f"{indent}{'  ' if number else '- '}{text}", whose
        else:
            yield indent + _flow(key, value), by


def _flow(key: str, value: Any) -> str:
    """A key and its value in a line of YAML."""
    return dump_yaml([{key: value}], default_flow_style=True, width=float("inf")).strip()[2:-2]


def _who_says(layers: Sequence[Layer], place: tuple[str, ...]) -> str:
    """The last layer that has a value at a place, or in its stead at one above it."""
    for layer in reversed(layers):
        here: Any = layer.content
        for part in place:
            if not isinstance(here, Mapping):
                break  # a value where others have a section: what is in it comes from there
            if part not in here:
                here = None
                break
            here = here[part]
        else:
            return layer.source
        if here is not None:
            return layer.source
    return DEFAULT
