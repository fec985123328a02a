"""Runs whose evolution sees a set of births, and whose worlds switch: who is born where, and what is refused."""

import json

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.life import OwnDrivers, lives, new_driver
from evolearn.life._fused import FusedDriver
from evolearn.rng import SELECTION, TUNING, VALIDATION, births_of, life_keys
from evolearn.run import Interrupted, assemble, open_run, resume_run, seen_births, start_run, unseen_births
from evolearn.run._generation import selection_keys
from evolearn.run.relive import Wanted, relive_selection
from evolearn.run.setup import remarks_on
from tests.helpers.compiled_environments import assert_same
from tests.helpers.probe_worlds import FATED_STATE
from tests.helpers.runs import Watcher, digests, toy, toy_with
from tests.helpers.training import WEIGHTS_ONLY

FATED, COIN = "tests.helpers.probe_worlds:fated", "tests.helpers.probe_worlds:only_learning"


def config_of(world="cart-pole", size=3, switch_at=None, algorithm="pgpe", search=None, **more):
    part = {"name": world, "set": size, "switch_at": switch_at}
    more = {"evaluation": {"lives": 4, "lifetimes": [400], "birth_steps": 200, "bin_steps": 40}, **more}
    return check_config(toy_with(algorithm, search, **{"world": part, **more}), "toy")


def drawn(keys):
    return births_of(keys).tolist(), births_of(keys, again=True).tolist()


def test_lives_go_through_the_set_in_turn_over_generations() -> None:
    config = config_of(size=3)
    places = [births_of(selection_keys(config, generation))[:, 3].tolist() for generation in range(4)]
    assert places == [[0, 1], [2, 0], [1, 2], [0, 1]]
    keys = selection_keys(config, 1)
    assert (keys[:, :4] == life_keys(5, SELECTION, 1, 2)).all()
    assert drawn(keys) == ([[5, SELECTION, 0, 2], [5, SELECTION, 0, 0]], [[5, SELECTION, 0, 0], [5, SELECTION, 0, 1]])
    assert births_of(selection_keys(config, 0, space=TUNING))[0].tolist() == [5, TUNING, 0, 0]


def test_a_set_larger_than_a_generation_is_seen_evenly() -> None:
    config = config_of(size=6, search={"lives": 4, "generations": 6})
    counts = np.bincount(
        np.concatenate([births_of(selection_keys(config, generation))[:, 3] for generation in range(6)])
    )
    assert counts.tolist() == [4] * 6


def test_batches_of_a_generation_go_through_the_set_as_well() -> None:
    config = config_of(size=5, algorithm="reptile", genome=WEIGHTS_ONLY)
    batches = [selection_keys(config, generation, batch) for generation in range(2) for batch in range(9)]
    assert births_of(np.concatenate(batches))[:, 3].tolist() == [place % 5 for place in range(36)]


def test_without_a_set_keys_are_as_they_were() -> None:
    keys = selection_keys(config_of(size=None), 3)
    assert keys.tolist() == life_keys(5, SELECTION, 3, 2).tolist()


def state_after_birth(setup, key):
    from evolearn.run.births import _Births

    return _Births(setup.conditions).state(key)


def test_lives_that_judge_are_never_born_as_a_seen_one_though_there_are_but_two() -> None:
    setup = assemble(config_of(COIN, size=1))
    own = life_keys(5, VALIDATION, 0, 40)
    keys = unseen_births(setup, own, 1, 5)
    (seen,) = {state_after_birth(setup, key) for key in births_of(seen_births(own, 1, 5))}
    before, after = ({state_after_birth(setup, key) for key in births_of(which)} for which in (own, keys))
    assert len(before) == 2
    assert len(after) == 1
    assert seen not in after
    assert (keys[:, :4] == own).all()
    kept = [state_after_birth(setup, key) != seen for key in own]
    assert (births_of(keys)[kept] == own[kept]).all()


def test_second_births_are_no_seen_ones_either() -> None:
    setup = assemble(config_of(COIN, size=2, switch_at=40))
    alike = next(
        seed
        for seed in range(20)
        if len({state_after_birth(setup, key) for key in life_keys(seed, SELECTION, 0, 2)}) == 1
    )
    own = life_keys(5, VALIDATION, 0, 12)
    keys = unseen_births(setup, own, 2, alike)
    seen = state_after_birth(setup, life_keys(alike, SELECTION, 0, 1)[0])
    for again in (False, True):
        before, after = ({state_after_birth(setup, key) for key in births_of(which, again)} for which in (own, keys))
        assert seen in before
        assert seen not in after


