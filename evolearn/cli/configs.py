"""What a user means by CONFIG: a file, a shipped config, or a world. No heavy imports at the top."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from evolearn.cli.terminal import print_line

if TYPE_CHECKING:
    from evolearn.config import RunConfig

STUDIES = "studies"  # as evolearn.config.STUDIES, which is not to be imported for a help text


def shipped_names(folder: str = "") -> Callable[[str], list[str]]:
    """What a shell completes to a config's name; see `evolearn.config.shipped_configs`."""

    def complete(incomplete: str) -> list[str]:
        from evolearn.config import shipped_configs

        return [name for name in shipped_configs(folder) if name.startswith(incomplete)]

    return complete


def asked_run(console: Console, config: str, settings: list[str]) -> tuple[str, RunConfig]:
    """The run that is meant, and what to call it.

    Args:
        console: to say where the settings of a world come from.
        config: a file, a shipped config's name, or a world.
        settings: ``dotted.key=value``, applied in order.
    Raises:
        ConfigError: there is no such file and nothing shipped of that name, or it is no run.
        WorldNotFound: there is no such world.
    """
    from evolearn.config import find_config, read_config, shipped_configs

    if _is_world(config, shipped_configs()):
        from evolearn.testing import calibration_config

        checked = calibration_config(config, None, settings)
        print_line(console, f"World {config}, with settings suited to any world of its kind")
        return _named_after(config), checked
    path = find_config(config)
    checked = read_config(path, settings)
    # A config taken from a run directory has no name of its own.
    return path.stem if path.stem != "config" else _named_after(checked.world.name), checked


def _is_world(config: str, shipped: dict[str, Path]) -> bool:
    if config in shipped or os.path.exists(config):
        return False
    from evolearn.world import registered_worlds

    return ":" in config or config in registered_worlds()


def _named_after(world: str) -> str:
    return re.sub(r"\W+", "-", world).strip("-")
