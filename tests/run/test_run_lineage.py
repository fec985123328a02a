"""A lineage from config to run: what is refused, its rows by cultural generation, and what stays alone."""

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.life import Lineage, OwnDrivers
from evolearn.run import assemble, open_run, start_run
from evolearn.run.relive import Wanted, relive_selection
from tests.helpers.runs import LINEAGE, Watcher, toy


def config_of(**more):
    return check_config(toy(**{**LINEAGE, **more}), "test")


def test_its_settings_come_to_the_lives_and_a_config_without_one_is_as_before():
    lineage = {"generations": 5, "siblings": 2, "elder": "random", "inherit": "shrunk", "kept": 0.2, "elders": 2}
    lineage["world"] = "redrawn"
    found = assemble(config_of(lineage=lineage)).conditions.lineage
    assert found == Lineage(5, 2, "random", "shrunk", 0.2, 2, "redrawn")
    assert "lineage" not in check_config(toy(), "test").model_dump()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"lineage": {"generations": 1}},
            "lineage.generations=1: must be 2 or more",
        ),
        (
            {"lineage": {"generations": 2, "siblings": 3, "elders": 4}},
            "elders=4: must be at most siblings=3, of whom they are; lower it, or raise lineage.siblings",
        ),
        (
            {"teacher": {"source": "oracle"}, "lineage": {"generations": 2, "siblings": 3, "elders": 2}},
            "lineage.elders=2: several elders teach by turns, and nobody is taught by one here; set teacher.source=",
        ),
        ({"lineage": None}, "teacher.source='parent': no life has a parent without the section lineage"),
        ({"genome": {"inheritance": "lamarckian"}}, "must be left out with genome.inheritance='lamarckian'"),
    ],
)
def test_what_does_not_fit_is_refused(changes, text):
    content = toy("genetic" if "genome" in changes else "pgpe", **{**LINEAGE, **changes})
    with pytest.raises(ConfigError, match=text):
        assemble(check_config(content, "test"))


def test_searches_that_train_weights_are_refused():
    fixed = {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}}
    with pytest.raises(ConfigError, match=r"lineage\.generations=3: must be left out with search.algorithm='reptile'"):
        assemble(check_config(toy("reptile", **LINEAGE, genome=fixed), "test"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of lineages, and who watched it."""
    path, watcher = tmp_path_factory.mktemp("lineage") / "run", Watcher()
    start_run(config_of(), "toy", path, OwnDrivers(1), watcher)
    return open_run(path), watcher


def test_a_run_has_a_row_for_each_cultural_generation(run):
    directory, watcher = run
    for row in directory.rows():
        assert len(row["cultural"]) == 3
        assert np.mean(row["cultural"][1:]) == pytest.approx(row["fitness_centre"])
        assert row["world_steps"] == 9 * 2 * 6 * 60 + row["teacher_steps"]
    rows = watcher.result.lineage
    assert [row.generation for row in rows] == [0, 1, 2]
    assert all(row.error > 0.0 for row in rows)


def test_none_of_its_lives_is_lived_by_itself(run):
    with pytest.raises(ConfigError, match="its lives follow one another"):
        relive_selection(run[0], Wanted(0, 0, 0), False, 1, Watcher())