def test_draws_from_an_interval_are_not_drawn_again() -> None:
    setup = assemble(config_of(FATED, size=8, switch_at=40))
    own = life_keys(5, VALIDATION, 0, 6)
    assert unseen_births(setup, own, 8, 5) is own


def test_a_world_without_other_births_is_refused() -> None:
    setup = assemble(config_of(COIN, size=30))
    with pytest.raises(ConfigError) as caught:
        unseen_births(setup, life_keys(5, VALIDATION, 0, 4), 30, 5)
    assert str(caught.value) == (
        "world.set=30: world only-learning was born 1000 times without a birth that is not one of the set: there are "
        "hardly any others to judge by; make it smaller, or null for lives that are each born anew"
    )


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Runs with every key that they lived, in order."""
    known = {}

    def run(name, config):
        if name not in known:
            path, keys = tmp_path_factory.mktemp("births") / name, []
            with pytest.MonkeyPatch.context() as patch:
                live = FusedDriver.live
                patch.setattr(
                    FusedDriver, "live", lambda driver, job: (keys.append(job.keys.copy()), live(driver, job))
                )
                watcher = Watcher()
                start_run(config, name, path, OwnDrivers(1), watcher)
            known[name] = (path, keys, watcher)
        return known[name]

    return run


@pytest.mark.parametrize("name", ["genetic", "blockwise", "reptile"])
def test_all_that_selects_is_born_from_the_set_and_what_judges_is_not(name, watched) -> None:
    more = {"genome": WEIGHTS_ONLY} if name == "reptile" else {}
    search = {"sampling": "blockwise"} if name == "blockwise" else None
    algorithm = "pgpe" if name == "blockwise" else name
    config = config_of(FATED, 2, 40, algorithm, search, **more)
    _, jobs, watcher = watched(name, config)
    of_set = {(5, SELECTION, 0, 0), (5, SELECTION, 0, 1)}
    births: dict[tuple[int, int], set] = {}
    for keys in jobs:
        for key, born in zip(keys, births_of(keys), strict=True):
            births.setdefault((int(key[1]), int(key[2])), set()).add(tuple(born.tolist()))
    assert {space for space, _ in births} == {SELECTION, VALIDATION}
    for (space, generation), where in births.items():
        chooses = space == SELECTION or generation == 1
        assert (where <= of_set) == (chooses or generation == 3), (space, generation)
    assert {generation for space, generation in births if space == VALIDATION} == {0, 1, 3}
    result = watcher.result
    assert result.set == 2
    assert all(row.seen is not None for row in result.arms)


def test_seen_and_unseen_lives_are_told_apart_by_what_is_drawn(watched) -> None:
    """Fitness is the secret, times 2 on average under uniform actions: the random arm's scores show the births."""
    path, _, watcher = watched("pgpe", config_of(FATED, 2, 200))
    random = watcher.result.scores("random")
    rng_secrets = [
        np.frombuffer(state_after_birth(assemble(config_of(FATED, 2)), key), FATED_STATE)["secret"][0]
        for key in life_keys(5, SELECTION, 0, 2)
    ]
    # Both births of each life are of the set of two, so all lives have the same secrets over a life.
    assert random.seen.by_lifetime[0] == pytest.approx(2 * np.mean(rng_secrets), rel=0.05)
    assert json.loads((path / "result.json").read_text())["window_after"] == [200, 200]
    assert random.window_after is not None
    assert random.ever == 1.0


@pytest.mark.parametrize("name", ["pgpe", "blockwise"])
def test_a_stopped_run_goes_on_to_the_same_result(name, watched, tmp_path) -> None:
    search = {"sampling": "blockwise"} if name == "blockwise" else None
    config = config_of(FATED, 2, 200 if name == "pgpe" else 40, "pgpe", search)
    path, _, _ = watched(name, config)
    with pytest.raises(Interrupted):
        start_run(config, "toy", tmp_path / "run", OwnDrivers(1), Watcher(stop_after=1))
    resume_run(open_run(tmp_path / "run"), OwnDrivers(1), Watcher())
    assert digests(tmp_path / "run") == digests(path)
    assert (tmp_path / "run" / "result.json").read_bytes() == (path / "result.json").read_bytes()


