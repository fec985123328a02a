"""The parts of a run's config: brain, learner, drives, genome, search, evaluation, and what a run may have besides.

Every field states its unit, range and default. Here parts are checked by themselves, and against each other in
`evolearn.config.run`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from evolearn.config.reading import Part, Positive

# Numbers that stay numbers in float32, in which lives compute.
Moderate = Annotated[float, Field(ge=-1e30, le=1e30)]
Decay = Annotated[float, Field(ge=0, lt=1, le=0.999999)]
Steps = Annotated[int, Field(ge=0, le=100_000_000)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]
Mode = Literal["evolved", "fixed", "fresh"]
Centring = Literal["mean", "largest", "none"]
Input = Literal["observation", "last_observation", "last_action", "last_reward", "new_episode"]

# Learners that people look for, and what to write for what comes nearest.
_KNOWN_ELSEWHERE_AS = {
    "ppo": "is actor_critic with several epochs on a window: write learner: {name: actor_critic, window: 128, epochs: "
    "4}. A window is one batch, from one stream of experience, and advantages are not normalised",
    "a2c": "is actor_critic with one epoch, as it is by default: write learner: {name: actor_critic}. There is one "
    "stream of experience",
    "dqn": "is nearest to q_learning: write learner: {name: q_learning}. It has no target network and no replay",
}


class BrainPart(Part):
    """What a brain is made of."""

    trunk: Name = Field("mlp", description="kind of trunk: one in the box, such as mlp, or path/to/file.py:NAME")
    hidden: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        (24,),
        max_length=16,
        description="units per trunk layer; [] with a trunk that has none, such as linear, and only then",
    )
    inputs: tuple[Input, ...] = Field(
        ("observation",),
        min_length=1,
        description="what it is told at every step: observation first, then any of last_observation, last_action, "
        "last_reward, new_episode",
    )
    memory: Literal["episode", "life"] = Field(
        "episode",
        description="episode: at an episode's end it forgets what its trunk carries and what it is told of the step "
        "before; life: it keeps both to the end of its life",
    )
    readout: Literal["plain", "product"] = Field(
        "plain",
        description="product: the heads read the last layer times 1 + G observation, with a matrix G of weights",
    )
    weights: dict[Name, Moderate | tuple[Moderate, ...]] = Field(
        {},
        description="weights at the start of evolution, by tensor, where they differ from the standard initialisation: "
        "one number for all of a tensor's, or a list in its order",
    )
    prediction: bool = Field(
        False,
        description="whether it has a head that predicts, from what the other heads read and from the action, the next "
        "observation, the reward and the end of the episode",
    )

    @pydantic.field_validator("inputs")
    @classmethod
    def _observation_first(cls, inputs: tuple[str, ...]) -> tuple[str, ...]:
        given = f"brain.inputs={list(inputs)}"
        if inputs[0] != "observation":
            others = [name for name in inputs if name != "observation"]
            raise ValueError(f"{given}: must begin with observation; write {['observation', *others]}")
        for name in inputs:
            if inputs.count(name) > 1:
                raise ValueError(f"{given}: must name each once; leave out one {name}")
        return inputs


class LearnerPart(Part):
    """How a life learns, as far as it does not evolve."""

    name: Name = Field(
        "actor_critic", description="kind of learner: one in the box, such as q_learning, or path/to/file.py:NAME"
    )

    @pydantic.field_validator("name")
    @classmethod
    def _by_its_own_name(cls, name: str) -> str:
        if name in _KNOWN_ELSEWHERE_AS:
            raise ValueError(f"learner.name={name!r}: {_KNOWN_ELSEWHERE_AS[name]}")
        return name

    window: int = Field(20, ge=1, le=4096, description="steps between two learning updates")
    optimiser: Literal["adam", "sgd"] = Field("adam", description="what makes a step of a gradient: adam or sgd")
    epochs: int = Field(1, ge=1, le=64, description="passes over a window; 1: actor-critic, more: PPO")
    clip: float = Field(0.2, gt=0, le=1, description="PPO: largest change of a probability ratio")
    gradient_norm: Positive = Field(0.5, description="longer gradients are shortened to this")
    first_decay: Decay = Field(0.9, description="Adam's first decay")
    second_decay: Decay = Field(0.999, description="Adam's second decay")
    epsilon: Positive = Field(1e-5, description="Adam's epsilon")
    plasticity: dict[str, Moderate | tuple[Moderate, ...]] = Field(
        {},
        description="natural values at the start of evolution that differ from the published defaults; of a gene of "
        "many numbers one for all, or a list",
    )
    learn_from: Steps = Field(0, description="age at which learning starts, steps")
    learn_until: Steps | None = Field(None, description="age at which learning stops, steps; 0: never learns")
    first_value: Moderate = Field(
        0.0,
        description="value of every action at the standard initialisation, for learners of action values; as a gene, "
        "of weights drawn afresh, it is learner.plasticity.initial_value",
    )
    auxiliary: bool = Field(
        False,
        description="whether what the brain's prediction head errs by changes the trunk as well, along its gradient, "
        "by the plasticity gene prediction_weight",
    )
    imagined: int = Field(
        0,
        ge=0,
        le=1000,
        description="updates for each step of life from steps that the prediction head imagines, from remembered ones: "
        "Dyna; for learners that may learn from what they did not do",
    )
    remembered: int = Field(
        512, ge=1, le=1_000_000, description="the last steps of a life that imagined ones begin at, steps"
    )
    repeated: int = Field(
        0,
        ge=0,
        le=1000,
        description="updates for each step of life from the window once more: as many as imagined has, without a model",
    )
    reset: Literal["none", "heads", "brain"] = Field(
        "none",
        description="weights that are as at birth again when a world is born a second time, at world.switch_at: none; "
        "heads: the last layer, policy, value and prediction; brain: all. The optimiser's memory stays",
    )


class DrivesPart(Part):
    """What a newborn may want."""

    generic: tuple[Name, ...] = Field(
        (),
        max_length=1000,
        description="generic drives beside fitness and the world's senses: in the box, such as novelty, or "
        "path/to/file.py:NAME",
    )
    centred: Centring | dict[Name, Centring] = Field(
        "mean",
        description="what a generic drive that explores is felt less than: mean, its running mean; largest, the "
        "largest that it can be, which is a step cost too; none: it is never below 0. One word for all, or one each, "
        "{novelty: largest}: mean for the others",
    )
    weights: dict[str, Moderate] = Field(
        {"fitness": 1.0}, description="drive weights at the start of evolution; 0 for those not named"
    )
    transform: Literal["identity", "symlog"] = Field(
        "identity",
        description="how a drive's gene becomes its weight; symlog: any sign, evenly over orders of magnitude",
    )
    evolved: tuple[Name, ...] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="drives whose weights are genes, the others stay as in drives.weights; null: all. To hold all of "
        "them, set genome.drives.mode=fixed",
    )


class ValuePart(Part):
    """An innate value: a small network of what the world shows, written by evolution and never learned."""

    hidden: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        (), max_length=4, description="tanh units per layer; []: the value is linear in what the world shows"
    )
    uses: tuple[Literal["potential", "acting"], ...] = Field(
        min_length=1,
        description="what it is for: potential, the reward felt is shaped by it, which is the same as a critic that "
        "starts from it; acting, what is predicted to follow from each choice is valued before one is chosen",
        json_schema_extra={"items": {"enum": ["potential", "critic", "acting"], "type": "string"}},
    )
    read: Literal["innate", "learned"] = Field(
        "innate",
        description="whose value is read in acting: innate, that of this network; learned, what the learner's critic "
        "expects, and all that is a gene of it is how much it weighs",
    )

    @pydantic.field_validator("uses", mode="before")
    @classmethod
    def _each_once(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            return given
        # A critic that starts from an innate value learns what it does with that value as potential: one mechanism.
        uses = ["potential" if name == "critic" else name for name in given]
        for name in uses:
            if uses.count(name) > 1:
                also = " (critic is potential by another name)" if "critic" in given else ""
                raise ValueError(f"value.uses={list(given)}: must name each once{also}; leave out one {name}")
        return uses

    @pydantic.model_validator(mode="after")
    def _only_read(self) -> ValuePart:
        if self.read == "learned" and self.uses != ("acting",):
            raise ValueError(
                f"value.uses={list(self.uses)}: must be ['acting'] with value.read='learned', since what the critic "
                "expects shapes no reward that it learns from; write [acting], or leave value.read out"
            )
        if self.read == "learned" and self.hidden:
            raise ValueError(
                f"value.hidden={list(self.hidden)}: must be [] with value.read='learned', since the critic is a head "
                "of the brain; leave it out, and set brain.hidden, or leave value.read out"
            )
        return self


class GrowthPart(Part):
    """What of a brain changes with age, whatever is lived; when, and how far, are genes of plasticity."""

    of: tuple[Literal["weights", "rate"], ...] = Field(
        min_length=1,
        max_length=2,
        description="what grows: weights, from young to old ones by a timetable for each sense, layer and head; rate, "
        "the learning rate by a timetable of its own",
    )

    @pydantic.field_validator("of")
    @classmethod
    def _each_once(cls, of: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(of)) < len(of):
            raise ValueError(f"growth.of={list(of)}: must name each once; leave out one {of[0]}")
        return of


class TeacherPart(Part):
    """Somebody whose actions a learner that imitates takes for its own."""

    source: Name = Field(
        description="who teaches: oracle, the world's own; parent, an elder of the generation before, in a lineage; or "
        "the path of DNA or of a run: its newborn, which never learns"
    )
    mode: Literal["asked", "watched"] = Field(
        "asked",
        description="asked: the pupil acts, and the teacher says what it would do there (DAgger); watched: the teacher "
        "acts in the pupil's world, and the pupil watches: such a step earns nothing",
    )
    evolved: tuple[Literal["taught_from", "taught_share", "imitation_weight"], ...] | None = Field(
        None,
        description="which of the genes that say when and how much is taught may evolve; the others stay as in "
        "learner.plasticity; null: all, with genome.plasticity",
    )
    privileged: bool | None = Field(
        None, description="whether it sees what its pupils cannot; null, and then written down: the oracle does"
    )
    sha256: Name | None = Field(None, description="checksum of its DNA; null, and then written down: of what is there")
    evolution_steps: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        description="world steps that its DNA cost; null, and then written down: as its header says",
    )


class LineagePart(Part):
    """Lives one after another in a world that stays; see `evolearn.life.lineage`."""

    generations: int = Field(ge=2, le=1000, description="cultural generations: lives one after another")
    siblings: int = Field(4, ge=1, le=1000, description="lives side by side in each of them")
    elder: Literal["best", "random"] = Field(
        "best", description="who of a generation teaches the next, or hands it weights: its best, or anybody"
    )
    inherit: Literal["nothing", "weights", "shrunk"] = Field(
        "nothing",
        description="weights that the next is born with: those of the genome (nothing); those that the elder learned "
        "(weights); or those that the sibling in its own place learned, times lineage.kept (shrunk)",
    )
    kept: float = Field(0.5, ge=0, le=1, description="what is left of learned weights where these are shrunk")
    elders: int = Field(
        1,
        ge=1,
        le=1000,
        description="elders of each life, who teach it by turns, a window after another; the first hands on weights",
    )
    world: Literal["stays", "redrawn"] = Field(
        "stays",
        description="stays: what is fixed at birth is the same for a whole lineage; redrawn: it is drawn anew for each "
        "cultural generation, all siblings together",
    )

    @pydantic.model_validator(mode="after")
    def _enough_siblings(self) -> LineagePart:
        if self.elders > self.siblings:
            raise ValueError(
                f"elders={self.elders}: must be at most siblings={self.siblings}, of whom they are; lower it, or raise "
                "lineage.siblings"
            )
        return self

    @property
    def lives(self) -> int:
        """In a whole lineage."""
        return self.generations * self.siblings


class GroupPart(Part):
    """How one gene group comes into a life."""

    mode: Mode = Field("evolved", description="evolved: searched; fixed: as at the start; fresh: drawn in each life")
    spread: Positive = Field(0.3, description="standard deviation at the start, gene units")


class CodePart(Part):
    """How few numbers, and how short ones, stand for the weights; each field is of some encodings."""

    genes: int | None = Field(
        None, ge=1, le=1 << 25, description="of subspace: numbers that stand for all weights, at most as many as these"
    )
    bits: int = Field(
        32, ge=1, le=32, description="of every gene of the weights, as it is decoded; 32: a float, taken as it is"
    )
    numbers: int = Field(2, ge=1, le=64, description="of neuron_codes: numbers in the code of a neuron")
    units: int = Field(8, ge=1, le=1024, description="of neuron_codes: hidden units of each layer's decoder")


class GenomePart(Part):
    """What evolution searches."""

    prediction: Literal["inherited", "learned"] = Field(
        "inherited",
        description="weights of the brain's prediction head: inherited, as all others are; learned: 0 at birth, and no "
        "genes, so that where actions lead is found out in every life",
    )
    critic: Literal["inherited", "learned"] = Field(
        "inherited",
        description="weights of the brain's critic: inherited, as all others are; learned: 0 at birth, and no genes, "
        "so that what is to be expected is found out in every life. Of weights drawn afresh it is drawn as they are",
    )
    encoding: Name = Field(
        "direct",
        description="how genes become weights: direct, quantised, subspace, neuron_codes, or path/to/file.py:NAME",
    )
    code: CodePart = CodePart()
    inheritance: Literal["darwinian", "lamarckian"] = Field(
        "darwinian", description="lamarckian: offspring inherit weights as learned in life; genetic algorithm only"
    )
    weights: GroupPart = GroupPart(spread=0.15)
    drives: GroupPart = GroupPart()
    plasticity: GroupPart = GroupPart()
    value: GroupPart = GroupPart()


class SearchPart(Part):
    """The outer loop."""

    algorithm: Name = Field("pgpe", description="pgpe, snes, xnes, cem, cmaes, genetic, reptile, maml or clone")
    generations: int = Field(30, ge=1, le=1_000_000, description="generations in a run")
    population: int = Field(64, ge=2, le=1_000_000, description="genomes per generation")
    lives: int = Field(4, ge=1, le=100_000, description="lives per genome and generation")
    selection_lifetime: int = Field(6000, ge=1, le=100_000_000, description="world steps in a life while evolving")
    sampling: Literal["whole", "blockwise"] = Field(
        "whole",
        description="blockwise: never the whole population in memory, for large genomes; pgpe, snes and cem only; its "
        "random numbers, and so its results, are not those of whole",
    )
    options: dict[str, Any] = Field({}, description="hyperparameters of the algorithm, by EvoTorch's names")
    restart: Literal["none", "stagnation", "ipop"] = Field(
        "none",
        description="stagnation: begin again, with fresh random numbers of the search, when it stagnates; ipop: the "
        "same with twice the population each time; both within the budget of none. Not for reptile, maml and clone",
    )
    restart_window: int | None = Field(
        None,
        ge=2,
        le=100_000,
        description="generations compared with as many before them to see stagnation; null: a tenth of "
        "search.generations, at least 5",
    )


class EvaluationPart(Part):
    """How the result is judged."""

    lives: int = Field(128, ge=2, le=100_000, description="validation lives")
    lifetimes: tuple[Annotated[int, Field(ge=1, le=100_000_000)], ...] = Field(
        (20_000,),
        min_length=1,
        max_length=1000,
        description="evaluation lifetimes in world steps; all are lived as the longest",
    )
    birth_steps: int = Field(600, ge=1, le=100_000_000, description="window of the birth score, world steps")
    bin_steps: int = Field(100, ge=1, le=100_000_000, description="resolution of scores by age, world steps")
    window_after: WindowAfterPart | None = Field(
        None,
        description="window of life whose score is the metric window_after, age and width; null: as wide as "
        "birth_steps from world.switch_at on, where worlds switch",
    )


class WindowAfterPart(Part):
    """Where in life `window_after` is measured."""

    age: int = Field(ge=0, le=100_000_000, description="beginning of the window, world steps since birth")
    width: int = Field(ge=1, le=100_000_000, description="length of the window, world steps")


class OpponentSearchPart(Part):
    """The outer loop of opponents; generations and lifetime are those of the run's own."""

    algorithm: Literal["pgpe", "snes", "xnes", "cem", "cmaes"] = Field("pgpe", description="one that has a centre")
    population: int = Field(64, ge=2, le=1_000_000, description="genomes per generation")
    lives: int = Field(4, ge=1, le=100_000, description="lives per genome and generation")
    options: dict[str, Any] = Field({}, description="hyperparameters of the algorithm, by EvoTorch's names")


