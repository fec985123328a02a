"""What a user means by CONFIG: a file, a shipped config, or a world; and a config in full. No heavy imports here."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from evolearn.cli.terminal import at_terminal, print_line, shortened

if TYPE_CHECKING:
    from evolearn.config import Layer, Part, RunConfig

STUDIES = "studies"  # as evolearn.config.STUDIES, which is not to be imported for a help text


def shipped_names(*folders: str) -> Callable[[str], list[str]]:
    """What a shell completes to a config's name; see `evolearn.config.shipped_configs`."""

    def names() -> set[str]:
        from evolearn.config import shipped_configs

        return {name for folder in folders or ("",) for name in shipped_configs(folder)}

    return completing(names)


def completing(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What a shell completes to one of some names, which are looked up only then."""

    def complete(incomplete: str) -> list[str]:
        return sorted(name for name in names() if name.startswith(incomplete))

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
    from evolearn.config import check_config, find_config, override, read_config

    if _is_world(config):
        from evolearn.testing import suited_settings

        checked = check_config(override(suited_settings(config), settings), f"world {config}")
        print_line(console, f"World {config}, with settings suited to any world of its kind: evolearn config {config}")
        return _named_after(config), checked
    path = find_config(config)
    checked = read_config(path, settings)
    # A config taken from a run directory has no name of its own.
    return path.stem if path.stem != "config" else _named_after(checked.world.name), checked


def config_command(
    config: Annotated[
        str | None,
        typer.Argument(
            help="A YAML file, the name of a shipped config, or a world.",
            metavar="CONFIG",
            show_default=False,
            autocompletion=shipped_names("", STUDIES),
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Settings that differ, for example search.population=32.", metavar="[KEY=VALUE]..."),
    ] = None,
    study: Annotated[
        bool, typer.Option("--study", help="The study, where a run has the same name; with --schema: of studies.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of configs instead, with which editors complete.")
    ] = False,
) -> None:
    """Print a config in full, every default filled in, and behind each value who says so."""
    with at_terminal() as console:
        from evolearn.config import RunConfig, explained_config, schema_of
        from evolearn.errors import UserError
        from evolearn.study import StudyConfig

        if schema:
            if config is not None:
                raise UserError(f"CONFIG={config}: must be left out with --schema, which is of all configs")
            text = json.dumps(schema_of(StudyConfig if study else RunConfig), indent=2)
        elif config is None:
            raise UserError("CONFIG: missing; name a config, such as zebra, or ask for --schema")
        else:
            checked, layers = _resolved(config, overrides or [], study)
            text = explained_config(checked.model_dump(mode="json"), layers)
        print_line(console, shortened(text.rstrip()))


def _resolved(config: str, overrides: list[str], study: bool) -> tuple[Part, list[Layer]]:
    """A config of any kind, checked, and the layers that it is made of."""
    from evolearn.config import (
        COMMAND_LINE,
        Layer,
        check_config,
        find_config,
        layers_of,
        merged,
        override,
        read_config,
        shipped_configs,
    )
    from evolearn.experiments import is_experiment, read_experiment
    from evolearn.study import read_study, study_layers

    said = [Layer(COMMAND_LINE, override({}, overrides))]
    if not study and _is_world(config):
        from evolearn.testing import suited_settings

        suited = suited_settings(config)
        checked = check_config(override(suited, overrides), f"world {config}")
        return checked, [Layer("suited to its kind", suited), *said]
    is_study = study or (config not in shipped_configs() and config in shipped_configs(STUDIES))
    path = find_config(config, STUDIES if is_study else "")
    if not is_study and not {"run", "experiment"} & set(merged(layers_of(path))):
        return read_config(path, overrides), layers_of(path, overrides)
    if is_experiment(path):
        return read_experiment(path, overrides), layers_of(path, overrides, STUDIES)
    return read_study(path, overrides), [*study_layers(path), *said]


def _is_world(config: str) -> bool:
    from evolearn.config import shipped_configs

    if config in shipped_configs() or os.path.exists(config):
        return False
    from evolearn.world import registered_worlds

    return ":" in config or config in registered_worlds()


def _named_after(world: str) -> str:
    return re.sub(r"\W+", "-", world).strip("-")
