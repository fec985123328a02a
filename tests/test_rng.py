import itertools
import math

import numpy as np
import pytest

from evolearn.rng import (
    ACTION,
    BIRTH,
    INIT,
    SELECTION,
    TEST,
    VALIDATION,
    WORLD,
    LifeKey,
    _next_block,
    aged,
    at_step,
    integer,
    life_keys,
    new_rng,
    normal,
    normal_pair,
    open_birth,
    open_stream,
    uniform,
    with_births,
    world_age,
)

# Random123's kat_vectors, philox4x32 10: counter, key, output.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def stream_of(stream=WORLD, seed=1, space=SELECTION, generation=0, life=0):
    rng = new_rng()
    open_stream(rng, np.array([seed, space, generation, life], np.int64), stream)
    return rng


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, output):
    rng = new_rng()
    rng[0:4] = [int(word, 16) for word in counter.split()]
    rng[4:6] = [int(word, 16) for word in key.split()]
    _next_block(rng)
    assert [f"{word:08x}" for word in rng[6:10]] == output.split()


def test_uniform_draws_have_uniform_moments_and_stay_inside():
    rng = stream_of()
    draws = np.array([uniform(rng) for _ in range(40_000)])
    assert draws.min() > 0.0
    assert draws.max() < 1.0
    for power in (1, 2, 3, 4):
        spread = math.sqrt(1 / (2 * power + 1) - 1 / (power + 1) ** 2)
        assert abs((draws**power).mean() - 1 / (power + 1)) < 4 * spread / math.sqrt(draws.size)
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / math.sqrt(draws.size)


@pytest.mark.parametrize("draw", [normal, lambda rng: normal_pair(rng)[0], lambda rng: normal_pair(rng)[1]])
def test_normal_draws_have_normal_moments(draw):
    rng = stream_of(seed=3)
    draws = np.array([draw(rng) for _ in range(40_000)])
    for power, moment, spread in ((1, 0, 1), (2, 1, math.sqrt(2)), (3, 0, math.sqrt(15)), (4, 3, math.sqrt(96))):
        assert abs((draws**power).mean() - moment) < 4 * spread / math.sqrt(draws.size)


def test_a_normal_pair_is_uncorrelated():
    rng = stream_of(seed=4)
    pairs = np.array([normal_pair(rng) for _ in range(20_000)])
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 4 / math.sqrt(len(pairs))


def test_whole_numbers_are_equally_likely_and_in_range():
    rng = stream_of(seed=5)
    draws = np.array([integer(rng, -2, 3) for _ in range(20_000)])
    counts = np.bincount(draws + 2, minlength=5)
    assert counts.size == 5
    assert np.all(abs(counts - 4000) < 4 * math.sqrt(4000))


def test_no_two_streams_lives_generations_spaces_or_seeds_share_a_draw():
    seen = set()
    total = 0
    for seed, space, generation, life, stream in itertools.product(
        (0, 1, 2**32 - 1), (SELECTION, VALIDATION, TEST), (0, 1), (0, 1, 2), (INIT, BIRTH, WORLD, ACTION)
    ):
        rng = stream_of(stream, seed, space, generation, life)
        for step in (0, 1, 2):
            at_step(rng, step)
            seen.add(tuple(uniform(rng) for _ in range(4)))
            seen.add(tuple(uniform(rng) for _ in range(4)))
            total += 2
    assert len(seen) == total


def test_a_step_draws_the_same_however_much_was_drawn_before_it():
    lavish, frugal = stream_of(), stream_of()
    for _ in range(1001):
        uniform(lavish)
    at_step(lavish, 7)
    at_step(frugal, 7)
    assert [uniform(lavish) for _ in range(9)] == [uniform(frugal) for _ in range(9)]


def test_neighbouring_steps_are_uncorrelated():
    rng = stream_of(seed=6)
    draws = []
    for step in range(20_000):
        at_step(rng, step)
        draws.append(uniform(rng))
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / math.sqrt(len(draws))
    assert abs(np.mean(draws) - 0.5) < 4 * math.sqrt(1 / 12 / len(draws))


def test_life_keys_count_lives_and_read_aloud():
    keys = life_keys(seed=7, space=TEST, generation=3, lives=4)
    assert keys.tolist() == [[7, 2, 3, 0], [7, 2, 3, 1], [7, 2, 3, 2], [7, 2, 3, 3]]
    assert str(LifeKey.of(keys[2])) == "(seed 7, test, generation 3, life 2)"
    assert LifeKey.of(with_births(keys, keys[::-1], keys)[2]) == LifeKey.of(keys[2])


def test_a_birth_into_an_older_world_draws_the_same_and_is_told_how_old_it_is():
    keys = life_keys(9, TEST, 4, 2)
    born = with_births(keys, keys[::-1], keys)
    rng = new_rng()
    draws = {}
    for name, of_lives, age in (("own", keys[::-1], 0), ("given", born, 0), ("older", aged(born, 700), 700)):
        open_birth(rng, np.ascontiguousarray(of_lives[0]), 0)
        assert world_age(rng) == age
        draws[name] = [uniform(rng) for _ in range(9)]
    assert draws["own"] == draws["given"] == draws["older"]
    open_stream(rng, keys[0], WORLD)
    assert world_age(rng) == 0
