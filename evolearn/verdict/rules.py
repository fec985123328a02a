"""What a verdict reads of a study config, and nothing else of it.

So the statistics know no config files, and take anything that has these fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

DOUBLED = "_x2"  # ends the name of an arm that evolves twice as long


class JudgingRules(Protocol):
    """What a comparison reads of a study config."""

    @property
    def seed(self) -> int:
        """Of the study."""

    @property
    def level(self) -> float:
        """Of every test; intervals cover 1 - level."""

    @property
    def margins(self) -> Mapping[str, float]:
        """Of equivalence, per metric, in its unit."""


class ContrastRule(Protocol):
    """One arm against another, in one metric."""

    @property
    def arm(self) -> str:
        """The arm that is claimed to differ."""

    @property
    def against(self) -> str:
        """The arm that it is compared with."""

    @property
    def metric(self) -> str:
        """Of `METRICS`."""


class ContrastsRule(Protocol):
    """One arm against another, in several metrics."""

    @property
    def arm(self) -> str:
        """The arm that is claimed to differ."""

    @property
    def against(self) -> str:
        """The arm that it is compared with."""

    @property
    def metrics(self) -> Sequence[str]:
        """Of `METRICS`."""


class ThresholdRule(Protocol):
    """The score that counts as having learned the task."""

    @property
    def share(self) -> float:
        """Of the way from the random arm's birth score to the top of the scale."""

    @property
    def of(self) -> str:
        """Top of the scale: oracle or best."""


class ConvergenceRule(Protocol):
    """When a search counts as still climbing, and which of its runs as stuck."""

    @property
    def tolerance(self) -> float:
        """Gain over the last quarter, as a share of the way from random to the oracle."""

    @property
    def stuck_share(self) -> float:
        """A run that ended further than this share of that way below the arm's best one is stuck."""


class VerdictRules(JudgingRules, Protocol):
    """What a verdict reads of a study config."""

    @property
    def looks(self) -> Sequence[int]:
        """Runs at which the study is judged; none: once."""

    @property
    def secondary(self) -> Sequence[ContrastsRule]:
        """Contrasts beside the primary one."""

    @property
    def catch_up_share(self) -> float:
        """Of the way from the random arm's birth score to the target's that counts as caught up."""

    @property
    def threshold(self) -> ThresholdRule:
        """The score that counts as having learned."""

    @property
    def convergence(self) -> ConvergenceRule:
        """When a search has converged."""

    @property
    def resamples(self) -> int:
        """Of the bootstrap."""
