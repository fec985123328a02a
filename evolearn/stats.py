"""Statistics of small samples of evolution runs. Pure.

Library functions wherever they exist; what is added is what to do when all runs are equal, when there are too few runs
for a test, and when times are censored.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import trim_mean

FloatArray = npt.NDArray[np.float64]


def iqm(values: npt.ArrayLike, axis: int = -1) -> FloatArray:
    """Interquartile mean: the mean without the lowest and the highest quarter of the values.

    Of n values floor(n / 4) are left out at either end, so that below four values it is the mean.

    Args:
        values: [.., n], n >= 1; finite.
        axis: over which.
    Source: Agarwal et al. 2021, Deep RL at the Edge of the Statistical Precipice, section 4.3.
    """
    return np.asarray(trim_mean(np.asarray(values, np.float64), 0.25, axis=axis))
