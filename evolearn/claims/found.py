"""How each claim stands: what was found of it in study directories, and what is kept of it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from evolearn.claims.judgement import MISSING, NOT_RUN
from evolearn.claims.records import is_same, kept_records, record_of
from evolearn.claims.table import Claim, claims
from evolearn.errors import UserError
from evolearn.study import StudyConfig, open_study
from evolearn.verdict import Json


@dataclasses.dataclass(frozen=True)
class Standing:
    """What is known of a claim."""

    claim: Claim
    record: Json | None  # of the study that was found, else the one that is kept; none: it was not run
    study: Path | None = None  # the directory that the record is of; none: it is a kept one
    shipped: bool = True  # whether that study's config is the shipped one
    full: bool = False  # whether it is of the study for a cluster

    @property
    def word(self) -> str:
        """What came of it, in a word of `WORDS`."""
        if self.record is not None:
            return str(self.record["word"])
        return NOT_RUN if self.claim.is_shipped else MISSING


def standings(
    places: Iterable[Path] = (Path("runs"),), kept: Mapping[str, Json] | None = None
) -> tuple[list[Standing], list[str]]:
    """How every claim stands, by the last study of it that was begun, else by its kept record.

    A study is of a claim if its config or its title is that of the claim's quick or full study.

    Args:
        places: study directories, and folders of them.
        kept: records by claim; none: those of the repository.
    Returns:
        One standing per claim, in order; and of studies that are left out, why.
    """
    kept = kept_records() if kept is None else kept
    last: dict[str, tuple[str, Standing]] = {}
    left_out = []
    for path in _studies(places):
        try:
            if (found := _claim_of(path)) is None:
                continue
            claim, shipped, full = found
            record = _with_tables(record_of(claim, path), kept.get(claim.name))
        except UserError as error:
            left_out.append(str(error))
            continue
        # Of the same moment, the quick study as it is shipped.
        order = f"{shipped and not full:d} {record['time']}"
        if claim.name not in last or last[claim.name][0] < order:
            last[claim.name] = order, Standing(claim, record, path, shipped, full)
    found_here = {name: standing for name, (_, standing) in last.items()}
    return [found_here.get(name) or Standing(claim, kept.get(name)) for name, claim in claims().items()], left_out


def _with_tables(record: Json, kept: Json | None) -> Json:
    """A record of a study; the kept one if that is of the same verdict, and has tables that the study lacks."""
    same = kept is not None and kept["verdict_sha256"] == record["verdict_sha256"]
    return kept if kept is not None and same and kept["tables"] and not record["tables"] else record


@functools.cache
def _shipped() -> Sequence[tuple[StudyConfig, Claim, bool]]:
    """Every config of a claim that is shipped, quick ones first, and whether it is the full one."""
    found = []
    for full in (False, True):
        for claim in claims().values():
            if full and not claim.full.startswith("claims/"):
                continue  # it is that of several claims
            with contextlib.suppress(UserError):
                found.append((claim.config(full), claim, full))
    return found


def _claim_of(path: Path) -> tuple[Claim, bool, bool] | None:
    """The claim of a study, whether its config is the shipped one, and whether it is the full one's; or none."""
    config = open_study(path).read_config()
    alike = [(claim, is_same(known, config), full) for known, claim, full in _shipped() if known.title == config.title]
    return max(alike, key=lambda found: found[1], default=None)


def _studies(places: Iterable[Path]) -> Sequence[Path]:
    """Finished studies: the places that are some, and those that lie in them."""
    found = dict.fromkeys(
        label.parent
        for place in places
        for label in ([place / "study.json"] if (place / "study.json").exists() else sorted(place.glob("*/study.json")))
    )
    return [path for path in found if (path / "verdict.json").exists()]
