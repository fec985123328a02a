"""An innate value from config to newborn: its genes, its modes, DNA, arms, and what is said where it does not fit."""

import numpy as np
import pytest

import evolearn
from evolearn.config import ConfigError, check_config
from evolearn.export import export
from evolearn.export.brains import ExportError, description_of
from evolearn.genome import GROUPS, decode, draw_fresh
from evolearn.inspection._genes import inspect_genes
from evolearn.inspection._landscape import random_directions
from evolearn.rng import SELECTION, life_keys
from evolearn.run import ARMS, ArmPart, arm_config, assemble, load_dna, ready_arm
from evolearn.run.setup import remarks_on
from tests.helpers.inspected_dna import made_dna

VALUE = {"hidden": [3], "uses": ["potential"]}
CRITIC = {"uses": ["acting"], "read": "learned"}
HEAD = {"hidden": [4], "prediction": True}
BIASES = ("hidden1.bias", "policy.bias", "prediction.weight", "prediction.bias")  # 0 at the standard initialisation
FROZEN = {"window": 8, "learn_until": 0}
KEYS = life_keys(0, SELECTION, 0, 4)


def config_of(world="cart-pole", **sections):
    small = {
        "brain": {"hidden": [4]},
        "learner": {"window": 8},
        "search": {"generations": 2, "population": 4, "lives": 1, "selection_lifetime": 120},
        "evaluation": {"lives": 2, "lifetimes": [120], "birth_steps": 60, "bin_steps": 20},
    }
    return check_config({"world": {"name": world}, **small, **sections}, "test")


def setup_of(world="cart-pole", **sections):
    return assemble(config_of(world, **sections))


def test_a_config_without_one_is_written_as_it_was_before_there_were_any():
    plain, valued = config_of().model_dump(mode="json"), config_of(value=VALUE).model_dump(mode="json")
    assert set(valued) - set(plain) == {"value"}
    assert set(valued["genome"]) - set(plain["genome"]) == {"value"}
    for content in (plain, valued):
        assert check_config(content, "again").model_dump(mode="json") == content
    assert "value" not in ARMS["tuned_blank"].model_dump()
    assert "read" not in valued["value"]
    assert "critic" not in plain["genome"]
    learned = config_of(value=CRITIC, brain=HEAD, genome={"critic": "learned"})
    assert check_config(learned.model_dump(mode="json"), "again") == learned


def test_its_genes_follow_all_others_and_begin_at_no_value_at_all():
    plain, valued = setup_of().pool, setup_of(value=VALUE).pool
    assert [gene.name for gene in valued.genes[: len(plain.genes)]] == [gene.name for gene in plain.genes]
    np.testing.assert_array_equal(valued.centre[: plain.size], plain.centre)
    own = valued.evolved[len(plain.evolved) :]
    assert [(gene.group, gene.name, gene.shape) for gene in own] == [
        ("value", "value.0.weight", (4, 3)),
        ("value", "value.0.bias", (3,)),
        ("value", "value.1.weight", (3, 1)),
        ("value", "value.1.bias", (1,)),
    ]
    before, born = decode(plain, plain.centre[None]), decode(valued, valued.centre[None])
    assert before.value.shape == (1, 0)
    assert born.value.shape == (1, 4 * 3 + 3 + 3 + 1)
    assert born.value[0, :12].all(), "units differ from the start, or they never would"
    assert not born.value[0, 12:].any(), "and nobody listens to them yet"
    for name in ("weights", "drives", "plasticity"):
        np.testing.assert_array_equal(getattr(before, name), getattr(born, name))


def test_beta_is_a_gene_of_it_where_it_is_read_in_acting():
    value = {"uses": ["acting"]}
    pool = setup_of(value=value, brain={"hidden": [4], "prediction": True}).pool
    assert [gene.name for gene in pool.evolved][-3:] == ["value.0.weight", "value.0.bias", "value.beta"]
    assert decode(pool, pool.centre[None]).value[0].tolist() == [0.0] * 5 + [1.0]


