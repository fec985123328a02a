"""Transplants: genes carried from one evolution to an arm, permuted weights, an arm's own config."""

import copy

import numpy as np
import pytest

from evolearn.config import ConfigError, find_config, read_config
from evolearn.genome import decode
from evolearn.rng import INIT, TEST, VALIDATION, at_step, life_keys, new_rng, open_stream
from evolearn.run import ARMS, ArmPart, arm_config, assemble, natural_values, ready_arm
from evolearn.run.natural import born_weights
from evolearn.run.transplant import permute_weights, shuffle_blocks, transplanted
from tests.helpers.arms import PUBLISHED, evolution_of, run_config
from tests.helpers.studies import TOY

KEYS = life_keys(9, TEST, 0, 4)


def blocks(pool, weights):
    """The blocks of flat weights, by name."""
    edges = np.cumsum([tensor.size for tensor in pool.brain.tensors])
    names = [tensor.name for tensor in pool.brain.tensors]
    return dict(zip(names, np.split(weights, edges[:-1], axis=-1), strict=True))


def shuffled(keys=KEYS):
    setup, genome = evolution_of("evolved")
    arm = ready_arm("shuffled", ARMS["shuffled"], setup.pool, genome, setup.config.learner)
    newborns, born_as = arm.born(keys)
    return setup.pool, decode(setup.pool, genome[None]), newborns, born_as


def test_every_block_keeps_its_values_and_loses_their_order() -> None:
    pool, evolved, newborns, born_as = shuffled()
    before, after = blocks(pool, evolved.weights[0]), blocks(pool, newborns.weights[born_as])
    assert len(before) >= 4
    for name, values in before.items():
        for life in range(len(KEYS)):
            np.testing.assert_array_equal(np.sort(after[name][life]), np.sort(values), err_msg=name)
        if values.size >= 8:
            moved = (after[name] != values).mean()
            assert moved > 0.5, f"{name}: entries move, and not a few of them"


def test_entries_move_between_units_not_whole_units() -> None:
    """Rows that were only exchanged would be the same brain with its units renamed."""
    pool, evolved, newborns, _ = shuffled()
    tensor = pool.brain.tensors[0]
    rows = np.sort(evolved.weights[0][: tensor.size].reshape(tensor.shape), axis=1)
    permuted = np.sort(newborns.weights[0][: tensor.size].reshape(tensor.shape), axis=1)
    assert not {tuple(row) for row in permuted} & {tuple(row) for row in rows}


def test_permutations_are_fresh_in_each_life_and_the_same_for_the_same_key() -> None:
    _, _, newborns, born_as = shuffled()
    weights = newborns.weights[born_as]
    for life in range(1, len(KEYS)):
        assert not np.array_equal(weights[life], weights[0])
    _, _, again, again_as = shuffled(KEYS[::-1].copy())
    np.testing.assert_array_equal(again.weights[again_as][::-1], weights, err_msg="whatever lives beside it")
    _, _, elsewhere, elsewhere_as = shuffled(life_keys(9, VALIDATION, 0, 4))
    assert not np.array_equal(elsewhere.weights[elsewhere_as], weights)


def test_drives_and_plasticity_stay() -> None:
    _, evolved, newborns, born_as = shuffled()
    for field in ("drives", "plasticity", "scale"):
        born = getattr(newborns, field)[born_as]
        np.testing.assert_array_equal(born, np.broadcast_to(getattr(evolved, field)[0], born.shape))


def test_permuting_does_not_change_what_it_is_given() -> None:
    setup, genome = evolution_of("evolved")
    newborns = decode(setup.pool, genome[None])
    kept = newborns.weights.copy()
    permute_weights(setup.pool, newborns, np.zeros(4, np.int64), KEYS)
    np.testing.assert_array_equal(newborns.weights, kept)


