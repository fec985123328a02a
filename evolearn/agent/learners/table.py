"""The learners: a new one is a file like `evolearn.agent.learners.regression` and a row here, or a user's own file."""

from __future__ import annotations

from evolearn.agent.learners.actor_critic import ACTOR_CRITIC
from evolearn.agent.learners.hebbian import (
    HEBBIAN,
    HEBBIAN_CONNECTIONS,
    REWARDED_HEBBIAN,
    REWARDED_HEBBIAN_CONNECTIONS,
)
from evolearn.agent.learners.imitation import IMITATION, REWARDED_IMITATION
from evolearn.agent.learners.learner import Learner
from evolearn.agent.learners.q_learning import Q_LEARNING
from evolearn.agent.learners.regression import REGRESSION
from evolearn.agent.learners.tabular import TABULAR_ACTOR_CRITIC
from evolearn.plugins import Kind, find

LEARNERS = {
    "actor_critic": ACTOR_CRITIC,
    "tabular_actor_critic": TABULAR_ACTOR_CRITIC,
    "q_learning": Q_LEARNING,
    "regression": REGRESSION,
    "imitation": IMITATION,
    "rewarded_imitation": REWARDED_IMITATION,
    "hebbian": HEBBIAN,
    "hebbian_connections": HEBBIAN_CONNECTIONS,
    "rewarded_hebbian": REWARDED_HEBBIAN,
    "rewarded_hebbian_connections": REWARDED_HEBBIAN_CONNECTIONS,
}
LEARNER = Kind("learner", "Learner", "evolearn.learners", lambda: Learner, LEARNERS)


def find_learner(name: str, asked: str = "") -> Learner:
    """The learner of a name, see `evolearn.plugins.find`."""
    return find(LEARNER, name, asked)