class OpponentPart(Part):
    """The second agent of a world, which evolves against the first; its sections say what the run's own say."""

    world: Name = Field(description="the world as the opponent lives in it, such as pursuit-predator for pursuit")
    against: Literal["present", "archive", "all"] = Field(
        "present",
        description="whom lives meet, of either side: present, whom the other search is drawing now; archive, a share "
        "of them centres that it kept; all, a share of them the centres of all earlier generations",
    )
    archive: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="centres of each side that are kept, evenly over the generations; null: 20. For against=archive",
    )
    share: float = Field(0.5, gt=0, le=1, description="of lives that meet archived ones, with archive and all")
    scripted: float = Field(
        0.0, ge=0, lt=1, description="share of the agent's lives in which the world scripts its opponent instead"
    )
    populations: int = Field(
        1,
        ge=1,
        le=100,
        description="of opponents, each a search by itself; whom the agent's lives meet comes from all of them evenly",
    )
    brain: BrainPart = BrainPart()
    learner: LearnerPart = LearnerPart()
    drives: DrivesPart = DrivesPart()
    genome: GenomePart = GenomePart()
    search: OpponentSearchPart = OpponentSearchPart()

    def kept(self, generations: int) -> int:
        """Centres of each side that are kept to be met again in a run of so many generations."""
        if self.against == "all":
            return generations
        return 0 if self.against == "present" else self.archive or min(20, generations)
