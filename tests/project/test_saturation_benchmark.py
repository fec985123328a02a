"""Curves of a toy study, judged at its runs' own prefixes; tables of planted curves; sweeps that are refused."""

import json

import numpy as np
import pytest

from benchmarks import saturation
from evolearn.config import STUDIES, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.run import at_budgets, load_dna, prefixes_of
from evolearn.study.config import check_study
from tests.helpers.study_watch import lived_without_page

LIVES = 4


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """One body, two runs of nine generations, which keep six centres after their start."""
    content = read_yaml(find_config("claims/scaling", STUDIES)) | {"runs": 2, "resamples": 100}
    content["conditions"] = content["conditions"][:1]
    content["run"]["search"] |= {"generations": 9, "population": 4, "selection_lifetime": 100}
    content["run"]["evaluation"] |= {"lives": LIVES, "lifetimes": [100], "birth_steps": 50, "bin_steps": 25}
    content["define"]["tenth"]["settings"] = {"search.generations": 3}
    return lived_without_page(check_study(content, "toy"), tmp_path_factory.mktemp("saturation") / "study", 2)


@pytest.fixture(scope="module")
def run(study):
    return study / "runs/alpha-0/evolved/run_00"


def test_a_run_is_judged_at_what_its_prefixes_cost(run):
    rows = [json.loads(line)["world_steps"] for line in (run / "generations.jsonl").read_text().splitlines()]
    kept = prefixes_of(run)
    assert [prefix.dna.generation for prefix in kept] == [0, 1, 2, 3, 4, 6, 8]
    assert [prefix.steps for prefix in kept] == [sum(rows[:number]) for number in (0, 1, 2, 3, 4, 6, 8)]
    assert kept[-1].dna.genome.tolist() == load_dna(run).genome.tolist(), "the last is what the run came to"
    assert at_budgets(kept, None) == kept[1:]
    assert [one.steps for one in at_budgets(kept, [3500, 600, 1400])] == [kept[1].steps, kept[3].steps, kept[6].steps]


def test_curves_are_of_every_centre_by_itself(study, run):
    config, found = saturation.curves(study, "evolved", None, LIVES)
    first, second = found["alpha 0"]
    assert first.budgets.tolist() == [prefix.steps for prefix in prefixes_of(run)[1:]]
    assert first.oracle > first.scores.max()
    assert first.scores.tolist() != second.scores.tolist()
    assert len(set(first.scores.tolist())) > 3, "centres differ"
    _, shorter = saturation.curves(study, "evolved", [600, 1500, 4000], LIVES)
    assert shorter["alpha 0"][0].scores.tolist() == first.scores[[0, 2, 5]].tolist(), "whatever else is in the sweep"
    ends, _, _ = saturation.tables(config, found)
    assert ends.rows[0][:2] == ("alpha 0", "0.0005 - 0.004")


@pytest.mark.parametrize(
    ("budgets", "text"),
    [
        ([600, 4000], "--budget=600, 4,000: 2 budgets, must be at least 3, .* name more"),
        (
            [600, 1000, 50_000],
            "--budget=50,000: must be 500 .. 4,000 world steps, .* ask for less, or evolve for longer",
        ),
        ([100, 1000, 2000], "--budget=100: must be 500 .. 4,000 world steps"),
        ([600, 610, 4000], "--budget=600, 610, 4,000: 3 budgets that are 2 centres, .* kept those of 500, 1,000"),
    ],
)
def test_a_sweep_that_cannot_be_judged_is_refused(study, budgets, text):
    with pytest.raises(UserError, match=text):
        saturation.curves(study, "evolved", budgets, LIVES)


def test_a_run_with_too_few_centres_makes_no_sweep(study):
    with pytest.raises(
        UserError, match="kept 2 centres after its start, and a sweep takes at least 3; evolve for more"
    ):
        saturation.curves(study, "tenth", None, LIVES)


def test_an_arm_that_does_not_evolve_is_refused(study):
    with pytest.raises(UserError, match=r"--arm oracle: must be one that evolves in .*: tenth, evolved"):
        saturation.curves(study, "oracle", None, LIVES)


def planted(ceiling, half_way, seed, runs=6):
    """Runs with noise that saturate at about one ceiling."""
    random = np.random.default_rng(seed)
    budgets = 66_000.0 * np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 999])
    floor = 0.16
    return [
        saturation.Curve(
            budgets,
            floor
            + (ceiling - floor) / (1 + (half_way * random.lognormal(0, 0.1) / budgets) ** 2)
            + random.normal(0, 0.01, budgets.size),
            1.0,
        )
        for _ in range(runs)
    ]


@pytest.fixture(scope="module")
def found():
    return {"easy": planted(0.95, 1.5e6, 0), "hard": planted(0.6, 3e6, 1), "again": planted(0.6, 3e6, 2)}


def test_planted_ends_are_found_with_their_intervals(found):
    rows = {row[0]: row for row in saturation.ends(found)}
    value, low, high = (float(word.strip("[],")) for word in rows["hard"][4].split())
    assert low <= value <= high
    assert value == pytest.approx(0.6, abs=0.01)
    assert float(rows["hard"][5].split()[0]) == pytest.approx(3.0, rel=0.15)
    assert float(rows["hard"][6].split()[0]) == pytest.approx(3.0, rel=0.15), "without a fit as well"
    assert rows["hard"][7] == "6 of 6"


def test_bands_are_met_where_that_was_planted_and_nowhere_else(found):
    rows = {(row[0], row[1]): row[3] for row in saturation.bands(found)}
    assert rows["the ceiling falls", "easy to hard"] == "yes"
    assert rows["the ceiling falls", "hard to again"] == "not shown"
    assert [word for (band, _), word in rows.items() if band.startswith("half-way")] == ["yes"]
    rows = {row[0]: row for row in saturation.bands({"easy": found["easy"], "late": planted(0.6, 1.5e7, 3)})}
    assert rows["half-way points within a factor of 3"][1] == "easy to late, the furthest"
    assert rows["half-way points within a factor of 3"][3] == "no"
    assert rows["past half of the steps a half decade adds at most 0.02"][3] == "no", "half-way only at 15 M"


def test_a_line_foretells_less_than_the_sigmoid_that_was_planted(found):
    rows = {(row[0], row[1]): row for row in saturation.foretold(found)}
    missed = {form: float(rows["hard", form][2].split()[0]) for form in ("log-linear", "sigmoid", "the last one")}
    assert missed["sigmoid"] < 0.05 < missed["log-linear"]
    assert rows["hard", "sigmoid"][5:] == ("0", "6 of 6")


def test_what_cannot_be_told_is_said(found):
    flat = planted(0.16, 1e6, 3)
    (row,) = saturation.ends({"flat": flat})
    assert (row[4:6], row[7]) == (("", ""), "0 of 6; flat: 6")
    halves = [row for row in saturation.bands({"flat": flat, "hard": found["hard"]}) if row[0].startswith("half-way")]
    assert halves[0][3] == "cannot be told"


def test_all_curves_are_drawn(found, tmp_path):
    saturation.draw(found, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
