"""DNA on disk: what it carries, and what is refused."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from evolearn.config import WorldPart
from evolearn.export import export
from evolearn.life import OwnDrivers
from evolearn.run import DNAError, ancestors, assemble, create_run, load_dna, open_run, resume_run, setup_of, start_run
from evolearn.run.dna import ancestor_file, is_ancestor, save_dna
from tests.helpers.dna_configs import config
from tests.helpers.runs import Watcher


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("dna") / "run"
    start_run(config(), "toy", path, OwnDrivers(1), Watcher())
    return path


def test_dna_is_read_without_its_world(run: Path) -> None:
    dna = load_dna(run)
    setup = assemble(config())
    assert dna.observations == tuple(signal.name for signal in setup.conditions.world.observations)
    assert dna.actions == setup.conditions.world.actions.names
    assert dna.drives == setup.conditions.drive_names
    assert dna.pool.slices() == setup.pool.slices()
    assert np.array_equal(dna.pool.centre, setup.pool.centre)
    assert np.array_equal(dna.pool.spread, setup.pool.spread)
    assert dna.config == open_run(run).read_config()
    assert (dna.run, dna.generation, dna.role) == (run.resolve(), 6, "centre")
    assert dna.newborns.weights.shape == (1, dna.brain.weights)
    assert dna.newborns.drives.shape == (1, len(dna.drives))


def test_dna_outside_of_its_run_is_whole(run: Path, tmp_path: Path) -> None:
    (tmp_path / "bare.safetensors").write_bytes((run / "dna.safetensors").read_bytes())
    dna = load_dna(tmp_path / "bare.safetensors")
    assert dna.run is None
    assert np.array_equal(dna.genome, load_dna(run).genome)
    assert setup_of(dna).pool is dna.pool


def test_ancestors_are_the_centres_that_were_judged(run: Path) -> None:
    kept = ancestors(run)
    assert [dna.generation for dna in kept] == [0, 1, 2, 3, 4, 6]
    assert np.array_equal(kept[0].genome, kept[0].pool.centre), "generation 0 judges where evolution starts"
    assert np.array_equal(kept[-1].genome, load_dna(run).genome)
    assert all(dna.run == run.resolve() for dna in kept)
    assert kept[0].stdev.sum() != kept[-1].stdev.sum()


@pytest.mark.parametrize("stop", [1, 4])
def test_a_resumed_run_keeps_the_same_ancestors(run: Path, tmp_path: Path, stop: int) -> None:
    path = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        start_run(config(), "toy", path, OwnDrivers(1), Watcher(stop_after=stop))
    resume_run(open_run(path), OwnDrivers(1), Watcher())
    files = sorted(file.name for file in (run / "ancestors").iterdir())
    assert files == sorted(file.name for file in (path / "ancestors").iterdir())
    for file in files:
        assert (path / "ancestors" / file).read_bytes() == (run / "ancestors" / file).read_bytes()


def test_ancestors_are_two_in_every_doubling() -> None:
    kept = [generation for generation in range(1000) if is_ancestor(generation, 1000)]
    assert kept[:4] == [0, 1, 2, 3]
    assert kept[-1] == 999
    assert all(1 < later / earlier <= 1.5 for earlier, later in itertools.pairwise(kept[2:-1]))


def test_what_is_not_dna_is_refused(run: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "dna.safetensors"
    file.write_bytes(b"\x80\x04\x95pickle")
    with pytest.raises(DNAError, match="is not a DNA file of evolearn"):
        load_dna(file)
    with pytest.raises(DNAError, match=r"none.safetensors: does not exist; runs with DNA here: none in runs/"):
        load_dna(tmp_path / "none.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DNAError, match=r"empty: is not a run directory \(no run.json\)"):
        load_dna(tmp_path / "empty")
    unfinished = create_run(config(), "toy", tmp_path / "unfinished", {}).path
    with pytest.raises(DNAError, match=r"has no DNA yet, its evolution is not over; evolearn resume .*unfinished"):
        load_dna(unfinished)
    (unfinished / "ancestors").mkdir()
    kept = [ancestor_file(unfinished, generation) for generation in (0, 2)]
    for file in kept:
        file.write_bytes((run / "dna.safetensors").read_bytes())
    with pytest.raises(DNAError, match=f"none; or name the last centre that it kept, {re.escape(str(kept[1]))}$"):
        load_dna(unfinished)
    study = tmp_path / "study"
    (study / "runs/home/evolved/run_00").mkdir(parents=True)
    (study / "study.json").write_text("{}")
    (study / "runs/home/evolved/run_00/dna.safetensors").write_bytes((run / "dna.safetensors").read_bytes())
    with pytest.raises(DNAError, match=r"study: is a study; name one of its runs: .*runs/home/evolved/run_00"):
        load_dna(study)


def altered(run: Path, tmp_path: Path, change) -> Path:
    """DNA with its header and tensors changed behind the program's back."""
    tensors = {name: array.copy() for name, array in safetensors.numpy.load_file(run / "dna.safetensors").items()}
    with safetensors.safe_open(run / "dna.safetensors", framework="numpy") as file:
        header = json.loads(file.metadata()["evolearn"])
    change(header, tensors)
    path = tmp_path / "altered.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"evolearn": json.dumps(header)}))
    return path


