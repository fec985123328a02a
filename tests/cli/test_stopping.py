"""What stops a command: signals, a closed terminal, a limit on its time; and what a command says that cannot say it."""

import contextlib
import errno
import importlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
import torch
import yaml
from evotorch.tools.readonlytensor import as_read_only_tensor

from evolearn.cli.show_run import RunScreen
from evolearn.cli.stopping import PATIENCE, Stop, Stops, seconds_of
from evolearn.cli.terminal import at_terminal, run_and_leave
from evolearn.errors import UserError
from evolearn.run import Interrupted, open_run
from tests.helpers.command import evolearn, line_of
from tests.helpers.runs import toy


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(toy(checkpoint_every=100)))
    return path


@pytest.fixture
def in_generation(monkeypatch) -> Callable[[Callable[[RunScreen], object]], None]:
    """Let something happen when the second generation of a run is made."""

    def arrange(what: Callable[[RunScreen], object]) -> None:
        made = RunScreen.made

        def then(screen: RunScreen, generation) -> None:
            made(screen, generation)
            if generation.generation == 1:
                what(screen)

        monkeypatch.setattr(RunScreen, "made", then)

    return arrange


def send(number: int) -> Callable[[object], None]:
    return lambda screen: os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        (send(signal.SIGINT), 130, "Interrupted."),
        (send(signal.SIGTERM), 143, "Told to end (SIGTERM)."),
        (send(signal.SIGHUP), 129, "The terminal was closed (SIGHUP)."),
        (lambda screen: screen.console.stops.end_time("30m"), 124, "--time-limit 30m: the time is up."),
    ],
)
def test_whatever_stops_a_run_keeps_what_is_finished(
    what: Callable[[RunScreen], object], code: int, words: str, config: Path, tmp_path: Path, in_generation
) -> None:
    in_generation(what)
    before = signal.getsignal(signal.SIGTERM)
    done = evolearn("run", config, "--workers", 1, "--out", "run", "--time-limit", "2h", folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stdout.endswith(f"{words} Continue with: evolearn resume run\n")
    assert len(open_run(tmp_path / "run").rows()) == 2
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("*.json")] == ["generation_000001.json"]
    assert not (tmp_path / "run" / ".lock").exists()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_stop_that_something_swallowed_comes_again_a_generation_later(config: Path, tmp_path: Path, in_generation):
    def swallow(screen: RunScreen) -> None:
        with contextlib.suppress(Stop):
            os.kill(os.getpid(), signal.SIGTERM)

    in_generation(swallow)
    done = evolearn("run", config, "--workers", 1, "--out", "run", folder=tmp_path)
    assert done.returncode == 143, done.stderr
    assert done.stdout.endswith("Told to end (SIGTERM). Continue with: evolearn resume run\n")
    assert len(open_run(tmp_path / "run").rows()) == 3


