"""An inspection as a whole: its sections in order, those that cannot be made, its files, and what is refused."""

import dataclasses
import io
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from evolearn.cli.app import app
from evolearn.cli.inspect import SENTENCES_SHOWN, InspectScreen, print_sections
from evolearn.errors import UserError
from evolearn.inspection import Answer, Wishes, _sections as inspection, compare_dna, inspect as inspecting, inspect_dna
from evolearn.inspection._sections import Part, alive
from evolearn.inspection._specimen import FULL, QUICK, extent_of
from evolearn.inspection.inspect import InspectionError, free_directory, place_of
from evolearn.inspection.record import plain
from evolearn.life import OwnDrivers
from evolearn.report import Section, write_inspection_report
from evolearn.report._files import ReportError
from evolearn.report.inspection.files import INSPECTION_FILE, read_inspection
from evolearn.report.inspection.section import Table
from evolearn.run import DNAError, load_dna, start_run
from evolearn.world import WorldError
from tests.helpers.dna_configs import config
from tests.helpers.inspection_on_disk import BUILDERS, full_inspection, patched_builders, write_inspection
from tests.helpers.inspections import Notes
from tests.helpers.places import ROOT
from tests.helpers.runs import Watcher
from tests.helpers.study_on_disk import made_up_replay


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("inspecting") / "pole"
    start_run(config(), "toy", path, OwnDrivers(1), Watcher())
    return path


@pytest.fixture(scope="module")
def orphan(tmp_path_factory) -> Path:
    """A run whose world is gone."""
    folder = tmp_path_factory.mktemp("orphan")
    world = folder / "vanishing.py"
    shutil.copy(ROOT / "worlds" / "cart_pole.py", world)
    path = folder / "run"
    start_run(config(world={"name": f"{world}:cart_pole"}), "toy", path, OwnDrivers(1), Watcher())
    world.unlink()
    return path


def at_fault(subject):
    raise WorldError("world cart-pole, life 3: hung")


def lived(subject):
    specimen = alive(subject)
    specimen.progress(1, 2)
    return {"lifetime": specimen.lifetime, "extent": specimen.extent.name, "age": subject.age}


PARTS = (
    Part("genes", "Genes", "none", lambda subject: {"name": subject.dna.world, "endless": float("inf")}),
    Part("weights", "Weights", "used", lambda subject: {"alive": subject.specimen is not None}),
    Part("lesions", "Lesions", "needed", at_fault),
    Part("landscape", "Landscape", "needed", lived),
    Part("repertoire", "Repertoire", "needed", lambda subject: {"replays": [made_up_replay("life", frames=20)]}),
)


@pytest.fixture(autouse=True)
def made_up_parts(monkeypatch):
    monkeypatch.setattr(inspecting, "PARTS", PARTS)
    with patched_builders(BUILDERS):
        yield


def inspected(run, tmp_path, notes=None, **wishes):
    display = notes or Notes()
    page = inspect_dna(run, Wishes(**wishes), tmp_path / "out", 1, display).page
    return json.loads((page.parent / INSPECTION_FILE).read_text())


def test_sections_are_made_in_order_and_one_at_fault_loses_no_other(run: Path, tmp_path: Path) -> None:
    notes = Notes()
    content = inspected(run, tmp_path, notes, age=7)
    assert [entry["key"] for entry in content["sections"]] == [part.key for part in PARTS]
    found = {entry["key"]: entry["found"] for entry in content["sections"]}
    assert found["genes"] == {"name": "cart-pole", "endless": None}
    assert found["weights"] == {"alive": True}
    assert found["lesions"] is None
    assert content["sections"][2]["missing"] == "world cart-pole, life 3: hung"
    assert found["landscape"] == {"lifetime": 40, "extent": "full", "age": 7}
    assert found["repertoire"] == {}
    assert [replay["condition"] for replay in content["replays"]] == ["life"]
    assert (1, 2) in notes.seen
    assert notes.seen[:2] == ["Genes", ("genes", False)]
    assert ("lesions", True) in notes.seen


