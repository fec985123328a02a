"""Arms: what a condition of a comparison is born with, and whether it learns.

An arm is defined by where its genes come from (an evolution of its own, another arm's result, nothing), by what it
does with each gene group (inherits, draws afresh, permutes, resets) and by what is switched off. ARMS is the table;
a study's config may define more from the same parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from evolearn.config import Part
from evolearn.search import ORACLE

OWN, NO_ORIGIN = "own", "none"

# Sections of a run that an arm's evolution may change. The world, the evaluation and the seed are the study's: arms are
# compared in the same lives.
SETTABLE = ("search", "genome", "learner", "drives", "brain", "value", "growth", "teacher", "opponent", "lineage")


def unsettable(key: str) -> str | None:
    """What is wrong with a dotted key as one that an arm's evolution changes; None if nothing is."""
    if key.split(".")[0] in SETTABLE:
        return None
    return (
        f"{key}: must begin with one of {', '.join(SETTABLE)}: world, evaluation and seed are the same for all arms; "
        "set them under run or conditions"
    )


def _or_of_a_file(schema: dict[str, Any]) -> None:
    """What editors are told of an arm in a study's file: `evolearn.study.tuned` reads settings that were searched."""
    schema["properties"]["tuned"] = {"type": "string", "description": "a file that evolearn tune wrote"}


class ArmPart(Part):
    """What an arm is made of."""

    model_config = ConfigDict(json_schema_extra=_or_of_a_file)

    doc: str = Field("", description="one line for tables")
    like: str | None = Field(None, description="an arm of the table whose parts are taken where none is given")
    origin: str = Field(OWN, description="own: an evolution of its own; none; or the arm whose DNA is transplanted")
    weights: Literal["inherited", "fresh", "permuted"] = Field(
        "inherited", description="inherited, drawn afresh in each life, or inherited with the entries permuted"
    )
    drives: str = Field("inherited", description="inherited; fitness: the only reward; or an arm: fixed at its drives")
    plasticity: str = Field("inherited", description="inherited; published: the defaults; or an arm: fixed at its")
    teacher: str | None = Field(
        None,
        description="whom the arm is cloned from before birth: oracle, the world's own, or the arm whose DNA teaches; "
        "goes with search.algorithm=clone in its settings",
    )
    start: str | None = Field(
        None, description="the arm at whose weights, and drives and plasticity if it inherits its own, evolution starts"
    )
    value: Literal["inherited", "zero"] | None = Field(
        None,
        description="innate value: inherited, or zero, none at all; null: inherited with inherited weights, else zero",
    )
    learns: bool = Field(True, description="whether lives learn, while evolving and when judged")
    actions: Literal["brain", "uniform", "oracle"] = Field("brain", description="where actions come from")
    inheritance: Literal["darwinian", "lamarckian"] = Field("darwinian", description="whether learned weights are")
    one_life: bool = Field(False, description="judged in one life per run, as long as all of its origin's evolution")
    settings: dict[str, Any] = Field({}, description="dotted keys of the run that differ in this arm's evolution")
    tuning_steps: int = Field(
        0, ge=0, le=10**18, description="world steps that finding its settings took, once, before the study"
    )

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As an arm was written before there were innate values, teachers and starts, where nothing is said of one."""
        content: dict[str, Any] = write(self)
        for field in ("value", "teacher", "start"):
            if getattr(self, field) is None:
                content.pop(field, None)
        return content

    @model_validator(mode="after")
    def _parts_fit(self) -> ArmPart:
        evolves = self.origin == OWN
        if self.origin == NO_ORIGIN and self.value == "inherited":
            raise ValueError("value='inherited': there is nothing to inherit with origin=none; leave it out")
        if self.origin == NO_ORIGIN and (self.weights, self.drives, self.plasticity) != (
            "fresh",
            "fitness",
            "published",
        ):
            raise ValueError(
                "origin=none: there is nothing to inherit: must have weights=fresh, drives=fitness, "
                "plasticity=published; or give it an origin"
            )
        if evolves and self.weights == "permuted":
            raise ValueError(
                "weights='permuted': only for transplanted arms; set origin to the arm whose weights to use"
            )
        if self.one_life and self.origin in (OWN, NO_ORIGIN):
            raise ValueError("one_life=true: needs an origin whose evolution says how long; set origin to an arm")
        if self.inheritance == "lamarckian" and not (evolves and self.learns):
            raise ValueError("inheritance='lamarckian': must evolve and learn; set origin=own and learns=true")
        for field in ("drives", "plasticity"):
            if not evolves and getattr(self, field) not in ("inherited", "fitness", "published"):
                raise ValueError(
                    f"{field}={getattr(self, field)!r}: a transplanted arm keeps or resets its origin's; borrowing "
                    "from another arm is for arms with origin=own"
                )
        if not evolves and (self.teacher or self.start):
            field = "teacher" if self.teacher else "start"
            raise ValueError(
                f"{field}={getattr(self, field)!r}: only for an arm with an evolution of its own; set origin=own"
            )
        if self.weights != "inherited" and (self.teacher or self.start):
            field = "teacher" if self.teacher else "start"
            raise ValueError(
                f"{field}={getattr(self, field)!r}: must go with weights=inherited: weights that are drawn afresh "
                "neither are taught nor start anywhere; leave one of the two out"
            )
        clones = self.settings.get("search.algorithm") == "clone"
        if clones != (self.teacher is not None):
            raise ValueError(
                f"teacher={self.teacher!r}: must {'name oracle or an arm' if clones else 'be left out'} where "
                f"settings have {'' if clones else 'no '}search.algorithm=clone"
            )
        if self.settings and not evolves:
            raise ValueError("settings: only an arm with an evolution of its own has any; set origin=own")
        if self.tuning_steps and not evolves:
            raise ValueError(
                f"tuning_steps={self.tuning_steps}: only an arm with an evolution of its own has settings to find; "
                "set origin=own, or leave it out"
            )
        for key in self.settings:
            if problem := unsettable(key):
                raise ValueError(f"settings.{problem}")
        return self

    @property
    def evolves(self) -> bool:
        """Whether the arm has an evolution of its own."""
        return self.origin == OWN

    @property
    def has_origin(self) -> bool:
        """Whether there is DNA that the arm comes from, of its own evolution or another arm's."""
        return self.origin != NO_ORIGIN

    @property
    def has_value(self) -> bool:
        """Whether it is born with the innate value that its origin has, if that has one: a prior, as weights are."""
        return (self.value or ("inherited" if self.weights == "inherited" else "zero")) == "inherited"

    def needs(self) -> tuple[str, ...]:
        """Names of the arms whose results this arm takes something from."""
        teacher = None if self.teacher == ORACLE else self.teacher
        taken = (self.origin, self.drives, self.plasticity, teacher, self.start)
        own_words = (OWN, NO_ORIGIN, "inherited", "fitness", "published")
        return tuple(dict.fromkeys(name for name in taken if name is not None and name not in own_words))

    def takes_weights_of(self, name: str) -> bool:
        """Whether the arm's evolution takes weights of another arm, to be taught by them or to start there."""
        return name in (self.teacher, self.start)


