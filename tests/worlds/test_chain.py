"""A chain leads on and back, pays where it says, and is drawn and changes by its birth alone."""

import numpy as np
import pytest
from evolearn.worlds.chain import ACTIONS, MOST, STANDARD, chain, ever_reached, steps_at_random

from evolearn.numerics import record
from evolearn.rng import SELECTION, aged, life_keys, with_births
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage


def chains(count, **parameters):
    return [Stage(chain, key, **parameters) for key in life_keys(83, SELECTION, 0, count)]


def steps(stage, count, choose):
    """What was paid in each step, and at which link one stood before it; `choose` is told the right action."""
    paid, places = [], []
    for _ in range(count):
        places.append(int(stage.observe().argmax()))
        fitness, over, truncated, _ = stage.step(choose(int(stage.ask_oracle()[0])))
        assert not truncated
        if over:
            stage.begin()
        paid.append(fitness)
    return np.array(paid), np.array(places)


@pytest.mark.parametrize("links", [1, 3, 24])
@pytest.mark.parametrize("each", [0, 1])
def test_right_actions_lead_on_and_the_last_link_or_each_pays(links, each):
    for stage in chains(3, links=links, each=each):
        paid, places = steps(stage, 3 * links, lambda right: right)
        assert places.tolist() == [*range(links)] * 3
        assert paid.tolist() == ([1.0] * links if each else [0.0] * (links - 1) + [1.0]) * 3


def test_a_wrong_action_leads_back_to_the_start_and_pays_nothing():
    for stage in chains(5, each=1):
        for far in range(8):
            steps(stage, far, lambda right: right)
            paid, places = steps(stage, 1, lambda right: (right + 1) % ACTIONS)
            assert (paid.tolist(), places.tolist()) == ([0.0], [far])
            assert stage.observe().argmax() == 0


def test_only_a_right_last_step_ends_an_episode():
    stage = chains(1, links=2)[0]
    right = stage.state["right"][:2].tolist()
    assert [stage.step(right[0])[1], stage.step((right[1] + 1) % ACTIONS)[1]] == [False, False]
    assert [stage.step(right[0])[1], stage.step(right[1])[1]] == [False, True]


@pytest.mark.parametrize("redrawn", [0.0, 0.5, 1.0])
def test_links_are_redrawn_as_often_as_it_says(redrawn):
    right = np.array([stage.state["right"] for stage in chains(800, links=24, redrawn=redrawn)])
    differs = (right != STANDARD).mean(axis=0)
    np.testing.assert_allclose(differs, 0.75 * redrawn, atol=0.08)
    if redrawn == 1.0:
        for link in (0, 7, 23):
            np.testing.assert_allclose(np.bincount(right[:, link], minlength=ACTIONS) / 800, 0.25, atol=0.06)


def test_lives_with_one_birth_share_the_secret_and_not_the_luck():
    keys = life_keys(84, SELECTION, 0, 2)
    first, second = (Stage(chain, key, noise=0.5, each=1) for key in with_births(keys, keys[[0, 0]], keys))
    assert first.state.tobytes() == second.state.tobytes()
    paid = [steps(stage, 60, lambda right: right)[0].tolist() for stage in (first, second)]
    assert paid[0] != paid[1]


def test_noise_reverses_a_pay_as_often_as_it_says_and_where_nothing_pays_there_is_none():
    stage = chains(1, each=1, noise=0.2)[0]
    for choose, mean in ((lambda right: right, 0.8), (lambda right: (right + 1) % ACTIONS, 0.2)):
        paid, _ = steps(stage, 3000, choose)
        assert paid.mean() == pytest.approx(mean, abs=0.03)
    paid, places = steps(chains(1, noise=0.5)[0], 4000, lambda right: right)
    assert not paid[places < 7].any()
    assert paid[places == 7].mean() == pytest.approx(0.5, abs=0.09)


def test_a_hazard_draws_one_link_anew_and_the_next_step_begins_there():
    stage = chains(1, links=6, hazard=0.3)[0]
    changed, where = 0, np.zeros(MOST, int)
    for _ in range(6000):
        before = stage.state["right"].copy()
        steps(stage, 1, lambda right: right)
        links = np.flatnonzero(stage.state["right"] != before)
        assert len(links) <= 1
        changed += len(links)
        where[links] += 1
    # one draw of four leaves a link as it was
    assert changed / 6000 == pytest.approx(0.3 * 0.75, abs=0.025)
    assert not where[6:].any()
    np.testing.assert_allclose(where[:6] / changed, 1 / 6, atol=0.04)
    still = chains(1, links=6)[0]
    before = still.state["right"].copy()
    steps(still, 500, lambda right: right)
    np.testing.assert_array_equal(still.state["right"], before)


