"""The table of claims, as table.yaml has it: what each says, the study that asks it, and what decides it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from evolearn.claims._measures import MEASURES
from evolearn.config import STUDIES, Part, check_model, find_config, read_yaml, shipped_configs
from evolearn.errors import NotFound, offer
from evolearn.study import StudyConfig, read_study
from evolearn.study.bands import BandPart, band_arguments

CLAIMS_FILE = Path(__file__).with_suffix(".yaml")


class PartOfClaim(BandPart):
    """A value or a contrast of a study, and what must come out for the claim to hold."""

    under: tuple[str, ...] = Field((), description="conditions, each of which is a part of its own; none: as `of` says")

    @property
    def each(self) -> tuple[BandPart, ...]:
        """One band for every condition."""
        content = self.model_dump(exclude={"under"}, exclude_none=True)
        if not self.under:
            return (BandPart(**content),)
        return tuple(
            BandPart(**content | {"name": f"{name}: {self.name}", "of": self.of | {"condition": name}})
            for name in self.under
        )


class Claim(Part):
    """A row of the table."""

    name: str
    number: int = Field(ge=1)
    claim: str = Field(min_length=1, description="what is claimed, in one line")
    question: str = Field(min_length=1, description="what a study asks, in one sentence")
    study: str = Field(description="name of the study that decides it")
    full: str = Field(description="name of the study that asks the same on a cluster")
    also: tuple[str, ...] = Field((), description="names of other studies of the claim, which do not decide it")
    page: str = Field(description="of the documentation, below docs")
    chart: str = Field(description="key of the picture of a study's page that shows it")
    command: str = Field("", description="that makes its tables from a study directory, STUDY")
    whole: bool = Field(False, description="no part counts without the others: one that is refuted, and it failed")
    parts: tuple[PartOfClaim, ...] = Field((), description="what decides it; none: the study's primary contrasts")

    @model_validator(mode="after")
    def _parts_can_be_measured(self) -> Claim:
        for band in self.bands:
            band_arguments(band, MEASURES)
            if not band.words:
                raise ValueError(f"parts {band.name!r}: has no bound, so that nothing can decide it; give one")
        return self

    @property
    def bands(self) -> tuple[BandPart, ...]:
        """All parts, one for every condition that they name."""
        return tuple(band for part in self.parts for band in part.each)

    @property
    def is_shipped(self) -> bool:
        """Whether its study comes with this evolearn."""
        return self.study in shipped_configs(STUDIES)

    def config(self, full: bool = False) -> StudyConfig:
        """The study's config as it is shipped.

        Args:
            full: the one for a cluster.
        Raises:
            NotFound: there is none.
        """
        return read_study(find_config(self.study_name(full), STUDIES))

    def study_name(self, full: bool = False) -> str:
        """The name of its study.

        Args:
            full: the one for a cluster.
        Raises:
            NotFound: it does not come with this evolearn.
        """
        name = self.full if full else self.study
        if name not in shipped_configs(STUDIES):
            raise NotFound(
                f"CLAIM={self.name}: its study {name} does not come with this evolearn; `evolearn claims` says which do"
            )
        return name


@functools.cache
def claims() -> Mapping[str, Claim]:
    """All claims by name, in the order of their numbers.

    Raises:
        ConfigError: table.yaml is not as it must be.
    """
    found = {name: _claim(name, content) for name, content in read_yaml(CLAIMS_FILE).items()}
    return dict(sorted(found.items(), key=lambda item: item[1].number))


def find_claim(name: str) -> Claim:
    """The claim of a name; `claims/NAME` is one, too.

    Raises:
        NotFound: there is none; says the nearest.
    """
    found = claims().get(name.removeprefix("claims/"))
    if found is None:
        raise NotFound(f"CLAIM={name[:80]}: there is no such claim.{offer(name, claims())}")
    return found


def _claim(name: str, content: Any) -> Claim:
    return check_model(Claim, {"name": name, **content}, f"{CLAIMS_FILE}: {name}")
