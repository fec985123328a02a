"""Every study that is shipped: read, planned, and lived at toy size from its first run to its page."""

import json
from pathlib import Path

import pytest
from watching import StudyWatcher

from evolearn.config_reading import STUDIES, dump_config, find_config, read_yaml, shipped_configs
from evolearn.drivers import OwnDrivers
from evolearn.study import start_study
from evolearn.study_config import check_study, read_study
from evolearn.study_plan import plan_study

# Replications have other contrasts and tests of their own, see test_replications.py.
SHIPPED = sorted(name for name in shipped_configs(STUDIES) if not name.startswith("replicate/"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    config = read_study(find_config(name, STUDIES))
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_config(config))
    assert read_study(copy) == config


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_name_their_primary_contrast_and_fit_their_worlds(name: str) -> None:
    config = read_study(find_config(name, STUDIES))
    assert (config.primary.arm, config.primary.against, config.primary.metric) == ("evolved", "tuned_blank", "catch_up")
    assert plan_study(config).steps > 1e8


def toy(name: str) -> dict:
    """The same study with few, short lives, and of its conditions the first, the last and one judged elsewhere."""
    content = read_yaml(find_config(name, STUDIES))
    conditions = content["conditions"]
    borrowing = [condition for condition in conditions if condition.get("evolved_in")]
    content["conditions"] = [conditions[0], *borrowing, *conditions[-1:]][: len(conditions)]
    for condition in content["conditions"]:
        condition["set"].pop("search.selection_lifetime", None)
    content["runs"] = 1
    content["resamples"] = 100
    content["replay"] = {"steps": 60}
    run = content["run"]
    run["search"] |= {"generations": 1, "lives": 1, "selection_lifetime": 40}
    run["evaluation"] = {"lives": 2, "lifetimes": [400, 800], "birth_steps": 200, "bin_steps": 100}
    return content


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_run_at_toy_size(name: str, tmp_path: Path) -> None:
    content = toy(name)
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
