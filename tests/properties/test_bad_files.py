"""Whatever a file holds that somebody edited or damaged, it is read, or refused with a text: nothing else happens.

Checksums are put right, so that what comes after them is tried.
"""

import hashlib
import json
import warnings

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, strategies as st

from evolearn.api import load
from evolearn.config import dump_config, read_config, read_yaml as plain_yaml
from evolearn.errors import UserError
from evolearn.export import export, loading_code
from evolearn.export.brains import describe, description_of
from evolearn.files import sealed, sha256_of
from evolearn.genome import decode
from evolearn.inspection import Wishes, inspect_dna
from evolearn.life import LifeFault, OwnDrivers, Plan
from evolearn.plugins.trust import _trusted
from evolearn.report import read_results, write_inspection_report
from evolearn.report.study.files import REPLICATION_FORMAT
from evolearn.rng import LifeKey
from evolearn.run import Interrupted, load_dna, setup_of, source_changes, start_run
from evolearn.run.directory import Checkpoint, Passed, RunDirectory
from evolearn.run.dna import _checksum
from evolearn.run.faulty_life import FILE, keeping_faulty_life
from evolearn.run.relive import _faulty_life
from evolearn.study.directory import open_study
from evolearn.study.tuned import TunedScores, TunedSettings, read_tuned, write_tuned
from tests.helpers.inspected_dna import config, made_dna
from tests.helpers.inspections import Notes
from tests.helpers.nasty import allowed, as_text, many, places_in, put, values, without
from tests.helpers.runs import Watcher
from tests.helpers.study_on_disk import made_up_replay, made_up_verdict, write_study

TENSORS = [
    np.zeros(0, np.float32), np.zeros(3, np.float32), np.zeros((2, 2), np.float32), np.zeros(18, np.float64),
    np.zeros(18, np.int64), np.zeros((), np.float32), np.zeros((1, 0), np.float32), np.full(18, np.nan, np.float32),
    np.full((1, 15), np.inf, np.float32), np.zeros((0, 15), np.float32), np.zeros((1, 1000), np.float32),
]  # fmt: skip

ENVIRONMENT = "gymnasium:CartPole-v1"


class Damage:
    """Files of one kind as they should be, and a place to write others."""

    def __init__(self, folder, name, payload, read):
        self.path = folder / name
        self.payload = payload
        self.read = read
        self.path.write_bytes(payload)
        read(self.path)

    def allows(self, payload):
        self.path.write_bytes(payload)
        allowed(lambda: self.read(self.path))


def labels_of(payload):
    length = int.from_bytes(payload[:8], "little")
    ((name, header),) = json.loads(payload[8 : 8 + length])["__metadata__"].items()
    return name, json.loads(header)


def packed(name, header, tensors):
    """A file of this header and these tensors; that of DNA has the checksum that it should have."""
    if name == "evolearn" and isinstance(header, dict) and {"genome", "stdev"} <= set(tensors):
        header = {**header, "sha256": _checksum(header, tensors["genome"], tensors["stdev"])}
    return safetensors.numpy.save(tensors, metadata={name: json.dumps(header)})


def read_dna(path):
    dna = load_dna(path)
    decode(dna.pool, dna.genome[None])
    describe(dna)
    repr(load(path))
    source_changes(dna.header.get("sources", {}))
    setup_of(dna)


def read_choices(path):
    """DNA of an environment that counts its choices, as far as it is read without making that."""
    dna = load_dna(path)
    describe(dna)
    loading_code(dna, path.with_suffix(".onnx"))


def read_fault(path):
    _faulty_life(path.parent)


def read_brain(path):
    description_of(path)
    with pytest.raises(UserError):
        load_dna(path)


def made_fault(dna, folder):
    key, plan = LifeKey(1, 0, 2, 3), Plan(40, bin_steps=10)
    fault = LifeFault("cart-pole", key, 3, 2, 7, "it broke", dna.newborns, plan)
    with pytest.raises(LifeFault), keeping_faulty_life(folder, dna.config, arm="evolved"):
        raise fault


