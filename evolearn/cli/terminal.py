"""What commands share: options, the terminal as it is, exit codes, and how what users can cause becomes text."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
import typer.core
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from evolearn.cli.stopping import Stops
from evolearn.errors import UserError

if TYPE_CHECKING:
    from evolearn.cli.screen import Screen
    from evolearn.config import RunConfig
    from evolearn.life import Drivers

EXIT_USER_ERROR = 2
_NO_MEMORY = re.compile("allocate memory|failed to map segment")  # as PyTorch, the system and its loader say it

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


TimeLimit = Annotated[
    str | None,
    typer.Option(
        help="Stop after so long, as Ctrl-C would, with code 124; what is finished of a run or a study is kept. "
        "For example 30m, 1h30m, 90s or 02:00:00.",
        show_default=False,
        metavar="TIME",
    ),
]


Log = Annotated[
    list[str] | None,
    typer.Option(
        help="Log every generation for other tools, under DIRECTORY/log: tensorboard, wandb (Weights & Biases, offline "
        "where nobody is logged in) or csv. May be given several times.",
        show_default=False,
        metavar="KIND",
    ),
]


Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Run the code that it names, such as a world's file, also if you have never used that before."
    ),
]


class Commands(typer.core.TyperGroup):
    """A group of commands that takes `help COMMAND` for `COMMAND --help`, and says how settings are written."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Click's, after that."""
        if args and args[0] == "help" and "help" not in self.commands:
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Click's; an option that there is not may have been meant as a setting."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if type(error).__name__ == "NoSuchOption":  # Typer brings a Click of its own, or not
                _offer_setting(error, ctx)
            raise


def _offer_setting(error: Any, group: Any) -> None:
    """Say how settings are written, in a group whose own command takes them."""
    is_of_group = error.ctx is not None and error.ctx.parent is group
    if is_of_group and any(one.name == "overrides" for one in error.cmd.params) and error.option_name[:2] == "--":
        error.message += f". A setting of the config has no dashes: {error.option_name[2:]}=VALUE"


class _Honest(Console):
    """Shows characters that steer a terminal, or turn its text round, instead of obeying them: names are others'."""

    def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
        """Rich's, after that."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_STEERING.sub(_spelled, segment.text))


_STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # all but line's ends and tabs


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class Terminal(_Honest):
    """The terminal of a command, and what stops it."""

    def __init__(self, **how: Any) -> None:
        """See rich."""
        super().__init__(**how)
        self.stops = Stops()


def new_console() -> Terminal:
    """The terminal as it is; a file or a pipe gets lines wide enough for the tables."""
    console = Terminal()
    return console if console.is_terminal else Terminal(width=100)


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print a line in one piece: paths and commands in it are to be copied, and brackets are no markup."""
    console.print(Text(text, style=style), soft_wrap=True)


def shown(path: Path) -> Path:
    """A path as a user would give it: below the working directory without what leads there."""
    with contextlib.suppress(OSError, ValueError):
        return path.relative_to(Path.cwd()) if path.is_absolute() else path
    return path


def shortened(text: str) -> str:
    """A text with the paths below the working directory as a user would give them."""
    try:
        folder = os.getcwd()
    except OSError:  # removed
        return text
    return text if folder == os.sep else re.sub(rf"(?<![\w./-]){re.escape(folder + os.sep)}", "", text)


