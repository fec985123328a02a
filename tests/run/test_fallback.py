"""Whatever became of a run's files, it goes on from the last state that is whole, and comes to the same."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from evolearn.config import check_config
from evolearn.errors import RunDirectoryError, UserError
from evolearn.files import LOCK
from evolearn.files.locks import DirectoryHeld
from evolearn.life import OwnDrivers
from evolearn.run import Interrupted, ProgramEnded, assemble, create_run, open_run, resume_run, start_run
from evolearn.run._resuming import standing
from tests.helpers.runs import GENERATIONS, Watcher, digests, toy, toy_with

CONFIG = check_config(toy(), "toy")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after three of four generations."""
    path = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Interrupted):
        start_run(CONFIG, "toy", path, OwnDrivers(1), Watcher(stop_after=2))
    return path


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def rows_of(run: Path) -> list[str]:
    return (run / "generations.jsonl").read_text().splitlines(keepends=True)


def write_rows(run: Path, *rows: str) -> None:
    (run / "generations.jsonl").write_text("".join(rows))


def cut_off(run: Path) -> None:
    write_rows(run, *rows_of(run)[:2], rows_of(run)[2][:40])


def empty(run: Path) -> None:
    write_rows(run)


def missing(run: Path) -> None:
    (run / "generations.jsonl").unlink()


def not_text(run: Path) -> None:
    (run / "generations.jsonl").write_bytes(b"\xff\0" * 50)


def damaged_in_the_middle(run: Path) -> None:
    rows = rows_of(run)
    write_rows(run, rows[0], "{" + rows[1][5:], rows[2])


def out_of_order(run: Path) -> None:
    rows = rows_of(run)
    write_rows(run, rows[0], rows[2], rows[1])


def with_one_field(change: Callable[[dict], None], row: int = 2) -> Callable[[Path], None]:
    def damage(run: Path) -> None:
        rows = rows_of(run)
        content = json.loads(rows[row])
        change(content)
        write_rows(run, *rows[:row], json.dumps(content) + "\n", *rows[row + 1 :])

    return damage


def newer_than_rows(run: Path) -> None:
    write_rows(run, *rows_of(run)[:2])


@pytest.mark.parametrize(
    ("damage", "first", "said"),
    [
        (cut_off, 2, "row 2 is not whole: "),
        (empty, 0, "and generations.jsonl has 0 whole rows); using the one before"),
        (missing, 0, "no whole checkpoint is left"),
        (not_text, 0, "row 0 is not whole: "),
        (damaged_in_the_middle, 1, "row 1 is not whole: "),
        (out_of_order, 1, "row 1 is not whole: it is of generation 2"),
        (newer_than_rows, 2, "generation_000002.safetensors: truncated or altered (it is of generation 2, and"),
        (with_one_field(lambda row: row.pop("seconds")), 2, "row 2 is not whole: seconds: Field required"),
        (with_one_field(lambda row: row.update(world_steps="1")), 2, "world_steps: Input should be a valid integer"),
        (with_one_field(lambda row: row.update(world_steps=True)), 2, "world_steps: Input should be a valid integer"),
        (with_one_field(lambda row: row.update(world_steps=-1)), 2, "row 2 is not whole: it counts less than nothing"),
        (with_one_field(lambda row: row.update(world_steps=1), row=0), 0, "are not those that it was written after"),
    ],
)
def test_a_resume_falls_back_to_the_last_rows_that_are_whole(
    damage: Callable[[Path], None], first: int, said: str, run: Path
) -> None:
    damage(run)
    stands = standing(assemble(CONFIG), open_run(run))
    assert stands.first == first
    assert said in "\n".join(stands.complaints)


