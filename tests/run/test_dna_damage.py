"""DNA that somebody edited, with the checksum put right: what is wrong with it is said."""

import json
import os
import shutil

import numpy as np
import pytest
import safetensors.numpy

from evolearn.run import DNAError, load_dna
from evolearn.run.dna import _checksum
from tests.helpers.inspected_dna import config, made_dna
from tests.helpers.nasty import put


@pytest.fixture(scope="module")
def dna(tmp_path_factory):
    return made_dna(tmp_path_factory.mktemp("dna") / "dna.safetensors", config())


def rewritten(dna, path, place=None, value=None, genome=None, stdev=None):
    header = json.loads(json.dumps(dict(dna.header)))
    header = header if place is None else put(header, place.split("."), value)
    tensors = {"genome": dna.genome if genome is None else genome, "stdev": dna.stdev if stdev is None else stdev}
    header["sha256"] = _checksum(header, tensors["genome"], tensors["stdev"])
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"evolearn": json.dumps(header)}))
    return path


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("brain.hidden", [100000, 100000], r"is damaged: brain.hidden.0=100000: must be less than or equal to 1024"),
        ("brain.hidden", [1024] * 16, r"brain.hidden=\[1024, .*must be \[4\], as in its config"),
        ("brain.actions", 10**9, "is damaged: brain.actions=1000000000: must be less than or equal to 1000000"),
        ("brain.actions", 5, "action_names=2: must be 5, as in its brain"),
        ("brain.observations", ["a"], "units=4: must be 1, as in its brain"),
        ("brain.observations", "abcd", "is damaged: brain.observations='abcd': must be a valid array"),
        ("brain.trunk", "relu", "brain.trunk='relu': must be 'mlp', as in its config"),
        ("brain.inputs", ["observation", "last_action"], r"must be \['observation'\], as in its config"),
        ("brain.memory", "life", "brain.memory='life': must be 'episode', as in its config"),
        ("brain.readout", "product", "brain.readout='product': must be 'plain', as in its config"),
        ("config.brain.inputs", ["last_action"], r"brain.inputs=\['last_action'\]: must begin with observation"),
        ("brain.policy", "epsilon_greedy", "brain.policy='epsilon_greedy': must be one of its learner's"),
        ("drives", ["fitness", "fitness"], "drives: must have a name each, and one stands twice"),
        ("drives", [], "is damaged: drives"),
        ("seed", 4, "seed=4: must be 3, as in its config"),
        ("world.name", "savannah", "world.name='savannah': must be 'cart-pole', as in its config"),
        ("world.parameters", {"a": None}, "is damaged: world.parameters.a=None"),
        ("role", "child", "is damaged: role='child': must be 'centre', 'best' or 'altered'"),
        ("lineage", {}, "is damaged: lacks lineage.generation"),
        ("lineage.generation", -1, "is damaged: lineage.generation=-1"),
        ("lineage.generation", True, "is damaged: lineage.generation=True"),
        ("genes", [], "its table of genes is not the one that this evolearn lays out"),
        ("config", None, "is damaged: config=None"),
        ("config.brain.hidden", [5], r"brain.hidden=\[4\]: must be \[5\], as in its config"),
        ("config.learner.plasticity", {"discount": 2.0}, "learner.plasticity.discount=2: must fit its gene"),
        ("format", "2", "its header has format '2', no whole number"),
        ("format", 10**400, r"has format .*; update evolearn"),
    ],
)
def test_a_header_that_does_not_hold_together_is_refused(dna, tmp_path, place, value, problem):
    with pytest.raises(DNAError, match=problem):
        load_dna(rewritten(dna, tmp_path / "other.safetensors", place, value))


def test_a_readout_that_the_trunk_does_not_have_is_refused(tmp_path):
    linear = made_dna(tmp_path / "dna.safetensors", config(brain={"trunk": "linear", "hidden": []}))
    content = json.loads(json.dumps(dict(linear.header)))
    content["config"]["brain"]["readout"] = content["brain"]["readout"] = "product"
    content["sha256"] = _checksum(content, linear.genome, linear.stdev)
    tensors = {"genome": linear.genome, "stdev": linear.stdev}
    path = tmp_path / "other.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"evolearn": json.dumps(content)}))
    with pytest.raises(DNAError, match=r"brain.readout='product': must be 'plain' with brain.trunk='linear'"):
        load_dna(path)


def test_dna_from_before_brains_were_told_more_is_read(dna, tmp_path):
    content = json.loads(json.dumps(dict(dna.header)))
    for name in ("inputs", "memory", "readout"):
        del content["brain"][name]
        del content["config"]["brain"][name]
    content["sha256"] = _checksum(content, dna.genome, dna.stdev)
    tensors = {"genome": dna.genome, "stdev": dna.stdev}
    path = tmp_path / "older.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"evolearn": json.dumps(content)}))
    older = load_dna(path)
    assert older.brain == dna.brain
    assert older.inputs == older.observations == dna.observations


def test_numbers_that_are_none_or_too_few_are_refused(dna, tmp_path):
    path, broken = tmp_path / "other.safetensors", dna.genome.copy()
    broken[3] = np.nan
    for tensors, problem in (
        ({"genome": broken}, "genome: 1 of .* numbers are not finite"),
        ({"stdev": -dna.stdev}, "stdev holds negative numbers"),
        ({"genome": dna.genome[:-1]}, "genome has .* numbers, and this evolearn lays out"),
        ({"genome": dna.genome.astype(np.float64)}, r"genome must be float32 of one dimension, is float64"),
        ({"stdev": dna.stdev[None]}, r"stdev must be float32 of one dimension, is float32 \[1, "),
    ):
        with pytest.raises(DNAError, match=problem):
            load_dna(rewritten(dna, path, **tensors))


def test_a_brain_beyond_memory_is_refused_before_memory_is_asked_for(dna, tmp_path):
    """Header and config agree, and no tensor is needed where weights are drawn afresh."""
    changes = {"genome": {**dna.header["config"]["genome"], "weights": {"mode": "fresh", "spread": 0.1}}}
    changes["brain"] = {"trunk": "mlp", "hidden": [1024] * 16}
    header_brain = {**dna.header["brain"], "hidden": [1024] * 16, "observations": ["a"] * 40000, "units": ["m"] * 40000}
    content = json.loads(json.dumps(dict(dna.header)))
    content = put(put(content, ("config",), {**content["config"], **changes}), ("brain",), header_brain)
    content["sha256"] = _checksum(content, dna.genome, dna.stdev)
    tensors = {"genome": dna.genome, "stdev": dna.stdev}
    path = tmp_path / "large.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"evolearn": json.dumps(content)}))
    with pytest.raises(DNAError, match=r"brain.hidden=.*: makes 56,\d+,\d+ weights with 40,000 observations"):
        load_dna(path)


def test_what_is_no_file_is_said_and_a_header_is_read_alone(dna, tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "loop.safetensors").symlink_to("loop.safetensors")
    for name, problem in (
        ("pipe.safetensors", "is not a regular file"),
        ("loop.safetensors", "cannot be read: Too many levels"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("a\0b", "does not exist"),
    ):
        with pytest.raises(DNAError, match=problem):
            load_dna(tmp_path / name)
    large = tmp_path / "large.safetensors"
    shutil.copy(dna.path, large)
    os.truncate(large, 1 << 40)
    with pytest.raises(DNAError, match="bytes, at most 536,870,912 are read"):
        load_dna(large)
