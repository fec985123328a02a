"""Studies whose evolution sees a set of births: test lives on unseen and on seen ones, and the metrics of each."""

import pytest
from pyarrow.parquet import read_table

from evolearn.config import ConfigError
from evolearn.rng import SELECTION, TEST, births_of
from evolearn.run.births import _Births
from evolearn.study.plan import born_keys, held_out_keys, run_seed, seen_set
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import make, verdict_of

pytestmark = pytest.mark.usefixtures("quick_report")

FIELDS = {
    "arms": ["random", "instinct", "evolved", "oracle"],
    "conditions": [
        {"name": "one birth", "set": {"world.set": 1}},
        {"name": "any birth"},
        {"name": "carried over", "evolved_in": "one birth"},
    ],
    "primary": {"arm": "instinct", "against": "random", "metric": "total_seen"},
    "secondary": [{"arm": "instinct", "against": "random", "metrics": ["total", "ever", "window_after", "birth_seen"]}],
    "margins": {name: 0.05 for name in ("total_seen", "total", "ever", "window_after", "birth_seen")},
}
OVERRIDES = (
    "run.world.name=tests.helpers.probe_worlds:only_learning",
    "run.drives.weights={fitness: 1.0}",
    "run.evaluation.window_after={age: 100, width: 40}",
    "run.search.generations=15",
    "run.search.population=10",
    "run.search.selection_lifetime=20",
)


@pytest.fixture(scope="module")
def config():
    return toy_study(*OVERRIDES, **FIELDS)


@pytest.fixture(scope="module")
def judged(config, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        from tests.helpers.study_watch import page_only

        patch.setattr("evolearn.study.study.write_report", page_only)
        path = tmp_path_factory.mktemp("coin") / "study"
        make(config, path)
    return path, {condition["name"]: condition for condition in verdict_of(path)["conditions"]}


def test_test_lives_are_born_elsewhere_and_their_other_half_where_the_arms_evolution_was(config, judged):
    path, _ = judged
    from evolearn.run import assemble

    one, anywhere, carried = config.conditions
    setup = assemble(config.run_of(one))
    born = _Births(setup.conditions)
    for condition in (one, carried):
        for arm, origin in (
            ("instinct", "instinct"),
            ("evolved", "evolved"),
            ("random", "instinct"),
            ("oracle", "instinct"),
        ):
            seed = run_seed(config, "one birth", origin, 1)
            assert seen_set(config, condition, arm, 1) == (1, seed)
            keys = born_keys(config, condition, arm, 1, setup)
            assert keys.shape == (6, 12)
            assert (keys[:, :4] == held_out_keys(config, condition, arm, 1)).all()
            assert keys[:, 1].tolist() == [TEST] * 6
            assert births_of(keys)[3:].tolist() == [[seed, SELECTION, 0, 0]] * 3
            states = [born.state(key) for key in births_of(keys)]
            assert len(set(states[:3])) == 1
            assert states[0] not in states[3:]
    assert seen_set(config, anywhere, "instinct", 1) is None
    assert born_keys(config, anywhere, "instinct", 1, setup).shape == (3, 4)
    rows = read_table(path / "lives.parquet").to_pandas()
    lives = rows.groupby("condition")["life"].max().to_dict()
    assert lives == {"one birth": 5, "any birth": 2, "carried over": 5}


def test_what_is_known_by_heart_shows_on_seen_births_and_fails_on_the_others(judged):
    """An instinct names one side: with one birth seen it is right there, and with two possible wrong elsewhere."""
    _, conditions = judged
    instinct = conditions["one birth"]["arms"]["instinct"]["metrics"]
    assert instinct["total_seen"]["iqm"] > 0.8
    assert instinct["total"]["iqm"] == pytest.approx(1.0 - instinct["total_seen"]["iqm"], abs=0.15)
    assert instinct["birth_seen"]["iqm"] > 0.8
    assert conditions["carried over"]["arms"]["instinct"]["metrics"]["total_seen"]["iqm"] > 0.8
    oracle = conditions["one birth"]["arms"]["oracle"]["metrics"]
    assert {oracle[name]["iqm"] for name in ("total", "total_seen", "ever", "window_after")} == {1.0}
    primary = conditions["one birth"]["primary"]
    assert primary["difference"]["iqm"] > 0.2
    assert "life fitness on seen births" in primary["sentence"]


def test_where_no_set_was_seen_there_is_no_such_score_and_the_study_says_so(judged):
    _, conditions = judged
    anywhere = conditions["any birth"]
    assert "total_seen" not in anywhere["arms"]["instinct"]["metrics"]
    assert anywhere["primary"]["withheld"] == "births were drawn from no set (world.set), so that none is a seen one"
    rows = {row["metric"]: row for row in anywhere["secondary"]}
    assert rows["window_after"]["difference"]["iqm"] is not None
    assert rows["ever"]["difference"]["iqm"] is not None


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("total_seen", "births were drawn from no set (world.set), so that none is a seen one"),
        ("window_after", "there is no window to score in: set evaluation.window_after, or world.switch_at"),
    ],
)
def test_a_metric_that_no_condition_has_is_refused(metric, why):
    with pytest.raises(ConfigError) as caught:
        toy_study(f"primary.metric={metric}", f"margins={{{metric}: 0.05}}")
    assert str(caught.value) == (
        f"toy: metric='{metric}': under no condition is there such a score, since {why}; or name another metric"
    )


