"""Gymnasium's own checker, run on an environment before lives are lived in it."""

from __future__ import annotations

import functools
import re
import warnings

from gymnasium.utils.env_checker import check_env

from evolearn.errors import SettingRefused, shortened_traceback
from evolearn.world.gymnasium.making import is_of_environment
from evolearn.world.gymnasium.world import GymnasiumWorld

# What it warns of and does not matter here: wrappers are meant, observations are taken as they come, actions scaled.
_OF_NO_CONCERN = (
    "is different from the unwrapped version",
    "Box observation space minimum value is -infinity",
    "Box observation space maximum value is infinity",
    "Box action space minimum value is -infinity",
    "Box action space maximum value is infinity",
    "recommend using a symmetric and normalized space",
    "Casting input x to numpy array",
    "precision lowered by casting",
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@functools.cache  # a study asks hundreds of times
def check_environment(world: GymnasiumWorld) -> tuple[str, ...]:
    """Check a world's environment in its wrappers; takes some milliseconds, and the environment is thrown away.

    Returns:
        What a user should know, though lives can be lived: a sentence each.
    Raises:
        SettingRefused: the environment breaks the contract of `gymnasium.Env`.
    """
    environment = world.make(world.arguments(world.drawn((0, 0, 0, 0))) if world.part.vary else None)
    try:
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            check_env(environment, skip_render_check=True, skip_close_check=True)
    except Exception as error:
        shown = shortened_traceback(error, lambda file: is_of_environment(file) and "env_checker" not in file)
        raise SettingRefused(
            f"world.name={world.name!r}: Gymnasium's checker refuses the environment:\n{shown}\n"
            "Correct the environment or its wrappers; if it is known to work as it is, set world.check=false: results "
            "may then depend on the number of workers, if the environment keeps anything from before a reset"
        ) from error
    finally:
        environment.close()
    return tuple(_in_plain_words(world.name, raised))


def _in_plain_words(name: str, raised: list[warnings.WarningMessage]) -> list[str]:
    texts = {_COLOUR.sub("", str(warning.message)).removeprefix("WARN: ").strip() for warning in raised}
    return [
        f"world {name}: Gymnasium's checker remarks: {text}"
        for text in sorted(texts)
        if not any(known in text for known in _OF_NO_CONCERN)
    ]
