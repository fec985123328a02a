"""Live a few short lives in every world, or in those named: ``python live_everywhere.py OUT.npz [CASE ..]``.

Run compiled and with NUMBA_DISABLE_JIT=1, in one process and in another, it must say the same.
"""

import sys

import numpy as np
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from evolearn.agent import LEARNERS
from evolearn.life import Plan, lives
from evolearn.life._fused import FusedDriver
from evolearn.rng import TEST, life_keys
from tests.helpers.box import WORLDS
from tests.helpers.probe_worlds import PROBES, SETTINGS, conditions_for, luck, newborns_for, restless, restless_box

ALL_DRIVES = ("effort", "constant", "change", "linear_surprise", "novelty")
OF_MODEL = ("surprise", "progress", "empowerment")
CASES = {
    **{world.name: (world, {}) for world in (*WORLDS, *PROBES, luck, restless, restless_box)},
    "cart-pole": (cart_pole, {"predictability": 0.3, "hidden": (11, 6), "generic_drives": ALL_DRIVES}),
    "savannah": (savannah, {"alpha": 75.0, "hidden": (12,), "generic_drives": ALL_DRIVES}),
    "savannah, two epochs": (savannah, {"alpha": 0.0, "settings": SETTINGS._replace(epochs=2)}),
    "cart-pole, relu": (cart_pole, {"trunk": "relu", "hidden": (9, 5)}),
    "cart-pole, linear": (cart_pole, {"trunk": "linear", "hidden": ()}),
    "restless, tables": (restless, {"trunk": "linear", "hidden": (), "learner": "q_learning"}),
    "restless, deep action values": (restless, {"hidden": (7,), "learner": "q_learning"}),
    "cart-pole, gru": (cart_pole, {"trunk": "gru", "hidden": (7, 3), "readout": "product"}),
    "savannah, gru, two epochs": (
        savannah,
        {"trunk": "gru", "hidden": (9,), "memory": "life", "settings": SETTINGS._replace(epochs=2)},
    ),
    "cart-pole, product": (cart_pole, {"hidden": (6,), "readout": "product"}),
    "savannah, rules": (savannah, {"hidden": (17,), "learner": "rewarded_hebbian_connections"}),
    "cart-pole, rules of layers": (cart_pole, {"trunk": "relu", "hidden": (9, 5), "learner": "hebbian"}),
    "cart-pole, foreseeing": (cart_pole, {"hidden": (11, 6), "prediction": True, "generic_drives": OF_MODEL}),
    "savannah, gru, foreseeing": (
        savannah,
        {"trunk": "gru", "hidden": (9,), "prediction": True, "generic_drives": OF_MODEL},
    ),
    "restless, foreseeing tables": (
        restless,
        {
            "trunk": "linear",
            "hidden": (),
            "learner": "q_learning",
            "prediction": True,
            "imagining": {"imagined": 2, "repeated": 1, "remembered": 40},
        },
    ),
    "restless, shaped and imagining": (
        restless,
        {
            "hidden": (7,),
            "learner": "q_learning",
            "prediction": True,
            "auxiliary": True,
            "imagining": {"imagined": 2},
        },
    ),
    "savannah, gru, shaped": (
        savannah,
        {"trunk": "gru", "hidden": (9,), "prediction": True, "auxiliary": True},
    ),
    "cart-pole, potential": (cart_pole, {"hidden": (6,), "value": {"hidden": (5, 3), "potential": True}}),
    "restless, acting": (
        restless,
        {"hidden": (6,), "prediction": True, "value": {"hidden": (5,), "potential": True, "acting": True}},
    ),
    "restless, acting tables": (
        restless,
        {"trunk": "linear", "hidden": (), "learner": "q_learning", "prediction": True, "value": {"acting": True}},
    ),
    "luck, regression": (luck, {"trunk": "relu", "learner": "regression"}),
}
STEPS, WINDOW, COUNT = 64, 32, 2


def live_in(world, how):
    """Two lives with two learning updates each: a chaotic life would part ways for good soon after."""
    conditions = conditions_for(world, window=WINDOW, **how)
    wants = {name: 1.0 / (1 + place) for place, name in enumerate(conditions.drive_names)}
    genes = {gene.name for gene in LEARNERS[conditions.learner].plasticity}
    newborns = newborns_for(conditions, COUNT, drives=wants, **{name: 1e-3 for name in {"learning_rate"} & genes})
    plan = Plan(STEPS, bin_steps=20, final_weights=True)
    keys = life_keys(5, TEST, 1, COUNT)
    outcome, trace = lives(FusedDriver(conditions), conditions, newborns, np.arange(COUNT), keys, plan, STEPS)
    assert not np.array_equal(outcome.final_weights, newborns.weights)
    return {**outcome._asdict(), **{f"trace {name}": array for name, array in trace._asdict().items()}}


def live_everywhere(cases=tuple(CASES)):
    return {f"{case}: {name}": array for case in cases for name, array in live_in(*CASES[case]).items()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **live_everywhere(sys.argv[2:] or tuple(CASES)))