def contrasts_refused(primary, secondary=(), **define):
    """What is wrong with a study on seen births with these contrasts."""
    fields = {**FIELDS, "primary": dict(zip(("arm", "against", "metric"), primary, strict=True))}
    fields["secondary"] = [{"arm": arm, "against": other, "metrics": names} for arm, other, names in secondary]
    fields["arms"] = [*FIELDS["arms"], "evolved_frozen", *define]
    with pytest.raises(ConfigError) as caught:
        toy_study(*OVERRIDES, **fields, define=define)
    return str(caught.value)


SHARED = "compare arms that share them (random, instinct, oracle; evolved, evolved_frozen)"


def test_arms_whose_seen_births_differ_are_not_compared_on_them(config):
    one = config.conditions[0]
    # As they are drawn, so that a contrast between the two would compare births.
    assert seen_set(config, one, "instinct", 1) != seen_set(config, one, "evolved", 1)
    assert contrasts_refused(("instinct", "evolved", "total_seen")) == (
        "toy: primary: metric='total_seen': the seen births of instinct and evolved are not the same, so that births "
        "would be compared, not arms: instinct on those of the evolution of instinct, evolved on those of the "
        f"evolution of evolved; {SHARED}, or name another metric, for example total"
    )
    others = [("evolved", "evolved_frozen", ["birth_seen"]), ("oracle", "evolved", ["total", "birth_seen"])]
    assert contrasts_refused(("instinct", "random", "total_seen"), others).startswith(
        "toy: secondary.1: metric='birth_seen': the seen births of oracle and evolved are not the same, so that births "
        "would be compared, not arms: oracle on those of the evolution of instinct, evolved on"
    )
    aged = {"like": "evolved", "origin": "evolved", "one_life": True}
    assert "evolved on those of the evolution of evolved, aged on none; compare" in contrasts_refused(
        ("evolved", "aged", "total_seen"), aged=aged
    )


def test_a_study_that_could_not_be_judged_is_refused_before_it_begins(tmp_path):
    conditions = [{"name": "all there is", "set": {"world.set": 30}}]
    with pytest.raises(ConfigError, match=r"world\.set=30: .* hardly any others to judge by"):
        make(toy_study(*OVERRIDES, **{**FIELDS, "conditions": conditions}), tmp_path / "study")
    assert not (tmp_path / "study").exists()
