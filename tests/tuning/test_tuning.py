"""The search for an arm's settings: what it costs, which lives it lives, what it writes and how a study reads it."""

import builtins
import copy
import datetime
import itertools
from pathlib import Path

import numpy as np
import pytest
import yaml
from rich.console import Console

from evolearn.cli.tune import print_found, print_next, steps_of
from evolearn.config import ConfigError, config_sha256
from evolearn.errors import UserError
from evolearn.files import holding
from evolearn.genome import TRANSFORMS
from evolearn.life import OwnDrivers
from evolearn.life._fused import FusedDriver
from evolearn.rng import SELECTION, TEST, TUNING, VALIDATION, LifeKey, life_keys, new_rng, open_stream, uniform
from evolearn.run import SearchDiverged, assemble
from evolearn.search import planned_outer_steps
from evolearn.study import StudyConfig, TunedScores, TunedSettings, planned_config, read_study, write_tuned
from evolearn.study.plan import hash_key_spaces, plan_study
from evolearn.study.tuned import read_tuned
from evolearn.tuning import _account, _evolutions, tune_arm
from evolearn.tuning._account import BROAD, CLOSER, FINAL, judging_keys
from evolearn.tuning._evolutions import algorithms, shapes
from evolearn.tuning._starts import REACH, searched_genes, start_range
from evolearn.tuning.plan import JUDGING_LIVES, plan_tuning
from tests.helpers.command import evolearn
from tests.helpers.studies import TOY, toy_study

# A blank slate that wants to lose: the search has to find that out.
LOSER = {
    "seed": 3,
    "runs": 1,
    "run": {
        "world": {"name": "bandit", "parameters": {"fixity": 0.8}},
        "brain": {"hidden": [4]},
        "learner": {"window": 10, "plasticity": {"learning_rate": 0.02, "discount": 0.1}},
        "drives": {"weights": {"fitness": -0.5}},
        "search": {"population": 4, "generations": 4, "lives": 2, "selection_lifetime": 400},
        "evaluation": {"lives": 4, "lifetimes": [800], "birth_steps": 40, "bin_steps": 20},
    },
    "conditions": [{"name": "as it is"}],
    "arms": ["random", "tuned_blank", "evolved", "instinct", "oracle"],
    "primary": {"arm": "evolved", "against": "tuned_blank"},
    "margins": {"head_start": 100},
    "resamples": 100,
}
BY_EVOLUTION = 4 * (2 * 5 * 2 * 40 + 2 * JUDGING_LIVES * 160)  # four evolutions of the toy study, judged twice


