"""What tests of several sections look at."""

import numpy as np
import pytest

from tests.helpers.inspected_dna import alive, config, made_dna


@pytest.fixture(scope="module")
def pole(tmp_path_factory):
    """A newborn of known drives that pushes right, always, alive on the cart."""
    dna = made_dna(
        tmp_path_factory.mktemp("pole") / "dna.safetensors",
        config(),
        {
            ("weights", "policy.weight"): np.zeros(8),
            ("weights", "policy.bias"): [-20.0, 20.0],
            ("drives", "fitness"): [0.25],
            ("drives", "uprightness"): [-2.0],
            ("drives", "centredness"): [0.0],
        },
    )
    specimen = alive(dna)
    yield specimen
    specimen.driver.close()
