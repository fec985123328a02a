"""Calibrators: small models whose answers are known, from theory or to the digit."""

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from evotorch import Problem
from evotorch.algorithms import SNES
from evotorch.distributions import ExpSeparableGaussian

from evolearn.config import STUDIES, ConfigError, check_model, dump_config, find_config
from evolearn.experiments import (
    EXPERIMENTS,
    _culture as culture,
    _labels_reward_selection as lrs,
    _linear_learners as linear_learners,
    _lock as lock,
    _lock_lives as lock_lives,
    _mackay as mackay,
    _numbers_game as numbers_game,
    _rogers as rogers,
    read_experiment,
)
from evolearn.experiments._side_by_side import side_by_side
from evolearn.experiments._snes import Snes
from evolearn.experiments.experiment import replication_record
from evolearn.report import write_report
from evolearn.study.bands.bands import MISSED, REPRODUCED, UNMEASURED, judge
from evolearn.study.bands.parts import ReplicationPart
from tests.helpers.study_on_disk import write_experiment


def quiet(share: float) -> None:
    """Nothing."""


def random(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


def measured(module, lived, measure: str, bound: dict | None = None, **of) -> dict:
    """A band's record."""
    band = {"name": "asked", "source": "here", "measure": measure, "of": of, **(bound or {"above": -1e9})}
    about = {"paper": "p", "question": "q", "set_up": "s", "bands": [band]}
    return judge(check_model(ReplicationPart, about, "test"), module.MEASURES, lived)[0]


def bands_of(name: str, lived) -> dict[str, str]:
    """Judgements of a shipped config's bands."""
    config = read_experiment(find_config(f"replicate/{name}", STUDIES))
    measures = EXPERIMENTS[config.experiment].measures
    return {band["name"]: band["judgement"] for band in judge(config.replication, measures, lived)}


def test_jobs_come_back_in_order_and_say_how_far_they_are() -> None:
    told = []
    found = side_by_side(lambda job: job * 10, [3, 1, 4], 2, told.append, float)
    assert found == [30, 10, 40]
    assert told == [3 / 8, 4 / 8, 1.0]


# --- MacKay: bits that selection writes ---


@pytest.mark.parametrize("bits", [5, 64, 100])
def test_random_genomes_have_half_of_their_bits_and_none_beyond(bits: int) -> None:
    genomes = mackay.random_words(4000, bits, random())
    assert genomes.shape == (4000, math.ceil(bits / 64))
    assert mackay.right_bits(genomes).mean() == pytest.approx(bits / 2, rel=0.02)
    assert mackay.right_bits(genomes).max() <= bits
    assert (
        mackay.right_bits(mackay.mutated(genomes, bits, 1.0, random())).tolist()
        == (bits - mackay.right_bits(genomes)).tolist()
    )


def test_mutation_turns_bits_with_its_rate() -> None:
    none = np.zeros((3000, 2), np.uint64)
    turned = mackay.right_bits(mackay.mutated(none, 100, 0.02, random()))
    assert turned.mean() == pytest.approx(2.0, abs=0.1)
    assert turned.var() == pytest.approx(100 * 0.02 * 0.98, rel=0.1)
    assert not none.any()


def test_a_child_has_each_bit_of_one_of_two_parents() -> None:
    full = np.uint64(2**64 - 1)
    children = mackay.recombined(np.array([[0], [full]], np.uint64), 6000, random())
    counts = mackay.right_bits(children)
    alike = (counts == 0).mean(), (counts == 64).mean()  # both parents the same, one time in four each
    assert alike == pytest.approx((0.25, 0.25), abs=0.02)
    mixed = counts[(counts > 0) & (counts < 64)]
    assert (mixed.mean(), mixed.var()) == (pytest.approx(32, abs=0.3), pytest.approx(16, rel=0.1))


def test_the_fittest_are_those_with_the_most_right_bits() -> None:
    genomes = np.array([[0b1], [0b111], [0b0], [0b101], [0b11]], np.uint64)
    assert mackay.fittest(genomes, 3)[:, 0].tolist() == [0b111, 0b101, 0b11]


def test_theory_passes_19_of_20_bits_after_1_8_roots() -> None:
    roots = math.asin(0.9) / math.sqrt(2 / (math.pi + 2))
    assert roots == pytest.approx(1.796, abs=0.001)
    assert mackay.in_theory(400, [0, 20 * roots, 1e9]).tolist() == pytest.approx([0.5, 0.95, 1.0])


def test_recombination_follows_theory_and_mutation_does_not() -> None:
    settings = mackay.Settings(bits=(100, 256), mutating_generations=60)
    lived = mackay.live(settings, 3, 4, 2, quiet)
    for bits in settings.bits:
        right = lived.right[mackay.RECOMBINATION, bits]
        assert right.mean(axis=0) == pytest.approx(mackay.in_theory(bits, np.arange(right.shape[1])), abs=0.035)
    gained = measured(mackay, lived, "bits_per_generation", bits=256, variation="mutation", after=20, until=60)
    assert 0.2 < gained["value"] < 1.2
    fast = measured(mackay, lived, "bits_per_generation", bits=256, variation="recombination", after=0, until=4)
    assert fast["value"] > 3.5
    assert measured(mackay, lived, "roots_to_pass", bits=256)["value"] == pytest.approx(1.8, abs=0.15)
    again = mackay.live(settings, 3, 4, 1, quiet)
    assert all(np.array_equal(lived.right[kind], again.right[kind]) for kind in lived.right)


def planted_bits(slow: float) -> mackay.Populations:
    """As theory says, but `slow` times as slow; mutation gains half a bit per generation."""
    settings = mackay.Settings()
    right = {}
    for bits in settings.bits:
        ages = np.arange(settings.generations(mackay.RECOMBINATION, bits) + 1)
        right[mackay.RECOMBINATION, bits] = np.tile(mackay.in_theory(bits, ages / slow), (10, 1))
        right[mackay.MUTATION, bits] = np.tile(0.5 + 0.5 / bits * np.arange(121), (10, 1))
    return mackay.Populations(settings, right)


def test_bands_of_mackay_can_be_missed() -> None:
    assert set(bands_of("mackay", planted_bits(1.0)).values()) == {REPRODUCED}
    slow = bands_of("mackay", planted_bits(1.2))
    assert [name for name, judgement in slow.items() if judgement == REPRODUCED] == [
        f"bits per generation by mutation alone, {bits} bits" for bits in (100, 400, 900)
    ]
    never = measured(mackay, planted_bits(3.0), "roots_to_pass", bits=100)
    assert (never["judgement"], never["note"]) == (UNMEASURED, "never in 10 of 10 runs")
    beyond = {"bits": 100, "variation": "mutation", "after": 0}
    assert measured(mackay, planted_bits(1.0), "bits_per_generation", **beyond, until=120)["value"] == 0.5
    assert measured(mackay, planted_bits(1.0), "bits_per_generation", **beyond, until=121)["value"] is None


# --- Rogers ---


def test_who_learns_copies_and_copies_critically_is_right_as_often_as_the_model_says() -> None:
    settings = rogers.Settings()
    kinds = np.repeat(np.array([rogers.LEARNS, rogers.COPIES, rogers.CRITICAL], np.int8), 20_000)
    models = np.arange(1000) < 400
    for changed, shares in ((False, (0.75, 0.4, 0.4 + 0.6 * 0.75)), (True, (0.75, 0.0, 0.75))):
        right, fitness = rogers.grow_up(kinds, models, changed, 0.5, settings, random())
        by_kind, earned = right.reshape(3, -1), fitness.reshape(3, -1)
        assert by_kind.mean(axis=1) == pytest.approx(shares, abs=0.015)
        assert sorted(set(earned[0])) == pytest.approx([0.3, 1.3])  # a mistake and the cost, right and the cost
        assert set(earned[1]) == ({0.5} if changed else {0.5, 1.5})
        assert sorted(set(earned[2])) == pytest.approx([0.3, 1.3] if changed else [0.3, 1.3, 1.5])
    _, fitness = rogers.grow_up(kinds, models, False, 1.0, settings, random())
    assert fitness.min() == 0.0, "a mistake and the cost are more than all"


def test_ways_of_learning_are_inherited_in_proportion_to_fitness() -> None:
    kinds = np.tile(np.array([rogers.LEARNS, rogers.COPIES], np.int8), 20_000)
    born = rogers.children(kinds, np.tile([3.0, 1.0], 20_000), 2, 0.0, random())
    assert (born == rogers.COPIES).mean() == pytest.approx(0.25, abs=0.01)
    born = rogers.children(kinds, np.zeros(40_000), 3, 0.3, random())
    assert np.bincount(born) / 40_000 == pytest.approx([0.45, 0.45, 0.1], abs=0.01)


def test_exact_fitness_is_what_a_very_large_population_has() -> None:
    """The model in one number a generation: the share that is right, with nobody's luck in it."""
    settings = rogers.Settings()
    environment = settings.environments["mild"]
    share = rogers.copiers_in_theory(settings, environment)
    assert share == pytest.approx(0.694, abs=0.001)
    changes = random().random(100_000) < environment.change
    copied = critical = 0.75
    fitness = []
    for changed in changes:
        seen, known = (0.0, 0.0) if changed else (copied, critical)
        copied = (1 - share) * settings.right + share * seen
        critical = known + (1 - known) * settings.right
        alone = rogers.fitness_alone(settings, environment.gain)
        fitness.append((1 + environment.gain * (2 * seen - 1), 1.2 * known + alone * (1 - known)))
    assert np.mean(fitness, axis=0) == pytest.approx([1.02, rogers.fitness_critical(settings, environment)], abs=0.002)
    assert rogers.fitness_alone(settings, 0.2) == pytest.approx(1.02)
    assert rogers.fitness_alone(settings, 1.0) == pytest.approx(1.2)
    assert rogers.fitness_critical(settings, settings.environments["harsh"]) == pytest.approx(1.8)
    assert rogers.copiers_in_theory(settings, settings.environments["harsh"]) == 0.0


def test_copying_spreads_and_nobody_is_better_off_unless_it_is_critical() -> None:
    settings = rogers.Settings(
        agents=400, generations=300, settled=150, environments={"mild": rogers.Environment(change=0.1, gain=0.2)}
    )
    lived = rogers.live(settings, 1, 4, 2, quiet)
    at = {"environment": "mild"}
    assert measured(rogers, lived, "share", series="copiers", kind="copies", **at)["value"] > 0.3
    assert abs(measured(rogers, lived, "advantage", series="copiers", against="alone", **at)["value"]) < 0.015
    assert measured(rogers, lived, "advantage", series="critical", against="alone", **at)["value"] > 0.13
    assert measured(rogers, lived, "share", series="alone", kind="learns", **at)["value"] == 1.0
    again = rogers.live(settings, 1, 4, 1, quiet)
    for kind, courses in lived.courses.items():
        assert all(
            np.array_equal(one.fitness, other.fitness) for one, other in zip(courses, again.courses[kind], strict=True)
        )


def planted_rogers(gain: float) -> rogers.Populations:
    """As theory says, but what copiers add, which is `gain`."""
    settings = rogers.Settings()
    courses = {}
    for name, environment in settings.environments.items():
        alone = rogers.fitness_alone(settings, environment.gain)
        share = rogers.copiers_in_theory(settings, environment)
        levels = {
            "alone": (alone, [1.0, 0.0, 0.0]),
            "copiers": (alone + gain, [1 - share, share, 0.0]),
            "critical": (rogers.fitness_critical(settings, environment), [0.0, 0.0, 1.0]),
        }
        for series, (level, shares) in levels.items():
            courses[series, name] = (rogers.Course(np.full(601, level), np.tile(shares, (601, 1))),) * 10
    return rogers.Populations(settings, courses)


def test_bands_of_rogers_can_be_missed() -> None:
    assert MISSED not in bands_of("rogers", planted_rogers(0.0)).values()
    missed = bands_of("rogers", planted_rogers(0.02))
    assert [name for name, judgement in missed.items() if judgement == MISSED] == [
        "what copiers add, mild",
        "fitness with copiers, harsh",
    ]
    found = measured(rogers, planted_rogers(0.0), "fitness", series="alone", environment="mid")
    assert found["note"] == "no environment is named 'mid'; settings.environments names those there are"


# --- the numbers game ---


def test_the_larger_difference_of_two_is_the_larger_sum_and_the_smaller_goes_round() -> None:
    traits = random().integers(0, 100, (60, 2))
    more = traits.sum(axis=1)
    beats = numbers_game.wins(traits, traits, larger=True)
    decided = more[:, None] != more[None]
    assert (beats == (more[:, None] > more[None]))[decided].all()
    a, b, c = (np.array([pair]) for pair in ((1, 6), (4, 5), (2, 4)))
    cycle = [numbers_game.wins(*pair, larger=False).item() for pair in ((a, b), (b, c), (c, a))]
    assert cycle == [True, True, True]
    assert not numbers_game.wins(c, b, larger=False).item()
    assert not numbers_game.wins(np.array([[3, 9]]), np.array([[3, 1]]), larger=False).item(), "none is no more"


def test_half_of_the_opponents_are_from_the_archive_where_there_is_one() -> None:
    settings = numbers_game.Settings()
    own, weak, strong = np.array([[5, 5]]), np.array([[0, 0]]), np.array([[9, 9]])
    asked = {"settings": settings, "random": random()}
    assert numbers_game.meet(own, weak, strong, "archive", **asked) == pytest.approx([8 / 15])
    assert numbers_game.meet(own, weak, strong, "intransitive", **asked) == [1.0]
    assert numbers_game.meet(own, weak, strong[:0], "archive", **asked) == [1.0]


def test_who_wins_more_is_bred_more_and_bits_are_drawn_anew() -> None:
    genomes = np.zeros((2000, 2, 50), bool)
    genomes[::2] = True
    born = numbers_game.bred(genomes, np.tile([1.0, 3.0], 1000), 0.0, random())
    assert born.all(axis=(1, 2)).mean() == pytest.approx(0.25, abs=0.03)
    assert numbers_game.bred(genomes[1::2], np.ones(1000), 0.2, random()).mean() == pytest.approx(0.1, abs=0.005)


def test_mere_mutation_is_as_expected_and_rivals_rise_only_where_more_is_more() -> None:
    settings = numbers_game.Settings(generations=120, late=100, bits=60, mutation=0.01)
    lived = numbers_game.live(settings, 2, 4, 2, quiet)
    expected = numbers_game.by_mutation(settings, np.arange(100, 121)).mean()
    assert expected == pytest.approx(60 * (1 - 0.99**110), abs=0.05)
    ones = {series: measured(numbers_game, lived, "ones", series=series) for series in numbers_game.SERIES}
    assert ones["mutation"]["value"] == pytest.approx(expected, abs=6)
    assert ones["transitive"]["value"] > 80
    assert measured(numbers_game, lived, "largest_fall", series="transitive")["value"] < 3
    assert measured(numbers_game, lived, "spread", series="intransitive")["value"] > 5
    again = numbers_game.live(settings, 2, 4, 1, quiet)
    for series, courses in lived.courses.items():
        assert all(
            np.array_equal(one.ones, other.ones) for one, other in zip(courses, again.courses[series], strict=True)
        )


def planted_rivals(intransitive: float) -> numbers_game.Rivalries:
    """Rivals as computed beforehand; where it is not transitive about another mean."""
    settings = numbers_game.Settings()

    def course(level: float, fall: float) -> numbers_game.Course:
        ones = np.full(401, level)
        ones[150] += fall
        return numbers_game.Course(ones, np.full(400, 0.5))

    around = np.linspace(-66, 66, 10)
    return numbers_game.Rivalries(
        settings,
        {
            "transitive": tuple(course(182 + number / 5, 0.5) for number in range(10)),
            "intransitive": tuple(course(intransitive + apart, 39) for apart in around),
            "archive": (course(100, 14),) * 10,
            "mutation": (course(82.5, 3),) * 10,
        },
    )


def test_bands_of_the_numbers_game_can_be_missed() -> None:
    assert MISSED not in bands_of("numbers-game", planted_rivals(98)).values()
    missed = bands_of("numbers-game", planted_rivals(182))
    assert [name for name, judgement in missed.items() if judgement == MISSED] == [
        "bits set, intransitive",
        "runs that come to less than any of mere mutation, intransitive",
    ]


# --- culture ---


def test_what_a_life_can_add_is_what_counting_all_of_them_says() -> None:
    settings = culture.Settings(symbols=3, choices=3, attempts=5)
    lives = [np.searchsorted(np.cumsum(needed), 5, side="right") for needed in itertools.product((1, 2, 3), repeat=3)]
    assert culture.chances_to_add(settings) == pytest.approx(np.bincount(lives, minlength=4) / 27)
    drawn = [culture.found(1, settings, 5, generator) for generator in [random()] for _ in range(4000)]
    two = [
        min(np.searchsorted(np.cumsum(needed), 5, side="right"), 2) for needed in itertools.product((1, 2, 3), repeat=2)
    ]
    assert np.mean(drawn) == pytest.approx(1 + np.mean(two), abs=0.03)


def test_copies_stop_at_the_first_mistake() -> None:
    generator = random()
    lengths = np.array([culture.copied(4, 0.8, generator) for _ in range(8000)])
    expected = [0.2, 0.8 * 0.2, 0.8**2 * 0.2, 0.8**3 * 0.2, 0.8**4]
    assert np.bincount(lengths) / 8000 == pytest.approx(expected, abs=0.015)
    assert (culture.copied(7, 1.0, generator), culture.copied(7, 0.0, generator)) == (7, 0)


@pytest.mark.parametrize(("fidelity", "level"), [(0.0, 0.160), (0.9, 0.318), (0.97, 0.520), (1.0, 1.0)])
def test_chains_level_off_where_the_markov_chain_says(fidelity: float, level: float) -> None:
    settings = culture.Settings(fidelities=(fidelity,))
    assert culture.expected(settings, fidelity)[-1] == pytest.approx(level, abs=0.0006)
    known = np.array([culture.follow(settings, fidelity, random(number)) for number in range(250)])
    error = known.std(axis=0) / math.sqrt(250) + 1e-9
    assert (np.abs(known.mean(axis=0) - culture.expected(settings, fidelity)) < 4.5 * error + 0.002).all()


def test_chains_are_the_same_for_any_number_of_workers() -> None:
    settings = culture.Settings(lives=5)
    one, two = (culture.live(settings, 4, 6, workers, quiet) for workers in (1, 2))
    assert all(np.array_equal(one.known[fidelity], two.known[fidelity]) for fidelity in settings.fidelities)
    assert np.array_equal(one.one_life, two.one_life)
    assert not np.array_equal(one.known[0.9], one.known[0.97])


def test_bands_of_culture_can_be_missed() -> None:
    settings = culture.Settings()
    known = {fidelity: np.tile(culture.expected(settings, fidelity), (10, 1)) for fidelity in settings.fidelities}
    lived = culture.Chains(settings, known, np.ones(10))
    assert set(bands_of("culture", lived).values()) == {REPRODUCED}
    careless = dataclasses.replace(lived, known=known | {0.97: known[0.9]}, one_life=np.full(10, 0.5))
    missed = [name for name, judgement in bands_of("culture", careless).items() if judgement == MISSED]
    assert missed == ["known in the end, fidelity .97", "known after one life with all attempts"]
    assert measured(culture, lived, "level", fidelity=0.5)["note"].startswith("nobody copies with fidelity 0.5")
    assert measured(culture, lived, "level", fidelity=1, life=25)["note"] == "no chain was followed for so long"


# --- labels, reward, selection ---

SMALL = lrs.Settings(
    inputs=3,
    sizes=(2, 3),
    delays=(1, 4),
    judged_on=(16,),
    size_judged_on=16,
    tests=200,
    target=0.75,
    tuning_teachers=1,
    label_batches=(4,),
    label_rates=(0.3,),
    reward_batches=(8,),
    reward_rates=(1.0,),
    populations=(8,),
    centre_rates=(1.0,),
)


def log_chances(weights: torch.Tensor, inputs: np.ndarray) -> torch.Tensor:
    return torch.log_softmax(torch.from_numpy(inputs) @ weights, dim=1)


def test_gradients_are_those_of_autograd() -> None:
    generator = random()
    weights = torch.tensor(generator.standard_normal((5, 4)), requires_grad=True)
    inputs, draws = generator.standard_normal((24, 5)), generator.random(24)
    right = linear_learners.answers(generator.standard_normal((5, 4)), inputs)
    log_chances(weights, inputs)[range(24), right].mean().backward()
    assert linear_learners.label_gradient(weights.detach().numpy(), inputs, right) == pytest.approx(
        weights.grad.numpy()
    )
    weights.grad = None
    logs = log_chances(weights, inputs)
    taken = (logs.detach().exp().cumsum(dim=1).numpy() <= draws[:, None]).sum(axis=1)
    rewards = (taken == right).reshape(6, 4).sum(axis=1)
    advantages = (rewards - rewards.mean()) / rewards.std()
    (logs[range(24), taken].reshape(6, 4).sum(dim=1) * torch.from_numpy(advantages)).mean().backward()
    found = linear_learners.reward_gradient(weights.detach().numpy(), inputs, right, draws, 4)
    assert found == pytest.approx(weights.grad.numpy() / 2)  # in sqrt(4 decisions)


def test_without_a_difference_of_rewards_nothing_is_learned() -> None:
    inputs, right = random().standard_normal((8, 5)), np.full(8, 9)  # no action is right
    assert not linear_learners.reward_gradient(np.zeros((5, 4)), inputs, right, random().random(8), 2).any()


def test_answers_are_those_of_the_highest_score() -> None:
    weights, inputs = random().standard_normal((5, 4)), random(1).standard_normal((50, 5))
    right = (inputs @ weights).argmax(axis=1)
    assert linear_learners.answers(weights, inputs).tolist() == right.tolist()
    assert linear_learners.share_right(weights, inputs, np.where(np.arange(50) < 10, -1, right)) == 0.8
    assert linear_learners.answers(np.zeros((5, 4)), inputs).tolist() == [0] * 50


def test_the_search_finds_the_top_of_a_hill_and_settles() -> None:
    top = np.arange(6.0)
    search = Snes(np.zeros(6), np.ones(6), 16, random())
    for _ in range(150):
        search.tell(-((search.genomes() - top) ** 2).sum(axis=1))
    assert search.centre == pytest.approx(top, abs=0.05)
    assert search.spread.max() < 0.1


@pytest.mark.parametrize(("genes", "population"), [(64, 32), (5, 7)])
def test_the_search_moves_as_evotorch_does(genes: int, population: int) -> None:
    start = {"mu": torch.linspace(-1, 1, genes, dtype=torch.float64), "sigma": torch.full((genes,), 0.7).double()}
    search = Snes(start["mu"].numpy(), start["sigma"].numpy(), population, random(), rate=0.8)
    theirs = ExpSeparableGaussian(parameters=start, dtype=torch.float64)
    problem = Problem("max", solution_length=genes, initial_bounds=(-1, 1))
    rate = SNES(problem, popsize=population, stdev_init=0.7)._stdev_learning_rate
    for _ in range(3):
        genomes = search.genomes()
        fitness = -((genomes - 0.3) ** 2).sum(axis=1)
        found = torch.as_tensor(genomes), torch.as_tensor(fitness)
        ways = theirs.compute_gradients(*found, objective_sense="max", ranking_method="nes")
        theirs = theirs.update_parameters(ways, learning_rates={"mu": 0.8, "sigma": rate})
        search.tell(fitness)
        np.testing.assert_allclose(search.centre, theirs.parameters["mu"].numpy(), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(search.spread, theirs.parameters["sigma"].numpy(), rtol=1e-12)
    assert np.abs(search.centre - start["mu"].numpy()).max() > 0.1


def test_settings_are_chosen_by_the_median_and_the_hopeless_are_given_up(monkeypatch) -> None:
    """Planted: with rate .1 pupils need 30, 10, 20; with .3 15, 15, 99; with 1 25, 25, 1."""
    needs = {0.1: (30, 10, 20), 0.3: (15, 15, 99), 1.0: (25, 25, 1)}
    asked = []

    def learn(told, chosen, settings, most, number):
        needed = needs[chosen.rate][number]
        asked.append((chosen.rate, number, most))
        return (needed, needed) if needed <= most else (math.inf, int(most))

    monkeypatch.setattr(lrs, "learn", learn)
    settings = SMALL.model_copy(update={"label_rates": (0.1, 0.3, 1.0), "tuning_teachers": 3, "most": 1000})
    chosen, made, pupils = lrs.choose(lrs.Told(lrs.LABELS, 3, 1), settings, lambda number: number)
    assert chosen == lrs.Chosen(4, 0.3)
    assert asked[3:] == [(0.3, 0, 20.0), (0.3, 1, 20.0), (0.3, 2, 20.0), (1.0, 0, 15.0), (1.0, 1, 15.0)]
    assert (made, pupils) == (30 + 10 + 20 + 15 + 15 + 20 + 15 + 15, 8)


def test_a_pupil_that_is_given_up_has_learned_nothing_and_costs_what_it_did() -> None:
    told = lrs.Told(lrs.REWARD, 3, 4)
    assert lrs.learn(told, lrs.Chosen(8, 1e-9), SMALL, 100, random()) == (math.inf, 96)
    needed, made = lrs.learn(told, lrs.Chosen(8, 1.0), SMALL, 1e6, random())
    assert needed == made
    assert made % 32 == 0


def test_labels_teach_most_and_selection_least_for_any_number_of_workers() -> None:
    one, two = (lrs.live(SMALL, 5, 5, workers, quiet) for workers in (1, 2))
    assert one.made == two.made
    assert all(np.array_equal(one.decisions[told], two.decisions[told]) for told in lrs.all_told(SMALL))
    medians = {told: np.median(needed) for told, needed in one.decisions.items()}
    labels, reward, late, selection = (
        medians[lrs.Told(kind, 3, delay)]
        for kind, delay in ((lrs.LABELS, 1), (lrs.REWARD, 1), (lrs.REWARD, 4), (lrs.SELECTION, 16))
    )
    assert labels < reward < late
    assert labels < selection
    assert one.pupils == len(medians) * 6


def planted_pupils(turn: int, slope: float = 0.59) -> lrs.Learned:
    """Medians as computed beforehand; but reward is behind selection from `turn` decisions on."""
    settings = lrs.Settings()
    reward = {1: 480, 16: 6400, 64: 31000, 256: 118000, 1024: 492000}
    selection = {16: 38000, 64: 45000, 256: 88000, 1024: 262000}
    if turn <= 64:
        reward[64] = 61000
    needed = {lrs.Told(lrs.REWARD, 16, delay): value for delay, value in reward.items()}
    needed |= {lrs.Told(lrs.SELECTION, 16, delay): value for delay, value in selection.items()}
    for inputs in settings.sizes:
        labels = 146 * (inputs / 16) ** 1.2
        needed[lrs.Told(lrs.LABELS, inputs, 1)] = labels
        needed[lrs.Told(lrs.SELECTION, inputs, 64)] = 45000 * (inputs / 16) ** (1.2 + slope)
    decisions = {told: np.full(10, float(value)) for told, value in needed.items()}
    return lrs.Learned(settings, decisions, dict.fromkeys(decisions, lrs.Chosen(16, 1.0)), 1, 1)


def test_bands_of_labels_reward_and_selection_can_be_missed() -> None:
    judged = bands_of("labels-reward-selection", planted_pupils(256))
    assert MISSED not in judged.values()
    assert UNMEASURED not in judged.values()
    judged = bands_of("labels-reward-selection", planted_pupils(64, slope=1.0))
    assert [name for name, judgement in judged.items() if judgement == MISSED] == [
        "a reward for 64 decisions",
        "reward over selection, 64 decisions",
        "slope of selection over labels in genes, logs",
    ]
    lived = planted_pupils(256)
    assert measured(lrs, lived, "slope_in_genes", told="selection", against="labels")["value"] == pytest.approx(0.59)
    assert measured(lrs, lived, "slope_in_genes", told="labels")["value"] == pytest.approx(1.2)
    few = lived.decisions | {lrs.Told(lrs.LABELS, 16, 1): np.array([100.0] * 5 + [math.inf] * 5)}
    found = measured(lrs, dataclasses.replace(lived, decisions=few), "ratio", told="reward", against="labels")
    assert (found["judgement"], found["note"]) == (UNMEASURED, "never in 5 of 10 pupils")
    other = measured(lrs, lived, "decisions", told="reward", delay=2)
    assert other["note"] == "nobody with 16 inputs was told reward of 2 decisions"


# --- the lock ---


def lives_of(scores: np.ndarray, step: float, bonus: float, redrawn: int, settings: lock.Settings, lives: int):
    """Attempts that open the lock in each life, [lives]."""
    counts = np.zeros((1, lives), np.int64)
    key = np.array([11, 0, 0, 0], np.int64)
    first = np.array([step]), np.array([bonus])
    lock_lives.live_all(scores[None], *first, redrawn, settings.attempts, key, lives, counts)
    return counts[0]


def test_a_blank_learner_ever_opens_the_lock_as_often_as_guessing_does_whatever_its_steps() -> None:
    settings = lock.Settings(presses=3, lifetime=60, redrawn=(0, 3))
    exact = 1 - (1 - 4.0**-3) ** 20
    assert lock.opens_ever(3, settings) == pytest.approx(exact)
    assert (lock.opens_ever(0, settings), settings.attempts) == (1.0, 20)
    for step, bonus, redrawn in ((0.0, 0.0, 0), (3.0, 0.01, 0), (3.0, 0.01, 3)):
        counts = lives_of(np.zeros((3, 4)), step, bonus, redrawn, settings, 6000)
        assert (counts > 0).mean() == pytest.approx(exact, abs=0.02)
    assert counts.mean() > 1.5 * 20 * 4.0**-3, "and more often after that, if it learns"


def test_a_prior_opens_what_it_knows_and_the_rest_by_guessing() -> None:
    settings = lock.Settings(presses=3, lifetime=60, redrawn=(0, 3))
    knows = np.zeros((3, 4))
    knows[:, 0] = 50.0
    assert (lives_of(knows, 0.0, 0.0, 0, settings, 20) == 20).all()
    knows[2] = 0.0
    counts = lives_of(knows, 0.0, 0.0, 1, settings, 4000)
    assert counts.mean() == pytest.approx(20 / 4, abs=0.15)
    assert counts.var() == pytest.approx(20 * 3 / 16, rel=0.1)
    assert (counts > 0).mean() == pytest.approx(lock.opens_ever(1, settings), abs=0.01)


def test_a_step_is_the_policy_gradient_and_its_baseline() -> None:
    """One press of one key that is always right, and one attempt: what is learned is known to the digit."""
    scores, chance = np.array([[0.3, -0.2]]), np.zeros((1, 2))
    table = torch.tensor(scores.copy(), requires_grad=True)
    logs = torch.log_softmax(table[0], dim=0)
    key = np.array([11, 0, 0, 0], np.int64)
    opened = lock_lives.live_once(scores, 0.7, 0.1, 0, 1, key, chance)
    pressed = 0 if opened else 1
    (0.7 * opened * logs[pressed]).backward()
    towards = 0.1 * (0.5 - logs.detach().exp().numpy())
    assert scores[0] == pytest.approx(np.array([0.3, -0.2]) + table.grad[0].numpy() + towards)


def test_evolution_opens_the_lock_that_learners_do_not_for_any_number_of_workers() -> None:
    settings = lock.Settings(
        presses=3, redrawn=(0, 1), lifetime=60, population=16, lives=4, generations=25, test_lives=200
    )
    lived = lock.live(settings, 6, 2, 2, quiet)
    found = {kind: values.mean() for kind, values in lived.ever.items()}
    assert found[lock.EVOLVED, 0] == pytest.approx(1.0, abs=0.02)
    assert found[lock.EVOLVED, 1] > 0.9
    assert found[lock.BLANK, 0] == pytest.approx(lock.opens_ever(3, settings), abs=0.08)
    assert lived.paid[lock.FROZEN, 1].mean() < 0.27
    assert lived.paid[lock.EVOLVED, 1].mean() > 0.4
    again = lock.live(settings, 6, 2, 1, quiet)
    assert all(np.array_equal(lived.paid[kind], again.paid[kind]) for kind in lived.paid)


def planted_lock(luck: float) -> lock.Evolved:
    """As the formulas say, but that blank learners open the lock more often by `luck`."""
    settings = lock.Settings()
    ever, paid = {}, {}
    for redrawn in settings.redrawn:
        reach = lock.opens_ever(redrawn, settings)
        levels = {lock.BLANK: lock.opens_ever(6, settings) + luck, lock.FROZEN: reach, lock.EVOLVED: reach}
        for series, level in levels.items():
            ever[series, redrawn] = np.full(10, level)
            paid[series, redrawn] = np.full(10, 4.0**-redrawn)
    return lock.Evolved(settings, ever, paid)


def test_bands_of_the_lock_can_be_missed() -> None:
    assert MISSED not in bands_of("lock", planted_lock(0.0)).values()
    judged = bands_of("lock", planted_lock(0.05))
    assert [name for name, judgement in judged.items() if judgement == MISSED] == [
        "blank learners that ever open it, none redrawn",
        "blank learners that ever open it, all redrawn",
    ]
    missing = measured(lock, planted_lock(0.0), "ever", series="blank", redrawn=1)
    assert missing["note"] == "nobody lived with 1 keys redrawn; settings.redrawn says how many are"


# --- what users see ---


@pytest.mark.parametrize(
    ("name", "override", "text"),
    [
        ("mackay", "bits=[400,100]", r"bits=\[400, 100\]: must ascend, and no two may be the same"),
        ("mackay", "bits=[1]", r"settings.bits.0=1: must be 2 or more"),
        ("mackay", "mutations=101", "mutations=101: must be 100 or less, the bits of the smallest genome"),
        ("rogers", "settled=601", r"settled=601: must be settings.generations=600 or less"),
        ("rogers", "environments.mild.change=0", "settings.environments.mild.change=0: must be greater than 0"),
        ("rogers", "environments={}", "settings.environments={}: must have at least 1 entry"),
        ("rogers", "cots=1", r"settings.cots=1: unknown key. Did you mean cost\?"),
        ("numbers-game", "from_archive=16", r"from_archive=16: must be settings.opponents=15 or less"),
        ("numbers-game", "late=401", "late=401: must be settings.generations=400 or less"),
        ("culture", "fidelities=[0.5,0.5]", r"fidelities=\[0.5, 0.5\]: must ascend"),
        ("culture", "fidelities=[1.5]", "settings.fidelities.0=1.5: must be 1 or less"),
        ("lock", "redrawn=[0,7]", r"redrawn=\[0, 7\]: must be settings.presses=6 or less each"),
        ("lock", "redrawn=[2,0]", r"redrawn=\[2, 0\]: must ascend"),
        ("lock", "lifetime=5", "lifetime=5: must be settings.presses=6 or more, or nobody could try once"),
        ("labels-reward-selection", "inputs=5", r"inputs=5: must be one of settings.sizes=\[4, 16, 48\]"),
        ("labels-reward-selection", "size_judged_on=5", "size_judged_on=5: must be one of settings.judged_on="),
        ("labels-reward-selection", "delays=[4,2]", r"\[4, 2\]: must ascend, and no two may be the same"),
        ("labels-reward-selection", "reward_batches=[1]", "settings.reward_batches.0=1: must be 2 or more"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_the_remedy(name: str, override: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        read_experiment(find_config(f"replicate/{name}", STUDIES), [f"settings.{override}"])


PLANTED = {
    "mackay": lambda: planted_bits(1.0),
    "rogers": lambda: planted_rogers(0.0),
    "numbers-game": lambda: planted_rivals(98),
    "culture": lambda: culture.live(culture.Settings(lives=5), 0, 3, 1, quiet),
    "labels-reward-selection": lambda: planted_pupils(256),
    "lock": lambda: planted_lock(0.0),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_page_shows_the_curves_and_the_bands(name: str, tmp_path: Path) -> None:
    config = read_experiment(find_config(f"replicate/{name}", STUDIES))
    experiment, lived = EXPERIMENTS[config.experiment], PLANTED[name]()
    settings = experiment.settings.model_validate(config.settings)
    cost = {**experiment.cost(settings, 10, lived), "seconds": 1.0}
    record = replication_record(config, config.replication, experiment.measures, lived, 10, cost)
    about = {"experiment": config.experiment, "title": config.title, "seed": 0}
    pictures = experiment.pictures(lived)
    write_experiment(tmp_path, dump_config(config), {**record, **about, "pictures": pictures})
    page = write_report(tmp_path, figures=False).read_text()
    for chart in pictures["charts"]:
        assert chart["title"].replace("'", "&#39;") in page
        assert f'data-chart="{chart["key"]}"' in page
        for seen in chart["views"]:
            names = [curve["name"] for curve in seen["curves"] if curve["measured"]]
            assert len(set(names)) == len(names), "a legend entry each"
            assert all(len(curve["x"]) == len(curve["mean"]) > 0 for curve in seen["curves"])
    assert config.replication.bands[0].name in page
    assert config.replication.bands[0].words in page
