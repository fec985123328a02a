"""The plan of a study: jobs, equal budgets, seeds and keys, before a step is lived."""

import contextlib
import dataclasses
import itertools

import numpy as np
import pytest

from evolearn.config import ConfigError
from evolearn.life import Drivers, OwnDrivers
from evolearn.rng import SELECTION, TEST, VALIDATION
from evolearn.run import assemble
from evolearn.search import planned_outer_steps
from evolearn.study import StudyConfig
from evolearn.study.checks import check_arms_differ
from evolearn.study.plan import (
    LONG_BINS,
    check_keys,
    doubled_arms,
    evolving_arms,
    hash_key_spaces,
    held_out_keys,
    long_plan,
    plan_study,
    planned_config,
    run_seed,
    study_arm,
    tested_arms as judged_arms,
)
from tests.helpers.studies import toy_study

ALL = "arms=[random, blank, tuned_learner, tuned_blank, instinct, evolved_weights, evolved, evolved_frozen, \
evolved_drives, shuffled, long_blank, pretrained, oracle]"
GENETIC = "run.search.algorithm=genetic"
MORE = "define={{{}: {{settings: {{search.generations: 3}}}}}}"


def refusal(study: StudyConfig) -> str:
    with pytest.raises(ConfigError) as caught:
        plan_study(study)
    return str(caught.value)


def outer_steps(study: StudyConfig) -> dict[str, int]:
    condition = study.conditions[0]
    return {arm: planned_outer_steps(planned_config(study, condition, arm).search) for arm in evolving_arms(study)}


def test_jobs_are_every_run_of_every_arm_of_every_condition() -> None:
    study = toy_study(ALL, "runs=3", "conditions=[{name: a}, {name: b}]")
    plan = plan_study(study)
    arms, own = study.arms, [arm for arm in study.arms if study.arm(arm).evolves]
    expected = set(itertools.product("ab", own, range(3)))
    assert {(job.condition, job.arm, job.run) for job in plan.evolutions} == expected
    assert len(plan.evolutions) == len(expected)
    expected = set(itertools.product("ab", arms, range(3)))
    assert {(job.condition, job.arm, job.run) for job in plan.tests} == expected
    assert len(plan.tests) == len(expected)


def test_lenders_evolve_before_those_that_borrow() -> None:
    study = toy_study("arms=[random, pretrained, evolved, tuned_blank, oracle]")
    order = [(job.run, job.arm) for job in plan_study(study).evolutions]
    for run in range(study.runs):
        assert order.index((run, "tuned_blank")) < order.index((run, "pretrained"))


def test_planned_steps_are_lives_times_lifetimes() -> None:
    study = toy_study()
    plan = plan_study(study)
    # 2 generations of 4 genomes and a centre, 2 lives of 40 steps; 3 test lives of 40 and of 160 steps
    assert {job.steps for job in plan.evolutions} == {2 * 5 * 2 * 40}
    assert {job.steps for job in plan.tests} == {3 * (40 + 160)}
    assert plan.steps == 2 * (2 * 800 + 4 * 600)
    learning = {job.arm: job.learning for job in plan.tests}
    assert learning == {"random": False, "tuned_blank": True, "evolved": True, "oracle": False}


def test_every_evolution_costs_the_same() -> None:
    assert set(outer_steps(toy_study(ALL)).values()) == {800}


def test_the_genetic_algorithm_has_the_same_budget_for_all_that_use_it() -> None:
    study = toy_study(GENETIC, "arms=[random, tuned_blank, evolved, lamarckian, oracle]")
    plan_study(study)
    assert set(outer_steps(study).values()) == {2 * 9 * 2 * 40}


def test_lamarckian_without_the_genetic_algorithm_is_refused_with_its_remedy() -> None:
    text = refusal(toy_study("arms=[random, tuned_blank, evolved, lamarckian, oracle]"))
    assert text.startswith("condition 'as it is', arm lamarckian: genome.inheritance='lamarckian': must be 'darwinian'")
    assert "set search.algorithm=genetic, or genome.inheritance=darwinian" in text


def test_unequal_budgets_are_refused_with_the_numbers() -> None:
    text = refusal(toy_study(MORE.format("evolved")))
    assert text == (
        "condition 'as it is': the evolution of an arm must not take more world steps than that of the arm that it is "
        "compared with, but would: evolved 1,200 against tuned_blank 800. Change population, lives or generations in "
        "the settings of the arms that differ. A generation lives population + 1 genomes, with algorithm=genetic "
        "2 x population + 1"
    )


