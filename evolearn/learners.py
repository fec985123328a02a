"""The learners: a new one is a file like `evolearn.regression` and a row here."""

from __future__ import annotations

from evolearn.actor_critic import ACTOR_CRITIC
from evolearn.q_learning import Q_LEARNING
from evolearn.regression import REGRESSION

LEARNERS = {"actor_critic": ACTOR_CRITIC, "q_learning": Q_LEARNING, "regression": REGRESSION}