def flip(header, tensors) -> None:
    tensors["genome"].view(np.uint32)[5] ^= 1


def rename(header, tensors) -> None:
    header["brain"]["observations"][0] = "somewhere"


@pytest.mark.parametrize("change", [flip, rename])
def test_altered_bytes_are_noticed(run: Path, tmp_path: Path, change) -> None:
    with pytest.raises(DNAError, match=r"was altered since it was written: its bytes do not match its checksum"):
        load_dna(altered(run, tmp_path, change))


@pytest.mark.parametrize(
    ("version", "remedy"), [(99, "update evolearn"), (1, "evolve again, or use the evolearn that made it")]
)
def test_another_format_is_refused(run: Path, tmp_path: Path, version: int, remedy: str) -> None:
    path = altered(run, tmp_path, lambda header, tensors: header.update(format=version))
    with pytest.raises(DNAError, match=rf"has format {version}, this evolearn reads 2; {remedy}"):
        load_dna(path)


def test_dna_lives_in_other_settings_of_its_world_only(run: Path, tmp_path: Path) -> None:
    dna = load_dna(run)
    other = setup_of(dna, WorldPart(name="cart-pole", parameters={"predictability": 1.0}))
    assert other.conditions.parameters["predictability"] == 1.0
    with pytest.raises(DNAError, match=r"DNA of the world cart-pole cannot live in savannah: observations 4 there, 13"):
        setup_of(dna, WorldPart(name="savannah"))
    setup = assemble(config())
    stranger = {**dna.header["brain"], "observations": ["a", "b", "c", "d"]}
    about = {"role": "centre", "lineage": {"generation": 0}, "brain": stranger}
    save_dna(tmp_path / "stranger.safetensors", setup, dna.genome, dna.stdev, about)
    with pytest.raises(DNAError, match=r"is DNA of a world cart-pole that shows a, b, c, d; the world of this name"):
        setup_of(load_dna(tmp_path / "stranger.safetensors"))


def test_an_exported_brain_is_told_from_dna(run: Path, tmp_path: Path) -> None:
    export(load_dna(run), tmp_path / "brain.safetensors")
    with pytest.raises(DNAError, match=r"is an exported brain, which holds no DNA.*; name the run .* came from: run$"):
        load_dna(tmp_path / "brain.safetensors")
    (tmp_path / "other.safetensors").write_bytes(safetensors.numpy.save({"genome": np.zeros(3)}))
    with pytest.raises(DNAError, match=r"is not a DNA file of evolearn: .* that something else wrote$"):
        load_dna(tmp_path / "other.safetensors")
    headless = altered(run, tmp_path, lambda header, tensors: header.pop("format"))
    with pytest.raises(DNAError, match="is not a DNA file of evolearn: its header has no 'format'"):
        load_dna(headless)


def test_a_folder_of_a_run_names_the_run(run: Path) -> None:
    (run / "inspection").mkdir()
    for name in ("inspection", "ancestors"):
        with pytest.raises(DNAError, match=rf"{name}: is a folder of the run .*run; name that, or a DNA file"):
            load_dna(run / name)
