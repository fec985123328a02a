"""What evolution wrote: from DNA to numbers, a section each. Data goes to `inspection.json`, never to a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

from evolearn.dna import DNA
from evolearn.inspection.landscape import inspect_landscape
from evolearn.inspection.lesions import inspect_lesions
from evolearn.inspection.specimen import Json, Specimen


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
    Part("lesions", "Lesions", "needed", lambda subject: inspect_lesions(alive(subject), subject.age)),
    Part("landscape", "Landscape", "needed", lambda subject: inspect_landscape(alive(subject))),
)


def _no_comparison(*_: object, **__: object) -> Json:
    raise NotImplementedError


COMPARISON: Callable[..., Json] = _no_comparison