class Watcher:
    """A display that remembers."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def planned(self, arm, condition, plan) -> None:
        self.plan = plan

    def advanced(self, steps, of, what) -> None:
        self.steps.append(steps)
        assert 0 < steps <= of


@pytest.fixture
def lived(monkeypatch) -> list[tuple[np.ndarray, int, int]]:
    """Keys [L, 4], steps as the kernel reports them and lifetime of every call of a driver."""
    seen: list[tuple[np.ndarray, int, int]] = []
    live = FusedDriver.live

    def spied(driver, job) -> None:
        live(driver, job)
        seen.append((job.keys.copy(), int(job.outcome.age.sum()), job.plan.lifetime))

    monkeypatch.setattr(FusedDriver, "live", spied)
    return seen


def tune(config: StudyConfig, arm: str, budget: int, seed: int = 0, condition: str | None = None) -> TunedSettings:
    return tune_arm(config, arm, condition, budget, seed, OwnDrivers(1), Watcher())


# --- lives that no study sees


def test_the_four_key_spaces_share_no_life_under_one_seed() -> None:
    spaces = (SELECTION, VALIDATION, TEST, TUNING)
    keys = np.concatenate([life_keys(7, space, g, 50) for space in spaces for g in (0, 1, BROAD, CLOSER, FINAL)])
    assert len(np.unique(keys, axis=0)) == len(keys)
    first = []
    for space in spaces:
        rng = new_rng()
        open_stream(rng, life_keys(7, space, 0, 1)[0], 2)
        first.append(uniform(rng))
    assert len(set(first)) == 4, "other keys, and so other lives"
    assert str(LifeKey(7, TUNING, 0, 1)) == "(seed 7, tuning, generation 0, life 1)"


def test_a_search_lives_in_its_own_key_space_alone(lived) -> None:
    config = toy_study()
    tune(config, "tuned_blank", 60 * 160, seed=config.seed)
    tune(config, "evolved", BY_EVOLUTION, seed=config.seed)
    keys = np.unique(np.concatenate([of_call for of_call, _, _ in lived]), axis=0)
    assert set(keys[:, 1]) == {TUNING}
    opened = np.concatenate([life_keys(config.seed, space, 0, 1000) for space in (SELECTION, VALIDATION, TEST)])
    assert len(np.unique(np.concatenate([keys, opened]), axis=0)) == len(keys) + len(opened)
    assert hash_key_spaces(config, plan_study(config))["disjoint"]


def test_what_chooses_is_not_what_reports(lived) -> None:
    tune(toy_study(), "tuned_blank", 60 * 160)
    generations = [set(of_call[:, 2]) for of_call, _, _ in lived]
    assert generations[-1] == {FINAL}
    assert all(FINAL not in before for before in generations[:-1])
    assert len(lived[-1][0]) == 2 * len(judging_keys(0, FINAL, 4)), "the best start and the present one, same lives"


# --- what it costs


@pytest.mark.parametrize("budget", [56 * 160, 60 * 160 + 37, 150 * 160 + 159, BY_EVOLUTION + 60 * 160])
def test_what_is_written_is_what_was_lived_and_never_above_the_budget(lived, budget: int) -> None:
    found = tune(toy_study(), "tuned_blank", budget)
    assert found.steps == sum(steps for _, steps, _ in lived) <= budget == found.budget
    assert found.steps > 0.8 * budget or budget == BY_EVOLUTION + 60 * 160


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "21m", "1e16", "9999999999G"])
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(
        UserError, match=rf"--budget {text}: must be a number of world steps, 1 .. 1,000,000,000,000,000"
    ):
        steps_of(text)


def test_no_budget_is_planned_beyond() -> None:
    kinds = list(itertools.product((False, True), (False, True)))
    planned = 0
    for budget in [*range(1000, 40_000, 331), *range(40_000, 4_000_000, 99_991)]:
        for has_starts, inherits in kinds:
            try:
                plan = plan_tuning("mine", budget, 160, 800, has_starts, inherits)
            except ConfigError:
                continue
            planned += 1
            assert 0 < plan.steps <= budget
            assert plan.starts is not None or plan.evolutions
            assert plan.starts is None or has_starts
            if plan.starts is not None:
                rounds = [plan.starts.starts_of(number) for number in range(plan.starts.rounds)]
                assert sum(rounds) == plan.starts.starts
                assert min(rounds) >= 2
    assert planned > 100


def test_evolutions_come_after_starts_when_there_is_enough_for_both() -> None:
    plan = plan_tuning("tuned_blank", 21_000_000, 20_000, 13_200_000, True, False)
    assert plan.evolutions == 0
    assert plan.starts.starts > 300
    plan = plan_tuning("tuned_blank", 90_000_000, 20_000, 13_200_000, True, False)
    assert plan.starts.starts > 300
    assert plan.evolutions == 5
    plan = plan_tuning("instinct", 60_000_000, 20_000, 13_200_000, False, True)
    assert plan.starts is None
    assert plan.evolutions == 4


def test_too_small_a_budget_is_refused_with_the_least_that_would_do(lived) -> None:
    for arm in ("tuned_blank", "instinct"):
        config = toy_study("arms=[random, tuned_blank, evolved, instinct, oracle]")
        with pytest.raises(ConfigError, match=f"too small for a useful search of {arm}: must be at least") as caught:
            tune(config, arm, 1000)
        least = int(str(caught.value).split("at least ")[1].split(" world")[0].replace(",", ""))
        with pytest.raises(ConfigError, match="--budget"):
            tune(config, arm, least - 1)
        assert lived == []
        assert tune(config, arm, least).steps <= least
        lived.clear()


def test_every_evolution_of_a_search_costs_what_the_studys_own_does(lived) -> None:
    config = toy_study("arms=[random, tuned_blank, evolved, instinct, oracle]", "run.search.generations=12")
    own = planned_outer_steps(planned_config(config, config.conditions[0], "instinct").search)
    budget = 8 * (own + 2 * JUDGING_LIVES * 160)
    found = tune(config, "instinct", budget)
    selected = [(keys, steps) for keys, steps, _ in lived if keys[0, 2] < BROAD]
    by_seed: dict[int, int] = {}
    for keys, steps in selected:
        by_seed[int(keys[0, 0])] = by_seed.get(int(keys[0, 0]), 0) + steps
    assert list(by_seed.values()) == [own] * 8
    assert found.evolutions == 8
    assert found.starts == 0


@pytest.mark.parametrize("algorithm", ["snes", "cem", "pgpe", "genetic", "reptile"])
def test_every_way_to_cut_a_budget_spends_it_to_the_last_step_and_fits_a_run(algorithm: str) -> None:
    arms = "arms=[random, tuned_blank, evolved, pretrained, oracle]"
    population = "run.search.population=9" if algorithm == "cem" else "run.search.population=4"
    search = "run.search.algorithm=snes" if algorithm == "reptile" else f"run.search.algorithm={algorithm}"
    config = toy_study("run.search.generations=12", search, population, arms)
    own = planned_config(config, config.conditions[0], "pretrained" if algorithm == "reptile" else "evolved")
    genes = assemble(own).pool.size
    assert algorithm in algorithms(own, genes)
    assert algorithms(own, genes) == (algorithm,) or "genetic" not in algorithms(own, genes)
    cut = [way for ways in shapes(own, algorithm, {}, genes).values() for way in ways]
    assert len(cut) > 3
    for way in cut:
        search = own.search.model_copy(update=way)
        assert planned_outer_steps(search) == planned_outer_steps(own.search)
        assemble(own.model_copy(update={"search": search}))


# --- where it looks


def test_ranges_follow_the_transform_the_spread_and_what_is_known() -> None:
    config = toy_study("run.learner.plasticity={learning_rate: 0.003, discount: 0.9}", "run.genome.drives.spread=0.5")
    pool = assemble(planned_config(config, config.conditions[0], "tuned_blank")).pool
    ranges = {gene.name: start_range(gene) for gene in searched_genes(pool)}
    factor = np.exp(REACH * 0.3)
    log, logit = (TRANSFORMS[name].encode for name in ("log", "logit"))
    assert ranges["learning_rate"] == pytest.approx((log(3e-4 / factor), log(0.003 * factor)), abs=1e-4)
    assert ranges["discount"] == pytest.approx((logit(0.9) - 3.0, logit(0.99) + 3.0), abs=1e-4)
    assert ranges["fitness"] == pytest.approx((-5.0, 6.0))
    assert ranges["uprightness"] == pytest.approx((-5.0, 5.3))


def test_only_what_evolves_is_searched_and_no_scale_of_weights_that_are_inherited() -> None:
    config = toy_study(
        "run.drives.evolved=[uprightness]", "arms=[random, tuned_blank, tuned_learner, evolved, instinct, oracle]"
    )
    names = {
        arm: {gene.name for gene in searched_genes(assemble(planned_config(config, config.conditions[0], arm)).pool)}
        for arm in ("tuned_blank", "tuned_learner", "evolved", "instinct")
    }
    assert "uprightness" in names["tuned_blank"]
    assert "fitness" not in names["tuned_blank"]
    assert "initial_scale" in names["tuned_blank"]
    assert "uprightness" not in names["tuned_learner"]
    assert names["evolved"] == names["tuned_blank"] - {"initial_scale"}
    assert names["instinct"] == set()


# --- what it finds, writes and means to a study


def test_a_start_that_wants_to_lose_is_found_out_and_the_study_starts_where_the_search_ended(tmp_path: Path) -> None:
    (tmp_path / "loser.yaml").write_text(yaml.safe_dump(LOSER))
    done = evolearn("tune", "loser.yaml", "--arm", "tuned_blank", "--budget", "0.4M", "--workers", 1, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = read_tuned(tmp_path / "loser.tuned_blank.tuned.yaml")
    assert found.scores.tuned > found.scores.present + 0.1, found.scores
    assert found.settings["drives.weights"]["fitness"] > 0.0
    assert f"Cost: {found.steps:,} world steps" in done.stdout
    assert "define: {tuned_blank: {tuned: loser.tuned_blank.tuned.yaml}}" in done.stdout
    study = {**LOSER, "define": {"tuned_blank": {"tuned": "loser.tuned_blank.tuned.yaml"}}}
    (tmp_path / "fair.yaml").write_text(yaml.safe_dump(study))
    config = read_study(tmp_path / "fair.yaml")
    assert config.arm("tuned_blank").tuning_steps == found.steps
    assert config.arm("tuned_blank").weights == "fresh"
    own = planned_config(config, config.conditions[0], "tuned_blank")
    assert own.drives.weights == found.settings["drives.weights"]
    assert own.learner.plasticity == found.settings["learner.plasticity"]
    assert planned_config(config, config.conditions[0], "evolved").drives.weights == {"fitness": -0.5}
    again = evolearn("tune", "loser.yaml", "--arm", "tuned_blank", "--budget", "0.4M", folder=tmp_path)
    assert again.returncode == 2
    assert "loser.tuned_blank.tuned.yaml: exists already, and is never written over" in again.stderr


def test_a_search_is_the_same_whenever_it_is_made_and_another_under_another_seed() -> None:
    first, again, other = (tune(toy_study(), "tuned_blank", 60 * 160, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.settings != other.settings


def test_earlier_searches_and_settings_of_the_arm_stay_in_what_is_written() -> None:
    define = "define={{tuned_blank: {{settings: {{search.algorithm: cem, search.population: 9}}, tuning_steps: {}}}}}"
    first, later = (
        tune(toy_study(define.format(steps), "run.search.generations=1"), "tuned_blank", 60 * 160) for steps in (0, 500)
    )
    assert later.settings["search.algorithm"] == "cem"
    assert later.settings["search.population"] == 9
    assert later.steps == first.steps + 500
    assert later.settings == first.settings


def made_up(**more) -> TunedSettings:
    scores = TunedScores(tuned=0.5, present=0.2, best=0.6, median=0.1, lives=12, lifetime=160)
    fields = {
        "scores": scores,
        "arm": "tuned_blank",
        "condition": "as it is",
        "seed": 0,
        "budget": 1000,
        "steps": 960,
        "starts": 20,
    }
    settings = {"drives.weights": {"fitness": 2.0, "uprightness": 0.1}, "genome.drives.spread": 0.2}
    return TunedSettings(evolearn="0.1.0", evolutions=0, settings=settings, **{**fields, **more})


def study_with(folder: Path, **define) -> Path:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**copy.deepcopy(TOY), "define": define}))
    return path


def test_settings_by_hand_beside_tuned_ones_win(tmp_path: Path) -> None:
    (tmp_path / "found").mkdir()
    write_tuned(tmp_path / "found/blank.yaml", made_up())
    by_hand = {"drives.weights.uprightness": 0.4, "genome.drives.spread": 0.6, "search.population": 4}
    config = read_study(study_with(tmp_path, tuned_blank={"tuned": "found/blank.yaml", "settings": by_hand}))
    own = planned_config(config, config.conditions[0], "tuned_blank")
    assert own.drives.weights == {"fitness": 2.0, "uprightness": 0.4}
    assert own.genome.drives.spread == 0.6
    assert config.arm("tuned_blank").tuning_steps == 960


def test_a_resolved_study_needs_the_file_no_more_and_its_hash_covers_the_values(tmp_path: Path) -> None:
    write_tuned(tmp_path / "blank.yaml", made_up())
    path = study_with(tmp_path, tuned_blank={"tuned": "blank.yaml"})
    config = read_study(path)
    (tmp_path / "blank.yaml").unlink()
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert read_study(tmp_path / "again.yaml") == config
    write_tuned(tmp_path / "blank.yaml", made_up(steps=961))
    assert config_sha256(read_study(path)) != config_sha256(config)


def test_an_arm_of_ones_own_may_read_what_was_found_for_the_arm_it_is_like(tmp_path: Path) -> None:
    write_tuned(tmp_path / "blank.yaml", made_up())
    config = read_study(study_with(tmp_path, mine={"like": "tuned_blank", "tuned": "blank.yaml"}))
    assert config.arm("mine").settings == made_up().settings
    with pytest.raises(
        ConfigError, match=r"holds the settings of tuned_blank; must be those of evolved: evolearn tune"
    ):
        read_study(study_with(tmp_path, evolved={"tuned": "blank.yaml"}))


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"tuned": "gone.yaml"}, r"define\.tuned_blank\.tuned='gone\.yaml': .*gone\.yaml: is missing"),
        ({"tuned": "study.yaml"}, "is not a file that evolearn tune wrote: it has no kind: tuned"),
        ({"tuned": 3}, r"tuned=3: must be the path of a file that evolearn tune wrote, relative to the study's file"),
        ({"tuned": "blank.yaml", "tuning_steps": 1}, r"tuning_steps=1: the file blank\.yaml says what its search cost"),
        ({"tuned": "broken.yaml"}, "steps=-1: must be 0 or more"),
        ({"tuned": "cheaper.yaml"}, r"cheaper\.yaml: was altered since evolearn tune wrote it: .*; search again"),
        ({"tuned": "dated.yaml"}, r"dated\.yaml: was altered since evolearn tune wrote it"),
        (
            {"tuned": "older.yaml"},
            r"older\.yaml: has format 1 \(made by evolearn 0\.1\.0\), this evolearn reads 2; search",
        ),
    ],
)
def test_a_tuned_file_that_does_not_fit_is_refused(tmp_path: Path, parts: dict, text: str) -> None:
    write_tuned(tmp_path / "blank.yaml", made_up())
    written = yaml.safe_load((tmp_path / "blank.yaml").read_text())
    altered = {
        "broken": {"steps": -1},
        "cheaper": {"steps": 959},
        "dated": {"settings": {"search.population": datetime.date(2026, 1, 1)}},
        "older": {"format": 1},
    }
    for name, fields in altered.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**written, **fields}))
    with pytest.raises(ConfigError, match=text):
        read_study(study_with(tmp_path, tuned_blank=parts))


# --- what users can cause


def tune_by_command(tmp_path: Path, *more: object, study: object = "study.yaml", budget: int = 60 * 160):
    return evolearn("tune", study, "--arm", "tuned_blank", f"--budget={budget}", *more, folder=tmp_path)


def test_a_missing_folder_is_said_before_the_search_and_not_after_it(tmp_path: Path, lived) -> None:
    study_with(tmp_path)
    done = tune_by_command(tmp_path, "--out", "found/x.yaml")
    assert done.returncode == 2
    assert "--out found/x.yaml: folder found does not exist; make it, or name another" in done.stderr
    assert lived == []


def test_a_file_that_another_search_will_write_is_refused_before_the_search(tmp_path: Path, lived) -> None:
    study_with(tmp_path)
    with holding(tmp_path / ".x.yaml.lock", "--out x.yaml"):
        done = tune_by_command(tmp_path, "--out", "x.yaml")
    assert done.returncode == 2
    assert "--out x.yaml: is being written by this process itself" in done.stderr
    assert lived == []


def test_the_file_is_named_as_the_study_has_to_name_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("evolearn.tuning.tune_arm", lambda *_: made_up())
    study_with(tmp_path)
    (tmp_path / "found, so far").mkdir()
    beside, below, elsewhere = "x.yaml", "found, so far/x.yaml", tmp_path.parent / f"{tmp_path.name}.yaml"
    for out, named in ((beside, beside), (below, below), (elsewhere, str(elsewhere))):
        done = tune_by_command(tmp_path, "--out", out)
        define = next(line for line in done.stdout.splitlines() if "define:" in line)
        assert yaml.safe_load(define) == {"define": {"tuned_blank": {"tuned": named}}}
        read_study(study_with(tmp_path, **yaml.safe_load(define)["define"]))
        study_with(tmp_path)
    done = tune_by_command(tmp_path, study="dial")  # a shipped study, whose folder is not the user's
    assert yaml.safe_load(done.stdout.splitlines()[-1])["define"]["tuned_blank"]["tuned"] == str(
        tmp_path / "dial.tuned_blank.tuned.yaml"
    )


def test_a_search_that_found_nothing_better_says_so(tmp_path: Path, monkeypatch) -> None:
    scores = made_up().scores.model_copy(update={"tuned": 0.2, "present": 0.2})
    monkeypatch.setattr("evolearn.tuning.tune_arm", lambda *_: made_up(scores=scores, steps=961))
    study_with(tmp_path)
    done = tune_by_command(tmp_path)
    assert "Nothing was found that is better than what the study has." in done.stdout
    assert "tuning_steps: 961" in done.stdout
    assert "Next: name it in the study" not in done.stdout


def test_an_evolution_that_may_begin_again_is_not_searched(lived) -> None:
    config = toy_study("run.search.restart=stagnation")
    with pytest.raises(
        ConfigError, match=r"search\.restart='stagnation': must be 'none' .* add run\.search\.restart=none"
    ):
        tune(config, "evolved", BY_EVOLUTION)
    assert lived == []
    assert tune(config, "tuned_blank", 60 * 160).evolutions == 0, "starts are lived without evolving"


def test_a_budget_that_cannot_be_cut_in_another_way_is_refused_before_the_first_step(lived) -> None:
    one = "run.search={algorithm: pgpe, population: 2, generations: 1, lives: 1, selection_lifetime: 97}"
    with pytest.raises(ConfigError, match=r"search\.generations=1, .*: no settings spend these 291 .* more divisors"):
        tune(toy_study(one), "evolved", 20 * BY_EVOLUTION)
    assert lived == []


def test_an_arm_whose_lives_follow_one_another_is_refused_before_the_first_step(lived) -> None:
    with pytest.raises(ConfigError, match=r"--arm evolved: its lives follow one another \(section lineage\)"):
        tune(toy_study("run.lineage.generations=3"), "evolved", 20 * BY_EVOLUTION)
    assert lived == []


@pytest.mark.parametrize(
    ("arm", "condition", "text"),
    [
        ("random", None, "--arm random: has no evolution of its own, so there is nothing to tune; tune one of tuned"),
        ("evolvd", None, r"--arm evolvd: is not among the arms of the study\. .*evolved"),
        ("evolved", "elsewhere", "--condition 'elsewhere': is none of the study's"),
    ],
)
def test_an_arm_or_a_condition_that_is_not_there_is_refused(arm: str, condition: str | None, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        tune(toy_study(), arm, 10**6, condition=condition)


def test_a_missing_optuna_is_said_with_the_command_that_installs_it(monkeypatch) -> None:
    real = builtins.__import__

    def without(name, *more, **most):
        if name == "optuna":
            raise ModuleNotFoundError("No module named 'optuna'", name="optuna")
        return real(name, *more, **most)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"needs the package optuna, which is not installed: pip install 'evolearn\[tu"):
        tune(toy_study(), "tuned_blank", 10**6)


@pytest.mark.parametrize("budget", ["many", "0", "-3M", "1e999", "nan"])
def test_a_budget_that_is_no_number_of_steps_is_refused(tmp_path: Path, budget: str) -> None:
    path = study_with(tmp_path)
    done = evolearn("tune", path, "--arm", "tuned_blank", f"--budget={budget}", folder=tmp_path)
    assert done.returncode == 2
    assert f"--budget {budget}: must be a number of world steps" in done.stderr


# --- what leaves the finite numbers


def test_settings_whose_evolution_leaves_the_finite_numbers_are_the_worst_and_no_end(monkeypatch) -> None:
    evolved, calls = _evolutions._evolved, itertools.count()

    def leaving(*arguments):
        if next(calls) % 2 == 0:  # the present settings first
            raise SearchDiverged("it was too large")
        return evolved(*arguments)

    monkeypatch.setattr(_evolutions, "_evolved", leaving)
    found = tune(toy_study(), "evolved", BY_EVOLUTION)
    assert (found.scores.present, found.scores.best is None) == (None, False)
    assert found.steps <= BY_EVOLUTION


def test_starts_whose_brains_diverge_are_never_chosen(monkeypatch) -> None:
    lived = _account.evaluate

    def half_broken(*arguments):
        found = lived(*arguments)
        found.broken[1::2] = True
        found.fitness[1::2] = 1e9  # what they had earned is no matter
        return found

    monkeypatch.setattr(_account, "evaluate", half_broken)
    keys = judging_keys(0, FINAL, 2)
    setup = assemble(planned_config(toy_study(), toy_study().conditions[0], "evolved"))
    drivers = OwnDrivers(1)
    account = _account.Account(10**9, Watcher())
    genomes = np.stack([setup.pool.centre] * 4)
    scores = _account.judge(setup, drivers, setup.pool, genomes, keys, account, "a try")
    drivers.close()
    assert scores.argmax() in (0, 2)
    assert np.isneginf(scores[1::2]).all()


def test_a_score_that_is_none_is_said_and_chosen_by_nobody(tmp_path: Path, capsys) -> None:
    scores = TunedScores(tuned=None, present=-3.0, best=None, median=None, lives=4, lifetime=80)
    found = tune(toy_study(), "tuned_blank", 100_000).model_copy(update={"scores": scores})
    write_tuned(tmp_path / "found.yaml", found)
    assert read_tuned(tmp_path / "found.yaml").scores == scores
    console = Console(width=200)
    print_found(console, found)
    print_next(console, found, "found.yaml")
    text = capsys.readouterr().out
    assert "none (a life left the finite numbers) with what was found, -3.000 as the study has it" in text
    assert "Nothing was found that is better" in text
