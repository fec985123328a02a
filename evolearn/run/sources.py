"""The code that a run's config names, which evolearn does not bring and nobody installed: where, and what it holds."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from evolearn.files import FileUnfit
from evolearn.plugins import admit, source_of
from evolearn.world import GYMNASIUM

if TYPE_CHECKING:
    from evolearn.config import RunConfig


def named_sources(config: RunConfig) -> dict[str, str]:
    """Files and modules that a config names, by the field that names them first."""
    world = config.world
    named = {
        "world.name": world.name.removeprefix(GYMNASIUM),
        **{f"world.wrappers.{place}.name": wrapper.name for place, wrapper in enumerate(world.wrappers)},
        "brain.trunk": config.brain.trunk,
        "learner.name": config.learner.name,
        "genome.encoding": config.genome.encoding,
        **{f"drives.generic.{place}": name for place, name in enumerate(config.drives.generic)},
    }
    sources = {field: str(name).rpartition(":")[0] for field, name in named.items() if name}
    return {field: source for field, source in sources.items() if source}


def admit_sources(configs: Iterable[RunConfig], worlds: bool = True) -> None:
    """Ask about all code that configs name, once each, before any of it is imported; see `evolearn.plugins.named_by`.

    Args:
        configs: of runs.
        worlds: also about their worlds, not only about the parts of their agents.
    Raises:
        NotTrusted: something may not be imported.
    """
    fields: dict[str, str] = {}
    for config in configs:
        for field, source in named_sources(config).items():
            if worlds or not field.startswith("world."):
                fields.setdefault(source, field)
    for source, field in fields.items():
        admit(f"{field}={source!r}", source)


def source_hashes(configs: Iterable[RunConfig]) -> dict[str, str]:
    """Checksum of every file and package that configs name and nobody installed, by its name there."""
    names = {source for config in configs for source in named_sources(config).values()}
    found = {name: _first_seen(name, os.getcwd()) for name in sorted(names)}
    return {name: sha256 for name, sha256 in found.items() if sha256 is not None}


@functools.cache  # what a process has imported stays as it was
def _first_seen(name: str, folder: str) -> str | None:
    try:
        source = source_of(name)
    except FileUnfit:  # too much to read
        return None
    return None if source is None else source.sha256


def source_changes(hashes: Mapping[str, str]) -> list[str]:
    """What is not as it was when `source_hashes` said so, a text for each."""
    changes = []
    for name, sha256 in hashes.items():
        try:
            source = source_of(name)
        except FileUnfit as error:
            changes.append(f"{name} cannot be compared: {error}")
            continue
        if source is None or source.sha256 != sha256:
            changes.append(f"{name} was {'moved' if source is None else 'changed'}")
    return changes