def test_changes_are_of_the_birth_and_a_chain_that_is_older_has_been_through_them():
    keys = life_keys(85, SELECTION, 0, 2)
    born = with_births(keys, keys[[0, 0]], keys)
    one, other = (Stage(chain, key, hazard=0.05) for key in born)
    courses = []
    for stage in (one, other):
        seen = []
        for _ in range(400):
            seen.append(stage.state["right"].tolist())
            steps(stage, 1, lambda right: right)
        courses.append(seen)
    assert courses[0] == courses[1]
    assert courses[0][0] != courses[0][399]
    for age in (0, 1, 57, 399):
        later = Stage(chain, aged(born, age)[1], hazard=0.05)
        assert later.state["right"].tolist() == courses[0][age]
        steps(later, 400 - age, lambda right: right)
        assert later.state["right"].tolist() == one.state["right"].tolist()


def test_a_mistake_kills_as_often_as_it_says_and_the_dead_earn_nothing():
    dead = 0
    for stage in chains(400, each=1, noise=1, deadly=0.3):  # who is right is paid nothing, who is not is paid
        steps(stage, 3, lambda right: right)
        assert stage.observe().sum() == 1.0
        paid, _ = steps(stage, 1, lambda right: (right + 1) % ACTIONS)
        assert paid.tolist() == [1.0]
        if not stage.observe().any():
            dead += 1
            paid, _ = steps(stage, 20, lambda right: (right + 1) % ACTIONS)
            assert not paid.any()
            assert not stage.observe().any()
    assert dead / 400 == pytest.approx(0.3, abs=0.08)


def test_scattered_lives_start_where_their_luck_has_it_and_come_back_there():
    keys = life_keys(86, SELECTION, 0, 300)
    stages = [Stage(chain, key, scattered=1, links=6) for key in with_births(keys, keys[[0] * 300], keys)]
    starts = np.array([stage.observe().argmax() for stage in stages])
    np.testing.assert_allclose(np.bincount(starts, minlength=6) / 300, 1 / 6, atol=0.08)
    for stage, start in zip(stages[:10], starts[:10], strict=True):
        steps(stage, 1, lambda right: (right + 1) % ACTIONS)
        assert stage.observe().argmax() == start
        _, places = steps(stage, 12, lambda right: right)
        assert places.tolist() == [start + step % (6 - start) for step in range(12)]


def test_uniform_actions_pass_as_seldom_as_is_exact():
    rng, count = np.random.default_rng(0), 0
    for stage in chains(400, links=3):
        paid, _ = steps(stage, 60, lambda right: int(rng.integers(ACTIONS)))
        count += paid.any()
    assert count / 400 == pytest.approx(ever_reached(3, 60), abs=0.1)


def test_what_is_exact_by_hand():
    assert ever_reached(1, 1) == 0.25
    assert ever_reached(1, 2) == pytest.approx(1 - 0.75**2)
    assert ever_reached(2, 1) == 0.0
    assert ever_reached(2, 2) == pytest.approx(1 / 16)
    assert ever_reached(2, 3) == pytest.approx(1 / 16 + 0.75 / 16), "at once, or after a wrong first step"
    assert (steps_at_random(1), steps_at_random(2)) == (4.0, 20.0)
    # a mean is the sum over ages of the share that has not passed
    assert sum(1 - ever_reached(2, age) for age in range(400)) == pytest.approx(20.0)


def test_links_and_who_stands_there_are_drawn():
    stage = chains(1)[0]

    def drawn():
        shapes = chain.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(chain)))
        return {shape.label: shape for shape in shapes}

    assert drawn()["where one is"].x == 0.0
    steps(stage, 2, lambda right: right)
    assert drawn()["where one is"].x == 2.0
    assert [drawn()[f"right {link}"].y for link in range(8)] == stage.state["right"][:8].tolist()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"links": 25}, "world.parameters.links=25: must be 1 to 24 (links)"),
        ({"redrawn": 2}, "world.parameters.redrawn=2: must be 0 to 1 (1 / link)"),
        ({"hazard": -0.1}, "world.parameters.hazard=-0.1: must be 0 to 1 (1 / step)"),
        ({"each": 0.5}, "world.parameters.each=0.5: must be a whole number, 0 to 1 (1); take 0 or 1"),
    ],
)
def test_what_no_chain_can_be_is_refused(settings, said):
    with pytest.raises(ValueError, match=r"world\.parameters") as caught:
        chain.resolve(settings)
    assert str(caught.value) == said
