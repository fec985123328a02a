"""Test lives through a table and back: the same scores as from the lives themselves."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evolearn.study._held_out
from evolearn.life import Plan, life_fitness, score
from evolearn.run import running_score
from evolearn.run.scores import prefix_scores
from evolearn.study._held_out import (
    COLUMNS,
    HeldOut,
    arm_lives,
    join_tables,
    parse_table,
    read_held_out,
    tabulate,
    write_table,
)
from evolearn.world import MEAN_PER_STEP, MEAN_RETURN_PER_EPISODE
from tests.helpers.held_out_lives import BIRTH, LONG, held_out, made_up

RULES = [MEAN_PER_STEP, MEAN_RETURN_PER_EPISODE]


def as_parquet(table: pa.Table) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue().to_pybytes()


def cut_off() -> bytes:
    return as_parquet(tabulate("alpha 0", "evolved", 1, held_out()))[:-50]


def other_columns() -> bytes:
    """Without them the score of all bodies would pass for that of the first."""
    return as_parquet(tabulate("alpha 0", "evolved", 1, held_out()).drop_columns(["birth_score"]))


def bomb() -> bytes:
    """A few kilobytes that unpack to many."""
    one = tabulate("alpha 0", "evolved", 1, held_out()).slice(0, 1)
    return as_parquet(one.take(pa.array(np.zeros(1_000_000, np.int64))))


def _fails() -> Iterator[pa.Table]:
    yield tabulate("alpha 0", "evolved", 1, held_out())
    raise ValueError("no lives")


def through_a_file(original: HeldOut, path: Path) -> HeldOut:
    table = tabulate("alpha 0", "evolved", 1, original)
    return read_held_out(parse_table(write_table(table, path), table.num_rows))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("lifetime", [160, 150], ids=["whole bins", "a last bin that is shorter"])
def test_scores_read_back_are_those_of_the_lives(rule: str, lifetime: int, tmp_path: Path) -> None:
    plan = Plan(lifetime, bin_steps=20)
    runs = [held_out(seed, plan) for seed in range(3)]
    read = [through_a_file(run, tmp_path / f"{number}.parquet") for number, run in enumerate(runs)]
    found = arm_lives("evolved", read, rule, (80, lifetime), 40)
    for number, run in enumerate(runs):
        close = dict(rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(found.birth[number], run.birth_score)
        whole = lifetime // 20
        expected = running_score(run.outcome, rule, plan, 2)[:, : whole - 1]
        np.testing.assert_allclose(found.running[number], expected, **close)
        totals = [score(run.outcome, rule, 0, 4, plan), life_fitness(run.outcome, rule, plan)]
        np.testing.assert_allclose(found.totals[number], np.stack(totals, axis=1), **close)
        np.testing.assert_allclose(found.ceiling[number], score(run.outcome, rule, 6, 8, plan), **close)
        np.testing.assert_array_equal(found.deaths[number], run.outcome.deaths.sum(axis=1))
    np.testing.assert_array_equal(found.ages, 20 * np.arange(2, lifetime // 20 + 1))
    assert found.lifetimes == (80, lifetime)
    assert found.birth.shape == (3, 4)
    assert (found.birth_reborn, found.birth_deaths) == (None, None), "termination is no death: the same twice"


@pytest.mark.parametrize("rule", RULES)
def test_where_termination_is_a_death_all_bodies_of_the_window_are_scored_beside_the_first(
    rule: str, tmp_path: Path
) -> None:
    runs = [held_out(seed) for seed in range(3)]
    read = [through_a_file(run, tmp_path / f"{number}.parquet") for number, run in enumerate(runs)]
    found = arm_lives("evolved", read, rule, (80, 160), 40, termination_is_death=True)
    for number, run in enumerate(runs):
        np.testing.assert_array_equal(found.birth[number], run.birth_score)
        np.testing.assert_allclose(found.birth_reborn[number], life_fitness(run.birth, rule, BIRTH), rtol=1e-12)
        np.testing.assert_array_equal(found.birth_deaths[number], run.birth.deaths[:, 0])
    assert not np.allclose(found.birth, found.birth_reborn)


def test_the_mean_per_step_of_a_life_by_hand(tmp_path: Path) -> None:
    """A diverged life earns nothing for the steps that it did not live."""
    original = held_out()
    original.outcome.fitness[:] = 10.0
    original.outcome.fitness[-1, 3:] = 0.0  # it ended at 50: three bins of 20 were begun
    read = through_a_file(original, tmp_path / "lives.parquet")
    found = arm_lives("evolved", [read], MEAN_PER_STEP, (40, 160), 40)
    np.testing.assert_allclose(found.totals[0, 0], [0.5, 0.5])
    np.testing.assert_allclose(found.totals[0, -1], [20 / 40, 30 / 160])
    np.testing.assert_allclose(found.ceiling[0], [0.5, 0.5, 0.5, 0.0])


def test_the_mean_return_of_a_life_by_hand(tmp_path: Path) -> None:
    original = held_out(lives=2)
    for field in ("finished", "finished_return", "open_return"):
        getattr(original.outcome, field)[:] = 0
    # Two episodes in bin 1, worth 3 and 5; at the end one goes on that has earned 10 already.
    original.outcome.finished[0, 1], original.outcome.finished_return[0, 1] = 2, 8.0
    original.outcome.open_return[0, -1] = 10.0
    # The brain diverged at 50, in bin 2, within its first episode.
    original.outcome.open_return[1, 2] = 7.0
    read = through_a_file(original, tmp_path / "lives.parquet")
    found = arm_lives("evolved", [read], MEAN_RETURN_PER_EPISODE, (40, 160), 40)
    np.testing.assert_allclose(found.totals[0, 0], [4.0, 6.0], err_msg="the open one is better than their mean")
    np.testing.assert_allclose(found.totals[0, 1, 1], 7.0)


@pytest.mark.parametrize("rule", RULES)
def test_all_lifetimes_are_prefixes_of_the_same_lives(rule: str, tmp_path: Path) -> None:
    original = held_out()
    read = through_a_file(original, tmp_path / "lives.parquet")
    found = arm_lives("evolved", [read], rule, (80, 120, 160), 40)
    means = prefix_scores(original.outcome, rule, LONG, (80, 120, 160)).mean(axis=0)
    np.testing.assert_allclose(found.totals[0].mean(axis=0), means, rtol=1e-12)


def test_one_long_life_has_its_own_lifetime_and_wider_windows(tmp_path: Path) -> None:
    plan = Plan(800, bin_steps=40)
    run = HeldOut(BIRTH, made_up(BIRTH, 1, 1), np.zeros(1), plan, made_up(plan, 1, 2))
    found = arm_lives("long_blank", [through_a_file(run, tmp_path / "long.parquet")], MEAN_PER_STEP, (80, 160), 40)
    assert found.lifetimes == (800,)
    assert found.totals.shape == (1, 1, 1)
    np.testing.assert_array_equal(found.ages, 40 * np.arange(1, 21))
    wide = Plan(800, bin_steps=80)
    run = HeldOut(BIRTH, made_up(BIRTH, 1, 1), np.zeros(1), wide, made_up(wide, 1, 2))
    found = arm_lives("long_blank", [through_a_file(run, tmp_path / "wide.parquet")], MEAN_PER_STEP, (80, 160), 40)
    np.testing.assert_array_equal(found.ages, 80 * np.arange(1, 11), err_msg="a window is one bin at least")


def test_columns_are_those_that_are_documented(tmp_path: Path) -> None:
    write_table(tabulate("alpha 0", "evolved", 1, held_out()), tmp_path / "lives.parquet")
    schema = pq.read_schema(tmp_path / "lives.parquet")
    assert schema.names == COLUMNS.names
    documented = evolearn.study._held_out.__doc__.split("`lives.parquet`:")[1]
    for name in schema.names:
        assert name in documented, name
    for asked in ("condition", "arm", "run", "life", "lifetime", "age_bin", "score", "deaths"):
        assert asked in schema.names


def test_a_row_says_what_happened_in_one_bin_of_one_life() -> None:
    original = held_out()
    table = tabulate("alpha 0", "evolved", 1, original)
    rows = table.to_pylist()
    assert len(rows) == 4 * 1 + 4 * 8
    assert [row["learning"] for row in rows] == [False] * 4 + [True] * 32
    birth, row = rows[2], rows[4 + 2 * 8 + 5]
    assert (birth["life"], birth["lifetime"], birth["age_bin"], birth["age"]) == (2, 40, 0, 40)
    assert (row["condition"], row["arm"], row["run"], row["life"]) == ("alpha 0", "evolved", 1, 2)
    assert (row["lifetime"], row["age_bin"], row["age"]) == (160, 5, 120)
    assert row["score"] == pytest.approx(original.outcome.fitness[2, 5] / 20)
    assert (birth["birth_score"], row["birth_score"]) == (original.birth_score[2], None)
    assert row["deaths"] == original.outcome.deaths[2, 5]
    assert row["episodes"] == original.outcome.finished[2, 5]
    assert row["returns"] == original.outcome.finished_return[2, 5]
    assert row["open_return"] == original.outcome.open_return[2, 5]
    assert [rows[4 + life * 8]["lived"] for life in range(4)] == [160, 160, 160, 50]


def test_world_steps_lived_survive_the_file(tmp_path: Path) -> None:
    original = held_out()
    read = through_a_file(original, tmp_path / "lives.parquet")
    assert read.steps == original.steps == {False: 3 * 40 + 35, True: 3 * 160 + 50}
    assert (read.plan.lifetime, read.plan.bin_size) == (160, 20)
    assert dataclasses.astuple(read.birth_plan)[0] == 40


def test_joined_tables_hold_the_rows_of_their_parts_in_order(tmp_path: Path) -> None:
    parts = [tabulate(f"condition {run % 2}", "evolved", run, held_out(run)) for run in range(3)]
    join_tables(parts, tmp_path / "all.parquet")
    rows = parse_table((tmp_path / "all.parquet").read_bytes(), 3 * 36).to_pylist()
    assert rows == [row for part in parts for row in part.to_pylist()]
    assert {row["run"]: row["condition"] for row in rows} == {0: "condition 0", 1: "condition 1", 2: "condition 0"}
    once = (tmp_path / "all.parquet").read_bytes()
    join_tables(parts, tmp_path / "all.parquet")
    assert (tmp_path / "all.parquet").read_bytes() == once, "byte for byte"


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda table: table.slice(0, 4), "no rows"),
        (lambda table: table.slice(4), "no rows"),
        (lambda table: table.slice(0, 30), "26 rows are not whole lives of 8 age bins"),
    ],
    ids=["long lives missing", "births missing", "cut off"],
)
def test_missing_rows_are_told(damage, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_held_out(damage(tabulate("alpha 0", "evolved", 1, held_out())))


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", "0 bytes|too small"),
        (b"PAR1 no more", "footer|magic|too small"),
        (cut_off(), "footer|magic|end of"),
        (other_columns(), "has other columns than test lives have"),
        (as_parquet(tabulate("alpha 0", "evolved", 1, held_out(lives=3))), "has 27 rows, must have 36"),
        (bomb(), "has 1000000 rows, must have 36"),
    ],
    ids=["empty", "garbage", "cut off", "an older evolearn's", "other lives", "a bomb"],
)
def test_what_are_no_test_lives_is_told_before_it_is_unpacked(payload: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_table(payload, 36)


def test_every_bit_of_a_file_is_read_as_something_or_told() -> None:
    """Nothing but a ValueError comes of damage, wherever it is."""
    payload = as_parquet(tabulate("alpha 0", "evolved", 1, held_out()))
    random = np.random.default_rng(0)
    for place in random.choice(len(payload), 300, replace=False):
        damaged = bytearray(payload)
        damaged[place] ^= 1 << random.integers(8)
        with contextlib.suppress(ValueError):
            read_held_out(parse_table(bytes(damaged), 36))


def test_a_join_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no lives"):
        join_tables(_fails(), tmp_path / "all.parquet")
    assert list(tmp_path.iterdir()) == []


def test_lives_on_seen_births_are_scored_apart_from_the_others() -> None:
    runs = [held_out(seed, lives=8) for seed in range(2)]
    alone = [run.part(slice(4)) for run in runs]
    found = arm_lives("evolved", runs, MEAN_PER_STEP, (80, 160), 40, has_seen=True)
    expected = arm_lives("evolved", alone, MEAN_PER_STEP, (80, 160), 40)
    for name in ("birth", "running", "ceiling", "totals", "deaths", "diverged", "birth_diverged"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert expected.birth_seen is None
    assert expected.total_seen is None
    np.testing.assert_array_equal(found.birth_seen, [run.birth_score[4:] for run in runs])
    totals = [life_fitness(run.outcome, MEAN_PER_STEP, run.plan)[4:] for run in runs]
    np.testing.assert_array_equal(found.total_seen, totals)
    assert found.seen_diverged.tolist() == [[False, False, False, True]] * 2
    assert not found.diverged.any()


def test_a_window_is_scored_by_its_own_bins_alone() -> None:
    outcome = made_up(LONG, 3, 0)._replace(fitness=np.tile(np.arange(8.0), (3, 1)), age=np.full(3, 160))
    run = HeldOut(BIRTH, made_up(BIRTH, 3, 1), np.zeros(3), LONG, outcome)
    found = arm_lives("evolved", [run], MEAN_PER_STEP, (160,), 40, window_after=(60, 40))
    assert found.window_after.tolist() == [[(3.0 + 4.0) / 40] * 3]
    assert found.ever is None
    longer = arm_lives("evolved", [run], MEAN_PER_STEP, (160,), 40, window_after=(50, 40))
    assert longer.window_after is None, "bins of 20 steps do not tell what happened from 50 on"


def test_a_life_has_ever_scored_if_some_bin_is_above_nothing() -> None:
    fitness = np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.1, 0.0], [-1.0, 0.0, -2.0, 0.0], [-1.0, 1.0, 0.0, -5.0]])
    plan = Plan(80, bin_steps=20)
    outcome = made_up(plan, 4, 0)._replace(fitness=fitness, age=np.full(4, 80))
    run = HeldOut(BIRTH, made_up(BIRTH, 4, 1), np.zeros(4), plan, outcome)
    found = arm_lives("evolved", [run], MEAN_PER_STEP, (80,), 40, asks_ever=True)
    assert found.ever.tolist() == [[0.0, 1.0, 0.0, 1.0]]