def test_a_selection_life_is_lived_again_with_its_birth(watched) -> None:
    class Silent:
        def remaking(self, generation, checkpoint): ...

        def made(self, generation): ...

        def warning(self, text):
            raise AssertionError(text)

    path, _, _ = watched("pgpe", config_of(FATED, 2, 200))
    again = relive_selection(open_run(path), Wanted(1, 3, 1), True, 1, Silent())
    setup = again.setup
    keys = selection_keys(setup.config, 1)[1:]
    driver = new_driver(setup.conditions)
    outcome, trace = lives(driver, setup.conditions, again.newborn, np.zeros(1, np.int64), keys, again.plan, 60)
    assert_same(again.trace, trace)
    assert_same(again.outcome, outcome)
    secret = np.frombuffer(state_after_birth(setup, births_of(keys)[0]), FATED_STATE)["secret"][0]
    assert (trace.observations[:, 0] == np.float32(secret)).all()


@pytest.mark.parametrize(
    ("world", "more", "text"),
    [
        ({"set": 0}, {}, "world.set=0: "),
        ({"set": 1, "switch_at": 100}, {}, "world.set=1: must be at least 2 with world.switch_at"),
        (
            {"switch_at": 400},
            {},
            "world.switch_at=400: must be less than the longest of evaluation.lifetimes, 400, or nobody would be "
            "judged after the switch; make it smaller, or the lifetime longer",
        ),
        (
            {"switch_at": 130},
            {},
            "world.switch_at=130: must be a multiple of evaluation.bin_steps, 100, or set "
            "evaluation.window_after={age: .., width: ..}",
        ),
        (
            {"switch_at": 300},
            {},
            "world.switch_at=300: the window of window_after would end at 500 steps with evaluation.birth_steps=200: "
            "must end by the longest of evaluation.lifetimes, 400",
        ),
        (
            {"reset": "heads"},
            {},
            "learner.reset='heads': must be 'none' without world.switch_at, since weights are reset when a world is "
            "born a second time; set world.switch_at, or leave learner.reset out",
        ),
        (
            {"switch_at": 100, "reset": "brain", "window": 16},
            {},
            "world.switch_at=100: must be learner.learn_from=0 and a multiple of learner.window=16 with "
            "learner.reset='brain', or weights that were just reset would learn from what others did",
        ),
        (
            {},
            {"window_after": {"age": 100, "width": 50}},
            "evaluation.window_after.width=50: must be a multiple of evaluation.bin_steps, 100",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(world, more, text) -> None:
    content = toy()
    content["learner"] |= {name: world[name] for name in ("reset", "window") if name in world}
    content["world"] |= {name: value for name, value in world.items() if name not in content["learner"]}
    content["evaluation"] |= more
    with pytest.raises(ConfigError) as caught:
        check_config(content, "toy")
    assert text in str(caught.value)


def test_a_gradient_through_learning_knows_of_no_reset() -> None:
    learner = {"window": 8, "optimiser": "sgd", "reset": "heads"}
    config = config_of(switch_at=80, algorithm="maml", search={"lives": 5}, genome=WEIGHTS_ONLY, learner=learner)
    with pytest.raises(ConfigError, match=r"learner\.reset='heads': must be 'none' with search\.algorithm='maml'"):
        assemble(config)


def test_a_window_given_by_hand_frees_the_switch() -> None:
    content = toy()
    content["world"] |= {"switch_at": 130}
    content["evaluation"] |= {"window_after": {"age": 200, "width": 100}}
    window = check_config(content, "toy").window_after
    assert (window.age, window.width) == (200, 100)


def test_a_set_that_evolution_never_sees_whole_is_remarked_on() -> None:
    setup = assemble(config_of(size=9))
    assert remarks_on(setup) == (
        "world.set=9: evolution lives no more than 8 births with search.generations=4 and 2 lives in each, so that "
        "some of the set are never seen; make it at most 8, or raise search.generations or search.lives",
    )
    assert remarks_on(assemble(config_of(size=8))) == ()


@pytest.mark.parametrize("field", ["set", "switch_at"])
def test_an_environment_that_draws_nothing_at_birth_is_refused(field) -> None:
    content = toy(world={"name": "gymnasium:CartPole-v1", field: 200})
    with pytest.raises(ConfigError) as caught:
        assemble(check_config(content, "toy"))
    assert str(caught.value) == (
        f"world.{field}=200: world gymnasium:CartPole-v1 draws nothing at birth that holds for a life; say in "
        f"world.vary what is to be drawn, or leave world.{field} out"
    )


def test_a_run_that_could_not_be_judged_is_refused_before_it_begins(tmp_path) -> None:
    with pytest.raises(ConfigError, match="hardly any others to judge by"):
        start_run(config_of(COIN, size=30), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    assert not (tmp_path / "run").exists()
