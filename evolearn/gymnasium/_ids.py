"""The ids by which Gymnasium finds worlds. Gymnasium 1.0 has no entry points: an import registers."""

from __future__ import annotations

import gymnasium

from evolearn.errors import UserError
from evolearn.world import find_world, registered_worlds

_OWN = "evolearn."  # worlds of this package are compiled, which need not be found out by importing them


def register_ids() -> None:
    """Register ``evolearn/NAME-v0`` for every registered world that is no Gymnasium environment itself.

    To know that, worlds of other packages are imported.
    """
    for name, place in registered_worlds().items():
        environment_id = f"evolearn/{name}-v0"
        if environment_id not in gymnasium.registry and (place.startswith(_OWN) or not _is_environment(place)):
            gymnasium.register(
                environment_id, entry_point="evolearn.gymnasium.environment:NamedWorldEnv", kwargs={"world": name}
            )


def _is_environment(place: str) -> bool:
    """Whether the world there is a Gymnasium environment; what does not load says why when it is made."""
    from evolearn.world import World

    try:
        return not isinstance(find_world(place), World)
    except UserError:
        return False
