"""Whatever a file holds that somebody edited or damaged, it is read, or refused with a text: nothing else happens.

Checksums are put right, so that what comes after them is tried.
"""

import json

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, strategies as st

from evolearn.api import load
from evolearn.config import dump_config, read_config, wants_portable_mode
from evolearn.errors import UserError
from evolearn.export import export, loading_code
from evolearn.export.brains import describe, description_of
from evolearn.genome import decode
from evolearn.inspection import Wishes, inspect_dna
from evolearn.life import LifeFault, Plan
from evolearn.report import write_inspection_report
from evolearn.rng import LifeKey
from evolearn.run import load_dna, setup_of, source_changes
from evolearn.run.dna import _checksum
from evolearn.run.faulty_life import FILE, keeping_faulty_life
from evolearn.run.relive import _faulty_life
from tests.helpers.inspected_dna import config, made_dna
from tests.helpers.inspections import Notes
from tests.helpers.nasty import allowed, many, places_in, put, values, without

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
        allowed(lambda: wants_portable_mode(self.path))
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
    allowed(lambda: wants_portable_mode(path, ["portable=true"]))
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
