"""Tables of claims: a map with planted winners, curves that end where a study's own test lives do, and hunger."""

import json

import numpy as np
import pytest
from evolearn.worlds.larder import AT_FIRST, GRID, LIFE_OF_BEST, MOST, lifetimes

from benchmarks import claims
from benchmarks.bandits import markdown
from evolearn.config import STUDIES, check_config, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.study.config import check_study
from tests.helpers.claim_cells import cells_without
from tests.helpers.inspected_dna import made_dna
from tests.helpers.study_watch import lived_without_page

RUNS = 10


def condition(name, **missed):
    """A condition in which runs earned so much less than an oracle whose lives differ from run to run."""
    oracle = 0.6 + 0.01 * np.arange(RUNS)
    scores = {"random": oracle - 0.16, "oracle": oracle, **{arm: oracle - of for arm, of in missed.items()}}
    return {"name": name, "arms": {arm: {"runs": [{"total": score} for score in of]} for arm, of in scores.items()}}


def planted(*conditions):
    return {"lifetimes": [50, 100], "conditions": list(conditions), "study": {"title": "planted", "runs": RUNS}}


def test_the_best_arm_of_a_cell_is_the_planted_one_and_only_what_is_shown_is_said():
    noise = np.random.default_rng(0).normal(0, 0.003, (4, RUNS))
    clear = condition("clear", instinct=0.16 + noise[0], values=0.09 + noise[1], memory=0.075 + noise[2])
    tied = condition("tied", instinct=0.16 + noise[0], values=0.02 + noise[1], memory=0.02 + noise[3])
    found = claims.layers(planted(clear, tied))
    assert found.heads == ("condition", "instinct", "values", "memory", "best", "test")
    first, second = found.rows
    assert (first[4], first[5].split(";")[0]) == ("memory", "ahead of all")
    assert first[3].startswith("**7.")
    assert first[1].startswith("16.")
    best, other = (second[4], ({"values", "memory"} - {second[4]}).pop())
    assert best in ("values", "memory")
    assert second[5].startswith(f"not shown ahead of {other};")


def test_all_pairs_of_a_cell_are_corrected_together():
    """Ten pairs of equal arms: to look for the best one first makes nobody better."""
    random = np.random.default_rng(1)
    found = [claims.ranked({name: random.normal(0, 1, 6) for name in "abcde"}).ahead_of != () for _ in range(60)]
    assert sum(found) <= 8  # 3 expected


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Of two sizes: one pair of payoffs, whose seen births are one and its mirror image, and any pair."""
    content = read_yaml(find_config("claims/breadth", STUDIES)) | {"runs": 2, "resamples": 100}
    content["conditions"] = [content["conditions"][0], content["conditions"][-1]]
    content["run"]["search"] |= {"generations": 3, "population": 8, "lives": 8}
    content["run"]["evaluation"]["lives"] = 300
    content["define"]["memoryless"]["settings"] = {"brain.trunk": "mlp"}
    content.pop("replay", None)
    return lived(content, tmp_path_factory.mktemp("claims") / "study")


def lived(content, path):
    """The directory of a study without its page."""
    return lived_without_page(check_study(content, "toy"), path, 2)


def test_curves_end_where_the_studys_own_test_lives_do(study):
    verdict = json.loads((study / "verdict.json").read_text())
    for place, name in enumerate(("1-pair", "any-pair")):
        missed = claims.missed(verdict["conditions"][place], 100)["memory"]
        of_arms = {arm: verdict["conditions"][place]["arms"][arm]["runs"] for arm in ("oracle", "memory")}
        for run in range(2):
            points = claims.curve(study / f"runs/{name}/memory/run_{run:02}", 300)
            assert [point.steps for point in points] == [0, 7200, 14400]
            assert points[-1].unseen == pytest.approx(missed[run], abs=6)  # 4 errors of two means of 300 lives
            if name == "any-pair":
                assert points[-1].seen == points[-1].unseen
            else:
                on_seen = [of_arms[arm][run]["total_seen"] for arm in ("oracle", "memory")]
                assert points[-1].seen == pytest.approx(100 * (on_seen[0] - on_seen[1]), abs=1.5)
                assert abs(points[-1].seen - points[-1].unseen) > 2  # or the two could be mixed up


def hunger_config(**parameters):
    """Of a run of the study's line."""
    run = read_yaml(find_config("claims/hunger", STUDIES))["run"]
    run["world"]["parameters"] |= parameters
    return check_config(run, "toy")


@pytest.mark.parametrize(("shown", "stops"), [(1.0, (20, 14, 4)), (0.0, (24, 24, 24))])
def test_where_a_planted_set_point_stops_to_eat(shown, stops, tmp_path):
    """Eats below 23.5 less 20 times the rate, where that is shown."""
    of_eating = [-1.0, 5.0, -1.0]  # of reserves / 20, of there being a meal, of its rate
    planted = {("weights", "policy.weight"): [of_eating, [0, 0, 0]], ("weights", "policy.bias"): [23.5 / 20 - 5, 0]}
    dna = made_dna(tmp_path / "dna.safetensors", hunger_config(shown=shown), planted)
    assert tuple(claims.stops_at(dna, rate) for rate in claims.RATES) == stops