def test_a_prediction_head_may_be_left_to_life(tmp_path):
    acting = {"value": {"uses": ["acting"]}, "brain": {"hidden": [4], "prediction": True}}
    config = config_of(**acting, genome={"prediction": "learned"})
    inherited, learned = setup_of(**acting), assemble(config)
    brain = learned.conditions.brain
    assert inherited.pool.size - learned.pool.size == brain.predicting > 0
    dna = made_dna(tmp_path / "dna.safetensors", config)
    assert dna.newborns.weights.shape == (1, brain.weights)
    assert not dna.newborns.weights[0, -brain.predicting :].any()
    first, second = random_directions(dna)
    assert len(first) == len(second) == brain.weights - brain.predicting
    assert [row["block"] for row in inspect_genes(dna)["not_evolved"]] == ["prediction.weight", "prediction.bias"]
    assert "prediction" not in config_of().model_dump(mode="json")["genome"]


def test_a_critic_may_be_left_to_life_and_is_read_by_as_much_as_beta(tmp_path):
    config = config_of(value=CRITIC, brain=HEAD, genome={"critic": "learned"})
    inherited, learned = setup_of(value=CRITIC, brain=HEAD), assemble(config)
    assert [gene.name for gene in inherited.pool.evolved if gene.group == "value"] == ["value.beta"]
    assert inherited.pool.size - learned.pool.size == 4 + 1
    dna = made_dna(tmp_path / "dna.safetensors", config)
    brain, names = dna.brain, [gene.name for gene in dna.pool.genes if gene.group == "weights"]
    ends = np.cumsum([tensor.size for tensor in brain.tensors])
    for name, block in zip(names, np.split(dna.newborns.weights[0], ends[:-1]), strict=True):
        assert block.any() == (name not in ("value.weight", "value.bias", *BIASES)), name
    first, _ = random_directions(dna)
    assert len(first) == brain.weights - 5
    assert [row["block"] for row in inspect_genes(dna)["not_evolved"]] == ["value.weight", "value.bias"]
    reading = made_dna(tmp_path / "reading.safetensors", config_of(value=CRITIC, brain=HEAD, learner=FROZEN))
    genes = inspect_genes(reading)["genes"]
    assert all(read for read, name in zip(genes["read"], genes["name"], strict=True) if name.startswith("value."))


def test_it_is_evolved_held_or_drawn_afresh():
    plain = setup_of().pool.size
    held = setup_of(value=VALUE, genome={"value": {"mode": "fixed"}}).pool
    assert held.size == plain
    fresh = setup_of(value=VALUE, genome={"value": {"mode": "fresh", "spread": 0.7}}).pool
    assert fresh.size == plain
    newborns = decode(fresh, fresh.centre[None])
    drawn, born_as = draw_fresh(fresh, newborns, np.zeros(4, int), KEYS)
    assert drawn.value.shape == (4, 19)
    assert len({row.tobytes() for row in drawn.value}) == 4
    np.testing.assert_array_equal(born_as, np.arange(4))
    assert 0.3 < np.std(drawn.value[:, 15:]) < 1.4
    both = setup_of(value=VALUE, genome={"value": {"mode": "fresh"}, "drives": {"mode": "fresh"}}).pool
    alone = setup_of(genome={"drives": {"mode": "fresh"}}).pool
    with_value, _ = draw_fresh(both, decode(both, both.centre[None]), np.zeros(4, int), KEYS)
    without, _ = draw_fresh(alone, decode(alone, alone.centre[None]), np.zeros(4, int), KEYS)
    np.testing.assert_array_equal(with_value.drives, without.drives)


