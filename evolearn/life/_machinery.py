"""What kernels are handed for lives under given conditions: compiled parts, a plan in their form, and memory laid out.

What a part of the agent is called by a kernel, or needs a place for, changes this room; what lives share and how they
are asked for, `evolearn.life.live`, it does not.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from evolearn.agent import (
    BACKWARD_TYPE,
    DELTAS_TYPE,
    DISCOUNT,
    FOR_LIFE,
    GROWN,
    GROWN_ONSET,
    GROWN_WEIGHT,
    GROWN_WEIGHTS,
    GROWN_WIDTH,
    LAST_ACTION,
    LAST_OBSERVATION,
    LAST_REWARD,
    LATE_RATE,
    LEARNING_RATE,
    NEW_EPISODE,
    NOT_TAUGHT,
    PREDICTION_RATE,
    PREDICTION_WEIGHT,
    TAUGHT_FROM,
    TAUGHT_SHARE,
    THINK_ALL_TYPE,
    THINK_TYPE,
    BrainSpec,
    compose,
    find_learner,
    find_policy,
    plugged,
    ready_choice,
    ready_learner,
    timetable_names,
    timetables,
    trunk_of,
    whole_lines,
)
from evolearn.life.live import Conditions, Job, Plan, states_of
from evolearn.life.records import FROM_BRAIN, Body, Course, Team
from evolearn.numerics import COMPILES, plug


@dataclasses.dataclass(frozen=True)
class Machinery:
    """The compiled parts of a driver, ready to be handed to kernels."""

    think_all: Any
    think: Any
    backward: Any
    backward_trunk: Any  # the trunk's own, whatever its heads are
    choose_all: Any
    deltas: Any
    learn: Any
    feel: Any
    tiled: bool
    learner_memory: int  # floats
    feel_memory: int  # floats

    def course(self, conditions: Conditions, job: Job) -> Course:
        """The kernel's form of a job's plan."""
        plan = job.plan
        learn_until = plan.lifetime if plan.learn_until is None else plan.learn_until
        return Course(
            steps=plan.lifetime,
            learn_from=plan.learn_from,
            # Only what the brain did can be learned from.
            learn_until=learn_until if plan.source == FROM_BRAIN else 0,
            bin_steps=plan.bin_size,
            operate_at=-1 if plan.operate_at is None else plan.operate_at,
            switch_at=-1 if conditions.switch_at is None else conditions.switch_at,
            reset_from=-1 if conditions.reset_from is None else conditions.reset_from,
            source=plan.source,
            choices=conditions.brain.actions if conditions.world.is_discrete else 0,
            teaching=conditions.teacher.mode if conditions.teacher and job.is_taught(conditions) else NOT_TAUGHT,
            taught_life=0 if conditions.teacher is None else conditions.teacher.life,
            # With the first step of a window, so that the weights with which a window was lived are of one age.
            grow_every=conditions.window if conditions.brain.growth else 0,
            grown_life=conditions.grown_life,
            deprived_until=plan.deprived_until,
            episode_at=-1 if plan.episode_at is None else plan.episode_at,
        )

    def team(self, conditions: Conditions, lives: int, plan: Plan, state_size: int = 0, shared: bool = False) -> Team:
        """Memory for lives side by side.

        Args:
            conditions: of the lives.
            lives: at most so many.
            plan: that they follow.
            state_size: bytes of a compiled world's state.
            shared: whether there is one copy of the weights for all of them, see `shares_weights`.
        """
        brain = conditions.brain
        begins = brain.starts
        plastic = find_learner(conditions.learner).genes(brain)
        ends = itertools.accumulate(gene.size for gene in plastic)
        genes = {gene.name: end - gene.size for gene, end in zip(plastic, ends, strict=True)}
        value, has_value = conditions.value, find_policy(brain.policy).has_value
        teacher = None if shared else conditions.teacher  # who does not learn has none
        thinks = teacher is not None and teacher.source == FROM_BRAIN
        grows = GROWN_WEIGHTS in brain.growth
        body = Body(
            lives=lives,
            window=1 if shared else conditions.window,  # who does not learn looks back no further
            layers=len(brain.layers),
            observations=brain.observations,
            told=brain.told,
            last_observation=begins.get(LAST_OBSERVATION, -1),
            last_action=begins.get(LAST_ACTION, -1),
            last_reward=begins.get(LAST_REWARD, -1),
            new_episode=begins.get(NEW_EPISODE, -1),
            lasting=int(brain.memory == FOR_LIFE),
            units=brain.units,
            carry=trunk_of(brain).carry(brain.layers),
            outputs=brain.outputs,
            action_size=conditions.world.action_size,
            senses=len(conditions.world.senses),
            drives=len(conditions.drive_names),
            genes=sum(gene.size for gene in plastic),
            weights=brain.weights,
            thinking=brain.weights - brain.predicting,
            read=brain.read,
            outcomes=brain.outcomes,
            prediction_rate=genes.get(PREDICTION_RATE, -1),
            foreseen=brain.observations if conditions.reads_prediction else 0,
            controls=conditions.controls,
            trunk=brain.heads_from if brain.auxiliary else 0,
            gradient=gradient_size(brain, conditions.window) if brain.auxiliary else 0,
            prediction_weight=genes.get(PREDICTION_WEIGHT, -1),
            imagined=conditions.imagined,
            repeated=conditions.repeated,
            remembered=conditions.remembered if conditions.imagined else 0,
            stride=0 if shared else whole_lines(brain.weights),
            operated=0 if plan.operate_at is None else brain.weights,
            recalled=0 if plan.operate_at is None else states_of(brain),
            memory=0 if shared else whole_lines(self.learner_memory),
            feel_memory=self.feel_memory,
            state_size=state_size,
            tiled=int(self.tiled),
            value=0 if value is None else value.size,
            value_layers=0 if value is None else len(value.layers),
            value_scratch=0 if value is None else value.scratch,
            potential=int(value is not None and value.potential),
            acting=int(value is not None and value.acting),
            critic=int(value is not None and value.learned),
            # A policy gradient is that of the policy that acted; a temporal difference is one of values alone.
            undone=brain.outputs if value is not None and value.acting and not has_value else 0,
            discount=genes.get(DISCOUNT, -1),
            lessons=0 if teacher is None else brain.actions,
            teaching=brain.weights if thinks else 0,
            pupils=lives if thinks else 0,
            taught_from=genes.get(TAUGHT_FROM, -1),
            taught_share=genes.get(TAUGHT_SHARE, -1),
            timetables=len(timetable_names(brain)) if grows else 0,
            grown=genes.get(GROWN, -1),
            grown_weight=genes.get(GROWN_WEIGHT, -1),
            grown_onset=genes.get(GROWN_ONSET, -1),
            grown_width=genes.get(GROWN_WIDTH, -1),
            late_rate=genes.get(LATE_RATE, -1),
            learning_rate=genes.get(LEARNING_RATE, -1),
        )
        return Team(body, brain.layers, () if value is None else value.layers, timetables(brain) if grows else ())


def machinery(conditions: Conditions) -> Machinery:
    """Compile or load everything but the world.

    Raises:
        PartError: a part does not compile; names it by its field.
    """
    brain = conditions.brain
    trunk = trunk_of(brain)
    policy = find_policy(brain.policy)
    learner = find_learner(conditions.learner)
    feel, feel_memory = compose(
        conditions.generic_drives,
        brain.observations,
        conditions.world.action_size,
        conditions.centrings,
        conditions.controls,
    )
    tiles = None
    if COMPILES and trunk.tiled is not None:
        tiles = trunk.tiled(brain.layers, brain.actions + 1, brain.log_stdevs, spare=brain.predicting)
    if tiles is not None:
        think_all, think, backward = tiles
    else:
        think_all = plug(think_nowhere, THINK_ALL_TYPE)
        think = plugged(trunk.think, THINK_TYPE, "brain.trunk", brain.trunk)
        backward = plugged(trunk.backward, BACKWARD_TYPE, "brain.trunk", brain.trunk)
    return Machinery(
        think_all=think_all,
        think=think,
        backward=backward,
        backward_trunk=(
            plugged(trunk.backward, BACKWARD_TYPE, "brain.trunk", brain.trunk) if brain.auxiliary else backward
        ),
        choose_all=ready_choice(policy, brain.policy),
        deltas=plugged(policy.deltas, DELTAS_TYPE, "policy", brain.policy),
        learn=ready_learner(learner, policy, conditions.learner, brain.policy),
        feel=feel,
        tiled=tiles is not None,
        learner_memory=learner.memory(brain.thinking, conditions.window),
        feel_memory=feel_memory,
    )


def gradient_size(brain: BrainSpec, window: int) -> int:
    """Floats in which the gradient of the prediction's errors by the trunk is worked out: see `find_gradient`."""
    trunk_and_heads = brain.heads_from + brain.read * (brain.read + 1)
    return 2 * trunk_and_heads + window * brain.read + brain.scratch(window)


def shares_weights(conditions: Conditions, job: Job) -> bool:
    """Whether lives of one genome have the same weights from birth to end, and nobody looks into how they think."""
    plan = job.plan
    return (
        plan.source == FROM_BRAIN
        and plan.learn_until == 0
        and plan.operate_at is None
        and job.newborns.initial_stdev.size == 0
        and conditions.brain.predicting == 0
    )


def thought_shared(conditions: Conditions) -> Any:
    """What thinks for lives that share their weights, see `evolearn.agent.trunks.trunk.Trunk`; None if nothing does."""
    brain = conditions.brain
    trunk = trunk_of(brain)
    if not COMPILES or trunk.shared is None:
        return None
    return trunk.shared(brain.layers, brain.actions + 1, brain.log_stdevs)


def think_nowhere(
    observation: Any,
    weights: Any,
    observations: Any,
    activations: Any,
    outputs: Any,
    carry: Any,
    rows: int,
    count: int,
    row: int,
) -> None:
    """Stand in for the tiles of a trunk that has none; nobody calls it."""
