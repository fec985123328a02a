"""What a verdict repeats of a condition and of the evolutions of its arms. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from evolearn.verdict.json_records import Json


@dataclasses.dataclass(frozen=True)
class SearchFacts:
    """What a verdict repeats of the evolution that an arm's DNA comes from, its own or its origin's."""

    selection_lifetime: int  # world steps
    outer_steps: int  # world steps that one evolution run was to take
    evolves: bool = True  # itself
    settings_steps: int = 0  # world steps that finding its settings took, once


@dataclasses.dataclass(frozen=True)
class ConditionFacts:
    """What a verdict repeats of a condition."""

    name: str
    world: str
    parameters: Mapping[str, float]
    selection_lifetime: int  # world steps, of arms that set no other
    evolved_in: str | None  # condition whose DNA is judged here
    able: str = "able"  # what a newborn does that has mastered the task; see `evolearn.world.Declaration`
    termination_is_death: bool = False  # likewise
    searches: Mapping[str, SearchFacts] = dataclasses.field(default_factory=dict)  # by arm with an evolution, or origin
    # arms by what they are made of, whatever they are called
    evolutions: Collection[str] = ()  # learn from weights of their own evolution
    blank_slates: Collection[str] = ()  # learn from weights drawn afresh in each life
    one_life: Collection[str] = ()  # judged in lives as long as an evolution

    def record(self) -> Json:
        """As an entry of verdict.json begins; what arms are stands with them."""
        of_arms = ("searches", "evolutions", "blank_slates", "one_life")
        return {name: value for name, value in dataclasses.asdict(self).items() if name not in of_arms}
