"""What the result files of a study and of an experiment must hold for a page to be made of them.

What a model does not name is left alone: the page passes it on, or has no use for it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from evolearn.files import Record

_Count = Annotated[int, Field(ge=0)]
# Nothing outside the directory: a name from a file leads nowhere else.
_Beside = Annotated[str, Field(pattern=r"^(ledger\.json|lives\.parquet|replays/[A-Za-z0-9.-]+\.json)$")]
_Numbers = tuple[float | None, ...]


class _Summary(Record):
    """A metric over runs."""

    iqm: float | None
    low: float | None
    high: float | None
    mean: float | None = None
    runs: _Count = 0
    censored: _Count | None = None
    at_least: bool = False


class _ClusterSummary(Record):
    iqm: float | None
    runs: _Count
    censored: _Count
    at_least: bool


class _Span(Record):
    iqm: float | None
    low: float | None
    high: float | None


class _Chance(Record):
    probability: float | None
    low: float | None
    high: float | None


class _Compared(Record):
    """One arm against another, in one metric."""

    arm: str
    against: str
    verdict: Literal["better", "worse", "equivalent", "inconclusive"]
    p: float | None
    unfinished: str | None = None
    difference: _Span


class _Contrast(_Compared):
    metric: str
    p_holm: float | None = None
    withheld: str | None
    test: str
    improvement: _Chance | None
    margin: float | None
    runs: tuple[_Count, _Count]
    censored: tuple[_Count, _Count]
    head_start: _Numbers | None = None
    sentence: str


class _Cell(_Compared):
    """A primary contrast's arms at one evaluation lifetime."""

    lifetime: _Count


class _Curve(Record):
    age: _Numbers
    score: _Numbers
    low: _Numbers | None = None
    high: _Numbers | None = None

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        if any(column is not None and len(column) != len(self.age) for column in (self.score, self.low, self.high)):
            raise ValueError("age, score, low and high must be of one length")
        return self


class _Evolved(Record):
    run: _Count
    centre: _Numbers
    best: _Numbers
    stdev: _Numbers
    restart: tuple[_Count, ...] = ()
    from_restart: _Count = 0

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        if not len(self.centre) == len(self.best) == len(self.stdev):
            raise ValueError("centre, best and stdev must be of one length")
        if self.restart and self.from_restart not in self.restart:
            raise ValueError(f"from_restart={self.from_restart}: must be one of restart")
        return self


class _Evolution(Record):
    converged: bool | None
    stuck: tuple[_Count, ...] | None
    runs: tuple[_Evolved, ...]


class _Cluster(Record):
    runs: tuple[_Count, ...]
    stuck: bool
    metrics: dict[str, _ClusterSummary]
    curve: _Curve


class _Genes(Record):
    run: _Count
    drives: dict[str, float | None]
    plasticity: dict[str, float | None]


class _ArmRun(Record):
    run: _Count


class _Arm(Record):
    runs: tuple[_ArmRun, ...]
    metrics: dict[str, _Summary]
    curve: _Curve
    clusters: tuple[_Cluster, ...] = ()
    evolution: _Evolution | None
    dna: tuple[_Genes, ...] | None
    selection_lifetime: _Count | None = None
    outer_steps: _Count | None = None


class _BreakEven(Record):
    sentence: str
    bound: str
    steps_each: float | None
    steps_each_against: float | None
    descendants: float | None


class _CatchUp(Record):
    lifetime: _Count
    arms: dict[str, dict[str, Any]]


class _Condition(Record):
    name: str
    world: str
    parameters: dict[str, Any]
    selection_lifetime: _Count
    sentence: str
    remarks: tuple[str, ...]
    arms: dict[str, _Arm]
    primary: _Contrast
    secondary: tuple[_Contrast, ...]
    by_lifetime: tuple[_Cell, ...]
    catch_up_by_lifetime: tuple[_CatchUp, ...]
    factorial: dict[str, Any] | None
    break_even: tuple[_BreakEven, ...]


class _Look(Record):
    runs: Annotated[int, Field(ge=1)]
    level: float


class _Study(Record):
    title: str
    seed: _Count
    runs: Annotated[int, Field(ge=1)]
    looks: Annotated[tuple[_Look, ...], Field(min_length=1)]
    test_lives: _Count
    config_sha256: str
    exploratory: bool
    level: float
    extended: tuple[dict[str, Any], ...]


