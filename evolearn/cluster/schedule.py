"""How work is cut into pieces for many workers: sizes from measured seconds, finer towards the end, lost ones again.

Work is `units` alike things to do, a life each, say. A piece is a range of them that one worker does in one go. This
file knows neither clock nor cluster: whoever drives it says what time it is and what became of a piece. So the same
code runs a cluster and is simulated (`benchmarks/scaling.py`).

Sizes follow guided self-scheduling (Polychronopoulos and Kuck 1987) with the factor of factoring (Hummel, Schonberg
and Flynn 1992): a piece takes its share of half of what is left, so that pieces shrink and all workers end together.
A piece that is long overdue while workers stand idle is done a second time by others, whoever is first counts
(backup tasks, Dean and Ghemawat 2004, section 3.6); that is safe here since a unit gives the same bits wherever it is
done.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import deque

import numpy as np

HANDLING_SECONDS = 0.002  # that the driver spends on a piece at most: handing out, taking back (cluster/SCALING.md)
SHORTEST_SECONDS = 0.1  # that a piece should take, so that handling it costs little
LONGEST_SECONDS = 10.0  # a lost piece costs no more than this, and the display moves
SPLIT = 2  # a piece takes 1 / (SPLIT x workers) of what is left
QUEUED = 0.5  # pieces waiting per worker, so that none waits for the driver
PATIENCE = 4.0  # a piece is overdue after so many times what was expected ..
PATIENCE_SECONDS = 2.0  # .. and these seconds
LOOK_EVERY = 0.1  # seconds between two looks at what is overdue
CRASHES = 3  # that a single unit may cause before it is given up


@dataclasses.dataclass
class Piece:
    """Units `first` .. `last` - 1, handed to a worker."""

    first: int
    last: int
    crashes: int = 0  # workers that died while they did this one unit
    handed: float = 0.0  # time at which a worker should begin, seconds
    copied: bool = False  # handed out a second time
    patience: float = 1.0  # times what is usual; doubled for a copy, so that copies of copies become rare

    @property
    def units(self) -> int:
        """How many."""
        return self.last - self.first


class Hopeless(Exception):
    """A unit during which every worker that tried it died."""

    def __init__(self, unit: int, crashes: int) -> None:
        """Name it."""
        super().__init__(f"unit {unit}: {crashes} workers died")
        self.unit = unit
        self.crashes = crashes


class Schedule:
    """What is left to do of some units, and in which pieces."""

    def __init__(self, units: int, seconds_per_unit: float | None = None, largest: int | None = None) -> None:
        """Nothing is done yet.

        Args:
            units: how many there are.
            seconds_per_unit: as measured on earlier work of the kind; none: found out with pieces of one unit.
            largest: units in a piece at most, where a bigger one would not fit into a message.
        """
        self._done = np.zeros(units, np.bool_)
        self._left = units  # not done
        self._queue: deque[Piece] = deque([Piece(0, units)] if units else [])
        self._queued = units  # units in the queue
        self._pieces: dict[int, Piece] = {}  # handed out and not back
        self._out = 0  # units in them
        self._late: dict[int, Piece] = {}  # those of them that are overdue
        self._look_again = -math.inf  # time at which to see what is overdue
        self._prior = seconds_per_unit
        self._seconds = 0.0  # of finished pieces
        self._units = 0  # likewise
        self._largest = largest or units
        self.retries = 0  # pieces handed out again after a worker was lost
        self.copies = 0  # pieces handed out a second time since the first was overdue

    @property
    def is_done(self) -> bool:
        """Whether all units are done."""
        return self._left == 0

    @property
    def in_flight(self) -> int:
        """Pieces handed out and not back."""
        return len(self._pieces)

    def busy(self, now: float) -> tuple[int, int]:
        """Pieces, and units in them, handed out, not back and not overdue: what workers do, as far as one can know."""
        self._look(now)
        return len(self._pieces) - len(self._late), self._out - sum(piece.units for piece in self._late.values())

    @property
    def seconds_per_unit(self) -> float | None:
        """As measured, or as given before the first piece came back."""
        return self._seconds / self._units if self._units else self._prior

    def has_room(self, workers: int, now: float, waiting: int = 1) -> bool:
        """Whether another piece should be handed out: enough for all workers, and some in their queues.

        Args:
            workers: that share the work.
            now: time, seconds.
            waiting: pieces that should wait for a worker at least.

        Overdue pieces do not count: a host that fell silent may sit on any number of them. Since patience doubles from
        copy to copy, that makes few more even if no worker ever answers.
        """
        return self.busy(now)[0] < workers + max(waiting, int(QUEUED * workers))

    def try_again(self, now: float) -> None:
        """A host is gone that may have sat on what is overdue and on its copies: copy them again, at once."""
        self._look(now, force=True)
        for name, piece in self._pieces.items():
            if piece.patience > 1 or name in self._late:
                piece.handed, piece.patience, piece.copied = -math.inf, 0.5, False
        self._look(now, force=True)

    def next_piece(self, workers: int, now: float) -> Piece | None:
        """The next piece to hand out.

        Args:
            workers: that share the work.
            now: time, seconds.
        Returns:
            A piece, or none if all is handed out and nothing is overdue.
        """
        if not self._queue:
            return self._copy(workers, now)
        front = self._queue[0]
        units = min(self._size(workers), front.units)
        if units == front.units:
            self._queue.popleft()
            piece = front
        else:
            piece = Piece(front.first, front.first + units, front.crashes, patience=front.patience)
            front.first += units
        self._queued -= units
        return self._hand_out(piece, workers, now)

    def finished(self, piece: Piece, seconds: float) -> np.ndarray:
        """A piece came back.

        Args:
            piece: which.
            seconds: that a worker was busy with it.
        Returns:
            bool [units of the piece]: those not done before by a copy.
        """
        self._take_back(piece)
        self._seconds += seconds
        self._units += piece.units
        done = self._done[piece.first : piece.last]
        fresh = ~done
        done[:] = True
        self._left -= int(fresh.sum())
        return fresh

    def lost(self, piece: Piece, crashed: bool) -> None:
        """A piece will not come back: do it again.

        Args:
            piece: which.
            crashed: its worker died and its host did not: the piece may be to blame, and is cut in two.
        Raises:
            Hopeless: it is a single unit that was to blame too often.
        """
        self._take_back(piece)
        # Of units together, one is to blame at most: the others must not inherit it.
        crashes = piece.crashes + int(crashed and piece.units == 1)
        again = [span for span in self._undone(piece) if not self._is_out(*span)]
        if not again:
            return
        if crashes >= CRASHES:
            raise Hopeless(piece.first, crashes)
        self.retries += 1
        for first, last in reversed(again):
            middle = (first + last) // 2
            parts = [(first, middle), (middle, last)] if crashed and last - first > 1 else [(first, last)]
            for start, stop in reversed(parts):
                self._queue.appendleft(Piece(start, stop, crashes))
                self._queued += stop - start

    def _size(self, workers: int) -> int:
        seconds = self.seconds_per_unit
        if not seconds:
            return 1
        queued = self._queued * seconds
        # The driver must get round all workers while a piece lasts; where there is too little work for that, pieces of
        # s seconds take queued / s x handling + s in all, which is least for the square root.
        shortest = max(SHORTEST_SECONDS, min(workers * HANDLING_SECONDS, math.sqrt(queued * HANDLING_SECONDS)))
        share = queued / (SPLIT * workers)
        target = min(max(share, shortest), max(LONGEST_SECONDS, shortest))
        return max(1, min(round(target / seconds), self._largest))

    def _copy(self, workers: int, now: float) -> Piece | None:
        """A second copy of the most overdue piece, if workers stand idle."""
        idle = workers - self.busy(now)[0]
        if idle <= 0:
            return None
        for piece in sorted(self._late.values(), key=lambda piece: piece.handed):
            if piece.copied:
                continue
            undone = self._undone(piece)
            piece.copied = True
            if undone:
                for first, last in undone:
                    for start, stop in _parts(first, last, idle):
                        self._queue.append(Piece(start, stop, piece.crashes, patience=2 * piece.patience))
                        self._queued += stop - start
                self.copies += 1
                return self.next_piece(workers, now)
        return None

    def _look(self, now: float, force: bool = False) -> None:
        """See which pieces are overdue; now and then only, since there may be thousands."""
        seconds = self.seconds_per_unit
        if seconds is None or (now < self._look_again and not force):
            return  # an unknown world may take its time
        self._look_again = now + LOOK_EVERY

        def latest(piece: Piece) -> float:
            return piece.handed + piece.patience * (PATIENCE * piece.units * seconds + PATIENCE_SECONDS)

        self._late = {name: piece for name, piece in self._pieces.items() if now > latest(piece)}

    def _hand_out(self, piece: Piece, workers: int, now: float) -> Piece:
        # Those handed out before come first.
        wait = self.busy(now)[1] * (self.seconds_per_unit or 0.0) / max(1, workers)
        piece.handed = now + wait
        self._pieces[id(piece)] = piece
        self._out += piece.units
        return piece

    def _take_back(self, piece: Piece) -> None:
        del self._pieces[id(piece)]
        self._late.pop(id(piece), None)
        self._out -= piece.units

    def _undone(self, piece: Piece) -> list[tuple[int, int]]:
        """The runs of units of a piece that are not done."""
        done = np.concatenate([[True], self._done[piece.first : piece.last], [True]])
        edges = np.flatnonzero(np.diff(done.astype(np.int8))) + piece.first
        return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]

    def _is_out(self, first: int, last: int) -> bool:
        """Whether units are in a worker's hands, or queued, all in one piece."""
        # A piece that was copied is one that nobody waits for.
        others = [*(piece for piece in self._pieces.values() if not piece.copied), *self._queue]
        return any(other.first <= first and last <= other.last for other in others)


def _parts(first: int, last: int, count: int) -> list[tuple[int, int]]:
    """A range cut into up to `count` even parts."""
    edges = np.linspace(first, last, min(count, last - first) + 1).round().astype(int)
    return [(int(start), int(stop)) for start, stop in itertools.pairwise(edges)]
