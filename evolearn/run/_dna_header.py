"""What the header of a DNA file must hold, and hold together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from evolearn.agent import FOR_AN_EPISODE, NO_PREDICTION, OBSERVATION, OF_CHOICES, OF_NUMBERS, PLAIN, find_learner
from evolearn.config import RunConfig, shown
from evolearn.files import Record
from evolearn.plugins import absolute
from evolearn.world import GYMNASIUM

Name = Annotated[str, Field(max_length=1000)]
Names = Annotated[list[Name], Field(max_length=1_000_000)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class WorldHeader(Record):
    """The world that it evolved in."""

    name: Name
    parameters: dict[Name, Finite]


class BrainHeader(Record):
    """What the brain is made of, and the names of what its world shows and of what it does."""

    trunk: Name
    observations: Names = Field(min_length=1)
    units: Names
    hidden: list[Annotated[int, Field(ge=1, le=1024)]] = Field(max_length=16)
    actions: int = Field(ge=1, le=1_000_000)
    action_names: Names
    policy: Name
    # Of a brain from before there was a choice, the default.
    inputs: Names = Field(default_factory=lambda: [OBSERVATION])
    memory: Name = FOR_AN_EPISODE
    readout: Name = PLAIN
    prediction: Name = NO_PREDICTION


class LineageHeader(Record):
    """Where it comes from; of altered DNA, where that comes from which it was made of."""

    generation: Count
    run: Name | None = None
    algorithm: Name | None = None
    generations: Count | None = None
    restart: Count = 0
    fitness_sha256: Name | None = None
    validation_steps: Count | None = None
    of: Name | None = None


class DNAHeader(Record):
    """The header of a DNA file."""

    format: int
    role: Literal["centre", "best", "altered"]
    config: dict[str, Any]  # of a run, see `evolearn.config.check_config`
    world: WorldHeader
    brain: BrainHeader
    drives: Names = Field(min_length=1)
    seed: Count
    genes: list[dict[str, Any]]  # see `evolearn.run.dna`, which lays them out again
    not_evolved: list[dict[str, Any]]
    bits: Count | None = None  # size of the genome; not said of older DNA
    lineage: LineageHeader
    sources: dict[Name, Name] = Field(default_factory=dict)  # see `evolearn.run.sources.source_hashes`


def contradictions(header: DNAHeader, config: RunConfig) -> Iterator[str]:
    """What in a header does not fit the rest of it, a text for each.

    Args:
        header: of a DNA file.
        config: in it, checked.
    """
    brain = header.brain
    learner = find_learner(config.learner.name)
    policies = [absolute(name) for name in learner.policies.values()]
    for field, value, expected in (
        ("world.name", header.world.name, config.world.name),
        ("brain.trunk", brain.trunk, config.brain.trunk),
        ("brain.hidden", brain.hidden, list(config.brain.hidden)),
        ("brain.inputs", brain.inputs, list(config.brain.inputs)),
        ("brain.memory", brain.memory, config.brain.memory),
        ("brain.readout", brain.readout, config.brain.readout),
        ("seed", header.seed, config.seed),
        ("units", len(brain.units), len(brain.observations)),
        ("action_names", len(brain.action_names), brain.actions),
    ):
        if value != expected:
            of = "its config" if "." in field or field == "seed" else "its brain"
            yield f"{field}={shown(value)}: must be {shown(expected)}, as in {of}"
    names = brain.action_names
    if header.world.name.startswith(GYMNASIUM) and brain.policy != absolute(learner.policies.get("box", "")):
        first = int(names[0]) if names and re.fullmatch("-?[0-9]{1,19}", names[0]) else 0
        if names != [str(first + place) for place in range(len(names))]:
            yield f"brain.action_names={shown(names)}: must be numbers, each one more than the one before"
    kinds = {OF_CHOICES: "discrete", OF_NUMBERS: "box"}
    fitting = [kind for kind, of in kinds.items() if brain.policy == absolute(learner.policies.get(of, ""))]
    if brain.prediction not in (fitting if config.brain.prediction else [NO_PREDICTION]):
        yield (
            f"brain.prediction={shown(brain.prediction)}: must be {' or '.join(fitting) or NO_PREDICTION} with "
            f"brain.prediction={config.brain.prediction} in its config"
        )
    if brain.policy not in policies:
        yield f"brain.policy={shown(brain.policy)}: must be one of its learner's, {' or '.join(policies)}"
    if len(set(header.drives)) < len(header.drives):
        yield "drives: must have a name each, and one stands twice"
