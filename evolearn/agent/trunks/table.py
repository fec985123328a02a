"""The trunks: a new one is a file like `evolearn.agent.trunks.relu` and a row here, or a user's own file."""

from __future__ import annotations

from evolearn.agent.trunks.gru import GRU
from evolearn.agent.trunks.linear import LINEAR
from evolearn.agent.trunks.mlp import MLP
from evolearn.agent.trunks.relu import RELU
from evolearn.agent.trunks.trunk import Trunk
from evolearn.plugins import Kind, find

TRUNKS = {"mlp": MLP, "relu": RELU, "linear": LINEAR, "gru": GRU}
TRUNK = Kind("trunk", "Trunk", "evolearn.trunks", lambda: Trunk, TRUNKS)


def find_trunk(name: str, asked: str = "") -> Trunk:
    """The trunk of a name, see `evolearn.plugins.find`."""
    return find(TRUNK, name, asked)