def test_dna_holds_it_and_everybody_reads_it(tmp_path):
    planted = {("value", "value.1.weight"): [1.5, -2.0, 0.25], ("value", "value.1.bias"): 0.5}
    dna = made_dna(tmp_path / "dna.safetensors", config_of(value=VALUE), planted)
    assert dna.newborns.value[0, -4:].tolist() == [1.5, -2.0, 0.25, 0.5]
    loaded = evolearn.load(tmp_path / "dna.safetensors")
    assert loaded.newborn.value["value.1.weight"].tolist() == [[1.5], [-2.0], [0.25]]
    assert "value.0.weight of 12" in repr(loaded)
    genes = inspect_genes(dna)["genes"]
    mine = [name for name, group in zip(genes["name"], genes["group"], strict=True) if group == "value"]
    assert mine[2] == "value.0.weight[position -> 2]"
    assert mine[-2:] == ["value.1.weight[2 -> value]", "value.1.bias[value]"]
    assert all(read for read, group in zip(genes["read"], genes["group"], strict=True) if group == "value")
    exported = export(dna, tmp_path / "brain.safetensors")
    told = description_of(exported.path)["value"]
    assert told["numbers"]["value.1.bias"] == [0.5]
    assert told["uses"] == ["potential"]
    silent = made_dna(tmp_path / "silent.safetensors", config_of(value=VALUE, learner={"learn_until": 0}))
    found = inspect_genes(silent)["genes"]
    assert not any(read for read, group in zip(found["read"], found["group"], strict=True) if group == "value")
    plain = made_dna(tmp_path / "plain.safetensors", config_of())
    assert "value" not in description_of(export(plain, tmp_path / "plain_brain.safetensors").path)


def test_a_brain_that_acts_by_more_than_its_network_is_not_exported_as_if_it_did_not(tmp_path):
    """At birth its network alone would act otherwise, unless it predicts nothing."""
    acting = {"value": {"uses": ["acting"]}, "brain": HEAD}
    planted = {("weights", "prediction.bias"): np.eye(2, 6)}
    dna = made_dna(tmp_path / "dna.safetensors", config_of(**acting), planted)
    text = r"acts by more than its network \(value.uses=\['acting'\]\): .* by evolearn.live, or evolve with genome.pred"
    with pytest.raises(ExportError, match=text):
        export(dna, tmp_path / "brain.pt")
    assert not (tmp_path / "brain.pt").exists()
    blind = made_dna(tmp_path / "blind.safetensors", config_of(**acting, genome={"prediction": "learned"}))
    assert "the same for all" in export(blind, tmp_path / "brain.safetensors").description["value"]["how"]
    shaped = {**acting, "value": VALUE}
    export(made_dna(tmp_path / "shaped.safetensors", config_of(**shaped), planted), tmp_path / "brain.pt")


def test_a_run_evolves_it(undisturbed):
    born = load_dna(undisturbed("innate value")).newborns
    assert born.value[0, -5:].all(), "from no value at all"
    assert born.value[0, -1] != 1.0


@pytest.mark.parametrize(
    ("arm", "inherits"),
    [
        ("blank", False),
        ("evolved", True),
        ("evolved_frozen", True),
        ("evolved_drives", False),
        ("shuffled", False),
        ("random", False),
    ],
)
def test_arms_inherit_it_with_weights_and_blank_slates_have_none(arm, inherits):
    setup = setup_of(value=VALUE)
    genome = setup.pool.centre + setup.pool.spread
    newborns, born_as = ready_arm(arm, ARMS[arm], setup.pool, genome, setup.config.learner).born(KEYS)
    expected = decode(setup.pool, (genome if inherits else setup.pool.centre)[None]).value[[0] * 4]
    np.testing.assert_array_equal(newborns.value[born_as], expected)
    assert inherits == bool(expected[:, -4:].any())


