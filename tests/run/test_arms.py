"""The table of arms against its definition: who inherits what, who draws afresh, who learns, who acts."""

import numpy as np
import pytest

from evolearn.config import ConfigError
from evolearn.genome import TRANSFORMS
from evolearn.life import FROM_BRAIN, FROM_ORACLE, FROM_UNIFORM, Driver, Plan, lives, new_driver
from evolearn.rng import TEST, life_keys
from evolearn.run import ARMS, Arm, ArmPart, Setup, arm_config, assemble, natural_values, ready_arm
from evolearn.run.arms import RUN_ARMS
from evolearn.run.transplant import run_arms
from tests.helpers.arms import PUBLISHED, dna_of, evolution_of, run_config
from tests.helpers.studies import TOY

KEYS = life_keys(9, TEST, 0, 3)

# What EXPERIMENTS.md says of each arm: weights, drives, plasticity, whether it learns, where actions come from.
# "own": of its own evolution; an arm's name: of that arm's; "fresh": random in each life; "-": none to speak of.
TABLE = {
    "random": ("fresh", "fitness", "published", False, "uniform"),
    "blank": ("fresh", "fitness", "published", True, "brain"),
    "tuned_learner": ("fresh", "fitness", "own", True, "brain"),
    "tuned_blank": ("fresh", "own", "own", True, "brain"),
    "instinct": ("own", "fitness", "published", False, "brain"),
    "evolved_weights": ("own", "fitness", "own", True, "brain"),
    "evolved": ("own", "own", "own", True, "brain"),
    "evolved_frozen": ("evolved", "evolved", "evolved", False, "brain"),
    "evolved_drives": ("fresh", "evolved", "evolved", True, "brain"),
    "shuffled": ("permuted", "evolved", "evolved", True, "brain"),
    "long_blank": ("fresh", "tuned_blank", "tuned_blank", True, "brain"),
    "lamarckian": ("own", "own", "own", True, "brain"),
    "pretrained": ("own", "tuned_blank", "tuned_blank", True, "brain"),
    "maml": ("own", "tuned_blank", "tuned_blank", True, "brain"),
    "imitated": ("own", "tuned_blank", "tuned_blank", True, "brain"),
    "imitated_frozen": ("imitated", "tuned_blank", "tuned_blank", False, "brain"),
    "evolved_and_imitated": ("own", "own", "own", True, "brain"),
    "oracle": ("fresh", "fitness", "published", False, "oracle"),
}
SOURCES = {"brain": FROM_BRAIN, "uniform": FROM_UNIFORM, "oracle": FROM_ORACLE}


def of_study(name: str) -> tuple[Setup, Arm]:
    """An arm of the table, ready to live, with the DNA of the evolution that the table says."""
    part = ARMS[name]
    setup, genome = evolution_of(part.origin if part.origin in ARMS else name if part.evolves else "evolved")
    return setup, ready_arm(name, part, setup.pool, genome, run_config().learner)


def weights_at_birth(name: str, driver: Driver, keys: np.ndarray = KEYS) -> np.ndarray:
    """[L, W], what the kernel is born with: weights after a life that was too short to learn."""
    setup, arm = of_study(name)
    newborns, born_as = arm.born(keys)
    plan = Plan(1, learn_until=0, source=arm.source, final_weights=True)
    outcome, _ = lives(driver, setup.conditions, newborns, born_as, keys, plan)
    return outcome.final_weights


@pytest.fixture(scope="module")
def driver():
    made = new_driver(evolution_of("evolved")[0].conditions)
    yield made
    made.close()


def groups(name: str) -> dict[str, dict[str, float]]:
    """Natural values of drives and plasticity of the newborns of an arm, the same in all lives."""
    setup, arm = of_study(name)
    newborns, born_as = arm.born(KEYS)
    values = {}
    for group, names in (("drives", setup.conditions.drive_names), ("plasticity", tuple(PUBLISHED))):
        rows = getattr(newborns, group)[born_as]
        assert (rows == rows[0]).all(), "the same in every life"
        values[group] = dict(zip(names, rows[0].tolist(), strict=True))
    return values


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(ARMS)
    assert set(RUN_ARMS) <= set(ARMS)
    assert all(part.doc for part in ARMS.values())


@pytest.mark.parametrize("name", TABLE)
def test_weights_at_birth(name: str, driver: Driver) -> None:
    expected = TABLE[name][0]
    born = weights_at_birth(name, driver)
    again = weights_at_birth(name, driver)
    np.testing.assert_array_equal(again, born)
    if expected in ("fresh", "permuted"):
        assert not np.array_equal(born[0], born[1]), "another draw in every life"
        return
    setup, genome = evolution_of(name if expected == "own" else expected)
    places = setup.pool.slices()
    weights = np.concatenate([genome[place] for (group, _), place in places.items() if group == "weights"])
    np.testing.assert_array_equal(born, np.broadcast_to(weights, born.shape))