def test_all_orders_of_a_block_are_equally_likely() -> None:
    counts: dict[tuple[float, ...], int] = {}
    rng = new_rng()
    open_stream(rng, KEYS[0], INIT)
    for _ in range(6000):
        values = np.array([0.0, 1.0, 2.0, 9.0], np.float32)
        shuffle_blocks(values, np.array([3, 1]), rng)
        assert values[3] == 9.0, "blocks do not mix"
        order = tuple(values[:3].tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert max(abs(count - 1000) for count in counts.values()) < 150, "5 standard deviations"


def test_a_permutation_does_not_repeat_the_draws_of_fresh_weights() -> None:
    """Fresh weights come from step 0 of the life's stream of initial draws: a permutation is luck of its own."""
    setup, genome = evolution_of("evolved")
    newborns = decode(setup.pool, genome[None])
    sizes = np.array([tensor.size for tensor in setup.pool.brain.tensors])
    permuted, _ = permute_weights(setup.pool, newborns, np.zeros(1, np.int64), KEYS[:1])
    rng = new_rng()
    from_step = {}
    for step in (0, 2):
        values = newborns.weights[0].copy()
        open_stream(rng, KEYS[0], INIT)
        at_step(rng, step)
        shuffle_blocks(values, sizes, rng)
        from_step[step] = values
    np.testing.assert_array_equal(permuted.weights[0], from_step[2])
    assert not np.array_equal(permuted.weights[0], from_step[0])


def test_carried_genes_are_the_slices_of_the_groups_that_are_inherited() -> None:
    setup, genome = evolution_of("evolved")
    pool, carried = transplanted(setup.pool, genome, "actor_critic", ArmPart(origin="evolved", drives="fitness"))
    assert pool.modes == {"weights": "evolved", "drives": "fixed", "plasticity": "evolved", "value": "evolved"}
    there, here = setup.pool.slices(), pool.slices()
    assert set(here) == {place for place in there if place[0] != "drives"}
    for place, where in here.items():
        np.testing.assert_array_equal(carried[where], genome[there[place]])


def test_plasticity_reset_is_the_published_one_not_the_start_of_the_config() -> None:
    setup, genome = evolution_of("evolved")
    assert setup.config.learner.plasticity["learning_rate"] != PUBLISHED["learning_rate"]
    part = ArmPart(origin="evolved", plasticity="published")
    pool, carried = transplanted(setup.pool, genome, "actor_critic", part)
    assert natural_values(pool, carried)["plasticity"] == pytest.approx(PUBLISHED, rel=1e-6)


def test_an_arm_without_origin_takes_nothing_of_any_genome() -> None:
    setup, genome = evolution_of("evolved")
    pool, carried = transplanted(setup.pool, genome, "actor_critic", ARMS["blank"])
    assert pool.size == 0
    assert carried.size == 0


def test_natural_values_fill_a_config_that_gives_them_back() -> None:
    """What tuned_blank lends reaches pretrained through a config file: no digit that matters is lost."""
    setup, genome = evolution_of("tuned_blank")
    lent = natural_values(setup.pool, genome)
    config = arm_config(run_config(), "pretrained", ARMS["pretrained"], {"tuned_blank": lent})
    pool = assemble(type(config).model_validate(config.model_dump(mode="json"))).pool
    born = decode(pool, pool.centre[None])
    original = decode(setup.pool, genome[None])
    np.testing.assert_allclose(born.drives, original.drives, rtol=1e-6)
    np.testing.assert_allclose(born.plasticity, original.plasticity, rtol=1e-6)


def test_an_extreme_discount_can_be_lent() -> None:
    """In single precision a discount next to 1 is 1, which no gene stands for."""
    setup, genome = evolution_of("tuned_blank")
    genome[setup.pool.slices()["plasticity", "discount"]] = 20.0
    lent = natural_values(setup.pool, genome)
    assert lent["plasticity"]["discount"] < 1.0
    assemble(arm_config(run_config(), "pretrained", ARMS["pretrained"], {"tuned_blank": lent}))


def test_settings_reach_the_arms_own_config_and_no_other() -> None:
    part = ARMS["evolved"].model_copy(
        update={"settings": {"search.population": 6, "search.options": {"symmetric": True}}}
    )
    config = arm_config(run_config(), "mine", part, {})
    assert config.search.population == 6
    assert config.search.options == {"symmetric": True}
    assert run_config().search.population == TOY["run"]["search"]["population"]


def test_who_is_taught_keeps_the_teacher_in_every_arm() -> None:
    config = read_config(find_config("sinusoid"))
    blank = arm_config(config, "blank", ARMS["blank"].model_copy(update={"origin": "own"}), {})
    assert blank.drives.weights == {"fitness": 0.0, "target": 1.0}
    pool = assemble(config).pool
    there, _ = transplanted(pool, pool.centre, "regression", ARMS["blank"])
    assert natural_values(there, there.centre)["drives"] == {"fitness": 0.0, "target": 1.0}


def test_a_setting_that_no_run_has_is_refused() -> None:
    part = ARMS["evolved"].model_copy(update={"settings": {"search.popluation": 6}})
    with pytest.raises(ConfigError, match=r"arm mine:\n  search.popluation=6: unknown key. Did you mean population\?"):
        arm_config(run_config(), "mine", part, {})


def test_an_arms_config_does_not_change_the_one_it_comes_from() -> None:
    config = run_config()
    before = copy.deepcopy(config.model_dump())
    dna = _pool_and_centre()
    lent = {"weights": born_weights(*dna), **natural_values(*dna)}
    for name, part in ARMS.items():
        if part.evolves:
            arm_config(config, name, part, dict.fromkeys(ARMS, lent))
    assert config.model_dump() == before


def _pool_and_centre():
    pool = assemble(run_config()).pool
    return pool, pool.centre