@pytest.mark.parametrize("end", [SystemExit(0), KeyboardInterrupt()])
def test_what_ends_the_program_from_within_is_an_error(end: BaseException, config: Path, tmp_path: Path, in_generation):
    def raise_it(screen: RunScreen) -> None:
        raise end

    in_generation(raise_it)
    done = evolearn("run", config, "--workers", 1, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert type(end).__name__ in done.stderr
    assert f"evolearn resume {tmp_path / 'run'}" in done.stderr
    assert len(list((tmp_path / "run" / "checkpoints").glob("*.json"))) == 1


@pytest.mark.parametrize("end", [SystemExit(0), KeyboardInterrupt()])
def test_that_is_so_where_nothing_is_known_of_a_run(end: BaseException, capsys) -> None:
    with pytest.raises(RuntimeError), at_terminal():  # click's own, with the code
        raise end
    assert capsys.readouterr().err.startswith("Error: the world, or what it is made of, ")


@pytest.mark.parametrize(
    "end",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        ImportError("libtorch.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_said_whoever_notices_it(end: BaseException, capsys) -> None:
    with pytest.raises(RuntimeError), at_terminal():
        raise end
    assert capsys.readouterr().err.startswith("Error: out of memory (")


def test_a_current_folder_that_is_gone_is_said(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(RuntimeError), at_terminal():
        pass
    assert "Error: the current folder was removed, or cannot be read (" in capsys.readouterr().err


def test_too_few_files_that_may_be_open_are_said(capsys) -> None:
    with pytest.raises(RuntimeError), at_terminal():
        raise OSError(errno.EMFILE, "Too many open files")
    assert "allow more (ulimit -n), or use fewer --workers" in capsys.readouterr().err


def test_a_second_signal_does_not_cut_saving_short() -> None:
    stops = Stops()
    saved: list[str] = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
            saved.append("all")

    with pytest.raises(Stop, match="Interrupted"), stops.heeded():
        work()
    assert saved == ["all"]
    assert stops.stop is not None
    assert stops.stop.code == 130


@pytest.mark.parametrize(("folder", "put_off"), [("site-packages", True), ("mine", False)])
def test_a_stop_waits_until_a_library_is_imported(folder: str, put_off: bool, tmp_path: Path, monkeypatch) -> None:
    later: list[tuple[object, ...]] = []

    class Timer:
        def __init__(self, seconds: float, function: object, arguments: tuple[int, int]) -> None:
            later.append((function, arguments[1]))

        def start(self) -> None:
            pass

    stops = Stops()
    monkeypatch.setattr("threading.Timer", Timer)
    monkeypatch.setattr("sys.heed", lambda: stops._heed(signal.SIGTERM, sys._getframe()), raising=False)
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "stopped_library.py").write_text("import sys\n\nsys.heed()\n")
    monkeypatch.syspath_prepend(tmp_path / folder)
    if put_off:
        importlib.import_module("stopped_library")
        del sys.modules["stopped_library"]
        assert (stops.stop, later) == (None, [(signal.pthread_kill, signal.SIGTERM)]), "it comes again"
        stops._put_off -= PATIENCE
    with pytest.raises(Stop):
        importlib.import_module("stopped_library")


def test_a_stop_waits_until_pytorch_has_come_back_to_python(monkeypatch) -> None:
    values = as_read_only_tensor(torch.arange(4.0))  # a tensor of EvoTorch's: C++ calls its methods, and heeds no Stop
    stops, came, again = Stops(), Counter[str](), []

    class Timer:
        def __init__(self, seconds: float, function: object, arguments: tuple[int, int]) -> None:
            again.append(arguments[1])

        def start(self) -> None:
            if sys._getframe(2).f_code is not Timer.start.__code__:
                stops._heed(signal.SIGTERM, sys._getframe())  # while the first is heeded

    def call(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and "evotorch" in frame.f_code.co_filename:
            came[frame.f_code.co_name] += 1
            stops._heed(signal.SIGTERM, frame)

    monkeypatch.setattr("threading.Timer", Timer)
    sys.setprofile(call)
    try:
        third = float(values[2])
    except Stop:  # which would end all tests
        pytest.fail("stopped where PyTorch may lose it")
    finally:
        sys.setprofile(None)
    assert third == 2.0
    assert came["__torch_function__"] > 0
    assert len(again) >= sum(came.values()), "it comes again"
    with pytest.raises(Stop):
        stops._heed(signal.SIGTERM, sys._getframe())


def test_a_limit_is_said_again_to_what_swallowed_it(monkeypatch) -> None:
    monkeypatch.setattr("evolearn.cli.stopping.PATIENCE", 0.05)
    stops = Stops()
    swallowed: list[Stop] = []

    def work() -> None:
        try:
            threading.Event().wait(60.0)
        except Stop as stop:
            swallowed.append(stop)
        threading.Event().wait(60.0)

    with pytest.raises(Stop, match="the time is up"), stops.heeded("0.05s"):
        work()
    assert len(swallowed) == 1


@pytest.mark.parametrize("how", ["finished", "warning"])
def test_what_is_stopped_while_its_end_is_said_is_not_to_be_resumed(how: str, tmp_path: Path, capsys) -> None:
    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as stop:
            raise Interrupted(tmp_path / "run", finished=how == "finished") from stop

    with pytest.raises(RuntimeError), at_terminal():  # click's own, with the code
        work()
    said = " ".join(capsys.readouterr().out.split())
    assert ("resume" in said) == (how == "warning")
    assert ("was finished: its table is in" in said) == (how == "finished")


def test_signals_of_libraries_are_taken_back_and_ignored_ones_left_alone(monkeypatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    stops = Stops()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as Ray does when it is imported
        stops.listen()
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        with pytest.raises(Stop, match="SIGTERM"), stops.heeded():
            work()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("1h30m", 5400), ("90s", 90), ("02:00:00", 7200), ("1-02:00:00", 93_600), ("1.5h", 5400)],
)
def test_time_limits_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "0s",
        "-1m",
        "soon",
        "1.2.3s",
        "02:00",
        "1:99:00",
        "9999999h",
        "nan",
        "1e9s",
        "\u0661s",
        "m",
        ".s",
        "1m1h",
    ],
)
def test_what_is_no_time_limit_is_refused(text: str, config: Path) -> None:
    with pytest.raises(UserError, match="must be a length of time with its units"):
        seconds_of(text)


def test_a_limit_that_is_none_is_refused_before_anything_is_made(config: Path, tmp_path: Path) -> None:
    done = evolearn("run", config, "--out", tmp_path / "run", "--time-limit", "soon")
    assert done.returncode == 2
    assert "--time-limit soon: must be a length of time" in done.stderr
    assert not (tmp_path / "run").exists()


def test_sigterm_ends_the_workers_of_a_run_with_it(tmp_path: Path) -> None:
    path = tmp_path / "gym.yaml"
    content = toy(world={"name": "gymnasium:CartPole-v1"})
    content["search"] |= {"generations": 10_000}
    path.write_text(yaml.safe_dump(content))
    command = line_of("run", path, "--workers", 2, "--out", tmp_path / "run")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for printed in process.stdout:
            if printed.startswith("generation 2/"):
                break
        workers = children_of(process.pid)
        assert len(workers) >= 2
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()  # to the end, which comes when nobody holds the pipe any more
        assert process.wait(timeout=120) == 143, rest
    assert f"Told to end (SIGTERM). Continue with: evolearn resume {tmp_path / 'run'}" in rest
    assert not any(command_of(worker) for worker in workers)
    assert len(open_run(tmp_path / "run").rows()) >= 2


def children_of(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [child for child in children if "spawn_main" in command_of(child)]


def command_of(pid: int) -> str:
    """The command of a process; empty where there is none, or it has ended."""
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_text() if file.exists() else ""


class _Full:
    """A stream to a device without room."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (_Full(OSError(28, "No space left on device")), "cannot be written: No space left on device"),
        (None, "cannot be written: it is closed"),
        (_Full(BrokenPipeError(32, "Broken pipe")), ""),
    ],
)
def test_a_program_that_cannot_say_what_it_did_does_it_and_ends_with_1(stream, said: str, monkeypatch, capsys) -> None:
    done: list[str] = []
    left: list[int] = []

    def program() -> None:
        print("one")
        print("two")
        done.append("all")

    monkeypatch.setattr("os._exit", left.append)
    monkeypatch.setattr("sys.stdout", stream)
    run_and_leave(program)
    assert (done, left) == (["all"], [1])
    assert said in capsys.readouterr().err


def test_names_that_the_output_cannot_show_are_shown_otherwise(monkeypatch) -> None:
    written = io.BytesIO()
    left: list[int] = []
    monkeypatch.setattr("os._exit", left.append)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    run_and_leave(lambda: print("h\u00fcfe \udcff"))
    assert (written.getvalue(), left) == (rb"h\xfcfe \udcff" + b"\n", [0])


@pytest.mark.parametrize(
    "arguments",
    [["-h"], ["help"], ["run", "-h"], ["help", "run"], ["study", "-h"], ["help", "study", "add"], ["worlds", "help"]],
)
def test_help_is_found_however_it_is_asked_for(arguments: list[str]) -> None:
    done = evolearn(*arguments)
    assert done.returncode == 0, done.stderr
    assert "Usage: evolearn" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rum"], "Did you mean 'run'"),
        (["worlds", "shwo"], "Did you mean 'show'"),
        (["run", "zebra", "--seed", "-1"], "Input should be greater than or equal to 0"),
        (["run", "zebra", "--seed", 10**30], "Input should be less than or equal to 4294967295"),
        (["run", "zebra", "--workers", 0], "Input should be greater than or equal to 1"),
        (["run", "zebra", "--workrs", 1], "--workers"),
        (["run", "zebra", "--search.population=3"], "A setting of the config has no dashes: search.population=VALUE"),
        (
            ["study", "zebra", "--runs", 2],
            "No such option: --runs. A setting of the config has no dashes: runs=VALUE (",
        ),
    ],
)
def test_slips_on_the_command_line_are_named(arguments: list[object], said: str) -> None:
    done = evolearn(*arguments)
    assert done.returncode == 2
    assert said in " ".join(line.strip("│ ") for line in done.stderr.splitlines())
