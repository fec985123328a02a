"""A teacher from config to life: how it is written down, what is refused, what it costs, DNA that teaches."""

import numpy as np
import pytest

from evolearn.agent import ASKED, WATCHED
from evolearn.config import ConfigError, check_config
from evolearn.genome import TRANSFORMS, decode
from evolearn.life import FROM_BRAIN, FROM_ORACLE, OwnDrivers
from evolearn.run import assemble, load_dna, open_run, settled_teacher, start_run
from evolearn.run.setup import remarks_on, settled, settled_keys
from evolearn.search import planned_outer_steps
from tests.helpers.inspected_dna import made_dna
from tests.helpers.runs import Watcher, toy

ORACLE = {"source": "oracle"}
MIXED = {"name": "rewarded_imitation", "window": 8}


def config_of(world="crossroads", teacher=ORACLE, learner=MIXED, **more):
    return check_config(toy(world={"name": world}, teacher=teacher, learner=learner, **more), "test")


@pytest.fixture(scope="module")
def dna(tmp_path_factory):
    """DNA that may teach in cart-pole."""
    return made_dna(tmp_path_factory.mktemp("teacher") / "dna.safetensors", check_config(toy(), "test"))


def taught_by(dna, **teacher):
    return check_config(toy(teacher={"source": str(dna.path), **teacher}, learner=MIXED), "test")


def test_a_config_without_one_is_written_as_it_was_before_there_were_any():
    plain, taught = check_config(toy(), "test"), config_of()
    assert set(taught.model_dump()) - set(plain.model_dump()) == {"teacher"}
    assert check_config(taught.model_dump(mode="json"), "again") == taught


def test_its_settings_come_to_the_lives(dna):
    oracle = assemble(config_of(teacher={**ORACLE, "mode": "watched"})).conditions.teacher
    assert (oracle.source, oracle.mode, oracle.life, oracle.weights) == (FROM_ORACLE, WATCHED, 60, b"")
    brain = assemble(taught_by(dna)).conditions.teacher
    assert (brain.source, brain.mode) == (FROM_BRAIN, ASKED)
    assert brain.weights == dna.newborns.weights.tobytes()


def test_what_it_is_and_what_it_cost_is_written_down(dna, tmp_path, monkeypatch):
    assert settled(config_of()).teacher.privileged is True
    monkeypatch.chdir(dna.path.parent)
    teacher = settled(check_config(toy(teacher={"source": dna.path.name}, learner=MIXED), "test")).teacher
    assert (teacher.source, teacher.privileged, teacher.sha256) == (str(dna.path), False, dna.sha256)
    assert teacher.evolution_steps == planned_outer_steps(dna.config.search) == 4 * 9 * 2 * 60
    assert settled_teacher(teacher) == teacher
    keys = settled_keys({"teacher.source": dna.path.name, "search.lives": 3})
    about = {"sha256": dna.sha256, "privileged": False, "evolution_steps": teacher.evolution_steps}
    assert keys == {
        **{f"teacher.{name}": value for name, value in about.items()},
        "teacher.source": str(dna.path),
        "search.lives": 3,
    }
    pupil = made_dna(tmp_path / "pupil.safetensors", settled(taught_by(dna)))
    second = settled_teacher(teacher.model_copy(update={"source": str(pupil.path), "sha256": None}))
    assert second.evolution_steps == 2 * teacher.evolution_steps, "who taught the teacher was paid as well"


def test_an_oracle_is_said_to_be_privileged(dna):
    assert any("privileged" in remark for remark in remarks_on(assemble(config_of())))
    assert not any("teacher" in remark for remark in remarks_on(assemble(taught_by(dna))))


def test_when_it_teaches_are_genes_that_may_be_held():
    names = ("taught_from", "taught_share", "imitation_weight")
    start = {"taught_from": 0.0, "taught_share": 1.0, "imitation_weight": 2.0}
    free = assemble(config_of(learner={**MIXED, "plasticity": start})).pool
    assert set(names) <= {gene.name for gene in free.evolved}
    held = assemble(
        config_of(teacher={**ORACLE, "evolved": ["taught_share"]}, learner={**MIXED, "plasticity": start})
    ).pool
    assert {gene.name for gene in free.evolved} - {gene.name for gene in held.evolved} == {
        "taught_from",
        "imitation_weight",
    }
    newborn = decode(held, held.centre[None] + 5.0)
    values = dict(
        zip([gene.name for gene in held.genes if gene.group == "plasticity"], newborn.plasticity[0], strict=True)
    )
    assert [values[name] for name in names] == [0.0, 1.0, 2.0], "a share stays within 0 .. 1"