def test_a_claim_on_less_than_its_rival_has_is_allowed() -> None:
    study = toy_study(MORE.format("tuned_blank"))
    assert outer_steps(study) == {"tuned_blank": 1200, "evolved": 800}
    assert {job.arm: job.steps for job in plan_study(study).evolutions} == outer_steps(study)


def test_a_secondary_claim_on_more_is_refused_also_of_an_arm_with_anothers_genes() -> None:
    arms = "arms=[random, tuned_blank, tuned_learner, evolved, evolved_frozen, oracle]"
    secondary = "secondary=[{{arm: {}, against: {}, metrics: [catch_up]}}]"
    more = MORE.format("tuned_learner")
    text = refusal(toy_study(arms, more, secondary.format("tuned_learner", "evolved")))
    assert "but would: tuned_learner 1,200 against evolved 800. " in text
    plan_study(toy_study(arms, more, secondary.format("evolved_frozen", "tuned_learner")))
    text = refusal(toy_study(arms, MORE.format("evolved"), secondary.format("evolved_frozen", "tuned_learner")))
    assert "evolved 1,200 against tuned_blank 800; evolved_frozen 1,200 against tuned_learner 800. " in text


def test_an_arm_in_no_contrast_may_have_as_much_as_those_compared_and_not_more() -> None:
    arms = "arms=[random, tuned_blank, tuned_learner, evolved, evolved_drives, oracle]"
    more = MORE.format("tuned_learner")
    assert "tuned_learner 1,200, in no contrast, where those compared take at most 800. " in refusal(
        toy_study(arms, more)
    )
    both = more.replace("define={", f"define={{{MORE.format('tuned_blank')[8:-1]}, ")
    assert outer_steps(toy_study(arms, both))["evolved"] < outer_steps(toy_study(arms, both))["tuned_learner"]
    plan_study(toy_study(arms, both))


def test_an_arm_without_an_evolution_has_no_budget_to_keep_to() -> None:
    plan_study(toy_study(MORE.format("evolved"), "primary.against=random", "arms=[random, evolved, oracle]"))


def test_settings_can_make_budgets_equal() -> None:
    pretrained = (
        "define={pretrained: {settings: {search.algorithm: reptile, search.options: {}, search.population: 8}}}"
    )
    study = toy_study(GENETIC, pretrained, "arms=[random, tuned_blank, evolved, pretrained, oracle]")
    plan_study(study)
    assert set(outer_steps(study).values()) == {1440}


def test_maml_costs_what_the_other_arms_cost_and_lives_lives_of_its_own() -> None:
    study = toy_study("run.learner.optimiser=sgd", "arms=[random, tuned_blank, evolved, pretrained, maml, oracle]")
    plan = plan_study(study)
    assert len(set(outer_steps(study).values())) == 1
    search = study.run.search
    own = {job.arm: hash_key_spaces(study, dataclasses.replace(plan, evolutions=(job,))) for job in plan.evolutions}
    assert own["maml"]["selection"]["keys"] == search.generations * search.lives * (search.population + 1)
    assert own["maml"]["selection"]["keys"] == own["pretrained"]["selection"]["keys"]
    assert own["evolved"]["selection"]["keys"] == search.generations * search.lives
    assert all(spaces["disjoint"] for spaces in own.values())


def test_doubled_arms_take_twice_the_steps_from_the_same_seed() -> None:
    study = toy_study("convergence.double_budget=true")
    assert doubled_arms(study) == ["evolved_x2", "tuned_blank_x2"]
    assert outer_steps(study) == {"tuned_blank": 800, "evolved": 800, "evolved_x2": 1600, "tuned_blank_x2": 1600}
    assert judged_arms(study) == [*study.arms, "evolved_x2", "tuned_blank_x2"]
    assert run_seed(study, "as it is", "evolved_x2", 1) == run_seed(study, "as it is", "evolved", 1)
    twice = toy_study("convergence.double_budget=true", "primary.against=random")
    assert doubled_arms(twice) == ["evolved_x2"], "nothing to double in an arm that does not evolve"
    assert doubled_arms(toy_study()) == []


