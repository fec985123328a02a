"""The study commands as a user meets them: output, exit codes, Ctrl-C, a killed process."""

import copy
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from evolearn.config import STUDIES, find_config
from evolearn.study import read_study
from tests.helpers.command import evolearn
from tests.helpers.studies import TOY

# The report takes seconds and has tests of its own.
WITHOUT_REPORT = """
import evolearn.study.study
from evolearn.cli.app import main
evolearn.study.study.write_report = lambda study: None
main()
"""


def stopped(folder: Path, when: Callable[[str], bool], how: signal.Signals, *arguments: object) -> tuple[int, str]:
    """Start a command, send it a signal at the first line that is meant, and return its exit code and output."""
    command = [sys.executable, "-u", "-c", WITHOUT_REPORT, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder) as process:
        assert process.stdout is not None
        output = []
        for line in process.stdout:
            output.append(line)
            if when(line):
                process.send_signal(how)
                break
        output.append(process.stdout.read())
        return process.wait(timeout=120), "".join(output)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    """A folder with a toy config and the study that it makes, report and all; and what was printed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "toy.yaml").write_text(yaml.safe_dump(config()))
    done = evolearn("study", "toy.yaml", "--out", "whole", "--workers", 2, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def config() -> dict:
    return copy.deepcopy(TOY) | {"title": "A toy", "runs": 1, "resamples": 100}


def test_a_study_says_what_it_will_cost_what_it_does_and_what_came_of_it(finished) -> None:
    folder, output = finished
    lines = output.splitlines()
    assert lines[0].startswith("Living the first lives of every arm")
    assert lines[1].startswith("A toy: 1 condition(s): as it is")
    assert "1 evolution run(s) per arm: fewer than 10 are exploratory, not evidence for a claim." in output
    assert "Decided by: evolved against tuned_blank, catch_up, at 0.05." in output
    assert "Study directory: whole" in lines
    assert sum(", run 1: evolved" in line for line in lines) == 2
    assert sum(", run 1: lived the test lives" in line for line in lines) == 4
    assert any(line.startswith("[6/6 jobs, ") for line in lines)
    verdict = json.loads((folder / "whole/verdict.json").read_text())
    flat = " ".join(output.split())
    assert " ".join(verdict["conditions"][0]["sentence"].split()) in flat
    for remark in verdict["conditions"][0]["remarks"]:
        assert " ".join(remark.split()) in flat
    arm = verdict["conditions"][0]["arms"]["random"]
    assert "Birth is of the first body: steps after its death count 0. With whoever is reborn in the same 40 " in flat
    assert f"random {arm['metrics']['birth_reborn']['iqm']:.3g} ({arm['birth_deaths']:.1f})" in flat
    assert "1 evolution run(s) per arm: exploratory, not evidence for a claim." in output
    assert "evolearn study whole/study.yaml seed=4 runs=10" in output
    assert "The page: whole/report/index.html" in output


def test_the_report_is_written_and_can_be_written_again(finished) -> None:
    folder, _ = finished
    page = folder / "whole/report/index.html"
    assert "evolved" in page.read_text(encoding="utf-8")
    assert list((folder / "whole/report/figures").glob("*.svg"))
    assert list((folder / "whole/report/tables").glob("*.csv"))
    page.unlink()
    done = evolearn("report", "whole", "--no-figures", folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "The page: whole/report/index.html"
    assert page.exists()


def test_the_next_command_that_is_offered_works_and_a_dry_run_writes_nothing(finished, tmp_path: Path) -> None:
    done = evolearn(
        "study", finished[0] / "whole/study.yaml", "--seed", 4, "--workers", 1, "--dry-run", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    output = done.stdout
    assert "World steps over all runs: " in output
    assert "million steps/s with learning" in output
    assert "Study directory" not in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["study", "zebrra", "--dry-run"], "no config of that name is shipped. Did you mean zebra?"),
        (["study", "toy.yaml", "margins={}"], "margins: catch_up is missing, but primary compares arms in it"),
        (["resume", "whole"], "STUDY=whole: is finished; its verdict is in whole/verdict.json"),
        (["report", "nowhere"], "is nowhere a study directory? `evolearn study CONFIG` makes one"),
    ],
)
def test_mistakes_end_with_code_2_and_one_error(arguments: list[str], text: str, finished) -> None:
    folder, _ = finished
    before = sorted(folder.rglob("*"))
    done = evolearn(*arguments, folder=folder)
    assert done.returncode == 2, done.stdout
    assert text in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert sorted(folder.rglob("*")) == before, "nothing is made of a mistake"


def test_ctrl_c_says_how_to_resume_and_a_killed_study_ends_with_the_same_bytes(finished, monkeypatch) -> None:
    """Stopped by the user in evolution, killed in the test lives, and resumed by another number of workers."""
    folder, _ = finished
    start = ("study", "toy.yaml", "--out", "cut", "--workers", 1)
    code, output = stopped(folder, lambda line: ", run 1: evolved" in line, signal.SIGINT, *start)
    assert code == 130, output
    assert "Interrupted. Continue with: evolearn resume cut" in output
    assert not (folder / "cut/verdict.json").exists()
    start = ("resume", "cut", "--workers", 1)
    code, output = stopped(folder, lambda line: "lived the test lives" in line, signal.SIGKILL, *start)
    assert code == -signal.SIGKILL, output
    assert not (folder / "cut/verdict.json").exists()
    monkeypatch.setattr("evolearn.study.study.write_report", lambda study: None)
    assert evolearn("resume", "cut", "--workers", 2, folder=folder).returncode == 0
    for name in ("verdict.json", "ledger.json", "lives.parquet"):
        assert (folder / "cut" / name).read_bytes() == (folder / "whole" / name).read_bytes(), name


def test_a_study_is_extended_from_the_command_line(finished, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("evolearn.study.study.write_report", lambda study: None)
    longer = Path(shutil.copytree(finished[0] / "whole", tmp_path / "longer"))
    done = evolearn("study", "add", longer, "--runs", 1, "--arm", "blank", "--workers", 1)
    assert done.returncode == 0, done.stderr
    verdict = json.loads((longer / "verdict.json").read_text())
    extension = {"runs_before": 1, "runs_after": 2, "arms_added": ["blank"], "verdict_seen": True}
    assert verdict["study"]["extended"] == [extension]
    assert "blank" in verdict["conditions"][0]["arms"]
    assert "blank, run 2: lived the test lives" in done.stdout


def test_the_setting_that_the_help_gives_as_an_example_fits_the_flagship(tmp_path: Path) -> None:
    done = evolearn("study", "run", "--help", folder=tmp_path)
    (example,) = re.findall(r"\b([a-z.]+=\w+)\.", done.stdout)
    read_study(find_config("zebra", STUDIES), [example])


def test_help_names_the_way_to_extend(tmp_path: Path) -> None:
    done = evolearn("study", "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "add" in done.stdout
