"""The file in which a search for an arm's settings left what it found, and what it cost; a study reads it by `tuned`.

A study that names such a file takes its values as its own when it is read: the resolved config holds them, its hash
covers them, and the file is never needed again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from evolearn.config import ConfigError, Part, check_model, dump_yaml, read_yaml
from evolearn.errors import RunDirectoryError
from evolearn.files import SEAL, sealed, write_whole

_HEADER = "# Written by evolearn tune. A study reads it by define: {%s: {tuned: %s}}.\n"

_BY_HAND = (
    "search again with evolearn tune; or give settings, and its steps as tuning_steps, by hand under the study's define"
)


class TunedScores(Part):
    """What settings were worth: mean life fitness over the longest evaluation lifetime, on lives that chose nothing."""

    tuned: float | None = Field(
        description="of the settings found; here and below none: a life left the finite numbers"
    )
    present: float | None = Field(description="of the study's own settings and start, in the same lives")
    best: float | None = Field(description="the best of all tried, on the lives that chose it: inflated by luck")
    median: float | None = Field(description="of all that were tried, on the same lives as the best")
    lives: int = Field(ge=1, le=10**18, description="lives per genome behind tuned and present")
    lifetime: int = Field(ge=1, le=10**18, description="world steps of each")


class TunedSettings(Part):
    """What a search for an arm's settings found, and what it cost."""

    kind: Literal["tuned"] = "tuned"
    format: Literal[2] = 2  # a change that old code cannot read raises it
    evolearn: str = Field(description="version that searched")
    arm: str = Field(description="whose settings")
    condition: str = Field(description="of the study, under which they were searched")
    seed: int = Field(ge=0, lt=2**32, description="of the search")
    budget: int = Field(ge=1, le=10**18, description="world steps that it was allowed")
    steps: int = Field(
        ge=0, le=10**18, description="world steps that finding the settings took, earlier searches included"
    )
    starts: int = Field(ge=0, le=10**18, description="starts that were lived from birth")
    evolutions: int = Field(
        ge=0, le=10**18, description="settings that were tried by a whole evolution, some of them repeatedly"
    )
    scores: TunedScores
    settings: dict[str, Any] = Field(description="dotted keys of the run, as in `ArmPart.settings`")


FORMAT = TunedSettings.model_fields["format"].default


def write_tuned(path: Path, tuned: TunedSettings) -> None:
    """Write what was found, whole or not at all.

    Raises:
        RunDirectoryError: the file cannot be written.
    """
    text = dump_yaml(sealed(tuned.model_dump(mode="json")), allow_unicode=True)
    try:
        write_whole(path, (_HEADER % (tuned.arm, path.name) + text).encode())
    except OSError as error:
        raise RunDirectoryError(f"{path}: cannot be written: {error.strerror}") from error


def read_tuned(path: Path) -> TunedSettings:
    """Read such a file.

    Raises:
        ConfigError: it is not there, is not one, or was altered since.
    """
    content = read_yaml(path)
    if content.get("kind") != "tuned":
        raise ConfigError(f"{path}: is not a file that evolearn tune wrote: it has no kind: tuned")
    if content.get("format") != FORMAT:
        raise ConfigError(
            f"{path}: has format {content.get('format')} (made by evolearn {content.get('evolearn')}), this evolearn "
            f"reads {FORMAT}; {_BY_HAND}"
        )
    seal = content.pop(SEAL, None)
    tuned = check_model(TunedSettings, content, str(path))
    try:
        is_whole = seal == sealed(content)[SEAL]
    except (TypeError, ValueError):  # a date, which no search finds
        is_whole = False
    if not is_whole:
        raise ConfigError(f"{path}: was altered since evolearn tune wrote it: it does not match its sha256; {_BY_HAND}")
    return tuned


def resolve_tuned(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A study's config with what its `tuned` files say in their place: `settings` and `tuning_steps`.

    Settings that an arm gives by hand beside `tuned` win over those of the file.

    Args:
        content: as read.
        folder: of the study's file; paths are relative to it.
    Raises:
        ConfigError: names the arm and the file.
    """
    resolved = copy.deepcopy(dict(content))
    define = resolved.get("define")
    if isinstance(define, dict):
        for name, parts in define.items():
            if isinstance(parts, dict) and "tuned" in parts:
                define[name] = _resolved(name, parts, folder)
    return resolved


def _resolved(name: str, parts: dict[str, Any], folder: Path) -> dict[str, Any]:
    file = parts.pop("tuned")
    field = f"define.{name}.tuned={file!r}"
    if not isinstance(file, str):
        raise ConfigError(f"{field}: must be the path of a file that evolearn tune wrote, relative to the study's file")
    if "tuning_steps" in parts:
        raise ConfigError(
            f"define.{name}.tuning_steps={parts['tuning_steps']!r}: the file {file} says what its search cost; leave "
            "one of the two out"
        )
    try:
        tuned = read_tuned(folder / file)
    except ConfigError as error:
        raise ConfigError(f"{field}: {error}") from error
    if tuned.arm not in (name, parts.get("like")):
        raise ConfigError(
            f"{field}: holds the settings of {tuned.arm}; must be those of {name}"
            f"{', or of the arm that it is like' if parts.get('like') else ''}: evolearn tune STUDY --arm {name} "
            "searches them"
        )
    by_hand = parts.get("settings") or {}
    if not isinstance(by_hand, dict):
        return parts  # refused with the rest of the config
    kept = {key: value for key, value in tuned.settings.items() if key not in by_hand}
    return {**parts, "settings": kept | by_hand, "tuning_steps": tuned.steps}
