"""Optuna, which the extra ``[tune]`` brings: what it may ask for, and how it is kept quiet."""

from __future__ import annotations

import warnings
from typing import Any

from evolearn.errors import UserError


def import_optuna() -> Any:
    """The package, its log quiet.

    Raises:
        UserError: it is not installed; says how to install it.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise UserError(
            f"evolearn tune needs the package {error.name}, which is not installed: pip install 'evolearn[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def new_study(seed: int, startup: int) -> Any:
    """An Optuna study that looks for the highest score: random draws first, then a tree-structured Parzen estimator.

    Args:
        seed: of its draws.
        startup: trials that are drawn at random before the estimator takes over.
    Source: Bergstra, Bardenet, Bengio and Kegl 2011, Algorithms for hyper-parameter optimization, section 4.
    """
    optuna = import_optuna()
    with warnings.catch_warnings():
        # Options that Optuna calls experimental, and has had since 2020.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=startup, multivariate=True, group=True, constant_liar=True
        )
    return optuna.create_study(direction="maximize", sampler=sampler)