def test_what_is_said_of_the_dna(run: Path, tmp_path: Path) -> None:
    dna, about = load_dna(run), inspected(run, tmp_path, quick=True)["about"]
    assert about["name"] == "pole"
    assert about["sha256"] == dna.header["sha256"]
    assert (about["observations"], about["drives"]) == (list(dna.observations), list(dna.drives))
    assert (about["extent"], about["lives"], about["lifetime"]) == ("quick", QUICK.lives, 40)
    assert about["note"] == ""
    assert (about["genes"], about["generation"]) == (dna.pool.size, 6)
    assert about["world_summary"]


def test_the_command_makes_the_same_again(run: Path, tmp_path: Path) -> None:
    wishes = Wishes(True, ("landscape", "lesions", "genes"), 30, 7)
    page = inspect_dna(run, wishes, tmp_path / "out", 1, Notes()).page
    content = json.loads((page.parent / INSPECTION_FILE).read_text())
    assert content["command"] == f"evolearn inspect {run} --quick --only landscape,lesions,genes --lifetime 30 --age 7"
    assert [entry["key"] for entry in content["sections"]] == ["genes", "lesions", "landscape"], (
        "in the order of the page"
    )
    before = page.read_bytes()
    page.unlink()
    assert CliRunner().invoke(app, ["report", str(page.parent)]).exit_code == 0
    assert page.read_bytes() == before


def test_an_inspection_is_made_anew(run: Path, tmp_path: Path) -> None:
    inspected(run, tmp_path, quick=True)
    assert inspected(run, tmp_path)["about"]["extent"] == "full"
    assert not list((tmp_path / "out").glob("*.part"))


def test_without_its_world_the_rest_is_shown(orphan: Path, tmp_path: Path) -> None:
    notes = Notes()
    content = inspected(orphan, tmp_path, notes)
    entries = {entry["key"]: entry for entry in content["sections"]}
    assert entries["genes"]["found"]
    assert entries["weights"]["found"] == {"alive": False}
    for key in ("lesions", "landscape", "repertoire"):
        assert entries[key]["missing"] == "needs the world, which cannot be lived in here"
    assert "vanishing.py" in content["about"]["warning"]
    assert content["about"]["warning"] in notes.seen
    assert content["about"]["observations"] == list(load_dna(orphan).observations)


def test_a_world_is_not_looked_for_without_need(orphan: Path, tmp_path: Path) -> None:
    notes = Notes()
    assert inspected(orphan, tmp_path, notes, only=("genes",))["about"]["warning"] == ""
    assert notes.seen == ["Genes", ("genes", False)]


def test_places(run: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.safetensors"
    shutil.copy(run / "dna.safetensors", bare)
    home = load_dna(run)
    assert place_of(home) == run / "inspection"
    assert place_of(load_dna(run / "dna.safetensors")) == run / "inspection"
    assert place_of(load_dna(run / "dna_best.safetensors")) == run / "inspection-dna_best"
    ancestor = load_dna(run / "ancestors" / "generation_000000.safetensors")
    assert place_of(ancestor) == run / "inspection-generation_000000"
    assert place_of(load_dna(bare)) == Path("bare-inspection")
    assert place_of(home, ancestor) == run / "inspection-against-pole-generation_000000"


def test_a_directory_with_something_else_is_left_alone(run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InspectionError, match=r"holds something else than an inspection.*name another"):
        inspect_dna(run, Wishes(), tmp_path, 1, Notes())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(InspectionError, match=r"notes\.txt: is a file"):
        free_directory(tmp_path / "notes.txt", [], is_partial=False)
    notes = Notes()
    with pytest.raises(InspectionError, match=r"cannot be written: .*another --out"):
        inspect_dna(run, Wishes(only=("genes",)), Path("/proc/nowhere"), 1, notes)
    assert notes.seen == [], "before anything is lived"


def test_a_whole_inspection_is_not_lost_to_a_part_or_to_other_dna(run: Path, tmp_path: Path) -> None:
    inspected(run, tmp_path)
    (tmp_path / "out" / "figures").mkdir()
    for less in (Wishes(quick=True), Wishes(only=("genes",))):
        with pytest.raises(InspectionError, match=r"holds a whole inspection, and --quick or --only would put less"):
            inspect_dna(run, less, tmp_path / "out", 1, Notes())
    with pytest.raises(InspectionError, match=r"out: holds the inspection of other DNA, pole; name another"):
        inspect_dna(run / "ancestors" / "generation_000000.safetensors", Wishes(), tmp_path / "out", 1, Notes())
    inspected(run, tmp_path)
    assert not (tmp_path / "out" / "figures").exists(), "pictures of the one before"


def test_ctrl_c_leaves_no_directory(run: Path, tmp_path: Path, monkeypatch) -> None:
    def interrupted(subject):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspecting, "PARTS", (Part("genes", "Genes", "none", interrupted),))
    with pytest.raises(KeyboardInterrupt):
        inspect_dna(run, Wishes(), tmp_path / "deep" / "out", 1, Notes())
    assert not (tmp_path / "deep").exists()


