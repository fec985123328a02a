"""What screens are made of: lines where there is no terminal, a bar where there is one."""

import io
import re

import pytest
from rich.console import Console
from rich.progress import BarColumn

from evolearn.cli import screen as module
from evolearn.cli.screen import Screen
from evolearn.cli.terminal import Terminal, print_line
from evolearn.life import ClusterStatus

WAITS = ClusterStatus(2, 1, 3, 1, 0, 0, "no host is left")
WORKS = ClusterStatus(2, 1, 3, 1, 0, 0, "")


def shown(terminal: bool) -> str:
    """Everything that a screen wrote, without the codes that move the cursor and colour."""
    file = io.StringIO()
    with Screen(Console(file=file, force_terminal=terminal, width=90), BarColumn(), "{task.description}") as screen:
        screen.log("a step")
        screen.now_and_then("too early")
        for status in (WAITS, WAITS, WORKS, WAITS):
            screen.cluster(status)
        screen.draw(description="drawn", total=2, completed=1)
        screen.warning(" ".join(["careful"] * 14))
        screen.say("x" * 100)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())


def test_where_there_is_no_terminal_lines_are_all_and_whole() -> None:
    waiting = "Waiting: no host is left"
    careful = "Warning: " + " ".join(["careful"] * 14)
    assert shown(False).splitlines() == ["a step", waiting, waiting, careful, "x" * 100]


def test_in_a_terminal_the_bar_says_it_and_the_cluster_is_below() -> None:
    text = shown(True)
    assert "a step" not in text
    assert "Waiting:" not in text
    assert re.search(r"━ drawn *\n *cluster: 2 hosts, 1 core, 3 tasks in flight, 1 task done again; no", text)
    assert re.search(r"Warning: (careful ){9}careful\s*\n(careful ?){4}\n", text), "between words"
    assert "x" * 100 in text, "paths are to be copied"


def test_now_and_then_is_when_nothing_was_said_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    file = io.StringIO()
    screen = Screen(Console(file=file, width=60))
    for seconds in (10, 15, 10, 5, 1):
        now[0] += seconds
        screen.now_and_then(f"{now[0]:g}")
        if seconds == 15:
            screen.say("said")
    assert file.getvalue().split() == ["125", "said"]
    now[0] += 19.0
    screen.now_and_then("again")
    assert file.getvalue().split() == ["125", "said", "again"]


def test_a_name_cannot_steer_the_terminal() -> None:
    file = io.StringIO()
    print_line(
        Terminal(file=file, force_terminal=True, color_system="truecolor"), "a\x1b]0;b\x9bc\u202ed\te\nf", "bold"
    )
    assert "a\\x1b]0;b\\x9bc\\u202ed" in file.getvalue()
    assert "\x1b[1m" in file.getvalue()  # what is ours


@pytest.mark.parametrize(("terminal", "words"), [(False, "Rehearsing a life ..\n"), (True, "rehearsing a life")])
def test_what_comes_before_anything_can_be_counted_is_said(terminal: bool, words: str) -> None:
    file = io.StringIO()
    with Screen(Console(file=file, force_terminal=terminal, width=90), "{task.description}") as screen:
        screen.preparing("rehearsing a life")
    assert words in file.getvalue()
