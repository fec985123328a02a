"""Whether a config asks for portable mode, found out before anything that computes is imported."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydantic

from evolearn.config.reading import ConfigError, override, read_yaml
from evolearn.files import FileUnfit, parse_json, read_tensor_labels


def wants_portable_mode(config: Path, overrides: Sequence[str] = ()) -> bool:
    """Whether a config wants portable mode, found out without importing anything that computes.

    Args:
        config: the file of a run's or a study's config, a DNA file, or the directory of a run or a study.
        overrides: ``dotted.key=value``, see `evolearn.config.reading.override`.
    Returns:
        False also for what cannot be read: those who read it in earnest say what is wrong.
    """
    files = [config / "config.yaml", config / "study.yaml"] if os.path.isdir(config) else [config]
    for file in files:
        try:
            content: Any = (
                _config_of_dna(file) if file.suffix == ".safetensors" else override(read_yaml(file), overrides)
            )
        except (ConfigError, FileUnfit, ValueError, KeyError, TypeError):
            continue
        parts = [content, content.get("run") if isinstance(content, dict) else None]
        if any(isinstance(part, dict) and _is_true(part.get("portable", False)) for part in parts):
            return True
    return False


def _config_of_dna(file: Path) -> Any:
    """The config in a DNA file's header; imports nothing that computes."""
    return parse_json(read_tensor_labels(file)["evolearn"])["config"]


def _is_true(value: Any) -> bool:
    try:
        return bool(pydantic.TypeAdapter(bool).validate_python(value))
    except pydantic.ValidationError:
        return False
