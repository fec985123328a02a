"""The bandit pays as it says, and its regrets are the known ones."""

import numpy as np
import pytest
from evolearn.worlds.bandit import bandit, bandit_10

from evolearn.rng import SELECTION, TEST, WORLD, life_keys, open_stream
from tests.helpers.probe_worlds import Stage

BOTH = pytest.mark.parametrize("world", [bandit, bandit_10], ids=["2 arms", "10 arms"])


def newborns(world, count, **parameters):
    return [Stage(world, key, **parameters) for key in life_keys(21, SELECTION, 0, count)]


def payoffs_of(stage):
    return stage.state["payoff"][: stage.world.actions.choices]


def best_of(stage):
    return int(np.argmax(payoffs_of(stage)))


def regret(stage, choose, pulls=100):
    """How much less than the best arm the chosen ones pay on average, over so many pulls."""
    payoff = payoffs_of(stage).copy()
    wins, losses, lost = np.zeros(payoff.size), np.zeros(payoff.size), 0.0
    for _ in range(pulls):
        arm = choose(wins, losses)
        paid, *_ = stage.step(arm)
        wins[arm] += paid
        losses[arm] += 1.0 - paid
        lost += payoff.max() - payoff[arm]
    return lost


def test_golden_draws():
    stage = Stage(bandit, life_keys(21, TEST, 3, 1)[0], fixity=0.8, flip=0.1)
    assert payoffs_of(stage).tolist() == [0.7839737053727731, 0.6580894376384094]
    assert [stage.step(t % 2)[0] for t in range(12)] == [1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1]


def test_random_pulls_and_greedy_ones_regret_what_is_known():
    rng = np.random.default_rng(0)
    at_random = [regret(stage, lambda wins, losses: rng.integers(2)) for stage in newborns(bandit, 500)]
    assert np.mean(at_random) == pytest.approx(100 / 6, abs=1.7)
    # Greedy by the posterior mean of a uniform prior, ties to the arm that was pulled less.
    greedy = [
        regret(stage, lambda wins, losses: np.argmax((wins + 1) / (wins + losses + 2) - 1e-9 * (wins + losses)))
        for stage in newborns(bandit, 500)
    ]
    assert np.mean(greedy) == pytest.approx(2.6, abs=0.7)
    for stage in newborns(bandit, 20):
        best = best_of(stage)
        assert regret(stage, lambda wins, losses: best) == 0.0  # noqa: B023  # called at once


@BOTH
@pytest.mark.parametrize("fixity", [None, 0.0, 0.7, 1.0])
def test_the_modal_arm_is_the_best_as_often_as_it_should_be_and_the_others_alike(world, fixity):
    arms = world.actions.choices
    births = newborns(world, 1500, **({} if fixity is None else {"fixity": fixity}))
    share = np.bincount([best_of(stage) for stage in births], minlength=arms) / len(births)
    expected = 1 / arms if fixity is None else fixity
    np.testing.assert_allclose(share[0], expected, atol=0.04)
    np.testing.assert_allclose(share[1:], (1 - share[0]) / (arms - 1), atol=0.03)
    payoffs = np.sort(np.concatenate([payoffs_of(stage) for stage in births]))
    # As many arms of each payoff as of any other, whichever is the best.
    assert np.abs(payoffs - np.linspace(0, 1, payoffs.size)).max() < 0.03


@pytest.mark.parametrize(("world", "flip"), [(bandit, 0.3), (bandit_10, 0.0)], ids=["2 arms, flips", "10 arms"])
def test_permuted_arms_are_the_same_bandit(world, flip):
    arms = world.actions.choices
    key = life_keys(22, SELECTION, 0, 1)[0]
    plain, permuted = Stage(world, key, flip=flip), Stage(world, key, flip=flip)
    order = np.random.default_rng(1).permutation(arms) if arms > 2 else np.array([1, 0])
    payoffs_of(permuted)[:] = payoffs_of(plain)[order]
    name_of = np.argsort(order)  # of each plain arm in the permuted bandit
    for action in np.random.default_rng(2).integers(arms, size=120):
        assert plain.step(action)[:3] == permuted.step(name_of[action])[:3]
        seen, seen_permuted = plain.observe(), permuted.observe()
        np.testing.assert_array_equal(seen_permuted[:arms], seen[:arms][order])
        np.testing.assert_array_equal(seen_permuted[arms:], seen[arms:])
        assert permuted.ask_oracle() == name_of[int(plain.ask_oracle()[0])]


