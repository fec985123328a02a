"""Whatever stands in a field of a config, it is taken, or refused with a text: nothing else happens."""

import pytest
from hypothesis import given, strategies as st

from evolearn.config import RunConfig, check_config, read_config
from evolearn.experiments.table import ExperimentConfig, read_experiment
from evolearn.run import assemble
from evolearn.search import ALGORITHMS
from evolearn.study import StudyConfig, read_study
from evolearn.study.plan import plan_study
from tests.helpers.nasty import TEXTS, VALUES, allowed, as_text, fields_of, many, places_in, put, values
from tests.helpers.studies import TOY as STUDY

COMPILED = {**STUDY["run"], "world": {"name": "cart-pole", "parameters": {"predictability": 0.5}}}
GYMNASIUM = {**STUDY["run"], "drives": {}, "world": {"name": "gymnasium:CartPole-v1", "check": False}}
EXPERIMENT = {
    "experiment": "hinton_nowlan",
    "replication": {
        "paper": "a",
        "question": "b",
        "set_up": "c",
        "bands": [{"name": "d", "source": "e", "measure": "fitness_passes", "of": {"fitness": 2}, "at_least": 1}],
    },
}
OPTIONS = [
    ("search", {"algorithm": name, "options": {option: value}})
    for name, model in ALGORITHMS.items()
    for option in model.model_fields
    for value in (None, True, 10**28, 0, -1, 1e-300, 1e300, float("nan"), "x", [], {"a": 1}, {"x": "y"})
]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("configs") / "config.yaml"


def written(file, content):
    file.write_text(as_text(content), encoding="utf-8")
    return file


def read_run(file, overrides=()):
    assemble(read_config(file, overrides))


def read_whole_study(file, overrides=()):
    plan_study(read_study(file, overrides))


def read_whole_experiment(file, overrides=()):
    read_experiment(file, overrides)


KINDS = {
    "compiled": (RunConfig, COMPILED, read_run),
    "gymnasium": (RunConfig, GYMNASIUM, read_run),
    "study": (StudyConfig, STUDY, read_whole_study),
    "experiment": (ExperimentConfig, EXPERIMENT, read_whole_experiment),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return KINDS[request.param]


def test_what_is_changed_here_is_taken_as_it_stands(kind, file):
    _, content, read = kind
    read(written(file, content))


@many(40)
@given(data=st.data())
def test_every_field_takes_or_refuses_every_value(kind, file, data):
    model, content, read = kind
    place = data.draw(st.sampled_from([*fields_of(model), *places_in(content)][1:]))
    changed = put(content, place, data.draw(values))
    allowed(lambda: read(written(file, changed)))


@many(40)
@given(data=st.data())
def test_every_override_takes_or_refuses_every_text(kind, file, data):
    model, content, read = kind
    place = data.draw(st.sampled_from([place for place in fields_of(model) if 0 not in place]))
    value = data.draw(st.sampled_from(TEXTS) | st.text(max_size=6) | st.sampled_from(VALUES).map(as_text))
    allowed(lambda: read(written(file, content), [f"{'.'.join(place)}={value}"]))


@many(40)
@given(option=st.sampled_from(OPTIONS))
def test_every_option_of_a_search_takes_or_refuses_every_value(file, option):
    section, changed = option
    allowed(lambda: read_run(written(file, {**COMPILED, section: {**COMPILED[section], **changed}})))


@many(40)
@given(data=st.data())
def test_mappings_from_python_are_taken_or_refused_like_files(data):
    place = data.draw(st.sampled_from(list(fields_of(RunConfig))))
    value = data.draw(values | st.sampled_from([{1: 2}, {None: 1}, (1, 2), {1, 2}, b"x", 10**5000, object(), range(3)]))
    allowed(lambda: assemble(check_config(put(COMPILED, place, value), "config")))
