"""Birth score against bits: what a toy study's table holds, and what counts as an optimum between the ends."""

import numpy as np
import pytest

from benchmarks import bottleneck
from evolearn.config import STUDIES, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.study.config import check_study
from tests.helpers.study_watch import lived_without_page

ARMS = ["d16k2", "d32k4", "neurons", "floats", "distilled_floats"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of the shipped one's codes, of short lives and one generation."""
    content = read_yaml(find_config("claims/bottleneck", STUDIES)) | {"runs": 4, "resamples": 100}
    content["conditions"] = content["conditions"][:2]
    content["arms"] = ["random", "oracle", *ARMS]
    content["secondary"] = []
    run = content["run"]
    run["search"] |= {"population": 4, "generations": 1, "lives": 1, "selection_lifetime": 20}
    run["evaluation"] |= {"lives": 2, "lifetimes": [400], "birth_steps": 100, "bin_steps": 100}
    fitted = content["define"]["distilled_floats"]["settings"]
    fitted |= {"search.population": 2, "search.lives": 1, "search.generations": 1, "search.selection_lifetime": 20}
    return lived_without_page(check_study(content, "toy"), tmp_path_factory.mktemp("bottleneck") / "study", 2)


def test_codes_stand_by_their_bits_with_what_was_fitted_beside_what_evolved(study):
    found = bottleneck.cells(study)
    rows = {(row[0], row[1]): row for row in bottleneck.curve(found).rows}
    assert [row[1] for row in bottleneck.curve(found).rows[:4]] == ["d16k2", "d32k4", "neurons", "floats"]
    assert {name: (row[2], row[3]) for (condition, name), row in rows.items() if condition == "alpha 0"} == {
        "d16k2": ("16", "32"),
        "d32k4": ("32", "128"),
        "neurons": ("184", "5,888"),
        "floats": ("440", "14,080"),
    }
    assert rows["alpha 0", "d16k2"][7:10] == ("", "", "")
    evolved, fitted, least = (float(rows["alpha 0", "floats"][place]) for place in (4, 7, 10))
    assert least == max(evolved, fitted)
    told = bottleneck.expected(found).rows
    assert tuple(row[0] for row in told if "mean at most" in row[0]) == ("alpha 0, d16k2, 32 bits: mean at most .85",)
    assert [row[0] for row in told if "of its teacher" in row[0]] == [
        "alpha 0, distilled_floats: fitted at least .95 of its teacher"
    ]


def test_transfer_has_the_dna_of_another_condition_and_is_tested_between_the_ends(study):
    table, test = bottleneck.transfer(bottleneck.cells(study))
    assert table.title == "Transfer: evolved in alpha 0, lives in alpha 45"
    assert [row[0] for row in table.rows] == ["d16k2", "d32k4", "neurons", "floats"]
    assert [row[0] for row in test.rows[:2]] == [f"best between the ends less {end} bits" for end in ("most", "fewest")]


def test_a_figure_has_a_panel_for_each_condition(study, tmp_path):
    drawn = bottleneck.figure(bottleneck.cells(study))
    assert [panel.get_title() for panel in drawn.axes] == ["alpha 0", "alpha 45, evolved in alpha 0"]


def test_an_optimum_is_shown_where_there_is_one_and_not_where_luck_alone_chose():
    random = np.random.default_rng(1)
    humped = [middle + 0.05 * random.standard_normal(10) for middle in (0.2, 0.5, 0.9, 0.5)]
    gains = bottleneck.interior(humped)
    assert all(low > 0.2 for _, low, _ in gains.values())
    rising = [middle + 0.05 * random.standard_normal(10) for middle in (0.2, 0.5, 0.7, 0.9)]
    assert bottleneck.interior(rising)["most"][2] < 0.0
    shown = 0
    for _ in range(40):  # the best of five equal codes
        gains = bottleneck.interior([0.5 + 0.1 * random.standard_normal(10) for _ in range(7)])
        shown += all(low > 0 for _, low, _ in gains.values())
    assert shown <= 2


def test_differences_have_the_interval_of_runs_that_are_not_paired():
    value, low, high = bottleneck.difference(np.array([0.9, 1.0, 0.8, 0.9]), np.array([0.5, 0.6, 0.4, 0.5]))
    assert value == pytest.approx(0.4)
    assert 0.2 < low < 0.4 < high < 0.6


def test_what_is_no_finished_study_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        bottleneck.cells(tmp_path / "nowhere")
