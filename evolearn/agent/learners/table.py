"""The learners: a new one is a file like `evolearn.agent.learners.regression` and a row here."""

from __future__ import annotations

from evolearn.agent.learners.actor_critic import ACTOR_CRITIC
from evolearn.agent.learners.q_learning import Q_LEARNING
from evolearn.agent.learners.regression import REGRESSION

LEARNERS = {"actor_critic": ACTOR_CRITIC, "q_learning": Q_LEARNING, "regression": REGRESSION}