def test_an_arm_may_say_what_becomes_of_it():
    setup = setup_of(value=VALUE)
    genome = setup.pool.centre + setup.pool.spread
    for value, weights in (("inherited", "fresh"), ("zero", "inherited")):
        part = ArmPart(origin="evolved", weights=weights, value=value)
        newborns, born_as = ready_arm("mine", part, setup.pool, genome, setup.config.learner).born(KEYS)
        assert newborns.value[born_as][:, -4:].any() == (value == "inherited")
    with pytest.raises(ValueError, match="value='inherited': there is nothing to inherit with origin=none"):
        ArmPart(origin="none", weights="fresh", drives="fitness", plasticity="published", value="inherited")


@pytest.mark.parametrize(("arm", "mode"), [("tuned_blank", "fixed"), ("instinct", "evolved"), ("pretrained", "fixed")])
def test_evolutions_of_blank_slates_have_no_such_genes(arm, mode):
    lent = {"tuned_blank": {"drives": {"fitness": 1.0}, "plasticity": {}}}
    found = arm_config(config_of(value=VALUE), arm, ARMS[arm], lent)
    assert found.genome.value.mode == mode
    assert found.value is not None
    assemble(found)


def test_what_cannot_read_it_is_without_it():
    lent = {"tuned_blank": {"drives": {"fitness": 1.0}, "plasticity": {}}}
    learner = {"window": 8, "optimiser": "sgd"}
    config = config_of(value=VALUE, learner=learner, genome={"value": {"spread": 0.5}})
    assert arm_config(config, "maml", ARMS["maml"], lent).value is None


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        ({"value": {}}, "value.uses: missing"),
        ({"value": {"uses": []}}, "value.uses=[]: must have at least 1 entry (what it is for: potential, "),
        ({"value": {"uses": ["potential", "critic"]}}, "must name each once (critic is potential by another name)"),
        ({"value": {"uses": ["lookahead"]}}, "value.uses.0='lookahead': must be 'potential' or 'acting'"),
        ({"value": {"uses": ["potential"], "hidden": [65]}}, "value.hidden.0=65: must be 64 or less (tanh units per"),
        ({"value": {"uses": ["potential"], "hiden": []}}, "value.hiden=[]: unknown key. Did you mean hidden"),
        (
            {"value": {"uses": ["acting"]}},
            "brain.prediction=false: must be true with value.uses=['acting']: acting values what a choice is predicted",
        ),
        (
            {
                "world": "savannah",
                "value": {"uses": ["acting"]},
                "brain": {"hidden": [4], "prediction": True},
            },
            "value.uses=['acting']: acting values what each of several choices leads to, and world savannah takes",
        ),
        (
            {
                "value": {"uses": ["acting"]},
                "brain": {"hidden": [4], "prediction": True},
                "learner": {"window": 8, "epochs": 3},
            },
            "learner.epochs=3: must be 1 with value.uses=['acting']: from the second epoch on a window is thought",
        ),
        (
            {"genome": {"prediction": "learned"}},
            "genome.prediction='learned': must be 'inherited' with brain.prediction=false, since there is no head",
        ),
        (
            {
                "brain": {"hidden": [4], "prediction": True},
                "genome": {"prediction": "learned", "inheritance": "lamarckian"},
                "search": {"algorithm": "genetic"},
            },
            "genome.prediction='learned': must be 'inherited' with genome.inheritance='lamarckian', for which every",
        ),
        ({"genome": {"value": {"mode": "fixed"}}}, "must be left out without the section value, since there are no"),
        (
            {"value": {"uses": ["potential"], "read": "learned"}},
            "value.uses=['potential']: must be ['acting'] with value.read='learned', since what the critic expects",
        ),
        (
            {"value": {**CRITIC, "hidden": [3]}},
            "value.hidden=[3]: must be [] with value.read='learned', since the critic is a head of the brain",
        ),
        ({"value": CRITIC}, "brain.prediction=false: must be true with value.uses=['acting']"),
        (
            {"value": CRITIC, "brain": HEAD, "learner": {"name": "q_learning", "window": 1}},
            "value.read='learned': must be 'innate' with learner.name='q_learning', which has no critic; set "
            "learner.name='actor_critic' or 'tabular_actor_critic' or 'rewarded_imitation', or leave value.read out",
        ),
        (
            {"value": CRITIC, "brain": {**HEAD, "trunk": "gru"}},
            "value.read='learned': must be 'innate' with brain.trunk='gru' and brain.inputs=['observation'], since",
        ),
        (
            {"value": CRITIC, "brain": {**HEAD, "inputs": ["observation", "last_reward"]}},
            "with brain.trunk='mlp' and brain.inputs=['observation', 'last_reward'], since what is predicted is what",
        ),
        (
            {"genome": {"critic": "learned"}, "learner": {"name": "q_learning", "window": 1}},
            "genome.critic='learned': must be 'inherited' with learner.name='q_learning', which has no critic",
        ),
        (
            {"genome": {"critic": "learned", "inheritance": "lamarckian"}, "search": {"algorithm": "genetic"}},
            "genome.critic='learned': must be 'inherited' with genome.inheritance='lamarckian', for which every",
        ),
        (
            {"genome": {"critic": "learned", "encoding": "mine.py:code"}},
            "genome.critic='learned': must be 'inherited' with genome.encoding='mine.py:code': only of direct genes",
        ),
        (
            {"value": VALUE, "learner": {"name": "hebbian", "window": 1}, "brain": {"trunk": "linear", "hidden": []}},
            "value.uses=['potential']: potential discounts what comes next as the learner does, and "
            "learner.name='hebbian' has no gene discount; set learner.name='actor_critic' or 'tabular_actor_critic' or "
            "'q_learning' or 'rewarded_imitation', or",
        ),
        (
            {
                "value": VALUE,
                "search": {"algorithm": "maml"},
                "genome": {group: {"mode": "fixed"} for group in GROUPS[1:]},
            },
            "value.uses=['potential']: must be left out with search.algorithm='maml', whose gradient",
        ),
        (
            {
                "value": VALUE,
                "search": {"algorithm": "reptile"},
                "genome": {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}},
            },
            "genome.value.mode='evolved': must be 'fixed' or 'fresh' with search.algorithm='reptile'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(sections, text):
    with pytest.raises(ConfigError) as caught:
        setup_of(**sections)
    assert text in str(caught.value)


