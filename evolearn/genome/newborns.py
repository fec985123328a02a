"""What is born: decoded genomes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Newborns(NamedTuple):
    """Decoded genomes. P genomes, each with W weights, D drive weights, K plasticity values, V of innate value."""

    weights: Any  # float32 [P, W]; what they are drawn around if they are drawn afresh in every life
    drives: Any  # float32 [P, D]
    plasticity: Any  # float32 [P, K]
    scale: Any  # float32 [P]: of weights drawn afresh
    initial_stdev: Any  # float32 [W], with which they are, times the scale; [0] if weights are inherited
    value: Any  # float32 [P, V], see `evolearn.agent.ValueSpec`; [P, 0] without an innate value

    def rows(self, which: Any) -> Newborns:
        """Some of them: an index, a slice or indices of genomes; copies."""
        return self._replace(
            weights=self.weights[which].copy(),
            drives=self.drives[which].copy(),
            plasticity=self.plasticity[which].copy(),
            scale=self.scale[which].copy(),
            value=self.value[which].copy(),
        )

    def of_lives(self, genomes: Any) -> tuple[Newborns, Any]:
        """Those that lives of some genomes, int64 [L], are born as, and which of these each life is, int64 [L]."""
        which, own = np.unique(genomes, return_inverse=True)
        return self.rows(which), own.astype(np.int64)
