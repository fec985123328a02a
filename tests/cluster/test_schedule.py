"""Cutting work into pieces, on a simulated cluster: a clock that is a number, and workers that are rows of a list."""

import contextlib
import dataclasses
import heapq
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from evolearn.cluster import Schedule
from evolearn.cluster.schedule import (
    CRASHES,
    HANDLING_SECONDS,
    LONGEST_SECONDS,
    PATIENCE,
    PATIENCE_SECONDS,
    SHORTEST_SECONDS,
    Hopeless,
)


@dataclasses.dataclass
class Simulated:
    """A cluster: workers take pieces in the order in which they were handed out."""

    costs: np.ndarray  # seconds of every unit
    workers: int
    slow: dict[int, float] = dataclasses.field(default_factory=dict)  # worker -> times as slow
    silent: frozenset[int] = frozenset()  # workers that never answer
    crash: frozenset[int] = frozenset()  # numbers of pieces whose worker crashes, counted as they begin
    lose: frozenset[int] = frozenset()  # numbers of pieces that are lost with their host

    def do(self, schedule: Schedule) -> "Simulated":
        """Until all is done; then `times`, `pieces`, `seconds` say how it went."""
        self.times = np.zeros(len(self.costs), int)  # that a unit counted
        self.pieces: list[tuple[int, int]] = []
        self.seconds: float | None = None
        now, began = 0.0, 0
        waiting: list = []
        free = list(range(self.workers))
        events: list = []  # (time, number, worker, piece, how it ends)
        while not schedule.is_done:
            while schedule.has_room(self.workers, now) and (piece := schedule.next_piece(self.workers, now)):
                waiting.append(piece)
                self.pieces.append((piece.first, piece.last))
            while waiting and free:
                worker, piece = free.pop(0), waiting.pop(0)
                seconds = float(self.costs[piece.first : piece.last].sum()) * self.slow.get(worker, 1.0)
                end = "crashed" if began in self.crash else "lost" if began in self.lose else "done"
                if worker not in self.silent:
                    heapq.heappush(events, (now + seconds, began, worker, piece, end, seconds))
                began += 1
            # The driver looks at its clock now and then, as the spreader does.
            tick = now + 0.2
            if not events or events[0][0] > tick:
                now = tick
                assert now < 1e5, "nothing is under way and work is left"
                continue
            now, _, worker, piece, end, seconds = heapq.heappop(events)
            free.append(worker)
            if end == "done":
                self.times[piece.first : piece.last] += schedule.finished(piece, seconds)
            else:
                schedule.lost(piece, crashed=end == "crashed")
        self.seconds = now
        return self


some_numbers = st.frozensets(st.integers(0, 30), max_size=6)


@given(
    units=st.integers(0, 200),
    workers=st.integers(1, 9),
    prior=st.sampled_from([None, 0.001, 0.1, 3.0]),
    largest=st.sampled_from([None, 1, 7]),
    crash=some_numbers,
    lose=some_numbers,
    slow=st.dictionaries(st.integers(0, 8), st.sampled_from([2.0, 500.0]), max_size=3),
)
def test_every_unit_counts_exactly_once_whatever_is_lost_and_copied(
    units, workers, prior, largest, crash, lose, slow
) -> None:
    costs = np.random.default_rng(units).uniform(0.01, 1.0, units)
    simulated = Simulated(costs, workers, slow, crash=crash, lose=lose)
    if len(crash) < CRASHES:
        simulated.do(Schedule(units, prior, largest))
    else:
        with contextlib.suppress(Hopeless):
            simulated.do(Schedule(units, prior, largest))
        if simulated.seconds is None:
            return
    assert (simulated.times == 1).all()
    if largest is not None:
        assert all(last - first <= largest for first, last in simulated.pieces)


def test_nothing_to_do_is_done() -> None:
    assert Schedule(0).is_done


def test_the_first_piece_of_unknown_work_is_a_single_unit() -> None:
    schedule = Schedule(1000)
    piece = schedule.next_piece(4, 0.0)
    assert (piece.first, piece.last) == (0, 1)
    schedule.finished(piece, 0.01)
    assert schedule.next_piece(4, 0.01).units > 1


@pytest.mark.parametrize("unit", [0.0005, 0.02, 0.3])
def test_pieces_take_about_the_right_time_and_shrink_towards_the_end(unit: float) -> None:
    units = int(120 / unit)
    simulated = Simulated(np.full(units, unit), 4).do(Schedule(units, unit))
    sizes = np.array([last - first for first, last in simulated.pieces])
    assert sizes[0] * unit == pytest.approx(LONGEST_SECONDS, rel=0.1)
    assert (np.diff(sizes) <= 0).all()
    assert sizes[:-1].min() * unit == pytest.approx(max(SHORTEST_SECONDS, unit), rel=0.1)


def test_pieces_follow_what_was_measured_rather_than_what_was_expected() -> None:
    schedule = Schedule(100_000, seconds_per_unit=0.001)
    first = schedule.next_piece(2, 0.0)
    schedule.finished(first, first.units * 0.01)
    assert schedule.seconds_per_unit == pytest.approx(0.01)
    assert schedule.next_piece(2, 1.0).units * 0.01 == pytest.approx(LONGEST_SECONDS, rel=0.1)


def test_many_workers_get_pieces_that_the_driver_can_keep_up_with() -> None:
    schedule = Schedule(100_000_000, 0.001)
    assert schedule.next_piece(1000, 0.0).units * 0.001 >= 2.0  # 1,000 workers x 2 ms


