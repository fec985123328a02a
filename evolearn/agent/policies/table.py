"""The policies: a new one is a file like `evolearn.agent.policies.epsilon_greedy` and a row here, or a user's own."""

from __future__ import annotations

from evolearn.agent.policies.categorical import CATEGORICAL
from evolearn.agent.policies.deterministic import DETERMINISTIC
from evolearn.agent.policies.epsilon_greedy import EPSILON_GREEDY
from evolearn.agent.policies.gaussian import GAUSSIAN
from evolearn.agent.policies.policy import Policy
from evolearn.plugins import Kind, find

POLICIES = {
    "categorical": CATEGORICAL,
    "gaussian": GAUSSIAN,
    "epsilon_greedy": EPSILON_GREEDY,
    "deterministic": DETERMINISTIC,
}
POLICY = Kind("policy", "Policy", "evolearn.policies", lambda: Policy, POLICIES)


def find_policy(name: str, asked: str = "") -> Policy:
    """The policy of a name, see `evolearn.plugins.find`."""
    return find(POLICY, name, asked)
