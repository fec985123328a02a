"""The tables of claims: a map whose best arms are planted, and curves that end where the study's own test lives do."""

import json

import numpy as np
import pytest

from benchmarks import claims
from evolearn.config import STUDIES, find_config, read_yaml
from evolearn.life import OwnDrivers
from evolearn.study import start_study
from evolearn.study.config import check_study
from tests.helpers.watching import StudyWatcher

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
    path = tmp_path_factory.mktemp("claims") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evolearn.study.study.write_report", lambda *arguments, **more: None)
        start_study(check_study(content, "toy"), "toy", path, OwnDrivers(2), StudyWatcher())
    return path


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
