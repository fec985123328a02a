"""The ids by which Gymnasium finds worlds. Gymnasium 1.0 has no entry points: an import registers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium

from evolearn.world import registered_worlds

if TYPE_CHECKING:
    from evolearn.gymnasium.environment import WorldEnv


def register_ids() -> None:
    """Register ``evolearn/NAME-v0`` for every registered world; no world is imported."""
    for name in registered_worlds():
        environment_id = f"evolearn/{name}-v0"
        if environment_id not in gymnasium.registry:
            gymnasium.register(environment_id, entry_point=f"{__name__}:environment_of", kwargs={"world": name})


def environment_of(world: str, key: Any = None, action_limit: float = 1.0, **parameters: float) -> WorldEnv:
    """What `gymnasium.make` calls: keywords that `WorldEnv` does not know are parameters of the world."""
    from evolearn.gymnasium.environment import WorldEnv

    return WorldEnv(world, parameters, key=key, action_limit=action_limit)
