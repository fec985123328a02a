"""Test lives as a tidy table, and back: a row per condition, arm, evolution run, life and age bin.

The columns of `lives.parquet`:

    condition, arm     names
    run                number of the evolution run
    life               number of the life within the run; the same life for every arm. Where evolution selects on a set
                       of births (world.set), the second half of them is lived on seen ones
    learning           whether learning was on as far as the arm learns; false: the lives of the birth score
    lifetime           world steps that the life was to last
    age_bin            number of the age bin, from 0
    age                world steps since birth at the end of the bin
    score              mean fitness per step of the bin
    birth_score        birth score of the life by the world's rule: where termination is a death, of its first body
                       alone, while all else in the row is of all its bodies; null where learning was on
    deaths             episodes terminated in the bin
    returns, episodes  sum of the returns of the episodes that ended in the bin, and how many did
    open_return        return so far of the episode that went on at the bin's end
    lived              world steps lived in the whole life: less than lifetime if its brain left the finite numbers
    taught             of these, steps in which a teacher was asked or watched

A lineage is one life that goes on over its cultural generations: its age runs on, and its score is the mean of the
siblings of that age. Counted in `deaths`, `episodes`, `lived` and `taught`, and summed in `returns`, are all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from evolearn.files import explained, whole_file, write_whole
from evolearn.life import Outcome, Plan, empty_outcome, life_fitness, score, steps_of
from evolearn.run import ever_scored, running_score, window_score
from evolearn.verdict import ArmLives

FloatArray = npt.NDArray[np.float64]

COLUMNS = pa.schema(
    [
        ("condition", pa.dictionary(pa.int32(), pa.string())),
        ("arm", pa.dictionary(pa.int32(), pa.string())),
        ("run", pa.int32()),
        ("life", pa.int32()),
        ("learning", pa.bool_()),
        ("lifetime", pa.int64()),
        ("age_bin", pa.int32()),
        ("age", pa.int64()),
        ("score", pa.float64()),
        ("birth_score", pa.float64()),
        ("deaths", pa.int64()),
        ("returns", pa.float64()),
        ("episodes", pa.int64()),
        ("open_return", pa.float64()),
        ("lived", pa.int64()),
        ("taught", pa.int64()),
    ]
)

BEFORE_TEACHERS = COLUMNS.remove(COLUMNS.get_field_index("taught"))  # of files that an older evolearn wrote
ROW_BYTES, SLACK = 200, 1 << 20  # that a row takes unpacked at most; and pages and names, of a whole file


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """What the test lives of one evolution run came to: with learning off, and as the arm lives."""

    birth_plan: Plan  # of one age bin
    birth: Outcome  # [L, 1]
    birth_score: FloatArray  # [L], see `evolearn.life.births_in`
    plan: Plan
    outcome: Outcome  # [L, ..]
    no_dna: str | None = None  # why there is no DNA that could have lived them: none was lived
    siblings: int = 1  # in each generation of `outcome`, whose rows are lineages if there are several

    def part(self, rows: slice) -> HeldOut:
        """Some of the lives."""
        birth, outcome = (Outcome(*(array[rows] for array in whole)) for whole in (self.birth, self.outcome))
        return dataclasses.replace(self, birth=birth, birth_score=self.birth_score[rows], outcome=outcome)

    @property
    def ended_early(self) -> npt.NDArray[np.bool_]:
        """Lives [L] that left the finite numbers; of lineages those in which somebody did."""
        return np.asarray(self.outcome.age < self.siblings * self.plan.lifetime)

    @property
    def steps(self) -> dict[bool, int]:
        """World steps, those of teachers included, by whether learning was on."""
        return {False: steps_of(self.birth), True: steps_of(self.outcome)}


def unlived(lives: int, birth_steps: int, plan: Plan, why: str) -> HeldOut:
    """What there is to judge of a run that has no DNA: lives that left the finite numbers before their first step.

    Args:
        lives: that it was to live, L.
        birth_steps: window of the birth score, world steps.
        plan: of the lives.
        why: there is no DNA.
    """
    birth_plan = Plan(birth_steps, bin_steps=birth_steps)
    births, outcome = empty_outcome(lives, birth_plan, 0, 0), empty_outcome(lives, plan, 0, 0)
    return HeldOut(birth_plan, births, np.zeros(lives), plan, outcome, why)


def tabulate(condition: str, arm: str, run: int, held_out: HeldOut) -> pa.Table:
    """The rows of one evolution run."""
    births = _rows(condition, arm, run, held_out.birth_plan, held_out.birth, held_out.birth_score)
    return pa.concat_tables([births, _rows(condition, arm, run, held_out.plan, held_out.outcome, None)])


def _rows(condition: str, arm: str, run: int, plan: Plan, outcome: Outcome, birth_score: FloatArray | None) -> pa.Table:
    lives, bins = outcome.fitness.shape
    count = lives * bins
    ends = np.minimum((np.arange(bins) + 1) * plan.bin_size, plan.lifetime)
    sizes = np.diff(ends, prepend=0)
    columns = {
        "condition": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [condition]),
        "arm": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [arm]),
        "run": np.full(count, run, np.int32),
        "life": np.repeat(np.arange(lives, dtype=np.int32), bins),
        "learning": np.full(count, birth_score is None),
        "lifetime": np.full(count, plan.lifetime),
        "age_bin": np.tile(np.arange(bins, dtype=np.int32), lives),
        "age": np.tile(ends, lives),
        "score": (outcome.fitness / sizes).ravel(),
        "birth_score": pa.nulls(count, pa.float64()) if birth_score is None else birth_score,
        "deaths": outcome.deaths.ravel(),
        "returns": outcome.finished_return.ravel(),
        "episodes": outcome.finished.ravel(),
        "open_return": outcome.open_return.ravel(),
        "lived": np.repeat(outcome.age, bins),
        "taught": np.repeat(outcome.taught, bins),
    }
    return pa.table(columns, schema=COLUMNS)


def read_held_out(table: pa.Table) -> HeldOut:
    """The inverse of `tabulate`, as far as scores need it.

    Args:
        table: the rows of one evolution run.
    Raises:
        ValueError: rows or birth scores are missing.
    """
    learning = table["learning"].to_numpy()
    births = table.filter(pa.array(~learning))
    birth_plan, birth = _outcome(births)
    plan, outcome = _outcome(table.filter(pa.array(learning)))
    if births["birth_score"].null_count:
        raise ValueError("birth_score is missing: an older evolearn wrote the file")
    return HeldOut(birth_plan, birth, births["birth_score"].to_numpy(), plan, outcome)


def _outcome(table: pa.Table) -> tuple[Plan, Outcome]:
    if not table.num_rows:
        raise ValueError("no rows")
    bins = int(table["age_bin"].to_numpy().max()) + 1
    lifetime = int(table["lifetime"][0].as_py())
    ends = table["age"].to_numpy()[:bins]
    plan = Plan(lifetime, bin_steps=int(ends[0]))
    lives, rest = divmod(table.num_rows, bins)
    if rest or plan.bins != bins:
        raise ValueError(f"{table.num_rows} rows are not whole lives of {plan.bins} age bins")

    def column(name: str) -> np.ndarray:
        return np.array(table[name].to_numpy()).reshape(lives, bins)

    outcome = empty_outcome(lives, plan, 0, 0)._replace(
        fitness=column("score") * np.diff(ends, prepend=0),
        deaths=column("deaths"),
        finished_return=column("returns"),
        finished=column("episodes"),
        open_return=column("open_return"),
        age=column("lived")[:, 0],
        taught=column("taught")[:, 0],
    )
    return plan, outcome


def arm_lives(
    arm: str,
    runs: Sequence[HeldOut],
    rule: str,
    lifetimes: Sequence[int],
    birth_steps: int,
    termination_is_death: bool = False,
    window_after: tuple[int, int] | None = None,
    has_seen: bool = False,
    asks_ever: bool = False,
) -> ArmLives:
    """The scores of an arm's test lives.

    Args:
        arm: its name.
        runs: of each evolution run, the same number of lives in each.
        rule: of the world's fitness.
        lifetimes: evaluation lifetimes, world steps, ascending; a life longer than the longest has its own only.
        birth_steps: window of birth and running scores, world steps.
        termination_is_death: as the world declares.
        window_after: age and width of the window of that name, world steps; None: there is none.
        has_seen: whether the second half of each run's lives is born where evolution selected.
        asks_ever: whether somebody wants to know which lives ever scored.
    """
    seen: Sequence[HeldOut] = ()
    if has_seen:
        half = len(runs[0].birth_score) // 2
        runs, seen = ([run.part(rows) for run in runs] for rows in (slice(half), slice(half, None)))
    plan = runs[0].plan
    ages = tuple(lifetimes) if plan.lifetime == max(lifetimes) else (plan.lifetime,)
    window = max(1, birth_steps // plan.bin_size)
    whole_bins = plan.lifetime // plan.bin_size
    whole_window = window_after is not None and all(steps % plan.bin_size == 0 for steps in window_after)
    quarter = plan.bins - max(1, round(plan.bins / 4))
    return ArmLives(
        arm=arm,
        birth=np.stack([run.birth_score for run in runs]),
        birth_reborn=np.stack([life_fitness(run.birth, rule, run.birth_plan) for run in runs])
        if termination_is_death
        else None,
        birth_deaths=np.stack([run.birth.deaths[:, 0].astype(np.float64) for run in runs])
        if termination_is_death
        else None,
        running=np.stack([running_score(run.outcome, rule, plan, window) for run in runs])[
            :, :, : whole_bins - window + 1
        ],
        ages=(np.arange(whole_bins - window + 1) + window) * plan.bin_size,
        ceiling=np.stack([score(run.outcome, rule, quarter, plan.bins, plan) for run in runs]),
        totals=np.stack(
            [
                np.stack([score(run.outcome, rule, 0, -(-age // plan.bin_size), plan) for age in ages], axis=1)
                for run in runs
            ]
        ),
        lifetimes=ages,
        # the one end of a life before its time that is no fault
        birth_diverged=np.stack([run.birth.age < run.birth_plan.lifetime for run in runs]),
        diverged=np.stack([run.ended_early for run in runs]),
        deaths=np.stack([run.outcome.deaths.sum(axis=1) / run.siblings for run in runs]),
        ever=np.stack([ever_scored(run.outcome) for run in runs]) if asks_ever else None,
        window_after=np.stack([window_score(run.outcome, rule, plan, *window_after) for run in runs])
        if window_after is not None and whole_window
        else None,
        birth_seen=np.stack([run.birth_score for run in seen]) if seen else None,
        total_seen=np.stack([life_fitness(run.outcome, rule, plan) for run in seen]) if seen else None,
        seen_diverged=np.stack([(run.birth.age < run.birth_plan.lifetime) | run.ended_early for run in seen])
        if seen
        else None,
        no_dna={place: run.no_dna for place, run in enumerate(runs) if run.no_dna is not None},
    )


def write_table(table: pa.Table, path: Path) -> bytes:
    """Write rows as parquet, whole or not at all; the bytes of the file."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    payload: bytes = buffer.getvalue().to_pybytes()
    with explained(path.parent):
        write_whole(path, payload)
    return payload