def test_long_blank_lives_as_long_as_the_evolution_of_its_origin() -> None:
    study = toy_study(ALL)
    condition = study.conditions[0]
    assert long_plan(study, condition, "long_blank").lifetime == outer_steps(study)["tuned_blank"] == 800
    assert len(held_out_keys(study, condition, "long_blank", 0)) == 1
    assert long_plan(study, condition, "evolved").lifetime == 160
    assert long_plan(study, condition, "evolved").bin_steps == 20
    long = toy_study(ALL, "run.search.generations=3000")
    plan = long_plan(long, condition, "long_blank")
    assert plan.lifetime == 1_200_000
    assert plan.bins <= LONG_BINS
    assert plan.bin_size % 40 == 0, "whole windows of the birth score"


def test_seeds_of_runs_differ_and_do_not_depend_on_what_else_is_in_the_study() -> None:
    study = toy_study(ALL, "runs=5", "conditions=[{name: a}, {name: b}]")
    asked = list(itertools.product("ab", evolving_arms(study), range(5)))
    seeds = {place: run_seed(study, *place) for place in asked}
    assert len(set(seeds.values())) == len(asked)
    assert run_seed(study, "as it is", "evolved", 1) == 4073130137, "or studies of earlier versions cannot be continued"
    fewer = toy_study("conditions=[{name: b}]")
    assert run_seed(fewer, "b", "evolved", 1) == seeds["b", "evolved", 1]
    other = toy_study("seed=4", "conditions=[{name: b}]")
    assert run_seed(other, "b", "evolved", 1) != seeds["b", "evolved", 1]


def test_test_lives_are_paired_across_arms_and_differ_between_runs() -> None:
    study = toy_study(ALL)
    condition = study.conditions[0]
    first = held_out_keys(study, condition, "evolved", 0)
    assert first.shape == (3, 4)
    assert set(first[:, 1]) == {TEST}
    for arm in study.arms:
        keys = held_out_keys(study, condition, arm, 0)
        np.testing.assert_array_equal(keys, first[: len(keys)])
    second = held_out_keys(study, condition, "evolved", 1)
    assert not {tuple(key) for key in first} & {tuple(key) for key in second}


def test_key_spaces_are_disjoint_and_their_hashes_follow_the_seed() -> None:
    spaces, others = (hash_key_spaces(study, plan_study(study)) for study in (toy_study(), toy_study("seed=4")))
    assert spaces["disjoint"] is True
    # 2 arms x 2 runs x 2 generations x 2 lives; 2 x 2 runs x 8 leaders' lives and the study's own; 2 runs x 3 lives
    counts = {name: spaces[name]["keys"] for name in ("selection", "validation", "test")}
    assert counts == {"selection": 16, "validation": 4 * 8 + len(check_keys(toy_study())), "test": 6}
    hashes = [entry["sha256"] for entry in (*spaces.values(), *others.values()) if isinstance(entry, dict)]
    assert len(set(hashes)) == 6
    assert hash_key_spaces(toy_study(), plan_study(toy_study())) == spaces


def test_spaces_that_share_a_key_are_said_to(monkeypatch) -> None:
    study = toy_study()
    monkeypatch.setattr("evolearn.study.plan.TEST", VALIDATION)
    assert hash_key_spaces(study, plan_study(study))["disjoint"] is False
    assert SELECTION != VALIDATION != TEST


def test_an_oracle_is_refused_where_the_world_has_none() -> None:
    study = toy_study("run.world.name=gymnasium:CartPole-v1", "run.drives.weights={fitness: 1}")
    text = refusal(study)
    assert "arms: oracle needs an oracle, and world gymnasium:CartPole-v1 has none; leave it out, and set " in text
    assert text.endswith("set threshold.of=best")


def test_an_unknown_world_is_refused_with_the_one_meant() -> None:
    assert "did you mean cart-pole?" in refusal(toy_study("run.world.name=cartpole"))


def test_dna_of_another_condition_must_have_the_same_genes() -> None:

    def judged_with(setting: str, *overrides: str) -> StudyConfig:
        return toy_study("conditions=[{name: a}, {name: b, evolved_in: a, set: {" + setting + "}}]", *overrides)

    assert len(plan_study(judged_with("world.parameters.predictability: 0")).evolutions) == 4, "of a alone"
    for setting in ("brain.hidden: [5]", "drives.transform: symlog", "drives.evolved: [fitness]"):
        text = refusal(judged_with(setting))
        assert (
            "conditions 'b': evolved_in='a': its DNA has other genes, or others that do not evolve; the two may" in text
        )
    rate = "learner.plasticity: {learning_rate: 0.5}"
    plan_study(judged_with(rate))  # where evolution starts, which nobody does in b
    assert "others that do not evolve" in refusal(judged_with(rate, "run.genome.plasticity.mode=fixed"))


