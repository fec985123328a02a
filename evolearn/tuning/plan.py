"""How a budget is cut: how many starts are lived from birth, and how many settings are tried by whole evolutions."""

from __future__ import annotations

import dataclasses
import itertools

from evolearn.config import ConfigError

FIRST_LIVES = 2  # that every start is lived for
MOST_STARTS = 3000
STARTS_ENOUGH = 1056  # lives on starts beyond which evolutions are the better use of what is left
FEW_EVOLUTIONS = 4  # fewer say nothing: the present settings are one of them
JUDGING_LIVES = 12  # at most, of what is judged more closely; at least a third of it
_LEAST_STARTS, _LEAST_CLOSER = 8, 2


@dataclasses.dataclass(frozen=True)
class StartsPlan:
    """Starts are lived from birth: many for a few lives, the best again for more, the best of all once more."""

    starts: int
    closer: int  # of the best, lived again
    lives: int  # each of them, and of the best and the present start at the end

    @property
    def all_lives(self) -> int:
        """Lives that this takes."""
        return FIRST_LIVES * self.starts + (self.closer + 2) * self.lives


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
    """Seven tenths for the broad search, the rest for a closer look at the best; None if that is too little."""
    closely = min(JUDGING_LIVES, max(JUDGING_LIVES // 3, lives // 64))
    starts = min(MOST_STARTS, 7 * lives // (10 * FIRST_LIVES))
    closer = min((lives - FIRST_LIVES * starts) // closely - 2, starts)
    if starts < _LEAST_STARTS or closer < _LEAST_CLOSER:
        return None
    return StartsPlan(starts, closer, closely)


def _repeated(evolutions: int) -> tuple[int, int]:
    """Evolutions, and how many of them repeat."""
    return evolutions, evolutions // 3 if evolutions >= 2 * FEW_EVOLUTIONS else 0


def _cost(evolution_steps: int, lifetime: int) -> int:
    """World steps of an evolution and of judging its DNA twice: for the choice, and on lives that chose nothing."""
    return evolution_steps + 2 * JUDGING_LIVES * lifetime