def test_runs_of_a_study_are_told_apart(run: Path, tmp_path: Path) -> None:
    for study in ("one", "two"):
        place = tmp_path / study / "runs/home/evolved/run_00"
        place.mkdir(parents=True)
        (tmp_path / study / "study.json").write_text("{}")
        for name in ("run.json", "dna.safetensors"):
            shutil.copy(run / name, place)
    first, second = (load_dna(tmp_path / study / "runs/home/evolved/run_00") for study in ("one", "two"))
    assert place_of(first, second).name == "inspection-against-two-home-evolved-run_00"


def test_an_age_without_lesions_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InspectionError, match=r"--age 7: is for lesions, and --only genes leaves them out"):
        inspect_dna(run, Wishes(only=("genes",), age=7), tmp_path / "out", 1, Notes())


def test_the_help_names_every_section() -> None:
    text = " ".join(CliRunner().invoke(app, ["inspect", "--help"], env={"COLUMNS": "200"}).output.split())
    assert ", ".join(part.key for part in inspection.PARTS) in text


def test_two_dnas_are_compared(run: Path, tmp_path: Path, monkeypatch) -> None:
    def compare(first, second, extent, workers, progress, lifetime):
        progress(1, 1)
        return {"generations": [first.generation, second.generation], "how": [extent.name, workers, lifetime]}

    monkeypatch.setattr(inspecting, "COMPARISON", compare)
    other = run / "ancestors" / "generation_000000.safetensors"
    page = compare_dna(run, other, Wishes(lifetime=30), tmp_path / "out", 2, Notes()).page
    content = json.loads((page.parent / INSPECTION_FILE).read_text())
    assert content["sections"][0]["found"] == {"generations": [6, 0], "how": ["full", 2, 30]}
    assert content["about"]["other"]["name"] == "pole generation_000000"
    assert content["command"] == f"evolearn inspect {run} {other} --lifetime 30"
    assert "pole and pole generation_000000: what evolution wrote" in page.read_text()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([np.nan, 1.0]), [None, 1.0]),
        ((float("-inf"), "x", True, None), [None, "x", True, None]),
        ({1: (np.int64(3),)}, {"1": [3]}),
    ],
)
def test_plain_values_are_what_json_holds(value, expected) -> None:
    assert plain(value) == expected
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == expected


# --- the command ---


@pytest.fixture
def command():
    """The command in this process."""
    return lambda *arguments: CliRunner().invoke(app, ["inspect", *map(str, arguments)])


def test_the_command_prints_sentences_and_the_page(run: Path, tmp_path: Path, command) -> None:
    done = command(run, "--out", tmp_path / "out", "--only", "genes,lesions")
    assert done.exit_code == 0, done.output
    assert "Lesions: missing: world cart-pole, life 3: hung\n" in done.output
    assert "\nGenes\n  Evolution fixed 12 of 3000 genes; most is cart-pole.\n" in done.output
    assert done.output.endswith(f"The page: {tmp_path / 'out' / 'index.html'}\n")


def test_a_fault_of_ours_costs_its_section_and_is_not_hidden(run: Path, tmp_path: Path, command, monkeypatch) -> None:
    def broken(subject):
        raise np.linalg.LinAlgError("SVD did not converge\nin 30 rounds")

    monkeypatch.setattr(inspecting, "PARTS", (PARTS[0], Part("weights", "Weights", "none", broken), PARTS[3]))
    done = command(run, "--out", tmp_path / "out")
    assert done.exit_code == 1
    entries = {
        entry["key"]: entry for entry in json.loads((tmp_path / "out" / INSPECTION_FILE).read_text())["sections"]
    }
    missing = "a fault of evolearn: LinAlgError: SVD did not converge; please report it, with the traceback"
    assert entries["weights"]["missing"] == missing
    assert entries["genes"]["found"]
    assert entries["landscape"]["found"]
    assert missing in (tmp_path / "out" / "index.html").read_text()
    assert done.stderr.startswith("Traceback")
    assert "in broken" in done.stderr
    assert "The page: " in done.stdout


