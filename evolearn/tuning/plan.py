"""How a budget is cut: how many starts are lived from birth, and how many settings are tried by whole evolutions."""

from __future__ import annotations

import dataclasses
import itertools

from evolearn.config import ConfigError

FIRST_LIVES = 2  # that every start is lived for
MOST_STARTS = 3000
STARTS_ENOUGH = 1056  # lives on starts beyond which evolutions are the better use of what is left
FEW_EVOLUTIONS = 4  # fewer say nothing: the present settings are one of them
JUDGING_LIVES = 12  # of an evolution's DNA; of the best start at the end, at most
_ROUNDS, _LEAST_STARTS = 4, 16  # at most, of starts; in each of them at least


@dataclasses.dataclass(frozen=True)
class StartsPlan:
    """Starts are lived from birth in rounds, each around the best of the one before: many for a few lives, some again.

    The first round has two fifths of all starts.
    """

    starts: int  # of all rounds
    rounds: int
    closer: int  # of each round's best, lived again; so are their mean and where the round began
    lives: int  # each of these
    final_lives: int  # each of the best of all and the present start, at the end

    @property
    def all_lives(self) -> int:
        """Lives that this takes."""
        return FIRST_LIVES * self.starts + self.rounds * (self.closer + 2) * self.lives + 2 * self.final_lives

    def starts_of(self, number: int) -> int:
        """Starts of a round, counted from 0."""
        if self.rounds == 1:
            return self.starts
        first = 2 * self.starts // 5
        each, rest = divmod(self.starts - first, self.rounds - 1)
        return first if number == 0 else each + (number <= rest)


@dataclasses.dataclass(frozen=True)
class TuningPlan:
    """What a search will do."""

    lifetime: int  # world steps of lives that judge: the longest evaluation lifetime
    starts: StartsPlan | None
    evolutions: int
    repeats: int  # of these evolutions so many repeat the best settings under other seeds
    evolution_steps: int  # world steps of one

    @property
    def steps(self) -> int:
        """World steps at most: brains that diverge end their lives early."""
        lives = self.starts.all_lives if self.starts else 0
        return lives * self.lifetime + self.evolutions * _cost(self.evolution_steps, self.lifetime)


def plan_tuning(
    arm: str, budget: int, lifetime: int, evolution_steps: int, has_starts: bool, inherits_weights: bool
) -> TuningPlan:
    """Cut a budget.

    Starts come first where there are any. Evolutions follow where a few are affordable beside them; an arm that
    inherits weights, whose start says less, may give starts a quarter of the budget only, or none.

    Args:
        arm: whose settings are searched.
        budget: world steps.
        lifetime: of lives that judge, world steps.
        evolution_steps: world steps of one evolution.
        has_starts: whether the arm learns and evolves drives or plasticity.
        inherits_weights: whether its weights evolve.
    Raises:
        ConfigError: the budget cannot hold the smallest useful search; names the least.
    """
    each = _cost(evolution_steps, lifetime)
    lives = budget // lifetime
    tried = [STARTS_ENOUGH, *([lives // 4] if inherits_weights else [])] if has_starts else []
    for on_starts in tried:
        starts = _starts_plan(min(on_starts, lives))
        evolutions = (budget - (starts.all_lives if starts else 0) * lifetime) // each
        if starts is not None and evolutions >= FEW_EVOLUTIONS:
            return TuningPlan(lifetime, starts, *_repeated(evolutions), evolution_steps)
    if (not has_starts or inherits_weights) and budget // each >= FEW_EVOLUTIONS:
        return TuningPlan(lifetime, None, *_repeated(budget // each), evolution_steps)
    starts = _starts_plan(lives) if has_starts else None
    if starts is None:
        least = FEW_EVOLUTIONS * each
        why = f"{FEW_EVOLUTIONS} evolutions of {evolution_steps:,} steps, each judged"
        if has_starts and (fewest := next(n for n in itertools.count(1) if _starts_plan(n))) * lifetime < least:
            least, why = fewest * lifetime, f"{fewest} lives of {lifetime:,} steps"
        raise ConfigError(
            f"--budget {budget:,}: too small for a useful search of {arm}: must be at least {least:,} world steps "
            f"({why}); give more, or make the study smaller"
        )
    return TuningPlan(lifetime, starts, 0, 0, evolution_steps)


def _starts_plan(lives: int) -> StartsPlan | None:
    """What so many lives are enough for; None if for nothing useful."""
    rounds = min(_ROUNDS, 1 + lives // 100)
    closer, closely = min(6, max(2, lives // 64)), min(8, max(4, lives // 128))
    final = min(JUDGING_LIVES, max(4, lives // 32))
    starts = min(MOST_STARTS, (lives - rounds * (closer + 2) * closely - 2 * final) // FIRST_LIVES)
    return StartsPlan(starts, rounds, closer, closely, final) if starts >= _LEAST_STARTS * rounds else None


def _repeated(evolutions: int) -> tuple[int, int]:
    """Evolutions, and how many of them repeat."""
    return evolutions, evolutions // 3 if evolutions >= 2 * FEW_EVOLUTIONS else 0


def _cost(evolution_steps: int, lifetime: int) -> int:
    """World steps of an evolution and of judging its DNA twice: for the choice, and on lives that chose nothing."""
    return evolution_steps + 2 * JUDGING_LIVES * lifetime