def test_a_share_is_held_between_its_ends():
    share = TRANSFORMS["share"]
    assert share.decode(np.float32([-3.0, 0.0, 0.25, 1.0, 7.0])).tolist() == [0.0, 0.0, 0.25, 1.0, 1.0]
    assert [share.encode(value) for value in (0.0, 0.25, 1.0)] == [0.0, 0.25, 1.0]


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"teacher": None}, "learner.name='rewarded_imitation': has nobody to imitate without the section teacher"),
        ({"learner": {"window": 8}}, "nobody learns from it with .*set learner.name=imitation or"),
        ({"world": "gymnasium:CartPole-v1"}, "world .* has no oracle; choose a world that has one"),
        ({"teacher": {**ORACLE, "privileged": False}}, "teacher.privileged=false: must be true, or null"),
        (
            {"teacher": {**ORACLE, "evolved": ["taught_share"]}, "genome": {"plasticity": {"mode": "fixed"}}},
            "nothing of plasticity",
        ),
        (
            {"teacher": {**ORACLE, "evolved": ["imitation_weight"]}, "learner": {"name": "imitation", "window": 8}},
            "is no gene of learner.name='imitation'",
        ),
        (
            {"learner": {**MIXED, "plasticity": {"taught_share": 1.5}}},
            "learner.plasticity.taught_share=1.5: must fit its gene, .* between 0 and 1",
        ),
        ({"learner": {**MIXED, "plasticity": {"taught_from": -0.1}}}, "taught_from=-0.1: must fit its gene"),
        ({"teacher": {"source": "nowhere"}}, "must be oracle or the path of DNA: nowhere: does not exist"),
    ],
)
def test_what_does_not_fit_is_refused(config, text):
    with pytest.raises(ConfigError, match=text):
        assemble(config_of(**config))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"teacher": {"privileged": True}}, "must be false, or null"),
        ({"teacher": {"sha256": "0"}}, "is other DNA than it was when teacher.sha256=0 was written down"),
        ({"world": {"name": "crossroads"}}, "is DNA of world cart-pole, and its pupils live in crossroads"),
        ({"brain": {"hidden": [5]}}, r"has a brain with hidden \(4,\), and its pupils' have \(5,\)"),
        ({"brain": {"hidden": [4], "trunk": "gru"}}, "has a brain with trunk mlp, and its pupils' have gru"),
    ],
)
def test_dna_that_cannot_teach_is_refused(changes, text, dna):
    teacher = {"source": str(dna.path), **changes.pop("teacher", {})}
    with pytest.raises(ConfigError, match=text):
        assemble(check_config(toy(learner=MIXED, teacher=teacher, **changes), "test"))


def test_dna_without_weights_of_its_own_cannot_teach(tmp_path):
    fresh = made_dna(tmp_path / "fresh.safetensors", check_config(toy(genome={"weights": {"mode": "fresh"}}), "test"))
    with pytest.raises(ConfigError, match="drawn afresh in every life"):
        assemble(taught_by(fresh))


def test_each_step_of_a_teacher_is_charged(dna, tmp_path):
    content = toy(
        teacher={"source": str(dna.path), "evolved": []}, learner={**MIXED, "plasticity": {"taught_share": 0.4}}
    )
    start_run(check_config(content, "toy"), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    run = open_run(tmp_path / "run")
    lived = 9 * 2 * 60
    for row in run.rows():
        # Of sixty steps three windows of eight begin before the age of 24.
        assert (row["teacher_steps"], row["world_steps"]) == (9 * 2 * 24, lived + 9 * 2 * 24)
    assert run.read_config().teacher.sha256 == dna.sha256
    assert load_dna(run.path).config.teacher.evolution_steps == 4 * lived