def test_a_straggler_is_copied_and_whoever_is_first_counts() -> None:
    costs = np.full(200, 0.05)
    schedule = Schedule(200, 0.05)
    simulated = Simulated(costs, 4, slow={0: 1000.0}).do(schedule)
    assert schedule.copies >= 1
    assert (simulated.times == 1).all()
    assert simulated.seconds < 20.0  # the straggler alone needs minutes


def test_nothing_is_copied_while_all_goes_well() -> None:
    schedule = Schedule(500, 0.05)
    Simulated(np.random.default_rng(0).uniform(0.02, 0.08, 500), 4).do(schedule)
    assert schedule.copies == schedule.retries == 0


def test_pieces_that_a_silent_host_sits_on_are_copied_even_if_it_has_them_all() -> None:
    schedule = Schedule(40, 0.1)
    sat_on = []
    while schedule.has_room(2, 0.0):
        sat_on.append(schedule.next_piece(2, 0.0))
    assert not schedule.has_room(2, 0.5)
    assert schedule.has_room(2, 60.0)
    done = np.zeros(40, int)
    while not schedule.is_done:
        piece = schedule.next_piece(2, 60.0)
        done[piece.first : piece.last] += schedule.finished(piece, 0.1 * piece.units)
    assert (done == 1).all()
    for piece in sat_on:  # it wakes up
        assert not schedule.finished(piece, 60.0).any()


def test_copies_become_rare_if_nobody_ever_answers() -> None:
    schedule = Schedule(40, 0.1)
    handed = 0
    for now in np.arange(0.0, 3600.0, 0.2):
        while schedule.has_room(2, now) and schedule.next_piece(2, now) is not None:
            handed += 1
    assert handed < 300


def test_what_is_overdue_is_copied_at_once_when_a_host_is_known_to_be_gone() -> None:
    schedule = Schedule(4, 0.1)
    pieces = [schedule.next_piece(4, 0.0) for _ in range(4)]
    assert all(pieces)
    copies = list(itertools.takewhile(lambda piece: piece, (schedule.next_piece(4, 10.0) for _ in range(9))))
    assert len(copies) == 4
    assert schedule.next_piece(4, 12.0) is None
    schedule.try_again(12.0)
    assert schedule.next_piece(4, 12.0) is not None


def test_a_crash_cuts_the_piece_in_two_and_narrows_down_to_the_culprit() -> None:
    schedule = Schedule(64, 0.01)
    crashes = 0

    def do_next() -> None:
        nonlocal crashes
        piece = schedule.next_piece(1, 0.0)
        if piece.first <= 37 < piece.last:
            crashes += 1
            schedule.lost(piece, crashed=True)
        else:
            schedule.finished(piece, 0.01)

    with pytest.raises(Hopeless) as caught:
        list(iter(do_next, "never"))
    assert caught.value.unit == 37
    assert caught.value.crashes == CRASHES, "those of larger pieces do not count against it"
    assert crashes == 5 + CRASHES  # halvings of 64, of which the first piece has half; then alone


def test_a_single_unit_is_given_up_after_so_many_crashes_and_never_for_lost_hosts() -> None:
    schedule = Schedule(1, 0.01)
    for _ in range(10):
        schedule.lost(schedule.next_piece(1, 0.0), crashed=False)
    for _ in range(CRASHES - 1):
        schedule.lost(schedule.next_piece(1, 0.0), crashed=True)
    with pytest.raises(Hopeless, match=f"unit 0: {CRASHES} workers died"):
        schedule.lost(schedule.next_piece(1, 0.0), crashed=True)
    assert schedule.retries == 10 + CRASHES - 1


@pytest.mark.parametrize("workers", [1, 2, 4, 16])
@pytest.mark.parametrize("spread", ["even", "mixed", "long at the end"])
def test_workers_end_together_whatever_units_cost(workers: int, spread: str) -> None:
    """Makespan against the lower bound, total work / workers, for 5 s of work per worker in 400 units each."""
    units = 400 * workers
    rng = np.random.default_rng(workers)
    costs = {
        "even": np.ones(units),
        "mixed": rng.exponential(1.0, units),
        "long at the end": np.where(np.arange(units) < 0.9 * units, 1.0, 3.0),
    }[spread]
    costs *= 5.0 * workers / costs.sum()
    simulated = Simulated(costs, workers).do(Schedule(units, float(costs.mean())))
    assert simulated.seconds < 5.0 * 1.08


def test_little_work_is_shared_by_many_workers_all_the_same() -> None:
    """1,000 workers and 10 s of work: pieces must not be as long as the driver needs to get round all workers."""
    schedule = Schedule(1_000, 0.01)
    piece = schedule.next_piece(1_000, 0.0)
    assert piece.units * 0.01 <= math.sqrt(10.0 * HANDLING_SECONDS) + 0.01 < 1_000 * HANDLING_SECONDS


def test_a_copy_whose_worker_dies_is_done_again_although_the_silent_original_is_out() -> None:
    schedule = Schedule(1, 1.0)
    schedule.next_piece(2, 0.0)  # never comes back
    copy = schedule.next_piece(2, 100.0)
    assert (copy.first, copy.last, schedule.copies) == (0, 1, 1)
    schedule.lost(copy, crashed=True)
    again = schedule.next_piece(2, 101.0)
    assert again is not None
    schedule.finished(again, 1.0)
    assert schedule.is_done


def test_waiting_behind_others_is_not_lateness() -> None:
    schedule = Schedule(40, 1.0, largest=1)
    for _ in range(20):
        schedule.next_piece(1, 0.0)
    first = PATIENCE + PATIENCE_SECONDS
    assert schedule.busy(first + 0.5)[0] == 19, "only the first should be done by now"
