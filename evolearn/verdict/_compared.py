"""Which arms of a condition are compared in what, in which family of tests and at which level. Pure.

The design of the comparisons; one of them is `evolearn.verdict._contrasts`'s, what is written of them all
`evolearn.verdict.verdict`'s.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from evolearn.verdict._contrasts import Contrast, Family, HeadStartScale, conclude, judge, not_comparable, pair_up
from evolearn.verdict._convergence import ArmSearch, unfinished
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.looks import Seen
from evolearn.verdict.metrics import Levels
from evolearn.verdict.rules import DOUBLED, ContrastRule, VerdictRules


@dataclasses.dataclass(frozen=True)
class Asked:
    """A comparison that the config asks for."""

    arm: str
    against: str
    metric: str
    lifetime: int | None = None  # world steps, of totals; None: the longest


@dataclasses.dataclass(frozen=True)
class Contrasts:
    """All comparisons of a condition."""

    primary: Contrast
    secondary: list[Contrast]
    doubled: list[Contrast]
    by_lifetime: list[Contrast]


def all_contrasts(
    rules: VerdictRules, arms: Mapping[str, ArmValues], primary: ContrastRule, last: Seen, levels: Levels
) -> Contrasts:
    """The primary contrast as it was tested at the last look; the secondary ones and those by lifetime under Holm."""
    scale = head_start_scale(rules, levels)
    first = Asked(primary.arm, primary.against, primary.metric)
    doubled = [arm for arm in arms if arm.endswith(DOUBLED)]
    pair = pair_up(arms[first.arm], arms[first.against], first.metric, scale)
    secondary, twice, by_lifetime = _compare(
        rules,
        arms,
        scale,
        [
            (_secondary(rules, first), True),
            (_of_doubled(doubled, arms, first), False),
            (_by_lifetime(arms, first), True),
        ],
        level_of_others(rules, last),
    )
    if isinstance(pair, str):
        margin = rules.margins.get(first.metric)
        decided = not_comparable(arms[first.arm], arms[first.against], first.metric, margin, pair)
    else:
        decided = conclude(pair, last.tests, rules, last.look.level)
    return Contrasts(decided, secondary, twice, by_lifetime)


def level_of_others(rules: VerdictRules, last: Seen) -> float:
    """Level of every family of contrasts but the primary ones.

    Of several looks the primary contrast chooses the one at which the others are judged, and what is correlated with it
    stands best just then: at the level of that look the union bound over looks holds for them as well.
    """
    return last.look.level if len(rules.looks) > 1 else rules.level


def without_unfinished(
    contrasts: Contrasts, searches: Mapping[str, ArmSearch], origins: Mapping[str, str]
) -> Contrasts:
    """The same, without verdicts on arms whose search had not ended; twice the budget tells of that by itself."""

    def checked(contrast: Contrast) -> Contrast:
        reason = unfinished(contrast.verdict, contrast.arm, contrast.against, searches, origins)
        return contrast if reason is None else dataclasses.replace(contrast, verdict="inconclusive", unfinished=reason)

    return dataclasses.replace(
        contrasts,
        primary=checked(contrasts.primary),
        secondary=[checked(contrast) for contrast in contrasts.secondary],
        by_lifetime=[checked(contrast) for contrast in contrasts.by_lifetime],
    )


def head_start_scale(rules: VerdictRules, levels: Levels) -> HeadStartScale:
    floor = None if levels.floor is None else float(levels.floor)
    return HeadStartScale(floor, rules.catch_up_share, rules.margins.get("head_start"))


def _compare(
    rules: VerdictRules,
    arms: Mapping[str, ArmValues],
    scale: HeadStartScale,
    families: Sequence[tuple[Sequence[Asked], bool]],
    level: float,
) -> list[list[Contrast]]:
    """Contrasts, family by family in the order asked; what cannot be compared says why.

    Args:
        rules: of the study.
        arms: of the condition.
        scale: of head starts.
        families: what is asked, and whether under Holm.
        level: of each family.
    """
    paired = [
        [pair_up(arms[a.arm], arms[a.against], a.metric, scale, a.lifetime) for a in asked] for asked, _ in families
    ]
    judged = judge(
        [
            Family([pair for pair in pairs if not isinstance(pair, str)], holm)
            for pairs, (_, holm) in zip(paired, families, strict=True)
        ],
        rules,
        level,
    )
    found = []
    for (asked, _), pairs, contrasts in zip(families, paired, map(iter, judged), strict=True):
        found.append(
            [
                not_comparable(arms[a.arm], arms[a.against], a.metric, rules.margins.get(a.metric), pair)
                if isinstance(pair, str)
                else next(contrasts)
                for a, pair in zip(asked, pairs, strict=True)
            ]
        )
    return found


def _secondary(rules: VerdictRules, first: Asked) -> list[Asked]:
    """Secondary contrasts; the primary one is not tested twice."""
    asked = dict.fromkeys(Asked(row.arm, row.against, metric) for row in rules.secondary for metric in row.metrics)
    return [contrast for contrast in asked if contrast != first]


def _of_doubled(doubled: Sequence[str], arms: Mapping[str, ArmValues], first: Asked) -> list[Asked]:
    """Twice the budget against the budget: in what evolution selects on, and in what the verdict rests on."""
    pairs = [(arm, arm.removesuffix(DOUBLED)) for arm in doubled]
    # a blank slate's newborns have no head start, however long it was tuned: there it is the level's time that tells
    names = dict.fromkeys(("total", "catch_up" if first.metric == "head_start" else first.metric))
    return [Asked(arm, against, metric) for arm, against in pairs if against in arms for metric in names]


def _by_lifetime(arms: Mapping[str, ArmValues], primary: Asked) -> list[Asked]:
    """Life fitness at every lifetime that both arms of the primary contrast were judged at: a family of its own."""
    arm, against = primary.arm, primary.against
    common = [age for age in arms[arm].lives.lifetimes if age in arms[against].lives.lifetimes]
    return [Asked(arm, against, "total", lifetime) for lifetime in common]
