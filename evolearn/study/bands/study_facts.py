"""What a study's bands may ask for, checked before anything is lived. Arguments are checked by their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evolearn.config import ConfigError
from evolearn.errors import offer
from evolearn.study.bands.bands import arguments
from evolearn.study.bands.config import ReplicationPart
from evolearn.study.bands.measures import STUDY_MEASURES, Contrast
from evolearn.verdict import METRICS


@dataclasses.dataclass(frozen=True)
class StudyFacts:
    """What a study's bands may name."""

    arms: Sequence[str]
    evolving: Sequence[str]  # arms that have DNA
    conditions: Sequence[str]
    lifetimes: Sequence[int]  # world steps
    contrasts: Mapping[str, Sequence[tuple[str, str, str]]]  # condition -> arm, against, metric


def check_bands(part: ReplicationPart, facts: StudyFacts, genes: Mapping[str, Sequence[str]] | None = None) -> None:
    """Refuse bands that ask for what a study will not have.

    Args:
        part: of the study's config.
        facts: what the study has.
        genes: names by group, where the world is known.
    Raises:
        ConfigError: names band, field, value and remedy.
    """
    for band in part.bands:
        of = arguments(band, STUDY_MEASURES)
        for problem in _problems(of, facts, genes):
            raise ConfigError(f"replication.bands {band.name!r}: {problem}")


def _problems(of: Any, facts: StudyFacts, genes: Mapping[str, Sequence[str]] | None) -> Iterator[str]:
    given = of.model_dump()
    needs_dna = "group" in given
    for field in ("arm", "against"):
        if field in given and given[field] not in facts.arms:
            yield f"of.{field}={given[field]!r}: no such arm in the study.{offer(given[field], facts.arms)}"
    if needs_dna and given["arm"] not in facts.evolving:
        yield f"of.arm={given['arm']!r}: has no evolution of its own. Those that have: {', '.join(facts.evolving)}"
    if given["condition"] is None and len(facts.conditions) > 1:
        yield f"of.condition: missing; the study has several: {', '.join(facts.conditions)}"
    elif given["condition"] not in (None, *facts.conditions):
        yield f"of.condition={given['condition']!r}: no such condition.{offer(given['condition'], facts.conditions)}"
    if given.get("metric", "total") not in METRICS or (given.get("metric") == "transfer_ratio" and "lifetime" in given):
        yield f"of.metric={given['metric']!r}: unknown, or not one per run.{offer(given['metric'], METRICS)}"
    for field in ("lifetime", "shorter", "longer"):
        if given.get(field) not in (None, *facts.lifetimes):
            listed = ", ".join(map(str, facts.lifetimes))
            yield f"of.{field}={given[field]}: must be one of evaluation.lifetimes: {listed}"
    if given.get("lifetime") is not None and given["metric"] != "total":
        yield f"of.lifetime={given['lifetime']}: only totals are known by lifetime; leave it out, or set metric=total"
    if isinstance(of, Contrast):
        yield from _not_compared(of, facts)
    if needs_dna and genes is not None:
        for name in given.get("genes") or (given["gene"],):
            if name not in genes[given["group"]]:
                yield f"of: {name!r} is no gene of {given['group']} here.{offer(name, genes[given['group']])}"


def _not_compared(of: Contrast, facts: StudyFacts) -> Iterator[str]:
    """A contrast that the study does not make."""
    wanted = of.arm, of.against, of.metric
    first = facts.contrasts[of.condition or facts.conditions[0]][0]
    if of.lifetime is not None and wanted[:2] != first[:2]:
        yield (
            f"of.lifetime={of.lifetime}: only the arms of the primary contrast, {first[0]} and {first[1]}, are "
            "compared by lifetime; leave it out"
        )
    elif of.lifetime is None and wanted not in facts.contrasts[of.condition or facts.conditions[0]]:
        yield (
            f"of: the study does not compare {of.arm} with {of.against} in {of.metric}; make it the primary contrast, "
            "or add it to secondary"
        )