def _part(doc: str, **parts: Any) -> ArmPart:
    return ArmPart(doc=doc, **parts)


_NOTHING: dict[str, Any] = {"origin": NO_ORIGIN, "weights": "fresh", "drives": "fitness", "plasticity": "published"}

ARMS: Mapping[str, ArmPart] = {
    "random": _part("uniform actions", **_NOTHING, learns=False, actions="uniform"),
    "blank": _part("random weights, fitness as only reward, published defaults, learning", **_NOTHING),
    "tuned_learner": _part(
        "random weights, fitness as only reward, plasticity evolved, learning", weights="fresh", drives="fitness"
    ),
    "tuned_blank": _part("random weights, drives and plasticity evolved, learning", weights="fresh"),
    "instinct": _part(
        "weights evolved with learning off, never learning", drives="fitness", plasticity="published", learns=False
    ),
    "evolved_weights": _part("weights and plasticity evolved, fitness as only reward, learning", drives="fitness"),
    "evolved": _part("weights, drives and plasticity evolved, learning"),
    "evolved_frozen": _part("evolved, learning switched off: what is innate in it", origin="evolved", learns=False),
    "evolved_drives": _part(
        "drives and plasticity of evolved, random weights, learning", origin="evolved", weights="fresh"
    ),
    "shuffled": _part(
        "evolved with the entries of each matrix and bias permuted in each life, learning: scale without knowledge",
        origin="evolved",
        weights="permuted",
    ),
    "long_blank": _part(
        "drives and plasticity of tuned_blank, random weights, one life as long as all of its evolution",
        origin="tuned_blank",
        weights="fresh",
        one_life=True,
    ),
    "lamarckian": _part("evolved by a search that inherits learned weights", inheritance="lamarckian"),
    "pretrained": _part(
        "weights meta-trained by gradient (Reptile) at equal steps, drives and plasticity of tuned_blank, learning",
        drives="tuned_blank",
        plasticity="tuned_blank",
        value="zero",
        settings={
            "search.algorithm": "reptile",
            "search.options": {},
            "search.sampling": "whole",
            "search.restart": "none",
        },
    ),
    "maml": _part(
        "weights meta-trained by the gradient through learning (MAML) at equal steps, drives and plasticity of "
        "tuned_blank, learning",
        drives="tuned_blank",
        plasticity="tuned_blank",
        value="zero",
        settings={
            "value": None,
            "search.algorithm": "maml",
            "search.options": {},
            "search.sampling": "whole",
            "search.restart": "none",
        },
    ),
    "imitated": _part(
        "weights cloned from evolved's newborn, drives and plasticity of tuned_blank, learning",
        drives="tuned_blank",
        plasticity="tuned_blank",
        teacher="evolved",
        value="zero",
        settings={
            "value": None,
            "search.algorithm": "clone",
            "search.options": {},
            "search.sampling": "whole",
            "search.restart": "none",
        },
    ),
    "imitated_frozen": _part(
        "imitated, learning switched off: what was cloned of its teacher", origin="imitated", learns=False
    ),
    "evolved_and_imitated": _part(
        "weights, drives and plasticity evolved from those of imitated on, learning", start="imitated"
    ),
    "oracle": _part("knows this life's hidden draw", **_NOTHING, learns=False, actions="oracle"),
}

RUN_ARMS = ("blank", "evolved", "evolved_frozen", "random", "oracle")  # of a run's closing table