def test_a_missing_world_is_no_failure_of_the_command(orphan: Path, tmp_path: Path, command) -> None:
    done = command(orphan, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "Warning: The world cannot be lived in" in done.output


def refused(command, *arguments) -> str:
    done = command(*arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    return done.output + done.stderr


def test_wishes_that_cannot_be_granted(run: Path, tmp_path: Path, command) -> None:
    text = refused(command, run, "--only", "lesion")
    assert "--only lesion: is not a section. Did you mean lesions? Known: genes, weights" in text
    assert "--only : is not a section" in refused(command, run, "--only", "")
    assert "--lifetime 0: must be 1 .. 10,000,000 world steps" in refused(command, run, "--lifetime", 0)
    assert "choose a shorter one, or leave it out" in refused(command, run, "--lifetime", 10_000_001)
    assert "--age 40: must be 1 .. 39, an age within the lifetime of 40" in refused(command, run, "--age", 40)
    assert "is the same DNA as" in refused(command, run, run / "dna.safetensors")
    text = refused(command, run, run / "dna_best.safetensors", "--only", "genes")
    assert "--only: is for the inspection of one DNA" in text
    assert not (run / "inspection").exists()


def test_what_is_no_dna(run: Path, tmp_path: Path, command) -> None:
    assert "nowhere: does not exist" in refused(command, tmp_path / "nowhere")
    assert "is not a run directory" in refused(command, tmp_path)
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished, ignore=shutil.ignore_patterns("dna*", "ancestors"))
    assert f"evolearn resume {unfinished} continues it" in refused(command, unfinished)
    study = tmp_path / "study"
    shutil.copytree(run, study / "runs" / "only" / "evolved" / "run_00")
    (study / "study.json").write_text("{}")
    assert f"is a study; name one of its runs: {study}/runs/only/evolved/run_00" in refused(command, study)
    assert "is a study" in refused(command, run, study)
    shutil.rmtree(study / "runs")
    assert "is a study; name one of its runs: none has any DNA yet" in refused(command, study)
    altered = tmp_path / "altered.safetensors"
    payload = bytearray((run / "dna.safetensors").read_bytes())
    payload[-1] ^= 1
    altered.write_bytes(payload)
    assert "was altered since it was written" in refused(command, altered)
    newer = tmp_path / "newer.safetensors"
    newer.write_bytes((run / "dna.safetensors").read_bytes().replace(b'\\"format\\": 2', b'\\"format\\": 9', 1))
    assert "has format 9" in refused(command, newer)
    with pytest.raises(DNAError, match="format 9"):
        load_dna(newer)


def test_an_interrupted_inspection_leaves_nothing(run: Path, tmp_path: Path, command, monkeypatch) -> None:
    def interrupted(subject):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(inspecting, "PARTS", (PARTS[0], Part("slow", "Slow", "none", interrupted)))
    done = command(run, "--out", tmp_path / "out")
    assert done.exit_code == 130
    assert "Interrupted. Nothing is left of it: give the command again." in done.output
    assert not (tmp_path / "out").exists()


# --- the console ---


def shown(terminal: bool) -> str:
    console = Console(force_terminal=terminal, width=100, record=True, file=io.StringIO())
    display = InspectScreen(console)
    display.starting("Lesions")
    display.progress(3, 4)
    display.finished(Answer("lesions", "Lesions", {}, "", 1.25))
    display.warning("careful")
    display.close()
    return console.export_text()


def test_sections_are_named_with_their_seconds() -> None:
    assert shown(False) == "Lesions: 1.2 s\nWarning: careful\n"
    assert "Lesions: 1.2 s" in shown(True)


def test_long_sections_are_shortened() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    sentences = tuple(f"[bold]{n}" for n in range(SENTENCES_SHOWN + 2))
    missing = Section("lesions", "Lesions", (), missing="no world")
    print_sections(console, [Section("genes", "Genes", sentences), missing], Path("out/index.html"))
    text = console.export_text()
    assert "  [bold]0\n" in text
    assert "  and 2 more on the page\n" in text
    assert "Missing: no world\n" in text
    assert f"[bold]{SENTENCES_SHOWN}" not in text


# --- the page from its file ---


def test_the_same_file_gives_the_same_page(tmp_path: Path) -> None:
    pages = [write_inspection(tmp_path / name, full_inspection(), BUILDERS).read_bytes() for name in "ab"]
    assert pages[0] == pages[1]
    assert len(pages[0]) < 6_000_000
    assert b"http://" not in pages[0].split(b"<script>")[0]


def test_figures_for_papers_are_drawn_of_every_kind(tmp_path: Path) -> None:
    builders = {key: BUILDERS[key] for key in ("genes", "landscape")}
    page = write_inspection(tmp_path, full_inspection(), builders, figures=True)
    for key in ("genes_values", "landscape_plane", "landscape_senses", "landscape_effects"):
        for kind in ("svg", "pdf", "png"):
            assert (tmp_path / "figures" / f"{key}.{kind}").stat().st_size > 1000
            assert f'href="figures/{key}.{kind}"' in page.read_text()


def test_rows_that_the_page_has_no_room_for_are_left_out_and_counted(tmp_path: Path) -> None:
    content = full_inspection("a long name of a gene " * 40)
    page = write_inspection(tmp_path, content, BUILDERS)
    assert page.stat().st_size < 6_000_000
    assert "rows are in inspection.json only" in page.read_text()


def test_two_charts_of_one_key_are_refused(tmp_path: Path) -> None:
    content = full_inspection()
    builders = {**BUILDERS, "landscape": BUILDERS["genes"]}
    content["sections"][3]["found"] = {"name": "w"}
    with pytest.raises(ReportError, match="two charts or tables of a page cannot have the same key"):
        write_inspection(tmp_path, content, builders)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "verdict"}, "says kind 'verdict', not 'inspection'"),
        ({"format": 2}, "has format 2, this evolearn reads 1"),
        ({"sections": [{"key": "genes"}]}, r"lacks sections\.0\.title"),
        ({"about": {}}, "is damaged"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, change, message) -> None:
    with pytest.raises(UserError, match=message):
        write_inspection(tmp_path, full_inspection() | change, BUILDERS)


