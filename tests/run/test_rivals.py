"""Runs whose opponent evolves as well: both leave DNA, both are charged, whom they meet, and what is refused."""

import dataclasses

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.life import OwnDrivers, evaluate
from evolearn.rng import OPPONENTS, SELECTION, life_keys
from evolearn.run import Wanted, ancestors, assemble, load_dna, open_run, relive_selection, setup_of
from evolearn.run._rivals import Meeting, opponent_config
from evolearn.run.evolution import evolve, new_search
from evolearn.search import Draw, Noise, Rivals, draw_genomes
from tests.helpers.runs import GENERATIONS, KINDS, Watcher

KIND = "rivals"


def config_of(**opponent):
    content = KINDS[KIND]
    return check_config({**content, "opponent": {**content["opponent"], **opponent}}, "test")


@pytest.fixture(scope="module")
def setup():
    return assemble(config_of())


def rivals_of(setup, generations=0, populations=1, **how):
    """A search whose populations are told that the more of their genes are high, the better."""
    own, *theirs = (new_search(dataclasses.replace(setup, opponent=None)) for _ in range(1 + populations))
    search = Rivals(own, theirs, 3, GENERATIONS, **{"archive": 2, "share": 0.5, **how})
    for _ in range(generations):
        search.step(HighIsGood())
    return search


class HighIsGood:
    def evaluate(self, z):
        return z.sum(axis=1, dtype=np.float64)

    def of_opponents(self, population):
        return self


def test_both_leave_dna_and_ancestors_and_both_are_charged(undisturbed):
    run = open_run(undisturbed(KIND))
    (folder,) = run.opponents(1)
    own, theirs = load_dna(run.path), load_dna(folder)
    assert (own.world, theirs.world) == ("pursuit", "pursuit-predator")
    assert theirs.config == opponent_config(own.config)
    assert setup_of(theirs).conditions.world.name == "pursuit-predator"
    assert [dna.generation for dna in ancestors(folder)] == [dna.generation for dna in ancestors(run.path)]
    search, other = own.config.search, own.config.opponent.search
    lived = [(search.population + 1) * search.lives, (other.population + 1) * other.lives]
    for row in run.rows():
        assert row["world_steps"] == 60 * sum(lived)
        assert row["opponent"]["world_steps"] == 60 * lived[1]
        assert row["opponent"]["evaluations"] == other.population + 1
    assert len({row["opponent"]["fitness_sha256"] for row in run.rows()}) == GENERATIONS
    assert np.any(theirs.genome != theirs.pool.centre)


def test_its_selection_lives_are_not_lived_again_one_by_one(undisturbed):
    with pytest.raises(ConfigError, match="were lived in pairs"):
        relive_selection(open_run(undisturbed(KIND)), Wanted(1, 0, 0), False, 1, Watcher())


def test_a_row_of_a_run_without_opponents_is_as_it_was(undisturbed):
    assert all("opponent" not in row for row in open_run(undisturbed("snes")).rows())


def test_present_ones_are_drawn_around_the_centre_that_the_other_search_is_at(setup):
    search = rivals_of(setup, 3, archive=0)
    met = search.met(3, 1000)
    np.testing.assert_allclose(met.mean(axis=0), search.opponents[0].centre(), atol=0.15)
    np.testing.assert_allclose(met.std(axis=0), search.opponents[0].stdev(), rtol=0.15)
    assert not np.array_equal(search.met(3, 1000), search.met(4, 1000))
    assert not np.array_equal(search.met(3, 1000), search.met(3, 1000, population=0))
    np.testing.assert_array_equal(search.met(3, 1000), met)


