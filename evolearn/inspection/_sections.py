"""What evolution wrote: from DNA to numbers, a section each. Data goes to `inspection.json`, never to a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

from evolearn.inspection._comparison import compare
from evolearn.inspection._drives import inspect_drives
from evolearn.inspection._genes import inspect_genes
from evolearn.inspection._landscape import inspect_landscape
from evolearn.inspection._lesions import inspect_lesions
from evolearn.inspection._lineage import inspect_lineage
from evolearn.inspection._memory import inspect_memory
from evolearn.inspection._repertoire import inspect_repertoire
from evolearn.inspection._specimen import Json, Specimen
from evolearn.inspection._weights import inspect_weights
from evolearn.run import DNA


@dataclasses.dataclass(frozen=True)
class Subject:
    """Whose DNA is inspected, alive where its world can be found."""

    dna: DNA
    specimen: Specimen | None  # none: there is no world
    age: int | None = None  # steps, at which lesions are made beside those at birth


@dataclasses.dataclass(frozen=True)
class Part:
    """One section of an inspection."""

    key: str
    title: str
    world: Literal["needed", "used", "none"]  # used: without a world, part of it can be said
    inspect: Callable[[Subject], Json]


def alive(subject: Subject) -> Specimen:
    """The specimen of a subject whose world is there."""
    assert subject.specimen is not None
    return subject.specimen


PARTS: tuple[Part, ...] = (
    Part("genes", "Genes", "none", lambda subject: inspect_genes(subject.dna)),
    Part("weights", "Weights", "used", lambda subject: inspect_weights(subject.dna, subject.specimen)),
    Part("drives", "Drives", "needed", lambda subject: inspect_drives(alive(subject))),
    Part("repertoire", "Innate repertoire", "needed", lambda subject: inspect_repertoire(alive(subject))),
    Part("memory", "Memory", "needed", lambda subject: inspect_memory(alive(subject))),
    Part("lesions", "Lesions", "needed", lambda subject: inspect_lesions(alive(subject), subject.age)),
    Part("landscape", "Landscape", "needed", lambda subject: inspect_landscape(alive(subject))),
    Part("lineage", "Lineage", "used", lambda subject: inspect_lineage(subject.dna, subject.specimen)),
)

COMPARISON: Callable[..., Json] = compare
