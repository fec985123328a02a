"""Every study that is shipped: read, planned, and lived at toy size from its first run to its page."""

import json
from pathlib import Path

import pytest

from evolearn.config import STUDIES, dump_config, find_config, read_layered, read_yaml, shipped_configs
from evolearn.life import OwnDrivers
from evolearn.report._paper import save_figures
from evolearn.study import read_study, start_study
from evolearn.study.config import check_study
from evolearn.study.plan import plan_study
from tests.helpers.studies import is_own_experiment
from tests.helpers.watching import StudyWatcher

# Replications have other contrasts and more tests of their own, see test_replications.py; claims are lived below.
SHIPPED = sorted(name for name in shipped_configs(STUDIES) if not name.startswith(("replicate/", "claims/")))
ALSO_CLAIMS = ("zebra", "dial")  # which go by the names of claims too
CLAIMS = sorted(
    name
    for name in shipped_configs(STUDIES)
    if name.startswith("claims/") and name.removeprefix("claims/") not in ALSO_CLAIMS
)


@pytest.mark.parametrize("name", [*SHIPPED, *CLAIMS])
def test_shipped_studies_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    config = read_study(find_config(name, STUDIES))
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_config(config))
    assert read_study(copy) == config


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_name_their_primary_contrast_and_fit_their_worlds(name: str) -> None:
    config = read_study(find_config(name, STUDIES))
    assert (config.primary.arm, config.primary.against, config.primary.metric) == (
        "evolved",
        "tuned_blank",
        "head_start",
    )
    assert plan_study(config).steps > 1e8


@pytest.mark.parametrize("name", ALSO_CLAIMS)
def test_studies_that_are_older_than_claims_go_by_the_names_of_claims_too(name: str) -> None:
    assert read_study(find_config(f"claims/{name}", STUDIES)) == read_study(find_config(name, STUDIES))


def toy(name: str) -> dict:
    """The same study with few, short lives, and of its conditions the first, the last and one judged elsewhere."""
    content = read_yaml(find_config(name, STUDIES))
    conditions = content["conditions"]
    borrowing = [condition for condition in conditions if condition.get("evolved_in")]
    content["conditions"] = [conditions[0], *borrowing, *conditions[-1:]][: len(conditions)]
    for condition in content["conditions"]:
        condition["set"].pop("search.selection_lifetime", None)
    content.pop("looks", None)
    content["runs"] = 1
    content["resamples"] = 100
    content["replay"] = {"steps": 60}
    run = content["run"]
    run["search"] |= {"generations": 1, "lives": 1, "selection_lifetime": 40}
    for arm in content["define"].values():  # every arm's own size goes, but for algorithms whose generations cost more
        own = arm.setdefault("settings", {})
        for key in ("generations", "lives", "selection_lifetime", "population"):
            if key != "population" or "search.algorithm" not in own:
                own.pop(f"search.{key}", None)
    run["evaluation"] = {"lives": 2, "lifetimes": [400, 800], "birth_steps": 200, "bin_steps": 100}
    content["margins"]["head_start"] = 400  # within lives so short
    return content


# The arms of `zebra_full` are those that `study_watch.whole_study` lives.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.whole) if name == "zebra_full" else name for name in SHIPPED]
)
def test_shipped_studies_run_at_toy_size(name: str, tmp_path: Path, monkeypatch) -> None:
    content = toy(name)
    if name != "zebra":  # the same charts: one of them as files for a paper, which take longest
        monkeypatch.setattr("evolearn.report.report.save_figures", lambda charts, to: save_figures(charts[:1], to))
    start_study(check_study(content, name), name, tmp_path / "study", OwnDrivers(2), StudyWatcher())
    verdict = json.loads((tmp_path / "study/verdict.json").read_text())
    assert [entry["name"] for entry in verdict["conditions"]] == [entry["name"] for entry in content["conditions"]]
    for condition in verdict["conditions"]:
        assert set(condition["arms"]) == set(content["arms"])
        # One run per arm can decide nothing, and says so.
        assert condition["primary"]["verdict"] == "inconclusive"
        assert condition["primary"]["p"] is None
        assert condition["primary"]["withheld"]
    assert (tmp_path / "study/report/index.html").stat().st_size < 6e6


LONGEST = 100_000  # steps that a toy's test lives have at most
SLOW = ("claims/drives-full", "claims/drives-8x8", "claims/drives-8x8-long")  # learn a large model in every step


