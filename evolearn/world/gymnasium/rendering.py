"""A Gymnasium life gone through once more in an environment that renders itself, for somebody to look at."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import os
from collections.abc import Container
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from evolearn.errors import UserError
from evolearn.rng import LifeKey
from evolearn.world.contract import WorldError
from evolearn.world.gymnasium.environments import EnvironmentFault, GymnasiumEnvironments
from evolearn.world.gymnasium.world import GymnasiumWorld

FloatArray = npt.NDArray[np.float32]


class NotRendered(UserError):
    """A world that gives no pictures; the text says why, and what to do."""


def rendered(
    world: GymnasiumWorld,
    key: npt.NDArray[np.int64],
    observations: FloatArray,
    actions: FloatArray,
    lived: int,
    switch_at: int | None,
    ages: Container[int],
) -> dict[int, str]:
    """Pictures of a life that was lived, as the environment renders it with ``render_mode="rgb_array"``.

    Args:
        world: the environment.
        key: int64 [4], names the life.
        observations: [T, O] of the life's trace: what was seen before each step must be seen again, bit for bit.
        actions: [T, action size] of it.
        lived: steps that were lived, 1 .. T.
        switch_at: age in steps at which the world was born a second time; None: never.
        ages: which pictures are wanted, world steps below `lived`.
    Returns:
        Pictures by age, see `packed_picture`.
    Raises:
        NotRendered: the environment has no such mode, or lacks what it needs for it.
        WorldError: it is at fault, or the same actions lead elsewhere.
    """
    kwargs = {**world.part.kwargs, "render_mode": "rgb_array"}
    shown = dataclasses.replace(world, full_name=world.part.model_copy(update={"kwargs": kwargs}).full_name)
    where = f"world {world.name}, life {LifeKey.of(key)}"
    row, size = np.zeros((1, len(world.observations)), np.float32), len(world.senses)
    given = row, np.zeros((1, size), np.float32), np.zeros(1), np.zeros(1, np.bool_), np.zeros(1, np.bool_)
    pictures: dict[int, str] = {}
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window is opened, and none need be possible
    with contextlib.closing(GymnasiumEnvironments(shown)) as environments:
        try:
            environments.begin_all(key[None].copy(), row)
            for t in range(lived):
                if row[0].tobytes() != observations[t].tobytes():
                    raise WorldError(
                        f"{where}, step {t}: the same actions lead to observations {row[0].tolist()} where they led to "
                        f"{observations[t].tolist()} before; draw only from the generator that reset(seed=..) seeds, "
                        "and keep nothing from life to life"
                    )
                if t in ages:
                    pictures[t] = packed_picture(_checked(f"{where}, step {t}", environments.render(0)))
                endings = environments.step_all(t, [0], actions[t : t + 1], *given)
                if t + 1 == switch_at:
                    endings = environments.switch([0], *given[3:])
                if endings:
                    environments.begin_again(0, t, row[0])
        except EnvironmentFault as fault:
            raise NotRendered(
                f"{where}: cannot be rendered: {fault.text}\nIt is made with render_mode='rgb_array' for that: install "
                "what it needs (Gymnasium's classic ones: pip install 'evolearn[gymnasium]'), or give the environment "
                "that mode"
            ) from fault
    return pictures


def _checked(where: str, picture: Any) -> npt.NDArray[np.uint8]:
    array: npt.NDArray[Any] = np.zeros(0) if picture is None else np.asarray(picture)
    if array.ndim == 3 and array.shape[-1] == 3 and array.dtype == np.uint8 and array.size:
        return array
    held = "None" if picture is None else f"{array.dtype} {list(array.shape)}"
    raise NotRendered(
        f"{where}: render() returned {held}: must be uint8 [height, width, 3] with render_mode='rgb_array'"
    )


def packed_picture(picture: npt.NDArray[np.uint8]) -> str:
    """A picture, uint8 [height, width, 3], as JSON and pages hold it: WebP without a loss, in base64."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", lossless=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def unpacked_picture(text: str) -> npt.NDArray[np.uint8]:
    """The inverse of `packed_picture`."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))