@contextlib.contextmanager
def at_terminal(limit: str | None = None) -> Iterator[Terminal]:
    """The terminal of a command: what users can cause becomes text and an exit code, anything else a traceback.

    Args:
        limit: on the command's time, see `evolearn.cli.stopping.seconds_of`.
    """
    from evolearn.world import environments_apart

    console = new_console()
    try:
        _check_folder()
        with console.stops.heeded(limit), environments_apart():
            yield console
    except KeyboardInterrupt as end:
        # What was under way says where it is.
        directory = getattr(end, "directory", None)
        go_on = f" Continue with: evolearn resume {shlex.quote(str(shown(directory)))}" if directory else ""
        stop = console.stops.stop
        if stop is not None:
            if directory and getattr(end, "finished", False):
                go_on = f" The run was finished: its table is in {shown(directory / 'result.json')}"
            print_line(console, f"{stop.words}.{go_on or ' Nothing is left of it: give the command again.'}")
            raise typer.Exit(stop.code) from end
        _complain(f"the world, or what it is made of, raised KeyboardInterrupt, and no key was pressed.{go_on}")
        raise typer.Exit(EXIT_USER_ERROR) from end
    except SystemExit as end:  # no command of ours ends so
        if end.code == signal.SIGTERM:  # as Ray's own handler says it, while Ray is imported
            print_line(console, "Told to end (SIGTERM). Nothing is left of it: give the command again.")
            raise typer.Exit(128 + signal.SIGTERM) from end
        _complain(f"the world, or what it is made of, asked for the end of the program (SystemExit, code {end.code})")
        raise typer.Exit(EXIT_USER_ERROR) from end
    except UserError as error:
        _complain(shortened(str(error)))
        raise typer.Exit(EXIT_USER_ERROR) from error
    except (MemoryError, RuntimeError, OSError, ImportError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            _complain(f"too many files are open ({error}): allow more (ulimit -n), or use fewer --workers")
            raise typer.Exit(EXIT_USER_ERROR) from error
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
            raise
        _complain(
            f"out of memory ({error}): fewer --workers, or a smaller search.population, brain.hidden, search.lives or "
            "evaluation.lives need less"
        )
        raise typer.Exit(EXIT_USER_ERROR) from error


def _check_folder() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(
            f"the current folder was removed, or cannot be read ({error.strerror}); cd to another"
        ) from error


def _complain(text: str) -> None:
    print_line(_Honest(stderr=True), f"Error: {text}")


class _Output:
    """A stream to the terminal that may be closed, or full, while the work goes on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream if stream is not None else io.StringIO()
        self.failure: OSError | None = None if stream is not None else OSError(errno.EBADF, "it is closed")
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that its encoding cannot show

    def write(self, text: str) -> int:
        self._trying(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._trying(self._stream.flush)

    def _trying(self, what: Callable[[], object]) -> None:
        if self.failure is None:
            try:
                what()
            except OSError as error:
                self.failure = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def run_and_leave(program: Callable[[], object]) -> NoReturn:
    """End as `program` does, and at once: a thread in a world that hangs must not keep it from ending."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: a file that is opened must not take its place
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = said, complaints = _Output(sys.stdout), _Output(sys.stderr)
    code: object = 0
    try:
        program()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    code = code if isinstance(code, int) else 0 if code is None else 1
    said.flush()
    if said.failure is not None:
        if not isinstance(said.failure, BrokenPipeError):  # nobody reads on: `| head`
            done = "; the work was done, and its files are whole, but not what was to be said of it" * (code == 0)
            complaints.write(f"Error: standard output: cannot be written: {said.failure.strerror}{done}\n")
        code = code or 1
    complaints.flush()
    os._exit(code & 0xFF or int(code != 0))  # of 256 a system keeps 0


def expect_wait(console: Console) -> None:
    """Say that the first moments are slow."""
    if console.is_terminal:
        console.print(
            "Loading; what is new on this machine is compiled first, which takes a minute or two, once.", style="dim"
        )


def log_kinds(asked: list[str] | None) -> list[str]:
    """The kinds of logs that were asked for, each of which there is and can be written."""
    if asked:
        from evolearn.logs import check_kinds

        check_kinds(asked)
    return asked or []


def worker_count(console: Console, asked: int | None, processes: bool = False) -> int:
    """How many workers to use, and a word on too many.

    Args:
        console: to say it on.
        asked: by the user.
        processes: each of them is a process; else a thread.
    """
    from evolearn.life import most_workers

    cores = os.cpu_count() or 1
    most = most_workers(processes)
    if asked is not None and asked > most:
        what = "processes" if processes else "threads"
        print_line(
            console,
            f"--workers {asked}: {most} {what} are used, as many as the {cores} cores and the memory here can be of "
            "use to; more would not be faster.",
        )
    elif asked is not None and asked > cores:
        console.print(f"--workers {asked}: more than the {cores} cores here; accepted, but it will not be faster.")
    elif asked is None and most < cores:
        print_line(
            console,
            f"{most} of {cores} cores are used: memory is free for {most} process{'es' * (most > 1)} with an "
            f"environment each; --workers {cores} would use no more.",
        )
    return min(asked or cores, most)


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
        try:
            return typer.confirm("Import it?")
        except typer.Abort:  # the end of the input, or Ctrl-C
            return False

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

        processes = any(config.world.name.startswith("gymnasium:") for config in configs)
        with contextlib.closing(OwnDrivers(worker_count(screen.console, workers, processes))) as here:
            listen(screen.console)
            yield here
        return
    from evolearn.cluster import open_cluster
    from evolearn.config import read_yaml
    from evolearn.run import parts_of

    cluster = open_cluster(
        address,
        workers,
        sorted({config.world.full_name for config in configs}),
        screen,
        runtime_env=read_yaml(runtime_env) if runtime_env is not None else None,
        parts=sorted({part for config in configs for part in parts_of(config)}, key=lambda part: part.name),
    )
    with contextlib.closing(cluster):
        listen(screen.console)
        yield cluster


def listen(console: Console) -> None:
    """Hear signals after libraries were imported that take them for themselves."""
    if isinstance(console, Terminal):
        console.stops.listen()


def insist(console: Console) -> None:
    """Stop what goes on, where a signal came and was swallowed."""
    if isinstance(console, Terminal):
        console.stops.insist()


def warn_of_changes(console: Console, changes: list[str]) -> None:
    """A line for each thing that is not as it was when a run or a study was made."""
    for change in changes:
        print_line(console, f"Warning: {change} since it was made; results may differ from here on.")