def parse_table(payload: bytes, rows: int) -> pa.Table:
    """Rows from the bytes of a file.

    Args:
        payload: of the file.
        rows: that it must have; nothing is unpacked where its header says another number.
    Raises:
        ValueError: it is no such file.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(payload))
        untaught = file.schema_arrow.equals(BEFORE_TEACHERS)
        if not (untaught or file.schema_arrow.equals(COLUMNS)):
            raise ValueError("has other columns than test lives have")
        if file.metadata.num_rows != rows:
            raise ValueError(f"has {file.metadata.num_rows} rows, must have {rows}")
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > rows * ROW_BYTES + SLACK:
            raise ValueError(f"would unpack to more than {rows} rows take")
        table = file.read()
        return table.append_column(COLUMNS.field("taught"), pa.array(np.zeros(rows, np.int64))) if untaught else table
    except (OSError, pa.ArrowException, OverflowError, UnicodeDecodeError, MemoryError) as error:
        raise ValueError(str(error)) from error


def join_tables(parts: Iterable[pa.Table], path: Path) -> None:
    """Write one table of many, part by part, so that memory holds one."""
    with (
        explained(path.parent),
        whole_file(path) as file,
        pq.ParquetWriter(file, COLUMNS, compression="zstd") as writer,
    ):
        for part in parts:
            writer.write_table(part)