def toy_claim(name: str) -> dict:
    """The same claim with one run of few lives, under its first and its last condition."""
    content = read_layered(find_config(name, STUDIES), folder=STUDIES)
    content |= {"runs": 1, "resamples": 100, "replay": {"steps": 60}}
    content["conditions"] = [content["conditions"][0], *content["conditions"][1:][-1:]]
    content["run"]["search"] |= {"generations": 1, "population": 4, "lives": 2}
    evaluation = content["run"]["evaluation"]
    evaluation["lifetimes"] = [steps for steps in evaluation["lifetimes"] if steps <= LONGEST] or [LONGEST]
    evaluation["lives"] = max(4, min(64, 60_000 // max(evaluation["lifetimes"])))
    if name in SLOW:
        content["run"]["search"]["selection_lifetime"] = 500
        evaluation |= {"lives": 4, "lifetimes": [2000]}
    without_sizes(*(arm.get("settings", {}) for arm in content.get("define", {}).values()))
    without_sizes(*(condition.get("set", {}) for condition in content["conditions"]))
    without_sizes(*(own for condition in content["conditions"] for own in condition.get("settings", {}).values()))
    return content


def without_sizes(*settings: dict) -> None:
    """Take from the settings of arms or conditions what says how much is lived."""
    for own in settings:
        for key in ("generations", "lives", "population"):
            own.pop(f"search.{key}", None)


# Each has ways to live of its own, which are compiled for it.
@pytest.mark.whole
@pytest.mark.parametrize("name", CLAIMS)
def test_shipped_claims_run_at_toy_size(name: str, tmp_path: Path, quick_report) -> None:
    content = toy_claim(name)
    start_study(check_study(content, name), name, tmp_path / "study", OwnDrivers(2), StudyWatcher())
    verdict = json.loads((tmp_path / "study/verdict.json").read_text())
    for condition in verdict["conditions"]:
        assert set(condition["arms"]) == set(content["arms"])
        assert condition["primary"]["withheld"]
        of_arms = {arm: entry["runs"][0]["total"] for arm, entry in condition["arms"].items()}
        assert of_arms["oracle"] == max(of_arms.values()), of_arms


REPLICATIONS = sorted(
    name
    for name, path in shipped_configs(STUDIES).items()
    if name.startswith("replicate/") and not is_own_experiment(path)
)


def toy_replication(name: str) -> dict:
    """The same replication with one run of few, short lives; its bands ask for the lifetimes in the same places."""
    content = read_yaml(find_config(name, STUDIES)) | {"runs": 1, "resamples": 100, "replay": {"steps": 60}}
    run = content["run"]
    evaluation, search = run["evaluation"], run["search"]
    steps = max(2 * run.get("learner", {}).get("window", 0), 20)
    evaluation["lives"] = 2
    if len(evaluation["lifetimes"]) > 1:
        shorter = {lifetime: 400 * 2**place for place, lifetime in enumerate(evaluation["lifetimes"])}
        evaluation |= {"lifetimes": [*shorter.values()], "birth_steps": 200, "bin_steps": 100}
        for band in content["replication"]["bands"]:
            for end in ("lifetime", "shorter", "longer"):
                if end in band["of"]:
                    band["of"][end] = shorter[band["of"][end]]
    search |= {"generations": 1, "population": 8, "lives": 4}
    without_sizes(*(condition.get("set", {}) for condition in content["conditions"]))
    for arm in content.get("define", {}).values():
        settings = arm.get("settings", {})
        if "search.population" in settings:  # budgets of arms must be alike
            settings["search.lives"] = 9 * 4 // (settings["search.population"] + 1)
            settings.pop("search.selection_lifetime", None)
        else:
            without_sizes(settings)
    search["selection_lifetime"] = min(steps, search["selection_lifetime"])
    return content


# In each run of the tests: a memory, tables whose rewards evolve, gradients. That all of them fit their worlds and say
# what they replicate is looked at in test_replications.py.
LIVED = ("replicate/bandit-memory", "replicate/rewards", "replicate/sinusoid")


@pytest.mark.parametrize(
    "name", [name if name in LIVED else pytest.param(name, marks=pytest.mark.whole) for name in REPLICATIONS]
)
def test_shipped_replications_run_at_toy_size_to_their_bands(name: str, tmp_path: Path, quick_report) -> None:
    content = toy_replication(name)
    start_study(check_study(content, name), "toy", tmp_path / "study", OwnDrivers(2), StudyWatcher())
    found = json.loads((tmp_path / "study/replication.json").read_text())
    bands = content["replication"]["bands"]
    assert [band["name"] for band in found["bands"]] == [band["name"] for band in bands]
    assert found["judgement"]["exploratory"]
    for band in found["bands"]:
        # One run per arm can test nothing, and so short a life may have no meal; what is a number is measured.
        is_void = band["measure"] == "contrast" or band["note"] == "the other arm's score is 0"
        assert (band["value"] is None) == is_void, band
