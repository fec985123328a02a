"""A lock tells nothing but at its end, is drawn as it says, and comes to what is exact."""

import itertools

import numpy as np
import pytest
from evolearn.worlds.lock import (
    KEYS,
    STANDARD,
    ever_opened,
    ever_opened_at_most,
    lock,
    lock_10,
    often_opened,
)

from evolearn.numerics import record
from evolearn.rng import SELECTION, life_keys, with_births
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage


def locks(count, world=lock, **parameters):
    return [Stage(world, key, **parameters) for key in life_keys(81, SELECTION, 0, count)]


def attempt(stage, keys):
    """What an attempt paid, and what was seen at each press."""
    seen, total = [], 0.0
    for place, key in enumerate(keys):
        seen.append(stage.observe())
        paid, over, truncated, _ = stage.step(key)
        assert (over, truncated) == (place == len(keys) - 1, False)
        total += paid
    stage.begin()
    return total, np.array(seen)


@pytest.mark.parametrize(("world", "presses"), [(lock, 1), (lock, 6), (lock_10, 3), (lock_10, 10)])
def test_only_the_end_pays_and_only_if_all_were_right(world, presses):
    for stage in locks(5, world, presses=presses, redrawn=presses):
        right = stage.state["right"][:presses].tolist()
        paid, seen = attempt(stage, right)
        assert paid == 1.0
        for place in range(presses):
            wrong = [*right[:place], (right[place] + 1) % KEYS, *right[place + 1 :]]
            missed, seen_then = attempt(stage, wrong)
            assert missed == 0.0
            np.testing.assert_array_equal(seen_then, seen, "nothing tells how near a guess was")
        np.testing.assert_array_equal(seen, np.eye(len(world.observations))[:presses])


def test_three_presses_are_opened_by_one_order_of_64():
    stage = locks(1, presses=3, redrawn=2)[0]
    opened = [keys for keys in itertools.product(range(KEYS), repeat=3) if attempt(stage, keys)[0] == 1.0]
    assert opened == [tuple(stage.state["right"][:3].tolist())]


@pytest.mark.parametrize("redrawn", [0, 1, 4, 6])
def test_the_last_presses_are_drawn_at_birth_all_keys_alike(redrawn):
    right = np.array([stage.state["right"] for stage in locks(1200, redrawn=redrawn)])
    kept = 6 - redrawn
    np.testing.assert_array_equal(right[:, :kept], np.tile(STANDARD[:kept], (1200, 1)))
    for place in range(kept, 6):
        np.testing.assert_allclose(np.bincount(right[:, place], minlength=KEYS) / 1200, 1 / KEYS, atol=0.05)
    assert not right[:, 6:].any(), "what is not pressed is not drawn"
    if redrawn > 1:
        assert np.abs(np.corrcoef(right[:, kept:6].T) - np.eye(redrawn)).max() < 0.12


def test_no_more_are_redrawn_than_there_are_presses():
    both = [locks(40, presses=2, redrawn=redrawn) for redrawn in (2, 6)]
    for one, other in zip(*both, strict=True):
        assert one.state.tobytes() == other.state.tobytes()


def test_lives_with_one_birth_share_the_secret():
    keys = life_keys(82, SELECTION, 0, 4)
    born = [Stage(lock, key, redrawn=6).state.tobytes() for key in with_births(keys, keys[[0, 0, 1, 1]], keys)]
    assert born[0] == born[1] != born[2] == born[3]


def test_no_liking_for_one_key_opens_much_of_the_standard_order():
    counts = np.bincount(STANDARD[:6], minlength=KEYS)
    assert counts.max() <= 2
    assert np.bincount(STANDARD, minlength=KEYS).max() <= 3


def test_the_oracle_opens_it_always():
    for stage in locks(5, redrawn=6):
        for _ in range(3):
            paid = 0.0
            for _ in range(6):
                paid += stage.step(stage.ask_oracle()[0])[0]
            stage.begin()
            assert paid == 1.0


def test_shares_of_lives_that_ever_open_it_are_those_of_lives():
    """By hand: guess at random, guess in order, and know what is met once."""
    rng, presses, attempts, lives = np.random.default_rng(0), 2, 12, 4000
    right = rng.integers(0, KEYS**presses, lives)
    guessed = rng.integers(0, KEYS**presses, (lives, attempts))
    hit = guessed == right[:, None]
    assert hit.any(axis=1).mean() == pytest.approx(ever_opened(presses, attempts), abs=0.03)
    assert (right < attempts).mean() == pytest.approx(ever_opened_at_most(presses, attempts), abs=0.03)
    knows = np.maximum.accumulate(hit, axis=1)
    assert knows.mean() == pytest.approx(often_opened(presses, attempts), abs=0.02)


def test_what_is_exact_at_its_ends():
    assert ever_opened(0, 5) == ever_opened_at_most(0, 5) == often_opened(0, 5) == 1.0
    assert [of(3, 1) for of in (ever_opened, ever_opened_at_most, often_opened)] == pytest.approx([KEYS**-3] * 3)
    assert ever_opened_at_most(2, 16) == ever_opened_at_most(2, 17) == 1.0
    for attempts in (2, 50, 166):
        assert often_opened(6, attempts) < ever_opened(6, attempts) < ever_opened_at_most(6, attempts)
    assert ever_opened(6, 166) == pytest.approx(1 - (1 - 4**-6) ** 166, rel=1e-12)
    assert ever_opened(1, 20, keys=2) == pytest.approx(1 - 0.5**20)


def test_keys_are_drawn_and_those_pressed_in_this_attempt():
    stage = locks(1, redrawn=3)[0]

    def drawn():
        shapes = lock.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(lock)))
        return {shape.label: shape for shape in shapes}

    assert [drawn()[f"right {place}"].y for place in range(6)] == stage.state["right"][:6].tolist()
    stage.step(3)
    assert (drawn()["pressed 0"].y, drawn()["pressed 0"].opacity, drawn()["pressed 1"].opacity) == (3.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("world", "settings", "said"),
    [
        (lock, {"presses": 8}, "world.parameters.presses=8: must be 1 to 6 (presses)"),
        (lock_10, {"redrawn": 11}, "world.parameters.redrawn=11: must be 0 to 10 (presses)"),
        (
            lock,
            {"redrawn": 0.5},
            "world.parameters.redrawn=0.5: must be a whole number, 0 to 6 (presses); take 0 or 1",
        ),
    ],
)
def test_what_no_lock_can_be_is_refused(world, settings, said):
    with pytest.raises(ValueError, match=r"world\.parameters") as caught:
        world.resolve(settings)
    assert str(caught.value) == said