def test_what_was_fallen_back_from_is_made_again_alike(
    run: Path, undisturbed: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged_in_the_middle(run)
    watcher = Watcher()
    resume_run(open_run(run), OwnDrivers(1), watcher)
    assert (watcher.first, len(watcher.rows)) == (1, 3)
    assert digests(run) == digests(undisturbed("pgpe"))
    assert watcher.chosen == [("the 8 leaders of the last generation", 0, 1)]
    assert not (run / LOCK).exists()


def change_tensors(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    """Change the newest checkpoint, and repair its checksum."""

    def altered(run: Path) -> None:
        file = run / "checkpoints" / "generation_000002.safetensors"
        tensors = safetensors.torch.load_file(file)
        change(tensors)
        payload = safetensors.torch.save(tensors)
        file.write_bytes(payload)
        repair(file.with_suffix(".json"), payload)

    return altered


def repair(file: Path, payload: bytes) -> None:
    label = json.loads(file.read_text())
    about = f"{label['generation']}:{label['config_sha256']}:{label['rows_sha256']}:"
    sha256 = hashlib.sha256(about.encode() + payload).hexdigest()
    file.write_text(json.dumps(label | {"sha256": sha256, "size": len(payload)}))


def resized(name: str) -> Callable[[Path], None]:
    return change_tensors(lambda tensors: tensors.update({name: torch.cat([tensors[name], tensors[name]])}))


def longer_than_memory(run: Path) -> None:
    os.truncate(run / "checkpoints" / "generation_000002.safetensors", 1 << 39)  # sparse: takes no room


def of_another_run(run: Path) -> None:
    other = run.parent / "other"
    with pytest.raises(Interrupted):
        start_run(check_config(toy() | {"seed": 6}, "toy"), "toy", other, OwnDrivers(1), Watcher(stop_after=2))
    for file in (other / "checkpoints").glob("*2.*"):
        shutil.copy(file, run / "checkpoints")


def of_another_generation(run: Path) -> None:
    shutil.copy(*(run / "checkpoints" / f"generation_00000{number}.safetensors" for number in (1, 2)))
    file = run / "checkpoints" / "generation_000002.safetensors"
    repair(file.with_suffix(".json"), file.read_bytes())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (longer_than_memory, "has 549,755,813,888 bytes, at most "),
        (change_tensors(lambda tensors: tensors.pop("population.evals")), "lacks population.evals"),
        (change_tensors(lambda tensors: tensors.pop("generator")), "lacks generator"),
        (change_tensors(lambda tensors: tensors.update(more=torch.zeros(1))), "holds more, which such a search has"),
        (change_tensors(lambda t: t.update({"distribution.mu": t["distribution.mu"].double()})), "is float64"),
        (change_tensors(lambda tensors: tensors["distribution.mu"].fill_(np.nan)), "that is not finite"),
        (change_tensors(lambda tensors: tensors["generator"].fill_(0)), "does not fit the search: "),
        (resized("distribution.mu"), "distribution.mu is float32 ["),
        (resized("population.values"), "population.values is float32 [16,"),
        (of_another_generation, "holds a search of other than 3 generations"),
        (of_another_run, "it is of another run"),
    ],
)
def test_a_checkpoint_that_is_not_of_the_run_is_passed_over(
    damage: Callable[[Path], None], said: str, run: Path
) -> None:
    damage(run)
    stands = standing(assemble(CONFIG), open_run(run))
    assert stands.first == 2
    assert said in stands.complaints[0]
    assert "using the one before" in stands.complaints[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("restart", "holds no record of each of 3 restarts"),
        ("curves", "lacks curves, or it is of another shape"),
        ("past.0.leaders", "lacks past.0.leaders, or it is of another shape"),
        ("search.distribution.mu", "distribution.mu is float32 ["),
    ],
)
def test_a_checkpoint_of_restarts_is_checked_as_well(name: str, said: str, restarted: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(restarted, tmp_path / "run"))
    file = max((run / "checkpoints").glob("*.safetensors"))
    tensors = safetensors.torch.load_file(file)
    assert int(tensors["restart"]) > 0
    setup = assemble(open_run(run).read_config())
    assert standing(setup, open_run(run)).complaints == ()
    tensors[name] = torch.tensor(3) if name == "restart" else tensors[name][..., :1].contiguous()
    payload = safetensors.torch.save(tensors)
    file.write_bytes(payload)
    repair(file.with_suffix(".json"), payload)
    assert said in standing(setup, open_run(run)).complaints[0]


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that began again, stopped after it had."""
    path = tmp_path_factory.mktemp("restarted") / "run"
    search = {"generations": 40, "restart": "stagnation", "restart_window": 2, "lives": 1, "selection_lifetime": 20}

    class Stopping(Watcher):
        def made(self, generation) -> None:
            super().made(generation)
            if generation.restart:
                raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        start_run(check_config(toy_with("pgpe", search), "toy"), "toy", path, OwnDrivers(1), Stopping())
    return path


@pytest.mark.parametrize("content", ["folder", "pipe"])
def test_rows_that_cannot_be_read_are_named(content: str, run: Path) -> None:
    missing(run)
    (run / "generations.jsonl").mkdir() if content == "folder" else os.mkfifo(run / "generations.jsonl")
    with pytest.raises(
        RunDirectoryError, match=r"not a (regular )?file; put it back; or remove it, and evolearn resume"
    ):
        resume_run(open_run(run), OwnDrivers(1), Watcher())
    assert not (run / LOCK).exists()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("run.json", b'{"kind": "run", "format": 1}', "run.json: is damaged: lacks evolearn; lacks config_sha256"),
        ("run.json", b"[]", "run.json: is damaged: holds a list"),
        ("run.json", b'{"kind": "run", "format": true, "evolearn": "1", "config_sha256": "0"}', "format=True"),
        ("run.json", b'{"kind": "run", "format": 9}', "has format 9 "),
        ("run.json", b'{"kind": "study", "format": 9}', "is a study, not a run"),
        ("config.yaml", b"\xff", "config.yaml: was altered since the run was made"),
    ],
)
def test_damaged_files_are_named(file: str, content: bytes, said: str, run: Path) -> None:
    (run / file).write_bytes(content)
    with pytest.raises(UserError) as refused:
        resume_run(open_run(run), OwnDrivers(1), Watcher())
    assert said in str(refused.value)


def test_a_run_that_is_being_written_is_not_resumed_but_read(run: Path) -> None:
    with open_run(run).hold():
        assert len(open_run(run).rows()) == 3
        with pytest.raises(DirectoryHeld, match=f"RUN={run}: is being written by this process itself"):
            resume_run(open_run(run), OwnDrivers(1), Watcher())
    assert len(digests(run)) == 3


class Ending(Watcher):
    """Ends as something within the program would."""

    def __init__(self, end: BaseException) -> None:
        super().__init__()
        self.end = end

    def made(self, generation) -> None:
        super().made(generation)
        raise self.end


def test_the_end_of_the_program_from_within_is_a_text_and_keeps_what_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "run"
    config = check_config(toy(checkpoint_every=100), "toy")
    with pytest.raises(ProgramEnded, match=r"SystemExit, code 0\), and the run is not finished.*evolearn resume"):
        start_run(config, "toy", path, OwnDrivers(1), Ending(SystemExit(0)))
    assert standing(assemble(config), open_run(path)).first == 1


def test_what_was_stopped_before_it_could_be_resumed_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def refuse(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunDirectoryError, match="nothing is there yet that could be resumed"):
        create_run(CONFIG, "toy", tmp_path / "run", {"workers": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_later_keeps_a_run_that_can_be_resumed(tmp_path: Path, monkeypatch) -> None:
    path, fsync = tmp_path / "run", os.fsync

    class Filling(Watcher):
        def made(self, generation) -> None:
            super().made(generation)
            monkeypatch.setattr(os, "fsync", refuse)

    def refuse(file: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(RunDirectoryError, match=f"free space and continue with evolearn resume {path}"):
        start_run(CONFIG, "toy", path, OwnDrivers(1), Filling())
    monkeypatch.setattr(os, "fsync", fsync)
    assert standing(assemble(CONFIG), open_run(path)).first == 1
    assert not list(path.rglob("*.part"))


@pytest.mark.parametrize("content", ["", "{", "{}", '{"lifetime": 1, "lives": 1, "arms": []}'])
def test_a_run_whose_table_is_none_is_not_finished(content: str, run: Path) -> None:
    (run / "result.json").write_text(content)
    assert not open_run(run).is_finished
    watcher = Watcher(stop_after=3)
    with pytest.raises(Interrupted) as stopped:
        resume_run(open_run(run), OwnDrivers(1), watcher)
    assert not stopped.value.finished
    assert "result.json" in watcher.warnings[0]
    assert "put aside as result.json.damaged" in watcher.warnings[0]
    assert (run / "result.json.damaged").read_text() == content
    assert not (run / "result.json").exists()


def test_a_run_that_is_stopped_when_its_table_is_there_is_finished(run: Path) -> None:
    class Late(Watcher):
        def finished(self, setup, directory, result) -> None:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        resume_run(open_run(run), OwnDrivers(1), Late())
    assert stopped.value.finished
    assert open_run(run).is_finished


def test_a_checkpoint_of_an_earlier_evolearn_is_called_that(run: Path) -> None:
    file = run / "checkpoints" / "generation_000002.json"
    label = json.loads(file.read_text())
    del label["rows_sha256"]
    file.write_text(json.dumps(label))
    complaint = standing(assemble(CONFIG), open_run(run)).complaints[0]
    assert "is of an earlier evolearn" in complaint
    assert "altered" not in complaint


def test_a_new_checkpoint_outlives_later_ones_that_are_of_no_use(run: Path) -> None:
    folder = run / "checkpoints"
    for later in (20, 25, 30):
        (folder / f"generation_{later:06d}.safetensors").write_bytes(b"spoilt")
    (folder / "generation_000002.json.01234567.part").write_bytes(b"of a process that was killed")
    with pytest.raises(Interrupted):
        resume_run(open_run(run), OwnDrivers(1), Watcher(stop_after=3))
    assert standing(assemble(CONFIG), open_run(run)).first == 4
    assert {path.stem for path in folder.iterdir()} == {f"generation_{one:06d}" for one in (1, 2, 3)}


def test_rows_are_those_of_generations(run: Path) -> None:
    rows = open_run(run).rows()
    assert [row["generation"] for row in rows] == list(range(GENERATIONS - 1))


def test_a_run_stays_where_it_was_made_wherever_the_process_goes(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)

    class Leaving(Watcher):
        def made(self, generation) -> None:
            super().made(generation)
            os.chdir(tmp_path / "elsewhere")

    start_run(CONFIG, "toy", Path("run"), OwnDrivers(1), Leaving())
    assert open_run(tmp_path / "run").is_finished
    assert list((tmp_path / "elsewhere").iterdir()) == []
