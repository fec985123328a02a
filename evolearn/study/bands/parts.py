"""What a replication's config says: paper, set-up, what differs from it, and the bands that its results must lie in.

Bands are fixed before the first run, as part of the config whose hash is written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from evolearn.config import Part

CONTRAST = "contrast"  # the measure whose value is a verdict and no number


class BandPart(Part):
    """One published result, how it is measured here, and where it must lie to count as reproduced."""

    name: str = Field(min_length=1, max_length=120, description="what is measured, in words; unique")
    source: str = Field(min_length=1, description="where the band comes from")
    published: str = Field("", description="what was published, in words or numbers; shown beside the value")
    measure: str = Field(description="a name in the table of measures")
    of: dict[str, Any] = Field({}, description="arguments of the measure")
    unit: str = Field("", description="of the value, in words")
    scale: float = Field(1.0, description="multiplies the value; -1 where a fitness is a negative error")
    at_least: float | None = Field(None, description="the value must be this or more")
    at_most: float | None = Field(None, description="the value must be this or less")
    above: float | None = Field(None, description="the value must be more than this")
    below: float | None = Field(None, description="the value must be less than this")
    between: tuple[float, float] | None = Field(None, description="the value must lie in here, ends included")
    verdict: Literal["better", "worse", "equivalent", "inconclusive"] | None = Field(
        None, description="what the study must say of the contrast"
    )
    accept: bool = Field(True, description="false: judged and shown, but not counted: not what is to be reproduced")

    @field_validator("scale")
    @classmethod
    def _scales(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("scale=0: must not be 0, or every value would be 0; leave it out")
        return scale

    @model_validator(mode="after")
    def _one_bound(self) -> BandPart:
        given = [name for name in BOUNDS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"band {self.name!r}: has {' and '.join(given)}: must have one bound at most; leave one")
        if self.between is not None and not self.between[0] <= self.between[1]:
            low, high = self.between
            raise ValueError(f"band {self.name!r}: between=[{low:g}, {high:g}]: the lower end must come first")
        if given and (given == ["verdict"]) != (self.measure == CONTRAST):
            raise ValueError(
                f"band {self.name!r}: {given[0]} does not fit measure={self.measure}: a contrast has a verdict "
                "(better, worse, equivalent, inconclusive), everything else a number"
            )
        return self

    @property
    def words(self) -> str:
        """The band as a reader sees it; empty if there is none."""
        if self.between is not None:
            return f"{self.between[0]:g} to {self.between[1]:g}"
        return next((text.format(getattr(self, name)) for name, text in _WORDS.items() if _has(self, name)), "")


_WORDS = {
    "at_least": "at least {:g}", "at_most": "at most {:g}", "above": "above {:g}", "below": "below {:g}",
    "verdict": "{}",
}  # fmt: skip
BOUNDS = (*_WORDS, "between")


class ReplicationPart(Part):
    """A classical result, and when it counts as reproduced."""

    paper: str = Field(min_length=1, description="citation")
    question: str = Field(min_length=1, description="what was asked")
    set_up: str = Field(min_length=1, description="how it is done here")
    deviations: tuple[str, ...] = Field((), description="what differs from the paper, and why")
    bands: tuple[BandPart, ...] = Field(min_length=1)

    @property
    def bands_in_words(self) -> tuple[str, ...]:
        """Every band by its name and bounds, a line each."""
        return tuple(f"- {band.name}: {_bound_in_words(band)}" for band in self.bands)

    @model_validator(mode="after")
    def _names_differ(self) -> ReplicationPart:
        for problem in _problems(self):
            raise ValueError(problem)
        return self


class ExperimentConfig(Part):
    """A replication that is an experiment of its own, not a study of arms."""

    title: str = Field("", max_length=200)
    seed: int = Field(0, ge=0, lt=2**32, description="of everything random")
    runs: int = Field(10, ge=1, le=100_000, description="independent repetitions")
    experiment: str = Field(description="a name in the table of experiments")
    settings: dict[str, Any] = Field({}, description="of the experiment, where they differ from its defaults")
    replication: ReplicationPart


def _bound_in_words(band: BandPart) -> str:
    if not band.words:
        return "shown, no band"
    unit = f" {band.unit}" if band.unit and band.verdict is None else ""
    return band.words + unit + ("" if band.accept else " (not counted)")


def _has(band: BandPart, name: str) -> bool:
    return getattr(band, name) is not None


def _problems(part: ReplicationPart) -> Iterator[str]:
    names = [band.name for band in part.bands]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"bands: {name!r} is named twice; names must differ"
    if not any(band.accept and band.words for band in part.bands):
        yield "bands: none of them can be missed; give at least one a bound, such as at_least, and accept=true"
