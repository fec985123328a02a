"""The words of a verdict on how the arms' evolutions differ: the lives they select on, and their budgets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def selected_words(lifetimes: Mapping[str, int]) -> str:
    """On what lives arms were selected, for the end of a sentence.

    Args:
        lifetimes: world steps, by arm.

    >>> selected_words({"evolved": 6000, "tuned_blank": 6000})
    'selected on lives of 6,000 steps'
    >>> selected_words({"evolved": 1000, "tuned_blank": 20000})
    'evolved selected on lives of 1,000 steps, tuned_blank on lives of 20,000'
    """
    if len(set(lifetimes.values())) == 1:
        return f"selected on lives of {next(iter(lifetimes.values())):,} steps"
    (first, steps), *rest = lifetimes.items()
    return ", ".join([f"{first} selected on lives of {steps:,} steps", *(f"{a} on lives of {n:,}" for a, n in rest)])


def lifetime_remarks(lifetimes: Mapping[str, int], judged: int) -> list[str]:
    """Say of all arms what they were selected on, if that was for some of them less than what they are judged on.

    Args:
        lifetimes: world steps of the lives that each was selected on, by arm.
        judged: world steps of the longest lives that they are judged on.

    >>> lifetime_remarks({"evolved": 1000, "blank": 20000}, 20000)
    ['evolved was selected on lives of 1,000 steps and is judged on 20,000; blank on lives as long as those judged.']
    """
    if all(lifetime >= judged for lifetime in lifetimes.values()):
        return []
    groups: dict[int, list[str]] = {}
    for arm, lifetime in lifetimes.items():
        groups.setdefault(lifetime, []).append(arm)
    ordered = sorted(groups.items())
    parts = [_group(arms, lifetime, judged, first=not place) for place, (lifetime, arms) in enumerate(ordered)]
    return ["; ".join(parts) + "."]


def _group(arms: list[str], lifetime: int, judged: int, first: bool) -> str:
    if first:
        were, are = ("were", "are") if len(arms) > 1 else ("was", "is")
        return f"{_listed(arms)} {were} selected on lives of {lifetime:,} steps and {are} judged on {judged:,}"
    length = f"of {lifetime:,}" if lifetime != judged else "as long as those judged"
    return f"{_listed(arms)} on lives {length}"


def budget_remarks(steps: Mapping[str, int], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Say so if an arm had a smaller budget than the one that it is compared with.

    Args:
        steps: world steps of one evolution run, by arm.
        pairs: of the contrasts: an arm, and against whom.

    >>> budget_remarks({"evolved": 6_600_000, "tuned_blank": 13_200_000}, [("evolved", "tuned_blank")])
    ['An evolution of evolved took 6,600,000 steps, fewer than its rivals had: tuned_blank 13,200,000.']
    """
    less: dict[str, list[str]] = {}
    for arm, against in pairs:
        if arm in steps and steps[arm] < steps.get(against, 0) and against not in less.setdefault(arm, []):
            less[arm].append(against)
    return [
        f"An evolution of {arm} took {steps[arm]:,} steps, fewer than its rivals had: "
        f"{', '.join(f'{against} {steps[against]:,}' for against in rivals)}."
        for arm, rivals in less.items()
        if rivals
    ]


def _listed(names: list[str]) -> str:
    """Names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