@pytest.fixture(scope="module", params=["dna", "choices", "fault", "brain"])
def damage(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    dna = made_dna(folder / "dna.safetensors", config(ENVIRONMENT if request.param == "choices" else "cart-pole"))
    if request.param == "choices":
        return Damage(folder, "other.safetensors", dna.path.read_bytes(), read_choices)
    if request.param == "dna":
        return Damage(folder, "other.safetensors", dna.path.read_bytes(), read_dna)
    if request.param == "fault":
        made_fault(dna, folder)
        return Damage(folder, FILE, (folder / FILE).read_bytes(), read_fault)
    export(dna, folder / "brain.safetensors")
    return Damage(folder, "brain.safetensors", (folder / "brain.safetensors").read_bytes(), read_brain)


@many(40)
@given(data=st.data())
def test_every_entry_of_a_header_is_read_or_refused(damage, data):
    tensors = safetensors.numpy.load(damage.payload)
    name, header = labels_of(damage.payload)
    place = data.draw(st.sampled_from(list(places_in(header))))
    header = without(header, place) if place and data.draw(st.booleans()) else put(header, place, data.draw(values))
    damage.allows(packed(name, header, tensors))


@many(20)
@given(data=st.data())
def test_every_tensor_is_read_or_refused(damage, data):
    tensors = safetensors.numpy.load(damage.payload)
    name, header = labels_of(damage.payload)
    which = data.draw(st.sampled_from(sorted(tensors)))
    kept = {key: tensor for key, tensor in tensors.items() if key != which}
    other = data.draw(st.sampled_from([None, *TENSORS, -tensors[which] - 1, tensors[which] * np.float32(np.nan)]))
    damage.allows(packed(name, header, kept if other is None else {**kept, which: other}))


def broken(data, payload):
    """A file with some of its bytes changed, cut off, left out or put in twice."""
    start = data.draw(st.integers(0, len(payload)))
    how = data.draw(st.sampled_from(["flip", "cut", "leave out", "twice", "other"]))
    if how == "cut":
        return payload[:start]
    if how == "flip":
        start = min(start, len(payload) - 1)
        return payload[:start] + bytes([payload[start] ^ 1 << data.draw(st.integers(0, 7))]) + payload[start + 1 :]
    stop = min(len(payload), start + data.draw(st.integers(1, 40)))
    middle = {"leave out": b"", "twice": 2 * payload[start:stop], "other": data.draw(st.binary(max_size=20))}[how]
    return payload[:start] + middle + payload[stop:]


@many(30)
@given(data=st.data())
def test_every_byte_is_read_or_refused(damage, data):
    damage.allows(broken(data, damage.payload))


@many(30)
@given(data=st.data())
def test_the_library_s_own_header_is_read_or_refused(damage, data):
    length = int.from_bytes(damage.payload[:8], "little")
    header = json.loads(damage.payload[8 : 8 + length])
    place = data.draw(st.sampled_from([place for place in places_in(header) if "__metadata__" not in place]))
    text = json.dumps(put(header, place, data.draw(values))).encode()
    damage.allows(len(text).to_bytes(8, "little") + text + damage.payload[8 + length :])


@many(40)
@given(data=st.data())
def test_a_config_is_read_or_refused_with_any_bytes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "broken.yaml"
    path.write_bytes(broken(data, dump_config(config()).encode()))
    allowed(lambda: read_config(path))


@pytest.fixture(scope="module")
def inspection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inspection")
    made_dna(folder / "dna.safetensors", config())
    wishes = Wishes(quick=True, only=("genes",))
    inspect_dna(folder / "dna.safetensors", wishes, folder / "out", 1, Notes())
    return folder / "out"


@many(30)
@given(data=st.data())
def test_an_inspection_is_shown_or_refused_with_anything_in_it(inspection, data):
    content = json.loads((inspection / "inspection.json").read_text())
    place = data.draw(st.sampled_from(list(places_in(content))))
    content = without(content, place) if place and data.draw(st.booleans()) else put(content, place, data.draw(values))
    other = inspection.parent / "other"
    other.mkdir(exist_ok=True)
    (other / "inspection.json").write_text(json.dumps(content))
    allowed(lambda: write_inspection_report(other))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A made-up study that replicates something, and was just being extended."""
    folder = tmp_path_factory.mktemp("study") / "study"
    verdict = made_up_verdict(conditions=1, runs=3)
    (name,) = (condition["name"] for condition in verdict["conditions"])
    write_study(folder, verdict, [made_up_replay(name, frames=4)], replication={"paper": "x"})
    label = json.loads((folder / "study.json").read_text())
    label["becomes"] = {name: label[name] for name in ("config_sha256", "environment_sha256")}
    (folder / "study.json").write_text(json.dumps(sealed(label)))
    cost = {"world_steps": 1, "evaluations": 1, "evaluations_are": "x", "seconds": 1.0}
    about = {"paper": "x", "question": "x", "set_up": "x", "deviations": []}
    replication = {
        "kind": "replication", "format": REPLICATION_FORMAT, "about": about, "bands": [],
        "judgement": {"sentence": "x"}, "runs": 3, "cost": cost, "config_sha256": label["config_sha256"],
        "verdict_sha256": json.loads((folder / "verdict.json").read_text())["sha256"],
    }  # fmt: skip
    (folder / "replication.json").write_text(json.dumps(sealed(replication)))
    read_results(folder)
    return folder


def sealed_again(folder, name, content):
    """Write a file of a study with the checksum that it should have, and those that rest on it likewise."""
    (folder / name).write_text(json.dumps(sealed(content) if isinstance(content, dict) else content))
    if name.startswith("replays/"):
        verdict = json.loads((folder / "verdict.json").read_text())
        verdict["files"][name] = sha256_of(folder / name)
        sealed_again(folder, "verdict.json", verdict)
    if name == "verdict.json" and isinstance(content, dict):
        replication = json.loads((folder / "replication.json").read_text())
        sealed_again(folder, "replication.json", {**replication, "verdict_sha256": sealed(content)["sha256"]})


@pytest.mark.parametrize("name", ["study.json", "verdict.json", "replication.json", "replays/condition-0.json"])
@many(30)
@given(data=st.data())
def test_every_file_of_a_study_is_read_or_refused_with_anything_in_it(study, name, data):
    kept = {path: path.read_bytes() for path in study.rglob("*.json")}
    content = json.loads((study / name).read_text())
    place = data.draw(st.sampled_from(list(places_in(content))))
    content = without(content, place) if place and data.draw(st.booleans()) else put(content, place, data.draw(values))
    try:
        sealed_again(study, name, content)
        allowed(lambda: read_results(study))
        if name == "study.json":
            allowed(lambda: open_study(study).label())
    finally:
        for path, before in kept.items():
            path.write_bytes(before)


@many(30)
@given(data=st.data())
def test_what_lies_beside_a_checkpoint_is_read_or_passed_over(checkpoint, data):
    file = checkpoint / "checkpoints" / "generation_000000.json"
    before = file.read_text()
    content = json.loads(before)
    place = data.draw(st.sampled_from(list(places_in(content))))
    content = without(content, place) if place and data.draw(st.booleans()) else put(content, place, data.draw(values))
    if isinstance(content, dict) and isinstance(content.get("sha256"), str):
        payload = file.with_suffix(".safetensors").read_bytes()
        about = "".join(f"{content.get(name)}:" for name in ("generation", "config_sha256", "rows_sha256"))
        content["sha256"] = hashlib.sha256(about.encode(errors="replace") + payload).hexdigest()
    try:
        file.write_text(json.dumps(content))
        (found,) = RunDirectory(checkpoint).checkpoints()
        assert isinstance(found, Passed | Checkpoint)
    finally:
        file.write_text(before)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A run directory with a checkpoint of its first generation."""
    path = tmp_path_factory.mktemp("run") / "run"
    with pytest.raises(Interrupted):
        start_run(config(), "x", path, OwnDrivers(1), Watcher(stop_after=0))
    (found,) = RunDirectory(path).checkpoints()
    assert isinstance(found, Checkpoint)
    return path


@pytest.mark.parametrize("name", ["tuned.yaml", "trusted.json"])
@many(30)
@given(data=st.data())
def test_what_was_searched_or_trusted_is_read_or_refused_with_anything_in_it(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / name
    if name == "tuned.yaml":
        scores = TunedScores(tuned=1.0, present=0.5, best=2.0, median=0.1, lives=4, lifetime=100)
        write_tuned(
            path,
            TunedSettings(
                evolearn="x", arm="blank", condition="x", seed=0, budget=9, steps=8, starts=1, evolutions=2,
                scores=scores, settings={"learner.window": 8},
            ),
        )  # fmt: skip
        content = plain_yaml(path)
    else:
        content = {"named": ["/a"], "answered": {"/b": ["0"]}}
    place = data.draw(st.sampled_from(list(places_in(content))))
    content = without(content, place) if place and data.draw(st.booleans()) else put(content, place, data.draw(values))
    path.write_text(as_text(sealed(content)) if isinstance(content, dict) else as_text(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        allowed(lambda: read_tuned(path) if name == "tuned.yaml" else _trusted(path))