class _Metric(Record):
    unit: str
    censored: bool


class _ArmDoc(Record):
    doc: str


class _Ledger(Record):
    conditions: dict[str, dict[str, dict[str, _Count]]]
    columns: dict[str, str]
    checks: _Count = 0
    total: _Count


class VerdictRecord(Record):
    """What verdict.json must hold."""

    study: _Study
    key_spaces: dict[str, Any]
    birth_steps: Annotated[int, Field(ge=1)]
    lifetimes: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    metrics: dict[str, _Metric]
    arms: dict[str, _ArmDoc]
    conditions: Annotated[tuple[_Condition, ...], Field(min_length=1)]
    ledger: _Ledger
    files: dict[_Beside, str]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for condition in self.conditions:
            contrasts = (condition.primary, *condition.secondary)
            pairs = [(row.arm, row.against) for row in contrasts]
            pairs += [(row.arm, row.against) for row in condition.by_lifetime]
            named = {*condition.arms, *(arm for pair in pairs for arm in pair)}
            if unknown := sorted(named - self.arms.keys()):
                raise ValueError(f"condition {condition.name!r} names {unknown[0]!r}, which is none of arms")
        return self


class _Drawn(Record):
    """A shape of a replay."""

    kind: Literal["circle", "line", "polygon"]
    role: str
    label: str
    points: _Count | None = None


class _ReplayArm(Record):
    arm: str
    label: str | None = None
    score: _Numbers
    drives: dict[str, _Numbers]
    ends: tuple[_Count, ...]
    shapes: tuple[_Drawn, ...]
    frames: tuple[_Numbers, ...]
    observations: dict[str, _Numbers] = Field(default_factory=dict)
    actions: dict[str, _Numbers] = Field(default_factory=dict)
    choices: tuple[str, ...] = ()
    senses: dict[str, _Numbers] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        named = (self.drives, self.observations, self.actions, self.senses)
        columns = [column for one in named for column in one.values()]
        if any(len(column) != len(self.score) for column in [*columns, *([self.frames] if self.frames else [])]):
            raise ValueError("score, drives, frames, observations, actions and senses must have a number a frame")
        if any(len(frame) != len(self.frames[0]) for frame in self.frames):
            raise ValueError("frames must hold the same numbers of shapes each")
        return self


class ReplayRecord(Record):
    """What a replay must hold."""

    condition: str
    life: str
    run: _Count = 0
    start: _Count = 0
    step_stride: Annotated[int, Field(ge=1)]
    bounds: tuple[float, float, float, float] | None = None
    arms: Annotated[tuple[_ReplayArm, ...], Field(min_length=1)]


class _About(Record):
    paper: str
    question: str
    set_up: str
    deviations: tuple[str, ...]


class _Band(Record):
    name: str
    source: str
    published: str
    measure: str
    of: dict[str, Any]
    unit: str
    accept: bool
    band: str
    bounds: dict[str, Any] | None
    value: float | str | None
    low: float | None
    high: float | None
    note: str
    judgement: str


class _Judgement(Record):
    sentence: str


class _Cost(Record):
    world_steps: _Count | None
    evaluations: _Count
    evaluations_are: str
    seconds: float
    seconds_are: str = ""


class ReplicationRecord(Record):
    """What replication.json must hold."""

    about: _About
    bands: tuple[_Band, ...]
    judgement: _Judgement
    runs: _Count
    cost: _Cost
    config_sha256: str
    verdict_sha256: str | None = None
    environment_sha256: str | None = None


class ExperimentRecord(ReplicationRecord):
    """The same of an experiment of its own."""

    experiment: str
    title: str
    seed: _Count
    pictures: dict[str, Any]


class Became(Record):
    """The hashes of a study's config and of its environment.json."""

    config_sha256: str
    environment_sha256: str


class Label(Became):
    """What of study.json a page is checked against."""

    becomes: Became | None = None


class EnvironmentRecord(Record):
    """What of environment.json the page shows."""

    time: str
    python: str
    packages: dict[str, str | None]
    commit: str | None
    cpu: str | None = None