def test_where_no_episode_terminates_a_potential_is_remarked_upon():
    assert remarks_on(setup_of(value=VALUE)) == ()
    (remark,) = remarks_on(setup_of("foraging", value=VALUE))
    assert remark.startswith(
        "value.uses=['potential']: in 8 lives of 120 steps at random no episode of world foraging terminated. Where "
    )
    assert remarks_on(setup_of("foraging")) == ()


def test_a_critic_that_nobody_ever_learns_is_remarked_upon():
    parts = {"value": CRITIC, "brain": HEAD}
    (remark,) = remarks_on(setup_of(**parts, learner=FROZEN, genome={"critic": "learned"}))
    assert "value.read='learned': what is read in acting is learned, and with genome.critic=learned and" in remark
    assert remarks_on(setup_of(**parts, learner=FROZEN)) == ()
    assert remarks_on(setup_of(**parts, genome={"critic": "learned"})) == ()


def test_a_model_that_nobody_ever_learns_is_remarked_upon():
    parts = {"value": {"uses": ["acting"]}, "brain": {"hidden": [4], "prediction": True}}
    (remark,) = remarks_on(setup_of(**parts, learner=FROZEN, genome={"prediction": "learned"}))
    assert "nothing ever is, so that value changes nothing; set genome.prediction=inherited" in remark
    assert remarks_on(setup_of(**parts, learner=FROZEN)) == ()
    assert remarks_on(setup_of(**parts, genome={"prediction": "learned"})) == ()
