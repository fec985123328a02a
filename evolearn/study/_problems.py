"""What does not fit together in a study's config, beyond single fields: the words of every refusal.

A rule between fields changes this room; a field, and what it means, `evolearn.study.config`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from evolearn.errors import offer
from evolearn.run import ARMS, unsettable
from evolearn.verdict import DOUBLED, METRICS, SEEN

if TYPE_CHECKING:
    from evolearn.study.config import ConditionPart, StudyConfig

SLACK = 1e-9  # decimals that sum to a level may miss it in the last bits


def problems(config: StudyConfig) -> Iterator[str]:
    """What is wrong beyond single fields, the first things first."""
    yield from _twice("arms", config.arms)
    yield from _twice("conditions", [condition.folder for condition in config.conditions])
    yield from _look_problems(config)
    yield from _arm_problems(config)
    names = [condition.name for condition in config.conditions]
    for condition in config.conditions:
        for key in condition.set:
            if key.split(".")[0] in ("evaluation", "seed"):
                instead = "the seed of the study" if key == "seed" else f"run.{key}"
                yield (
                    f"conditions {condition.name!r}: set.{key}: must be the same under all conditions; set {instead} "
                    "instead"
                )
        if condition.evolved_in is not None:
            field = f"conditions {condition.name!r}: evolved_in={condition.evolved_in!r}"
            if condition.evolved_in not in names:
                yield f"{field}: no such condition.{offer(condition.evolved_in, names)}"
            elif condition.evolved_in == condition.name or config.condition(condition.evolved_in).evolved_in:
                yield f"{field}: must be a condition with evolution runs of its own"
        yield from _settings_problems(config, condition)
    for field, arm, against, metrics in _contrasts(config):
        yield from _contrast_problems(config, field, arm, against, metrics)
    primaries = [config.primary, *(entry.primary for entry in config.conditions if entry.primary)]
    compared = [name for contrast in primaries for name in (contrast.arm, contrast.against) if name in config.arms]
    if config.convergence.double_budget and not any(config.arm(name).evolves for name in compared):
        yield "convergence.double_budget=true: no arm of a primary contrast has an evolution of its own; leave it out"
    elif config.convergence.double_budget and any(contrast.metric == "head_start" for contrast in primaries):
        yield from _doubled_problems(config)
    for name in config.margins:
        if name not in METRICS:
            yield f"margins.{name}: unknown metric.{offer(name, METRICS)}"
    yield from _unknown_arms("replay.arms", config.replay.arms, config.arms)
    for pair in config.expect_identical:
        yield from _unknown_arms("expect_identical", pair, config.arms)


def _settings_problems(config: StudyConfig, condition: ConditionPart) -> Iterator[str]:
    field = f"conditions {condition.name!r}: settings"
    if condition.settings and condition.evolved_in is not None:
        yield (
            f"{field}: arms do not evolve here, but under {condition.evolved_in!r}; give them settings there, or leave "
            "evolved_in out"
        )
    yield from _unknown_arms(field, condition.settings, config.arms)
    for name in (name for name in condition.settings if name in config.arms):
        if not config.arm(name).evolves:
            yield f"{field}.{name}: only an arm with an evolution of its own has any; set origin=own, or leave it out"
        for key in condition.settings[name]:
            if problem := unsettable(key):
                yield f"{field}.{name}.{problem}"


def _contrasts(config: StudyConfig) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    """Field, arm, against and metrics of every contrast that the config names."""
    yield "primary", config.primary.arm, config.primary.against, [config.primary.metric]
    for entry in config.conditions:
        if (own := entry.primary) is not None:
            yield f"conditions {entry.name!r}: primary", own.arm, own.against, [own.metric]
    for number, several in enumerate(config.secondary):
        yield f"secondary.{number}", several.arm, several.against, several.metrics


def seen_problems(config: StudyConfig) -> Iterator[str]:
    """A contrast on seen births is one of arms only where both are judged on the same."""
    for field, arm, against, metrics in _contrasts(config):
        births = [config.births_of(name) for name in (arm, against)]
        for metric in (name for name in metrics if name in SEEN and births[0] != births[1]):
            alike: dict[str | None, list[str]] = {}
            for name in config.arms:
                alike.setdefault(config.births_of(name), []).append(name)
            groups = [", ".join(names) for of, names in alike.items() if of is not None and len(names) > 1]
            why = [
                f"{name} on none" if of is None else f"{name} on those of the evolution of {of}"
                for name, of in zip((arm, against), births, strict=True)
            ]
            yield (
                f"{field}: metric={metric!r}: the seen births of {arm} and {against} are not the same, so that births "
                f"would be compared, not arms: {', '.join(why)}; compare arms that share them "
                f"({'; '.join(groups) or 'there are none here'}), or name another metric, for example total"
            )


def _look_problems(config: StudyConfig) -> Iterator[str]:
    looks, levels = list(config.looks), config.look_levels
    if looks != sorted(set(looks)):
        yield f"looks={looks}: must ascend, as [5, 10, 15, 20]"
    elif looks and looks[-1] != config.runs:
        instead = f"looks=[{config.runs}]{' look_levels=[]' if levels else ''} runs={config.runs}"
        yield (
            f"runs={config.runs}: with looks, runs is the last of them, {looks[-1]}; for {config.runs} run"
            f"{'' if config.runs == 1 else 's'} set {instead}"
        )
    if len(levels) not in (0, len(looks)):
        yield f"look_levels: has {len(levels)} levels for {len(looks)} looks: must have one for each, or be left out"
    elif sum(levels) > config.level * (1 + SLACK):
        yield (
            f"look_levels={list(levels)}: sum to {sum(levels):.4g}: must be at most level={config.level:g}, which all "
            "looks share"
        )
    names = [condition.name for condition in config.conditions]
    if config.sequence and sorted(config.sequence) != sorted(names):
        yield f"sequence={list(config.sequence)}: must name every condition once: {', '.join(names)}"


def _arm_problems(config: StudyConfig) -> Iterator[str]:
    known = [*ARMS, *(name for name in config.define if name not in ARMS)]
    yield from _unknown_arms("arms", config.arms, known)
    for name, part in config.define.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name.endswith(DOUBLED):
            yield f"define.{name}: must be letters, digits and _, and not end in {DOUBLED}"
        if part.like is not None and part.like not in ARMS:
            yield f"define.{name}: like={part.like!r}: must be an arm of the table.{offer(part.like, ARMS)}"
    if "random" not in config.arms:
        yield "arms: random is missing: its birth score is the floor of every scale; add it, it evolves nothing"
    if config.threshold.of == "oracle" and "oracle" not in config.arms:
        yield "threshold.of='oracle': needs the arm oracle among arms; add it, or set threshold.of=best"
    for name in config.arms:
        part = config.arm(name)
        for needed in part.needs():
            if needed not in known:
                fields = ("origin", "drives", "plasticity", "teacher", "start")
                field = next(field for field in fields if getattr(part, field) == needed)
                yield f"define.{name}.{field}={needed!r}: no such arm.{offer(needed, known)}"
            elif needed not in config.arms:
                yield f"arms: {name} takes its genes from {needed}, which is not among them; add {needed}"
            elif part.takes_weights_of(needed) and config.arm(needed).weights == "fresh":
                yield (
                    f"arms: {name} takes weights of {needed}, whose weights are drawn afresh in each life; name an arm "
                    "with weights=inherited"
                )
            elif not config.arm(needed).evolves:
                yield f"arms: {name} takes its genes from {needed}, which does not evolve by itself; name one that does"
            elif name in _all_lenders(config, needed):
                yield f"arms: {name} takes its genes from {needed}, which takes its own from {name}; name another arm"
            elif needed in (part.drives, part.plasticity) and config.arm(needed).needs():
                yield f"arms: {name} borrows from {needed}, which borrows itself; name an arm that does not"


def _all_lenders(config: StudyConfig, name: str) -> set[str]:
    """Those of `StudyConfig.lenders`, where it is not yet known that none needs itself."""
    found: set[str] = set()
    left = [name]
    while left:
        one = left.pop()
        needs = set(config.arm(one).needs()) if one in config.define or one in ARMS else set()
        left += needs - found
        found |= needs
    return found


def _contrast_problems(
    config: StudyConfig, field: str, arm: str, against: str, metrics: Iterable[str]
) -> Iterator[str]:
    yield from _unknown_arms(field, (arm, against), config.arms)
    if arm == against:
        yield f"{field}: arm and against are both {arm}; for an A/A comparison define a second arm with like: {arm}"
    for metric in metrics:
        if metric not in METRICS:
            yield f"{field}: metric={metric!r}: unknown.{offer(metric, METRICS)}"
        elif metric not in config.margins:
            yield (
                f"margins: {metric} is missing, but {field} compares arms in it: say beforehand which difference, in "
                f"{METRICS[metric].unit}, would be too small to matter, for example margins.{metric}="
                f"{'2000' if METRICS[metric].censored else '0.05'}"
            )
        elif metric == "head_start":
            yield from _head_start_problems(config)


def _doubled_problems(config: StudyConfig) -> Iterator[str]:
    """An arm has no head start over itself: it is compared with itself evolved twice as long in these two."""
    for metric, example in (("total", "0.05"), ("catch_up", "2000")):
        if metric not in config.margins:
            yield (
                f"margins: {metric} is missing, but convergence.double_budget=true compares the arms of a contrast in "
                f"head_start with themselves evolved twice as long in it: say beforehand which difference, in "
                f"{METRICS[metric].unit}, would be too small to matter, for example margins.{metric}={example}; or set "
                "convergence.double_budget=false"
            )


def _head_start_problems(config: StudyConfig) -> Iterator[str]:
    """Who is caught up with at once counts as ahead below the first window; beyond life nobody is seen to be."""
    margin, evaluation = config.margins["head_start"], config.run.evaluation
    first, last = evaluation.birth_steps, max(evaluation.lifetimes)
    if not first <= margin < last:
        yield (
            f"margins.head_start={margin:g}: must be {first} (run.evaluation.birth_steps, before which no head start "
            f"can be told) or more, and less than {last} (the longest of run.evaluation.lifetimes), for example "
            f"margins.head_start={min(3 * first, (first + last) // 2)}"
        )


def _unknown_arms(field: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    known = list(known)
    for name in names:
        if name not in known:
            yield f"{field}: arm {name!r} is unknown here.{offer(name, known)}"


def _twice(field: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{field}: {name!r} is named twice; names must differ"