@pytest.fixture(scope="module")
def drivers():
    with contextlib.closing(OwnDrivers(1)) as made:
        yield made


def check(drivers: Drivers, *overrides: str) -> int:
    study = toy_study(*overrides)
    return check_arms_differ(study, plan_study(study), drivers)


def test_arms_of_the_table_differ(drivers: Drivers) -> None:
    """2 lives of 13 arms, as long as the window of the birth score; or 3 learning updates, if they take longer."""
    assert check(drivers, ALL) == 13 * 2 * 40
    assert check(drivers, ALL, "run.learner.window=20") == 13 * 2 * 60


COPIES = ("define={again: {like: evolved}}", "arms=[random, tuned_blank, evolved, again, oracle]")


def test_arms_that_are_defined_alike_are_refused(drivers: Drivers) -> None:
    with pytest.raises(ConfigError) as caught:
        check(drivers, *COPIES)
    assert str(caught.value) == (
        "arms: evolved and again live identical lives under condition 'as it is': they are defined alike; leave one "
        "out, or, for an A/A comparison, set expect_identical=[[evolved, again]]"
    )


@pytest.mark.parametrize(
    ("setting", "one", "other"),
    [
        ("run.genome.weights.mode=fresh", "tuned_blank", "evolved"),
        ("run.genome.drives.mode=fixed", "tuned_blank", "tuned_learner"),
    ],
)
def test_evolutions_that_differ_in_their_seeds_alone_are_refused(
    drivers: Drivers, setting: str, one: str, other: str
) -> None:
    """The definitions differ, but the run's own settings make them the same."""
    arms = f"arms=[random, {one}, {other}, oracle]"
    primary = f"primary={{arm: {one}, against: {other}, metric: catch_up}}"
    with pytest.raises(ConfigError, match=f"{one} and {other} live identical lives .* defined alike"):
        check(drivers, arms, primary, "run.drives.weights={fitness: 1.0}", setting)


def test_another_description_is_no_difference(drivers: Drivers) -> None:
    with pytest.raises(ConfigError, match="they are defined alike"):
        check(drivers, "define={again: {like: evolved, doc: quite another}}", COPIES[1])


def test_identical_arms_are_allowed_where_they_are_expected(drivers: Drivers) -> None:
    assert check(drivers, *COPIES, "expect_identical=[[again, evolved]]") > 0


FROZEN = "arms=[random, tuned_blank, evolved, evolved_frozen, oracle]"


@pytest.mark.parametrize("setting", ["run.learner.learn_until=0", "run.learner.plasticity.learning_rate=1e-30"])
def test_a_part_without_effect_is_found(setting: str, drivers: Drivers) -> None:
    with pytest.raises(ConfigError) as caught:
        check(drivers, FROZEN, setting)
    assert "arms: evolved and evolved_frozen live identical lives under condition 'as it is'" in str(caught.value)
    assert "what sets them apart has no effect in this world and brain" in str(caught.value)
    assert check(drivers, FROZEN, setting, "expect_identical=[[evolved, evolved_frozen]]") > 0


def test_a_learner_that_has_not_changed_its_mind_yet_is_no_frozen_one(drivers: Drivers) -> None:
    """Steps too small to change one of two actions within 40 steps are learning all the same."""
    assert check(drivers, FROZEN, "run.learner.plasticity.learning_rate=1e-6") > 0


def test_arms_are_compared_under_every_condition(drivers: Drivers) -> None:
    with pytest.raises(ConfigError, match="evolved_frozen live identical lives under condition 'b'"):
        check(drivers, FROZEN, "conditions=[{name: a}, {name: b, set: {learner.learn_until: 0}}]")


def test_settings_of_an_arm_hold_when_it_is_judged() -> None:
    """Two arms that differ in nothing but the age at which learning begins."""
    late = "define={late: {like: evolved, settings: {learner.learn_from: 20}}}"
    arms = "arms=[random, tuned_blank, evolved, late, oracle]"
    study = toy_study(late, arms)
    dna = assemble(study.run).pool, assemble(study.run).pool.centre
    ready = {arm: study_arm(study, study.conditions[0], arm, lambda _: dna).arm for arm in ("evolved", "late")}
    assert (ready["evolved"].learn_from, ready["late"].learn_from) == (0, 20)
