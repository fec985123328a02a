"""Looking at a study several times, and at several conditions: levels and corrections fixed beforehand. Pure.

A false finding is any primary contrast that is called different though its arms are not, in any condition, at any look.
At look k the conditions that are still open are tested at level k, under Holm or in a fixed sequence; the levels sum to
the level of the study. So by the union bound over looks the chance of any false finding keeps the level of the study,
whatever the test and however alike the looks are. Differences are one family and equivalences another.

Why a condition may leave the family once it is found: a hypothesis is rejected at look k among m that are left at
level k / m; every set of hypotheses that contains it had at most m members left, so that Holm's argument holds look by
look (a closed test whose intersections are Bonferroni tests).

Source: Holm 1979; Pocock 1977 and Lan and DeMets 1983 for spending a level over looks; Maurer, Hothorn and Lehmacher
1995 for fixed sequences.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from evolearn.verdict import stats
from evolearn.verdict._contrasts import Tests


@dataclasses.dataclass(frozen=True)
class Look:
    """A moment at which a study is judged."""

    runs: int  # evolution runs per arm that are there by then
    level: float  # that this look may spend


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a look came to for one condition."""

    look: Look
    tests: Tests
    decided: bool  # found, or withheld for good


class LookByLook:
    """Which conditions are decided, look by look."""

    def __init__(self, conditions: Sequence[str], looks: Sequence[Look], sequence: Sequence[str] = ()) -> None:
        """Begin with every condition open.

        Args:
            conditions: their names.
            looks: planned, runs ascending.
            sequence: all conditions in the order in which they are tested, each at the whole level, none unless those
                before it were found; empty: all together under Holm.
        """
        self.looks = tuple(looks)
        self._sequence = tuple(sequence)
        self._seen: dict[str, list[Seen]] = {name: [] for name in conditions}

    @property
    def open(self) -> list[str]:
        """Conditions that are not decided; after the last look, those that never were."""
        return [name for name, seen in self._seen.items() if not (seen and seen[-1].decided)]

    @property
    def next_look(self) -> Look | None:
        """The look that is due; None if all conditions are decided, or all looks done."""
        done = max(len(seen) for seen in self._seen.values())
        return self.looks[done] if self.open and done < len(self.looks) else None

    def seen(self, condition: str) -> list[Seen]:
        """What every look so far came to for a condition."""
        return list(self._seen[condition])

    def judge(self, tests: Mapping[str, Tests]) -> None:
        """Take the look that is due.

        Args:
            tests: of the primary contrast of every open condition, unadjusted, from the runs of that look.
        """
        look = self.next_look
        assert look is not None, "a look is due"
        adjusted = tests if len(self._seen) == 1 else self._all_adjusted(tests)
        for name, own in adjusted.items():
            self._seen[name].append(Seen(look, own, own.conclusive(look.level) or own.for_good))

    def _all_adjusted(self, tests: Mapping[str, Tests]) -> dict[str, Tests]:
        p_values = self._adjusted({name: own.p for name, own in tests.items()}, lambda own: own.p_counted)
        within = self._adjusted(
            {name: own.equivalence.p for name, own in tests.items()}, lambda own: own.equivalence_p_counted
        )
        how = f"after Holm over {len(self._seen)} conditions"
        if self._sequence:
            how = "in the fixed sequence of conditions"
        return {
            name: dataclasses.replace(own, p_holm=p_values[name], equivalence_p_holm=within[name], adjustment=how)
            for name, own in tests.items()
        }

    def _adjusted(
        self, p_values: Mapping[str, float | None], counted: Callable[[Tests], float | None]
    ) -> dict[str, float | None]:
        """Adjusted p by condition; those decided the other way stay in the family, and cannot come out any more."""
        found = {name for name in self._seen if name not in p_values and self._was_found(name, counted)}
        left = {name: p_values.get(name) for name in self._sequence or self._seen if name not in found}
        filled = [1.0 if p is None else p for p in left.values()]
        adjusted = _running_maximum(filled) if self._sequence else stats.holm(filled)
        return {name: None if p_values.get(name) is None else p for name, p in zip(left, adjusted, strict=True)}

    def _was_found(self, name: str, counted: Callable[[Tests], float | None]) -> bool:
        last = self._seen[name][-1]
        p = counted(last.tests)
        return p is not None and p < last.look.level


def _running_maximum(values: Sequence[float]) -> list[float]:
    highest, found = 0.0, []
    for value in values:
        highest = max(highest, value)
        found.append(highest)
    return found


def spent_evenly(level: float, looks: int) -> tuple[float, ...]:
    """The level of a study in equal parts.

    >>> spent_evenly(0.05, 4)
    (0.0125, 0.0125, 0.0125, 0.0125)
    """
    return (level / looks,) * looks