@BOTH
def test_a_flip_makes_another_arm_the_best_and_moves_payoffs_only(world):
    stage = newborns(world, 1, flip=1.0)[0]
    payoffs = sorted(payoffs_of(stage))
    successors = set()
    for _ in range(200):
        before = best_of(stage)
        stage.step(0)
        assert best_of(stage) != before
        assert sorted(payoffs_of(stage)) == payoffs
        successors.add((best_of(stage) - before) % len(payoffs))
    assert successors == set(range(1, len(payoffs)))


@BOTH
def test_mirrored_arms_are_the_drawn_ones_or_the_same_in_reverse_order_for_a_whole_life(world):
    reversed_ones = []
    for plain, mirrored in zip(newborns(world, 400), newborns(world, 400, mirrored=1), strict=True):
        assert sorted(payoffs_of(mirrored)) == sorted(payoffs_of(plain))
        reversed_ones.append(payoffs_of(mirrored).tolist() == payoffs_of(plain)[::-1].tolist())
        assert reversed_ones[-1] or payoffs_of(mirrored).tolist() == payoffs_of(plain).tolist()
        before = payoffs_of(mirrored).tolist()
        for _ in range(3):
            mirrored.begin()
        assert payoffs_of(mirrored).tolist() == before
    assert np.mean(reversed_ones) == pytest.approx(0.5, abs=0.1)


def test_lives_of_one_birth_are_mirrored_by_their_luck():
    birth, *others = life_keys(23, SELECTION, 0, 40)
    orders = set()
    for other in others:
        stage = Stage(bandit, birth, mirrored=1)
        stage.state["begun"] = 0
        open_stream(stage.rng, other, WORLD)
        stage.begin()
        orders.add(tuple(payoffs_of(stage)))
    assert len(orders) == 2
    assert {order[::-1] for order in orders} == orders


def test_flips_are_as_frequent_as_the_hazard_says():
    stage = newborns(bandit, 1, flip=0.2)[0]
    bests = [best_of(stage)]
    for _ in range(2000):
        stage.step(0)
        bests.append(best_of(stage))
    assert np.mean(np.diff(bests) != 0) == pytest.approx(0.2, abs=0.03)


def test_what_is_seen_of_the_last_pull_and_that_an_episode_forgets_it_alone():
    stage = newborns(bandit, 1, rounds=3.0, shown=0.5)[0]
    payoffs = payoffs_of(stage).tolist()
    np.testing.assert_array_equal(stage.observe(), [0, 0, 0, 1])
    for age, arm in enumerate((1, 0, 1)):
        paid, terminated, truncated, _ = stage.step(arm)
        np.testing.assert_array_equal(stage.observe(), [0.5 * (arm == 0), 0.5 * (arm == 1), 0.5 * paid, 1])
        assert (terminated, truncated) == (False, age == 2)
    stage.begin()
    np.testing.assert_array_equal(stage.observe(), [0, 0, 0, 1])
    assert payoffs_of(stage).tolist() == payoffs
    blind = newborns(bandit, 1, shown=0.0)[0]
    for arm in (0, 1, 0, 1):
        blind.step(arm)
        np.testing.assert_array_equal(blind.observe(), [0, 0, 0, 1])


def test_the_best_arm_and_the_last_pull_are_drawn():
    stage = newborns(bandit_10, 1)[0]
    params = stage.compiled.parameters

    def drawn():
        return {shape.label: shape for shape in bandit_10.draw(stage.state, params)}

    assert drawn()["pulled"].opacity == 0.0
    stage.step(7)
    shapes = drawn()
    best = best_of(stage)
    assert shapes["best arm"].points == shapes[f"arm {best}"].points
    assert max(y for _, y in shapes["best arm"].points) == payoffs_of(stage)[best]
    assert (shapes["pulled"].x, shapes["pulled"].opacity) == (7, 1)