def test_who_always_eats_stops_nowhere(tmp_path):
    planted = {("weights", "policy.weight"): np.zeros((2, 3)), ("weights", "policy.bias"): [1, 0]}
    assert claims.stops_at(made_dna(tmp_path / "dna.safetensors", hunger_config(), planted), 0.2) == MOST + 1


@pytest.fixture(scope="module")
def hungry(tmp_path_factory):
    """Its line, evolved where meals are rare and judged there and at another abundance too."""
    content = read_yaml(find_config("claims/hunger", STUDIES)) | {"runs": 2, "resamples": 100}
    content["conditions"] = content["conditions"][:3:2]
    content["run"]["search"] |= {"generations": 6, "population": 8, "lives": 4}
    content["run"]["evaluation"]["lives"] = 200
    content |= {"arms": ["random", "line"], "primary": {"arm": "line", "against": "random", "metric": "total"}}
    content |= {"threshold": {"of": "best"}, "expect_identical": []}
    content["define"].pop("network")
    content.pop("replay")
    return lived(content, tmp_path_factory.mktemp("hunger") / "study")


def test_test_lives_of_a_threshold_are_as_long_as_the_exact_chain_says(hungry):
    (found,) = claims.hungers(hungry)
    assert (found.condition, found.arm, found.is_mixed, found.is_shown) == ("evolved at .2", "line", False, False)
    assert list(found.shares) == [0.2, 0.5]
    for meals, shares in found.shares.items():
        for share, stop in zip(shares, found.stops[:, 0], strict=True):
            eats = (np.arange(1, MOST + 1) < stop)[None]
            best = LIFE_OF_BEST[round(GRID * meals)]
            exact = lifetimes(np.array([[meals]]), eats)[0, AT_FIRST - 1]
            deaths = 200 * 2000 / exact
            assert share == pytest.approx(exact / best, rel=4 / deaths**0.5)
    table, bands = claims.hunger(hungry)
    assert table.heads == ("condition", "arm", "at 0.2", "at 0.5", "eats below")
    assert table.rows[0][2].startswith(f"{found.shares[0.2].mean():.2f} ± ")
    assert table.rows[0][4] == f"{np.median(found.stops[:, 0]):g}"
    assert table.rows[1][:2] == ("(known)", "best line")
    assert [row[0] for row in bands.rows] == ["eats below 24 ± 4", "at most 0.1 at 0.5"]


@pytest.mark.parametrize(("meals", "stop"), [(0.2, 24), (0.5, 10), (1.0, 3)])
def test_a_line_without_slope_lives_as_long_as_the_exact_chain_says(meals, stop):
    eats = (np.arange(1, MOST + 1) < stop)[None]
    exact = lifetimes(np.array([[meals]]), eats)[0, AT_FIRST - 1] / LIFE_OF_BEST[round(GRID * meals)]
    (share,) = claims.lines_live(np.array([[stop, 0.0]]), meals, 3000, 600)
    assert share == pytest.approx(exact, rel=0.12)  # at 1 some 400 deaths, the first few steps without any


def test_the_best_line_serves_where_no_threshold_does():
    stops, shares = claims.best_line([0.2, 0.5, 1.0], 1000)
    at_birth, _, at_one = (float(stop) for stop in stops.split(" / "))
    assert at_birth > 15 > 4 > at_one
    assert shares.min() > 0.5


def hunger_of(worst, is_mixed=True, is_shown=True, stops=24):
    noise = np.linspace(-0.02, 0.02, RUNS)
    shares = {0.2: 0.95 + noise, 1.0: worst + noise}
    return claims.Hunger("planted", "line", is_mixed, is_shown, np.full((RUNS, 3), stops), shares)


@pytest.mark.parametrize(("worst", "word"), [(0.85, "yes"), (0.801, "undecided"), (0.7, "no")])
def test_hunger_serves_everywhere_only_where_its_worst_abundance_surely_does(worst, word):
    ((band, *_, found, met),) = claims._bands(hunger_of(worst))
    assert (band, met) == ("at least 0.8 everywhere", word)
    assert "at 1;" in found


@pytest.mark.parametrize(("worst", "stops", "words"), [(0.03, 27, ["yes", "yes"]), (0.3, 30, ["no", "no"])])
def test_hunger_of_scarcity_is_near_the_best_there_and_misfires(worst, stops, words):
    rows = claims._bands(hunger_of(worst, is_mixed=False, is_shown=False, stops=stops))
    assert [row[-1] for row in rows] == words


def test_the_claim_is_decided_by_these_bands():
    scarce, serving = hunger_of(0.03, is_mixed=False, is_shown=False), hunger_of(0.85)
    assert cells_without("hunger", markdown(claims.bands_of([scarce, serving]))) == []
    assert cells_without("hunger", markdown(claims.bands_of([scarce]))) != []


def test_to_save_hunger_nothing_is_asked_of_breadth_or_sense_alone():
    assert claims._bands(hunger_of(0.9, is_shown=False)) == claims._bands(hunger_of(0.9, is_mixed=False)) == []


def test_hunger_is_asked_of_the_larder_alone(study):
    with pytest.raises(UserError, match="must be of world larder with parameter relative at 1"):
        claims.hunger(study)


def test_who_never_died_counts_as_half_a_death():
    assert claims.share_of_best(np.array([0.0, -2.0]), 0.2, 1000) == pytest.approx([2000 / LIFE_OF_BEST[20], 0.5])