def test_fresh_weights_are_one_draw_per_life_whatever_the_genome(driver: Driver) -> None:
    """Up to the scale, which plasticity sets: the standardised draws are those of `blank`."""
    blank = weights_at_birth("blank", driver)
    np.testing.assert_array_equal(weights_at_birth("random", driver), blank)
    for name in ("tuned_learner", "tuned_blank", "evolved_drives", "long_blank"):
        scale = groups(name)["plasticity"]["initial_scale"]
        np.testing.assert_allclose(weights_at_birth(name, driver), scale * blank, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", TABLE)
def test_drives_at_birth(name: str) -> None:
    expected = TABLE[name][1]
    drives = groups(name)["drives"]
    if expected == "fitness":
        assert drives == {key: float(key == "fitness") for key in drives}
        return
    origin = name if expected == "own" else expected
    lent = natural_values(*dna_of(origin))["drives"]
    assert drives == pytest.approx(lent, rel=1e-6)
    assert len(set(drives.values())) == len(drives) > 1, "nobody's default"


@pytest.mark.parametrize("name", TABLE)
def test_plasticity_at_birth(name: str) -> None:
    expected = TABLE[name][2]
    plasticity = groups(name)["plasticity"]
    if expected == "published":
        assert plasticity == pytest.approx(PUBLISHED, rel=1e-6)
        return
    origin = name if expected == "own" else expected
    lent = natural_values(*dna_of(origin))["plasticity"]
    if name == "evolved_drives":
        # Where weights are inherited evolution does not see their initial scale, and it drifts.
        assert lent["initial_scale"] != pytest.approx(1.0, rel=1e-3)
        lent["initial_scale"] = 1.0
    assert plasticity == pytest.approx(lent, rel=1e-6)
    assert plasticity["learning_rate"] != pytest.approx(PUBLISHED["learning_rate"], rel=1e-3)


def test_where_weights_were_drawn_afresh_in_evolution_the_evolved_scale_is_kept() -> None:
    lent = natural_values(*dna_of("tuned_blank"))["plasticity"]["initial_scale"]
    assert lent != pytest.approx(1.0, rel=1e-3)
    assert groups("long_blank")["plasticity"]["initial_scale"] == pytest.approx(lent, rel=1e-6)


@pytest.mark.parametrize("name", TABLE)
def test_who_learns_and_who_acts(name: str, driver: Driver) -> None:
    _, _, _, learns, actions = TABLE[name]
    setup, arm = of_study(name)
    assert arm.source == SOURCES[actions]
    newborns, born_as = arm.born(KEYS)
    short = Plan(1, learn_until=0, source=arm.source, final_weights=True)
    at_birth, _ = lives(driver, setup.conditions, newborns, born_as, KEYS, short)
    plan = arm.plan(60)
    plan = Plan(60, plan.learn_from, plan.learn_until, source=plan.source, final_weights=True)
    at_end, _ = lives(driver, setup.conditions, newborns, born_as, KEYS, plan)
    changed = (at_end.final_weights != at_birth.final_weights).any(axis=1)
    assert changed.all() == learns
    assert changed.any() == learns
    frozen = arm.frozen().plan(60)
    assert frozen.learn_until == 0, "birth scores are measured with learning off"
    assert frozen.source == arm.source


def test_uniform_actions_ignore_the_weights_and_the_oracle_ignores_both(driver: Driver) -> None:
    setup, random = of_study("random")
    _, oracle = of_study("oracle")
    seen = {}
    for arm, source in ((random, FROM_UNIFORM), (oracle, FROM_ORACLE)):
        for scale in (1.0, 50.0):
            newborns, born_as = arm.born(KEYS[:1])
            newborns = newborns._replace(scale=newborns.scale * np.float32(scale))
            plan = Plan(200, learn_until=0, source=source)
            _, trace = lives(driver, setup.conditions, newborns, born_as, KEYS[:1], plan, 200)
            seen[source, scale] = trace.actions[:, 0]
    np.testing.assert_array_equal(seen[FROM_UNIFORM, 1.0], seen[FROM_UNIFORM, 50.0])
    np.testing.assert_array_equal(seen[FROM_ORACLE, 1.0], seen[FROM_ORACLE, 50.0])
    assert abs(seen[FROM_UNIFORM, 1.0].mean() - 0.5) < 0.15, "both actions alike"
    assert not np.array_equal(seen[FROM_UNIFORM, 1.0], seen[FROM_ORACLE, 1.0])


def test_what_evolves_where() -> None:
    """The genes that each evolution searches, and nothing else."""
    searched = {
        name: {gene.group for gene in evolution_of(name)[0].pool.evolved} for name in ARMS if ARMS[name].evolves
    }
    everything = {"weights", "drives", "plasticity"}
    assert searched == {
        "tuned_learner": {"plasticity"},
        "tuned_blank": {"drives", "plasticity"},
        "instinct": {"weights"},
        "evolved_weights": {"weights", "plasticity"},
        "evolved": everything,
        "lamarckian": everything,
        "pretrained": {"weights"},
        "maml": {"weights"},
        "imitated": {"weights"},
        "evolved_and_imitated": everything,
    }


def test_instinct_evolves_with_learning_off_and_the_others_on() -> None:
    until = {name: evolution_of(name)[0].config.learner.learn_until for name in ARMS if ARMS[name].evolves}
    assert until.pop("instinct") == 0
    assert set(until.values()) == {None}


def test_only_lamarckian_inherits_what_was_learned() -> None:
    inheritance = {name: evolution_of(name)[0].config.genome.inheritance for name in ARMS if ARMS[name].evolves}
    assert inheritance.pop("lamarckian") == "lamarckian"
    assert set(inheritance.values()) == {"darwinian"}


def test_lamarckian_is_refused_without_a_genetic_algorithm() -> None:
    config = arm_config(run_config(), "lamarckian", ARMS["lamarckian"], {})
    with pytest.raises(ConfigError, match=r"set search\.algorithm=genetic, or genome\.inheritance=darwinian"):
        assemble(config)


@pytest.mark.parametrize(("arm", "algorithm"), [("pretrained", "reptile"), ("maml", "maml"), ("imitated", "clone")])
def test_weights_are_trained_by_gradient_at_the_drives_and_plasticity_of_the_tuned_blank(arm, algorithm) -> None:
    config = evolution_of(arm)[0].config
    assert config.search.algorithm == algorithm
    lent = natural_values(*dna_of("tuned_blank"))
    assert config.drives.weights == pytest.approx(lent["drives"])
    assert config.learner.plasticity == pytest.approx(lent["plasticity"])


def test_maml_is_refused_where_lives_do_not_learn_by_gradient_descent() -> None:
    lent = natural_values(*dna_of("tuned_blank"))
    config = arm_config(run_config(), "maml", ARMS["maml"], {"tuned_blank": lent})
    with pytest.raises(ConfigError, match=r"set learner\.optimiser=sgd, or search\.algorithm=reptile"):
        assemble(config)


def test_who_takes_from_whom() -> None:
    needs = {name: part.needs() for name, part in ARMS.items() if part.needs()}
    assert needs == {
        "evolved_frozen": ("evolved",),
        "evolved_drives": ("evolved",),
        "shuffled": ("evolved",),
        "long_blank": ("tuned_blank",),
        "pretrained": ("tuned_blank",),
        "maml": ("tuned_blank",),
        "imitated": ("tuned_blank", "evolved"),
        "imitated_frozen": ("imitated",),
        "evolved_and_imitated": ("imitated",),
    }


def test_a_blank_slate_learns_all_its_life_whatever_the_schedule_of_the_run() -> None:
    learner = run_config(learner={**TOY["run"]["learner"], "learn_from": 20, "learn_until": 60}).learner
    setup, genome = evolution_of("evolved")
    arms = {name: ready_arm(name, ARMS[name], setup.pool, genome, learner) for name in ("blank", "evolved", "shuffled")}
    assert (arms["blank"].learn_from, arms["blank"].learn_until) == (0, None)
    for name in ("evolved", "shuffled"):
        assert (arms[name].learn_from, arms[name].learn_until) == (20, 60)


def test_a_run_closes_with_the_same_arms() -> None:
    setup, genome = evolution_of("evolved")
    arms = {arm.name: arm for arm in run_arms(setup, genome)}
    assert tuple(arms) == RUN_ARMS
    for name in RUN_ARMS:
        np.testing.assert_array_equal(arms[name].born(KEYS)[0].drives, of_study(name)[1].born(KEYS)[0].drives)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"origin": "none"}, "origin=none: there is nothing to inherit"),
        ({"weights": "permuted"}, "only for transplanted arms"),
        ({"one_life": True}, "one_life=true: needs an origin"),
        ({"inheritance": "lamarckian", "learns": False}, "must evolve and learn"),
        ({"origin": "evolved", "drives": "tuned_blank"}, "borrowing from another arm is for arms with origin=own"),
        ({"origin": "evolved", "settings": {"search.lives": 1}}, "only an arm with an evolution of its own has any"),
        ({"settings": {"evaluation.lives": 1}}, "settings.evaluation.lives: must begin with one of"),
        (
            {"origin": "evolved", "teacher": "evolved"},
            "teacher='evolved': only for an arm with an evolution of its own",
        ),
        ({"origin": "evolved", "start": "imitated"}, "start='imitated': only for an arm with an evolution of its own"),
        ({"weights": "fresh", "start": "imitated"}, "start='imitated': must go with weights=inherited"),
        ({"teacher": "oracle"}, "must be left out where settings have no search.algorithm=clone"),
        ({"settings": {"search.algorithm": "clone"}}, "teacher=None: must name oracle or an arm where settings have"),
        ({"weights": "frozen"}, "'inherited', 'fresh' or 'permuted'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ArmPart(**parts)


def test_natural_values_are_those_that_newborns_have() -> None:
    pool, genome = dna_of("evolved")
    place = pool.slices()["plasticity", "learning_rate"]
    found = natural_values(pool, genome)["plasticity"]["learning_rate"]
    assert found == pytest.approx(float(TRANSFORMS["log"].decode(genome[place])[0]), rel=1e-6)