@pytest.mark.parametrize(("archive", "share", "old"), [(2, 0.5, 5), (GENERATIONS, 1.0, 10), (1, 0.2, 2)])
def test_archived_ones_are_centres_that_were_lived(setup, archive, share, old):
    search = rivals_of(setup, archive=archive, share=share)
    kept = []
    for made in range(1, GENERATIONS + 1):
        search.step(HighIsGood())
        if made % (GENERATIONS // archive) == 0:
            kept.append(search.opponents[0].centre())
    assert search.archived == archive == len(kept)
    met = search.met(GENERATIONS, 10)
    among = [any(np.array_equal(one, centre) for centre in kept) for one in met]
    assert among == [True] * old + [False] * (10 - old)
    many = search.met(GENERATIONS, 60)[: round(60 * share)]
    assert len({one.tobytes() for one in many}) == archive


@pytest.mark.parametrize("population", [None, 0])
def test_of_one_population_draws_are_those_of_seed_generation_and_side(setup, population):
    """As they were before there could be several, to the bit."""
    search = rivals_of(setup, 3)
    side = 0 if population is None else 1
    seeds = np.random.SeedSequence([3, 3, side]).generate_state(1 + 4)
    other = search.opponents[0] if population is None else search.own
    drawn = Draw(Noise(int(seeds[0]), 3, 4, other.centre().size, symmetric=False), other.centre(), other.stdev())
    met = search.met(3, 8, population)
    np.testing.assert_array_equal(met[4:], draw_genomes(drawn, np.arange(4)))
    archive = search.state()["archive.opponent" if population is None else "archive.own"].numpy()[:1]
    np.testing.assert_array_equal(met[:4], np.repeat(archive, 4, axis=0))
    assert opponent_config(config_of()).seed == np.random.SeedSequence([5, OPPONENTS]).generate_state(1)[0]


class Far:
    """A trial in which every population of opponents is told to go its own way."""

    def __init__(self, way=0.0):
        self.way = way

    def evaluate(self, z):
        return self.way * z.sum(axis=1, dtype=np.float64)

    def of_opponents(self, population):
        return Far((1.0, -1.0, 0.0)[population])


def whose(search, met):
    """Of which population each is, by whose centre is nearest."""
    centres = np.stack([one.centre() for one in search.opponents])
    return np.linalg.norm(met[:, None] - centres, axis=2).argmin(axis=1)


def test_agents_meet_as_many_of_each_population_in_random_order(setup):
    search = rivals_of(setup, populations=3, archive=0)
    for _ in range(12):
        search.step(Far())
    counts = np.zeros(3, np.int64)
    orders = set()
    for generation in range(40):
        found = whose(search, search.met(generation, 8))
        assert sorted(np.bincount(found, minlength=3)) == [2, 3, 3]
        counts += np.bincount(found, minlength=3)
        orders.add(tuple(found))
    assert len(orders) > 35
    assert counts.min() > 80  # who is met in one life less is another in each generation
    np.testing.assert_array_equal(search.met(5, 8), search.met(5, 8))


def test_agents_meet_the_archived_of_each_population_and_each_population_other_agents(setup):
    search = rivals_of(setup, populations=3, archive=GENERATIONS, share=1.0)
    kept = []
    for _ in range(GENERATIONS):
        search.step(Far())
        kept.append({one.centre().tobytes() for one in search.opponents})
    met = {one.tobytes() for one in search.met(GENERATIONS, 120)}
    assert met == set().union(*kept)
    assert len(met) == 1 + 2 * (GENERATIONS - 1)  # all begin at one, and the third is told nothing, and stays there
    search = rivals_of(setup, 1, populations=2, archive=0)
    assert not np.array_equal(search.met(1, 6, 0), search.met(1, 6, 1))


def test_several_populations_are_searched_by_themselves_from_seeds_of_their_own(undisturbed):
    run = open_run(undisturbed("several rivals"))
    own = load_dna(run.path)
    theirs = [load_dna(folder) for folder in run.opponents(2)]
    assert [folder.relative_to(run.path).as_posix() for folder in run.opponents(2)] == ["opponent/0", "opponent/1"]
    assert [dna.config for dna in theirs] == [opponent_config(own.config, number) for number in range(2)]
    assert theirs[0].config.seed != theirs[1].config.seed
    assert not np.array_equal(theirs[0].genome, theirs[1].genome)
    search, other = own.config.search, own.config.opponent.search
    lived = [(search.population + 1) * search.lives, (other.population + 1) * other.lives]
    for row in run.rows():
        assert [one["world_steps"] for one in row["opponent"]] == [60 * lived[1]] * 2
        assert row["world_steps"] == 60 * (lived[0] + 2 * lived[1])
        assert len({one["fitness_sha256"] for one in row["opponent"]}) == 2
    for dna, one in zip(theirs, range(2), strict=True):
        assert dna.header["lineage"]["fitness_sha256"] == run.rows()[-1]["opponent"][one]["fitness_sha256"]
        assert len(ancestors(run.opponents(2)[one])) == len(ancestors(run.path))


def test_before_anybody_is_archived_all_are_present(setup):
    np.testing.assert_array_equal(rivals_of(setup).met(0, 6), rivals_of(setup, archive=0).met(0, 6))


def test_a_share_of_the_agents_lives_is_scripted_and_no_opponents(setup):
    """The first half of four lives is what the agent lives alone; the opponents have none of that."""
    drivers = OwnDrivers(1)
    driver, search = setup.driver(drivers), new_search(setup)
    search.step(HighIsGood())
    keys, genomes = life_keys(1, SELECTION, 0, 4), np.tile(setup.pool.centre, (2, 1))
    genomes[1] += 0.5
    mixed = Meeting(setup, search, 1).evaluate(driver, genomes, keys, setup.selection, 0)
    alone = evaluate(driver, setup.conditions, setup.pool, genomes, keys, setup.selection)
    np.testing.assert_array_equal(mixed.fitness[:, :2], alone.fitness[:, :2])
    assert np.all(mixed.fitness[:, 2:] != alone.fitness[:, 2:])
    assert mixed.world_steps == alone.world_steps
    theirs = np.tile(setup.opponent.pool.centre, (2, 1))
    turned = Meeting(setup, search, 1, population=0)
    found = turned.evaluate(driver, theirs, keys, setup.opponent.selection, 0)
    assert np.all(found.fitness <= 0.0)
    np.testing.assert_array_equal(found.fitness[0], found.fitness[1])
    drivers.close()


@pytest.mark.parametrize("populations", [1, 3])
def test_workers_change_nothing(populations):
    rows = []
    for workers in (1, 3):
        how = {"against": "all", "archive": None, "scripted": 0.0, "populations": populations}
        setup, drivers = assemble(config_of(**how)), OwnDrivers(workers)
        driver = setup.driver(drivers)
        made = list(evolve(setup, driver, new_search(setup)))
        others = [row.opponent if populations > 1 else (row.opponent,) for row in made]
        assert all(len(one) == populations for one in others)
        rows.append(
            [
                (row.fitness_sha256, *(one.fitness_sha256 for one in ones))
                for row, ones in zip(made, others, strict=True)
            ]
        )
        drivers.close()
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"world": {"name": "cart-pole"}}, "opponent.world='pursuit-predator': world cart-pole has no opponent"),
        ({"world": {"name": "gymnasium:CartPole-v1"}}, "has no opponent; leave the section opponent out"),
        ({"opponent": {"world": "pursuit"}}, "of the opponent.*|must be the world in which the opponent of pursuit"),
        ({"opponent": {"world": "cart-pole"}}, "opponent of pursuit lives, pursuit-predator"),
        ({"opponent": {"archive": 5}}, "opponent.archive=5: must be at most search.generations, 4"),
        ({"opponent": {"against": "all"}}, "opponent.archive=2: must be left out with opponent.against='all'"),
        (
            {"opponent": {"against": "present", "archive": None, "share": 0.2}},
            "opponent.share=0.2: must be left out with opponent.against='present'",
        ),
        ({"opponent": {"scripted": 1.0}}, "opponent.scripted"),
        ({"opponent": {"populations": 0}}, "opponent.populations=0"),
        ({"opponent": {"populations": 101}}, "opponent.populations=101"),
        ({"opponent": {"search": {"algorithm": "genetic"}}}, "opponent.search.algorithm"),
        ({"opponent": {"brain": {"hidden": []}}}, "fields begin with opponent.*brain.hidden"),
        ({"lineage": {"generations": 2, "siblings": 2}}, "lineage: must be left out with an opponent that evolves"),
        ({"search": {"algorithm": "genetic"}}, "search.algorithm='genetic': must be one that draws around a centre"),
        ({"search": {"restart": "stagnation", "generations": 4}}, "search.restart='stagnation': must be 'none'"),
        ({"search": {"sampling": "blockwise", "generations": 4}}, "search.sampling='blockwise': must be 'whole'"),
    ],
)
def test_what_does_not_fit_is_refused(sections, message):
    content = KINDS[KIND]
    merged = {**content, **{name: {**content.get(name, {}), **given} for name, given in sections.items()}}
    with pytest.raises(ConfigError, match=message):
        assemble(check_config(merged, "test"))


def test_a_config_without_one_is_written_as_it_was_before_there_were_any():
    assert "opponent" not in check_config(KINDS["snes"], "test").model_dump(mode="json")
    written = config_of().model_dump(mode="json")
    assert "populations" not in written["opponent"]
    assert config_of(populations=2).model_dump(mode="json")["opponent"]["populations"] == 2
    assert check_config(written, "again").model_dump(mode="json") == written