def test_a_section_that_is_not_known_here_is_missing(tmp_path: Path) -> None:
    write_inspection(tmp_path, full_inspection(), {})
    page = (tmp_path / "index.html").read_text()
    assert page.count("<strong>Missing.</strong>") == 4
    assert "this evolearn cannot show it" in page


def test_tables_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="table t: row 1 has 1 entries for 2 columns"):
        Table("t", "", "", ("a", "b"), (("x", 1.0), ("y",)), (False, True))
    with pytest.raises(ValueError, match="table t: numeric has 1 entries for 2 columns"):
        Table("t", "", "", ("a", "b"), (), (False,))


def test_an_inspection_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"inspection\.json: is missing; `evolearn inspect` makes it again"):
        read_inspection(tmp_path)
    with pytest.raises(UserError, match="is missing"):
        write_inspection_report(tmp_path)


def test_extents_differ_where_they_should() -> None:
    assert FULL.lives > QUICK.lives


def test_less_is_lived_of_worlds_that_are_stepped_one_by_one(run: Path) -> None:
    pole = load_dna(run)
    part = pole.config.world.model_copy(update={"name": "gymnasium:CartPole-v1"})
    stepped = dataclasses.replace(pole, config=pole.config.model_copy(update={"world": part}))
    assert extent_of([pole], quick=False) is FULL
    assert extent_of([pole, pole], quick=True) is QUICK
    for quick in (False, True):
        less, more = extent_of([pole, stepped], quick), extent_of([pole], quick)
        assert (less.name, bool(less.note), more.note) == (more.name, True, "")
        assert 10 * less.lifetime_limit <= more.lifetime_limit or quick
        assert f"{less.lifetime_limit:,} steps" in less.note
        assert less.grid % 2 == 1
        assert less.line % 3 == 1
