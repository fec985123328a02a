"""One contract for every kind of run: stopped and resumed, with other workers and in other pieces, it is the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from evolearn.config import check_config
from evolearn.life import OwnDrivers
from evolearn.run import Interrupted, load_dna, open_run, resume_run, start_run
from tests.helpers.runs import GENERATIONS, KINDS, Watcher, digests


def in_other_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every driver be asked for other portions than usual."""
    monkeypatch.setattr("evolearn.life._fused.PIECE_STEPS", 60)
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_AT_ONCE", 6)
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_PER_WORKER", 1)
    monkeypatch.setattr("evolearn.search.meta_gradients.LIVES_AT_ONCE", 2)
    monkeypatch.setattr("evolearn.search.draws.BLOCKS", 2)


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_twice_and_resumed_it_is_the_run_that_was_never_stopped(
    kind: str, undisturbed: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = undisturbed(kind), tmp_path / "run"
    assert len(set(digests(whole))) == GENERATIONS
    in_other_pieces(monkeypatch)
    with pytest.raises(Interrupted):
        start_run(check_config(KINDS[kind], kind), "toy", path, OwnDrivers(2), Watcher(stop_after=0))
    assert len(digests(path)) == 1
    early, late = Watcher(stop_after=2), Watcher()
    with pytest.raises(Interrupted):
        resume_run(open_run(path), OwnDrivers(3), early)
    assert len(digests(path)) == 3
    resume_run(open_run(path), OwnDrivers(1), late)
    assert (early.first, late.first) == (1, 3)
    assert early.warnings == late.warnings == []
    assert digests(path) == digests(whole)
    for name in ("dna.safetensors", "dna_best.safetensors", f"checkpoints/generation_{GENERATIONS - 1:06}.safetensors"):
        found, expected = (safetensors.numpy.load_file(run / name) for run in (path, whole))
        assert found.keys() == expected.keys()
        assert all(found[part].tobytes() == expected[part].tobytes() for part in expected), name
    assert (path / "result.json").read_text() == (whole / "result.json").read_text()


@pytest.mark.parametrize("kind", ["reptile", "maml"])
def test_what_trains_weights_leaves_the_dna_of_its_centre_with_weights_alone(
    kind: str, undisturbed: Callable[[str], Path]
) -> None:
    dna = load_dna(undisturbed(kind))
    assert np.array_equal(dna.genome, load_dna(undisturbed(kind) / "dna_best.safetensors").genome)
    assert dna.role == "centre"
    assert {gene["group"] for gene in dna.header["genes"]} == {"weights"}
