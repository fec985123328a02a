"""What commands share: options, the terminal as it is, exit codes, and how what users can cause becomes text."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from evolearn.errors import UserError

if TYPE_CHECKING:
    from evolearn.cli.screen import Screen
    from evolearn.config import RunConfig
    from evolearn.life import Drivers

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130

Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Threads for compiled worlds, processes for Gymnasium, cores of a cluster; all there are if not given. "
        "Changes speed only, never results.",
        show_default=False,
    ),
]


Address = Annotated[
    str | None,
    typer.Option(
        help="Live lives on Ray: local starts it on this machine; auto, HOST:PORT or ray://HOST:PORT joins a cluster. "
        "In this process if not given. Changes speed only, never results.",
        show_default=False,
        metavar="ADDRESS",
    ),
]
RuntimeEnv = Annotated[
    Path | None,
    typer.Option(
        help="A YAML file with Ray's runtime environment for the workers of a cluster: packages to install, variables.",
        show_default=False,
        metavar="FILE",
    ),
]


Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Run the code that it names, such as a world's file, also if you have never used that before."
    ),
]


def new_console() -> Console:
    """The terminal as it is; a file or a pipe gets lines wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=100)


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print a line in one piece: paths and commands in it are to be copied, and brackets are no markup."""
    console.print(Text(text, style=style), soft_wrap=True)


@contextlib.contextmanager
def at_terminal() -> Iterator[Console]:
    """The terminal of a command: what users can cause becomes text and an exit code, anything else a traceback."""
    console = new_console()
    try:
        yield console
    except KeyboardInterrupt as stop:
        # A run that was under way says where it is.
        directory = getattr(stop, "directory", None)
        remedy = f"Continue with: evolearn resume {shlex.quote(str(directory))}" if directory else ""
        print_line(console, f"Interrupted. {remedy}")
        raise typer.Exit(EXIT_INTERRUPTED) from stop
    except UserError as error:
        print_line(Console(stderr=True), f"Error: {error}")
        raise typer.Exit(EXIT_USER_ERROR) from error


def run_and_leave(program: Callable[[], object]) -> NoReturn:
    """End as `program` does, and at once: a thread in a world that hangs must not keep it from ending."""
    code: object = 0
    try:
        program()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads on: `| head`
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def expect_wait(console: Console) -> None:
    """Say that the first moments are slow."""
    if console.is_terminal:
        console.print("Loading; the first run on a machine compiles for about half a minute.", style="dim")


def worker_count(console: Console, asked: int | None) -> int:
    """How many workers to use, and a word on too many."""
    cores = os.cpu_count() or 1
    if asked is not None and asked > cores:
        console.print(f"--workers {asked}: more than the {cores} cores here; accepted, but it will not be faster.")
    return asked or cores


def enter_portable_mode_for(config: Path, overrides: Sequence[str] = ()) -> None:
    """Enter portable mode if a config, or that of a run or study directory, asks for it; before heavy imports."""
    from evolearn.config import wants_portable_mode
    from evolearn.numerics import portable

    if wants_portable_mode(config, overrides):
        portable.enter()


def prepare_cluster(address: str | None) -> None:
    """Before ray is imported, which EvoTorch does."""
    if address is not None:
        from evolearn.cluster import prepare

        prepare(address)


def naming(console: Console, path: Path, trust: bool) -> contextlib.AbstractContextManager[None]:
    """What is imported within is named by a directory, or a file, which may be somebody else's."""
    from evolearn.plugins import named_by

    def agreed(text: str) -> bool:
        print_line(console, f"{text}.")
        return typer.confirm("Import it?")

    return named_by(path, trust, agreed if console.is_terminal and sys.stdin.isatty() else None)


@contextlib.contextmanager
def drivers(
    screen: Screen, address: str | None, workers: int | None, runtime_env: Path | None, configs: Sequence[RunConfig]
) -> Iterator[Drivers]:
    """Where lives are to be lived; closed at the end, also if that is a refusal."""
    if address is None:
        if runtime_env is not None:
            raise UserError(
                f"--runtime-env {runtime_env}: is for the workers of a cluster; give --address, or leave it out"
            )
        from evolearn.life import OwnDrivers

        with contextlib.closing(OwnDrivers(worker_count(screen.console, workers))) as here:
            yield here
        return
    from evolearn.cluster import open_cluster
    from evolearn.config import read_yaml
    from evolearn.numerics import portable
    from evolearn.run import parts_of

    cluster = open_cluster(
        address,
        workers,
        sorted({config.world.full_name for config in configs}),
        screen,
        runtime_env=read_yaml(runtime_env) if runtime_env is not None else None,
        environment=portable.variables() if portable.is_on() else None,
        parts=sorted({part for config in configs for part in parts_of(config)}, key=lambda part: part.name),
    )
    with contextlib.closing(cluster):
        yield cluster


def warn_of_changes(console: Console, changes: list[str]) -> None:
    """A line for each thing that is not as it was when a run or a study was made."""
    for change in changes:
        console.print(Text(f"Warning: {change} since it was made; results may differ from here on."))
