"""What lies in a folder of runs: what is said of each is what its files say, finished or not."""

import io
import json
import math
import os
import re
import shutil
import subprocess

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from evolearn import load
from evolearn.cli.app import app
from evolearn.cli.overview import runs_table
from evolearn.config import check_config
from evolearn.errors import UserError
from evolearn.files import LOCK, holding
from evolearn.life import OwnDrivers
from evolearn.overview import find_seen, look_at
from evolearn.report import Curve, Seen, render_overview
from evolearn.run import Interrupted, RunDirectory, start_run
from tests.helpers.command import line_of
from tests.helpers.runs import GENERATIONS, Watcher, toy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run, one of another seed and population that was stopped, and something that is neither."""
    folder = tmp_path_factory.mktemp("runs")
    start_run(check_config(toy(), "toy"), "toy", folder / "a", OwnDrivers(1), Watcher())
    other = toy(seed=6)
    other["search"]["population"] = 6
    with pytest.raises(Interrupted):
        start_run(check_config(other, "toy"), "toy", folder / "deeper" / "b", OwnDrivers(1), Watcher(stop_after=1))
    (folder / "notes").mkdir()
    (folder / "notes" / "run.txt").write_text("none")
    for number, name in enumerate(("a", "deeper/b")):
        os.utime(folder / name / "run.json", (1e9 + number, 1e9 + number))
    return folder


def command(*arguments):
    answer = CliRunner().invoke(app, [str(one) for one in arguments])
    return answer.exit_code, " ".join(answer.output.split())


def test_what_is_found_is_what_the_files_say(folder):
    first, second = find_seen(folder)
    assert (first.path, second.path) == (folder / "a", folder / "deeper" / "b")
    assert (first.state, second.state) == ("finished", "stopped")
    assert (first.done, second.done, second.of) == (GENERATIONS, 2, GENERATIONS)
    assert (first.has_dna, second.has_dna) == (True, False)
    closing = json.loads((first.path / "result.json").read_text())
    assert first.scores == {arm["arm"]: arm["by_lifetime"][-1] for arm in closing["arms"]}
    assert second.scores == {}
    rows = RunDirectory(first.path).rows()
    assert first.curves[0].fitness == tuple(row["fitness_centre"] for row in rows)
    assert first.curves[0].steps[-1] == sum(row["world_steps"] for row in rows)
    assert second.seconds_left == pytest.approx(
        sum(row["seconds"] for row in RunDirectory(second.path).rows()) / 2 * (GENERATIONS - 2)
    )


def test_who_writes_there_gives_signs_of_life(folder, tmp_path):
    run = shutil.copytree(folder / "deeper" / "b", tmp_path / "b")
    with holding(run / LOCK, "RUN"):
        assert look_at(run).state == "running"
    assert look_at(run).state == "stopped"


def test_what_is_neither_is_refused_and_passed_over(folder, tmp_path):
    with pytest.raises(UserError, match="neither a run directory nor a study directory"):
        look_at(folder / "notes")
    with pytest.raises(UserError, match=r"/nobody: does not exist; evolearn runs lists what is there"):
        look_at(folder / "nobody")
    with pytest.raises(UserError, match=r"DIR=.*/none: there is no such folder"):
        find_seen(tmp_path / "none")
    damaged = shutil.copytree(folder / "a", tmp_path / "runs" / "a")
    (damaged / "config.yaml").unlink()
    assert find_seen(tmp_path / "runs") == []


def test_runs_are_listed_sorted_and_picked(folder):
    code, text = command("runs", folder)
    assert code == 0
    assert text.index(" a ") < text.index("deeper/b")
    assert f"{GENERATIONS}/{GENERATIONS}" in text
    assert f"2/{GENERATIONS}" in text
    assert "deeper/b" not in command("runs", folder, "--only", "finished")[1]
    assert "No run and no study in " in (text := command("runs", folder, "--only", "savannah")[1])
    assert text.endswith(" has 'savannah'")
    code, text = command("runs", folder, "--sort", "colour")
    assert (code, "--sort colour: must be one of made, name, state, score" in text) == (2, True)


def test_where_nothing_was_run_yet_the_list_says_how_to_begin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, text = command("runs")
    assert (code, text.startswith("No run and no study in runs; evolearn run CONFIG makes one, such as ")) == (0, True)
    (tmp_path / "runs").mkdir()
    assert command("runs") == (code, text)
    code, text = command("runs", "elsewhere")
    assert (code, "DIR=elsewhere: there is no such folder; name one in which runs lie" in text) == (2, True)


def test_a_comparison_shows_what_configs_differ_in_and_nothing_else(folder, tmp_path):
    page = tmp_path / "page.html"
    assert command("compare", folder / "a", folder / "deeper" / "b", "--out", page)[0] == 0
    text = page.read_text()
    differences = text[text.index('id="differences"') :]
    assert "<code>search.population</code></th><td><code>8</code></td><td><code>6</code></td>" in differences
    assert "<code>seed</code></th><td><code>5</code></td><td><code>6</code></td>" in differences
    assert "search.lives" not in differences
    assert "Not finished" in text
    code, text = command("compare", folder / "a")
    assert (code, "must be at least two" in text) == (2, True)


def test_watching_writes_a_page_that_is_read_again_until_the_run_is_finished(folder, tmp_path):
    run = shutil.copytree(folder / "deeper" / "b", tmp_path / "b")
    with holding(run / LOCK, "RUN"):
        code, text = command("watch", run, "--once", "--every", "7")
    assert (code, f"running, 2 of {GENERATIONS} generations" in text) == (0, True)
    assert '<meta http-equiv="refresh" content="7">' in (run / "overview.html").read_text()
    done = shutil.copytree(folder / "a", tmp_path / "a")
    assert "finished" in command("watch", done)[1]
    assert "refresh" not in (done / "overview.html").read_text().split("<style>")[0]
    assert command("report", done)[0] == 0


def test_a_run_that_was_killed_is_shown_as_far_as_it_came_and_said_not_to_be_finished(tmp_path):
    config = toy()
    config["search"]["generations"] = 100_000
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(config))
    run = tmp_path / "run"
    with subprocess.Popen(line_of("run", tmp_path / "toy.yaml", "--out", run), stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            if line.startswith(b"generation 5/"):
                break
        assert "100,000 generations" in command("watch", run, "--once")[1]
        assert look_at(run).state == "running"
        process.kill()
    code, text = command("watch", run)
    assert (code, "stopped, " in text) == (0, True), "it does not wait for who is gone"
    page = (run / "overview.html").read_text()
    assert "Not finished" in page
    assert f"<code>evolearn resume {run}</code> goes on" in page
    assert 'http-equiv="refresh"' not in page.split("<style>")[0], "nobody writes it again"
    (run / "overview.html").unlink()
    assert command("report", run)[0] == 0
    assert "Not finished" in (run / "overview.html").read_text()
    said = re.compile(r"is not finished; this is the centre that lived generation \d+ of 100,000, and evolearn resume")
    code, text = command("inspect", run, "--only", "genes", "--out", tmp_path / "inspection")
    assert (code, bool(said.search(text))) == (0, True), text
    assert said.search((tmp_path / "inspection" / "index.html").read_text())
    code, text = command("replay", run, "--to", tmp_path / "life.html")
    assert (code, bool(re.search(r"learning, generation \d+ of 100,000: not finished\)", text))) == (0, True), text
    code, text = command("export", run, "--to", tmp_path / "brain.pt")
    assert (code, bool(said.search(text))) == (0, True), text
    code, text = command("run", "cart-pole", f"teacher.source={run}", "learner.name=rewarded_imitation", "--dry-run")
    assert (code, "or name the last centre that it kept, " in text) == (2, True), text


def test_a_study_that_was_killed_is_shown_as_far_as_it_came_and_names_its_runs(folder, tmp_path):
    study = tmp_path / "study"
    shutil.copytree(folder / "deeper" / "b", study / "runs" / "only" / "evolved" / "run_00")
    (study / "study.json").write_text("{}")
    (study / "study.yaml").write_text(yaml.safe_dump({"run": toy()}))
    assert "stopped, 2 generations of 1 evolution" in command("watch", study)[1]
    assert command("report", study)[0] == 0
    assert "Not finished" in (study / "overview.html").read_text()
    code, text = command("replay", study, "--to", tmp_path / "life.html")
    assert (code, "is a study; name one of its runs: " in text, "evolved/run_00" in text) == (2, True, True)


def test_a_run_of_a_study_is_finished_with_its_evolution_and_goes_on_with_the_study(folder, tmp_path):
    study = tmp_path / "study"
    over = study / "runs" / "only" / "evolved" / "run_00"
    shutil.copytree(folder / "a", over)
    (over / "result.json").unlink()
    begun = shutil.copytree(folder / "deeper" / "b", over.parent / "run_01")
    (study / "study.json").write_text("{}")
    assert look_at(over).state == "finished", "the study judges it"
    assert look_at(begun).state == "stopped"
    with holding(study / LOCK, "STUDY"):
        assert look_at(begun).state == "running"
    assert command("compare", over, begun, "--out", tmp_path / "page.html")[0] == 0
    assert f"<code>evolearn resume {study}</code> goes on" in (tmp_path / "page.html").read_text()


def test_a_list_of_runs_cuts_nothing_off(tmp_path):
    curve = Curve("x", "", "", (1.0,), (0.5,))
    scores, world = {"evolved": 0.5, "blank": 0.25}, "/home/somebody/worlds/valley.py:valley"

    def listed(width, name, done):
        seen = Seen(tmp_path / name, "study", world, 0.0, "finished", done, done, 1.0, scores, "", True, {}, (curve,))
        console = Console(width=width, file=io.StringIO())
        console.print(runs_table([seen], tmp_path))
        head, _, first, *_ = console.file.getvalue().strip().splitlines()
        assert head.split() == ["name", "world", "from", "kind", "state", "done", "evolved", "blank", "DNA"]
        return first.split()

    assert listed(100, "hunted-coevolved-seed0-1", 100_000)[-4:] == ["100,000/100,000", "0.500", "0.250", "yes"]
    assert listed(80, "zebra-seed0-1", 20)[-5:] == ["finished", "20/20", "0.500", "0.250", "yes"]
    assert "valley.py:valley" in listed(120, "zebra-seed0-1", 20), "not the folders that lead there"


def test_a_watched_run_shows_its_newborn_as_its_dna_has_it(folder, tmp_path):
    run = shutil.copytree(folder / "a", tmp_path / "a")
    assert command("watch", run, "--once")[0] == 0
    page = run.joinpath("overview.html").read_text()
    table = page[page.index('id="newborn"') :]
    assert f"The newborn of generation {GENERATIONS}" in table
    rate = load(run).newborn.plasticity["learning_rate"]
    row = re.search(r"learning_rate</th><td>plasticity</td>.*>([^<]+)</td></tr>", table)
    assert float(row[1].replace("\N{MINUS SIGN}", "-")) == pytest.approx(rate, rel=1e-2)


def test_hostile_names_and_numbers_that_are_none_are_shown_as_text(tmp_path):
    curve = Curve("x", "<b>arm</b>", "<i>alone</i>", (1.0, 2.0), (math.nan, 0.5))
    seen = Seen(
        tmp_path / "<script>", "study", "<u>", 0.0, "stopped", 2, None, None, {}, "<em>", False, {"a": 1}, (curve,)
    )
    page = render_overview([seen])
    for tag in ("<b>arm", "<i>alone", "<u>", "<em>"):
        assert tag not in page
    assert "NaN" not in page[page.index('id="drawings"') : page.index("</script>", page.index('id="drawings"'))]
