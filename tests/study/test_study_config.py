"""Configs of studies: what is read, what is resolved, and the texts of what is refused."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from evolearn.config import STUDIES, ConfigError, check_config, dump_config, find_config, shipped_configs
from evolearn.run import ARMS
from evolearn.study import read_study
from evolearn.study.config import check_study, slug
from evolearn.study.plan import planned_config
from evolearn.study.study import looks_that_cannot_decide
from evolearn.verdict import Look
from tests.helpers.studies import TOY, toy_study


def refusal(*overrides: str, **fields: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        toy_study(*overrides, **fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("arms=[random, tuned_blank, evolvd, oracle]", "arms: arm 'evolvd' is unknown here. Did you mean evolved?"),
        ("arms=[random, tuned_blank, evolved, evolved, oracle]", "arms: 'evolved' is named twice; names must differ"),
        ("arms=[random]", "must have at least 2 entries"),
        (
            "arms=[tuned_blank, evolved, oracle]",
            "arms: random is missing: its birth score is the floor of every scale; add it, it evolves nothing",
        ),
        (
            "arms=[random, tuned_blank, evolved]",
            "threshold.of='oracle': needs the arm oracle among arms; add it, or set threshold.of=best",
        ),
        (
            "arms=[random, evolved, oracle, long_blank]",
            "arms: long_blank takes its genes from tuned_blank, which is not among them; add tuned_blank",
        ),
        ("primary.arm=evoled", "primary: arm 'evoled' is unknown here. Did you mean evolved?"),
        (
            "primary.against=evolved",
            "primary: arm and against are both evolved; for an A/A comparison define a second arm with like: evolved",
        ),
        ("primary.metric=catchup", "primary: metric='catchup': unknown. Did you mean catch_up?"),
        (
            "margins={}",
            "margins: catch_up is missing, but primary compares arms in it: say beforehand which difference, in world "
            "steps, would be too small to matter, for example margins.catch_up=2000",
        ),
        (
            "primary.metric=birth",
            "margins: birth is missing, but primary compares arms in it: say beforehand which difference, in score, "
            "would be too small to matter, for example margins.birth=0.05",
        ),
        ("secondary=[{arm: evolved, against: tuned_blank, metrics: [total]}]", "margins: total is missing, but "),
        ("secondary=[{arm: evolved, against: blank, metrics: [birth]}]", "secondary.0: arm 'blank' is unknown here."),
        ("looks=[2, 2]", "looks=[2, 2]: must ascend"),
        (
            "looks=[1, 3]",
            "runs=2: with looks, runs is the last of them, 3; for 2 runs set looks=[2] runs=2",
        ),
        ("looks=[1, 3]&look_levels=[0.01, 0.04]", "for 2 runs set looks=[2] look_levels=[] runs=2"),
        ("look_levels=[0.05]", "look_levels: has 1 levels for 0 looks: must have one for each, or be left out"),
        ("sequence=[as it was]", "sequence=['as it was']: must name every condition once: as it is"),
        ("margins.cach_up=1", "margins.cach_up: unknown metric. Did you mean catch_up?"),
        (
            "primary.metric=head_start&margins.head_start=39",
            "margins.head_start=39: must be 40 (run.evaluation.birth_steps, before which no head start can be told) or "
            "more, and less than 160 (the longest of run.evaluation.lifetimes), for example margins.head_start=100",
        ),
        ("primary.metric=head_start&margins.head_start=160", "margins.head_start=160: must be 40 (run.evaluation"),
        (
            "secondary=[{arm: evolved, against: random, metrics: [head_start]}]&margins.head_start=5000",
            "margins.head_start=5000: must be 40",
        ),
        ("margins.catch_up=0", "margins.catch_up=0: must be greater than 0"),
        ("threshold.share=0", "threshold.share=0: must be greater than 0"),
        ("threshold.share=1.1", "threshold.share=1.1: must be 1 or less"),
        ("catch_up_share=1.5", "catch_up_share=1.5: must be 1 or less"),
        ("threshold.of=everybody", "threshold.of='everybody': must be 'oracle' or 'best'"),
        ("level=0.5", "level=0.5: must be less than 0.5"),
        ("runs=0", "runs=0: must be 1 or more"),
        ("resamples=10", "resamples=10: must be 100 or more"),
        ("replay.arms=[evolved, blnk]", "replay.arms: arm 'blnk' is unknown here."),
        ("replay.arms=[evolved, random, oracle]", "must have at most 2 entries"),
        ("expect_identical=[[evolved, nobody]]", "expect_identical: arm 'nobody' is unknown here."),
        ("run.seed=4", "run.seed=4: a study derives its runs' seeds; set seed instead"),
        ("sed=4", "sed=4: unknown key. Did you mean seed?"),
        ("run.search.popluation=4", "run.search.popluation=4: unknown key. Did you mean population?"),
        ("conditions=[]", "must have at least 1 entry"),
        ("conditions=[{name: a}, {name: A}]", "conditions: 'a' is named twice; names must differ"),
        ("conditions=[{name: a, evolved_in: b}]", "evolved_in='b': no such condition."),
        (
            "conditions=[{name: a, evolved_in: a}]",
            "evolved_in='a': must be a condition with evolution runs of its own",
        ),
        (
            "conditions=[{name: a}, {name: b, evolved_in: a}, {name: c, evolved_in: b}]",
            "conditions 'c': evolved_in='b': must be a condition with evolution runs of its own",
        ),
        (
            "conditions=[{name: a, primary: {arm: evolved, against: blank}}]",
            "conditions 'a': primary: arm 'blank' is unknown here.",
        ),
        ("conditions=[{name: a, sett: {}}]", "conditions.0.sett={}: unknown key. Did you mean set?"),
        (
            "conditions=[{name: a, set: {search.generation: 4}}]",
            "search.generation=4: unknown key. Did you mean generations?",
        ),
        ("conditions=[{name: a, set: {search.lives: 0}}]", "condition 'a':\n  search.lives=0: must be 1 or more"),
        ("conditions=[{name: a, set: {learner.name.x: 0}}]", "set.learner.name.x: name is a value, not a section"),
        (
            "conditions=[{name: a, set: {seed: 1}}]",
            "set.seed: must be the same under all conditions; set the seed of the",
        ),
        (
            "conditions=[{name: a, set: {evaluation.lives: 9}}]",
            "conditions 'a': set.evaluation.lives: must be the same under all conditions; set run.evaluation.lives",
        ),
        (
            "conditions=[{name: a, settings: {evolvd: {search.lives: 1}}}]",
            "conditions 'a': settings: arm 'evolvd' is unknown here. Did you mean evolved?",
        ),
        (
            "conditions=[{name: a, settings: {random: {search.lives: 1}}}]",
            "settings.random: only an arm with an evolution of its own has any; set origin=own, or leave it out",
        ),
        (
            "conditions=[{name: a, settings: {evolved: {world.set: 1}}}]",
            "conditions 'a': settings.evolved.world.set: must begin with one of search, genome, learner",
        ),
        (
            "conditions=[{name: a}, {name: b, evolved_in: a, settings: {evolved: {search.lives: 1}}}]",
            "conditions 'b': settings: arms do not evolve here, but under 'a'; give them settings there",
        ),
        ("define={mine: {like: evoled}}", "define.mine: like='evoled': must be an arm of the table. Did you mean evol"),
        ("define={mine: {wieghts: fresh}}", "define.mine.wieghts='fresh': unknown key. Did you mean weights?"),
        ("define={mine_x2: {like: evolved}}", "define.mine_x2: must be letters, digits and _, and not end in _x2"),
        ("define={../mine: {like: evolved}}", "define.../mine: must be letters, digits and _"),
        (
            "define={mine: {origin: none}}",
            "  define.mine.origin=none: there is nothing to inherit: must have weights=fresh, "
            "drives=fitness, plasticity=published",
        ),
        (
            "define={mine: {weights: permuted}}",
            "weights='permuted': only for transplanted arms; set origin to the arm whose weights to use",
        ),
        ("define={mine: {like: evolved, one_life: true}}", "one_life=true: needs an origin whose evolution says how"),
        (
            "define={mine: {like: lamarckian, learns: false}}",
            "inheritance='lamarckian': must evolve and learn; set origin=own and learns=true",
        ),
        (
            "define={mine: {like: evolved_frozen, drives: tuned_blank}}",
            "  define.mine.drives='tuned_blank': a transplanted arm keeps or resets its origin's; borrowing "
            "from another arm is for",
        ),
        (
            "define={mine: {like: shuffled, settings: {search.lives: 3}}}",
            "settings: only an arm with an evolution of its own has any; set origin=own",
        ),
        (
            "define={mine: {settings: {world.parameters.predictability: 0}}}",
            "settings.world.parameters.predictability: must begin with one of search, genome, learner, drives, brain, "
            "value, growth, teacher, opponent, lineage: world, evaluation and seed are the same for all arms",
        ),
        ("define={mine: {settings: {seed: 1}}}", "settings.seed: must begin with one of search"),
        (
            "primary={arm: oracle, against: random, metric: catch_up}&convergence={double_budget: true}",
            "convergence.double_budget=true: no arm of a primary contrast has an evolution of its own",
        ),
        (
            "primary.metric=head_start&margins={head_start: 100, catch_up: 100}&convergence={double_budget: true}",
            "margins: total is missing, but convergence.double_budget=true compares the arms of a contrast in "
            "head_start with themselves evolved twice as long in it: say beforehand which difference, in score, would "
            "be too small to matter, for example margins.total=0.05; or set convergence.double_budget=false",
        ),
        (
            "primary.metric=head_start&margins={head_start: 100, total: 5}&convergence={double_budget: true}",
            "margins: catch_up is missing, but convergence.double_budget=true compares",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_field_value_and_remedy(setting: str, text: str) -> None:
    assert text in refusal(*setting.split("&"))


def test_an_arm_cannot_take_genes_from_one_that_does_not_evolve() -> None:
    text = refusal(
        "define={mine: {origin: blank}}", arms=["random", "tuned_blank", "evolved", "oracle", "blank", "mine"]
    )
    assert "arms: mine takes its genes from blank, which does not evolve by itself; name one that does" in text


@pytest.mark.parametrize("field", ["origin", "drives", "plasticity"])
def test_a_misspelt_arm_to_take_genes_from_is_answered_with_the_near_name(field: str) -> None:
    arms = ["random", "tuned_blank", "evolved", "oracle", "mine"]
    text = refusal(f"define={{mine: {{{field}: evolvd}}}}", arms=arms)
    assert f"  define.mine.{field}='evolvd': no such arm. Did you mean evolved? Known: random, " in text
    assert "add evolvd" not in text


def test_an_arm_cannot_borrow_from_one_that_borrows() -> None:
    arms = ["random", "tuned_blank", "evolved", "oracle", "pretrained", "mine"]
    text = refusal("define={mine: {drives: pretrained}}", arms=arms)
    assert "arms: mine borrows from pretrained, which borrows itself; name an arm that does not" in text


def test_the_config_of_a_run_is_told_from_that_of_a_study() -> None:
    with pytest.raises(ConfigError, match="toy: is the config of a run, not of a study; use evolearn run"):
        check_study({"world": {"name": "cart-pole"}}, "toy")
    for study in ({"title": "x", "run": {}}, {"experiment": "nature_nurture"}):
        with pytest.raises(ConfigError, match="toy: is the config of a study, not of a run; use evolearn study"):
            check_config(study, "toy")


def test_several_mistakes_are_told_at_once() -> None:
    text = refusal("runs=0", "level=2")
    assert "runs=0" in text
    assert "level=2" in text


@pytest.mark.parametrize("name", sorted(set(ARMS)))
def test_an_arm_like_one_of_the_table_has_its_parts(name: str) -> None:
    study = toy_study(f"define={{mine: {{like: {name}, doc: my own}}}}")
    assert study.arm("mine") == ARMS[name].model_copy(update={"doc": "my own"})


def test_given_parts_replace_those_of_the_model() -> None:
    study = toy_study("define={mine: {like: shuffled, drives: fitness}, evolved: {settings: {search.lives: 2}}}")
    assert study.arm("mine") == ARMS["shuffled"].model_copy(update={"drives": "fitness"})
    assert study.arm("evolved").settings == {"search.lives": 2}, "an arm of the table, changed for this study"
    assert study.arm("evolved").doc == ARMS["evolved"].doc
    assert study.arm("tuned_blank") is ARMS["tuned_blank"]


def test_an_arm_of_ones_own_is_made_of_the_same_parts() -> None:
    study = toy_study("define={mine: {weights: fresh, learns: false}}")
    assert (study.arm("mine").origin, study.arm("mine").weights, study.arm("mine").learns) == ("own", "fresh", False)


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("define={mine: {like: evolved_frozen}}",),
        ("define={mine: {like: shuffled, doc: x}, evolved: {settings: {learner.window: 5}}}",),
        ("conditions=[{name: a, settings: {evolved: {learner.window: 5}}}, {name: b}]",),
        ("conditions=[{name: a, set: {search.lives: 3}}, {name: b, evolved_in: a}]", "convergence.double_budget=true"),
    ],
)
def test_a_resolved_config_read_back_is_the_same_study(settings: tuple[str, ...], tmp_path: Path) -> None:
    study = toy_study(*settings)
    path = tmp_path / "study.yaml"
    path.write_text(dump_config(study))
    again = read_study(path)
    assert again == study
    assert {name: again.arm(name) for name in again.define} == {name: study.arm(name) for name in study.define}


def test_a_condition_changes_the_run_and_nothing_else() -> None:
    study = toy_study("conditions=[{name: a, set: {world.parameters.predictability: 0.5}}, {name: b}]")
    here, there = (study.run_of(condition) for condition in study.conditions)
    assert here.world.parameters == {"predictability": 0.5}
    assert there == study.run
    assert here.model_copy(update={"world": there.world}) == there


def test_an_arm_evolves_otherwise_under_one_condition() -> None:
    study = toy_study(
        "define={evolved: {settings: {search.lives: 2, learner.window: 5}}}",
        "conditions=[{name: a, settings: {evolved: {search.lives: 3}}}, {name: b}, {name: c, evolved_in: a}]",
    )
    evolved = [planned_config(study, condition, "evolved") for condition in study.conditions]
    assert [(own.search.lives, own.learner.window) for own in evolved] == [(3, 5), (2, 5), (3, 5)]
    others = [planned_config(study, condition, "tuned_blank") for condition in study.conditions]
    assert others[0] == others[1] == others[2]


def test_looks_say_how_many_runs_there_may_be_and_share_the_level() -> None:
    content = {**copy.deepcopy(TOY), "looks": [5, 10, 15, 20]}
    del content["runs"]
    study = check_study(content, "toy")
    assert study.runs == 20
    assert study.planned_looks == tuple(Look(runs, 0.0125) for runs in (5, 10, 15, 20))
    spent = check_study({**content, "look_levels": [0.01, 0.012, 0.013, 0.015]}, "toy")
    assert [look.level for look in spent.planned_looks] == [0.01, 0.012, 0.013, 0.015]
    with pytest.raises(ConfigError, match=re.escape("sum to 0.06: must be at most level=0.05, which all looks share")):
        check_study({**content, "look_levels": [0.01, 0.01, 0.02, 0.02]}, "toy")
    assert toy_study().planned_looks == (Look(2, 0.05),)


def test_a_look_that_cannot_decide_is_named() -> None:
    looks = toy_study("looks=[5, 10]", "runs=10", "margins.head_start=100", "primary.metric=head_start")
    (said,) = looks_that_cannot_decide(looks)
    assert said == (
        "The look at 5 runs, level 0.025, cannot decide: 5 runs can at best give p = 0.031; 6 is the least."
    )
    assert looks_that_cannot_decide(toy_study("looks=[5, 10]", "runs=10")) == []


def test_too_few_runs_for_all_conditions_together_are_named_without_looks_too() -> None:
    six = [{"name": name} for name in "abcdef"]
    study = toy_study("margins.head_start=100", "primary.metric=head_start", runs=5, conditions=six)
    assert looks_that_cannot_decide(study) == [
        "The 5 runs, level 0.05, shared by 6 conditions, cannot decide: 5 runs can at best give p = 0.031; 7 is the "
        "least."
    ]
    assert looks_that_cannot_decide(study.model_copy(update={"sequence": tuple("abcdef")})) == []
    assert looks_that_cannot_decide(toy_study("margins.head_start=100", "primary.metric=head_start", runs=5)) == []


def test_a_condition_may_be_decided_by_a_contrast_of_its_own() -> None:
    study = toy_study("conditions=[{name: a, primary: {arm: evolved, against: random, metric: catch_up}}, {name: b}]")
    assert [study.primary_of(condition).against for condition in study.conditions] == ["random", "tuned_blank"]


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("alpha 0", "alpha-0"),
        ("../../x", "x"),
        ("..", "condition"),
        ("90°", "90"),
        ("A b/c", "a-b-c"),
        ("é", "condition"),
    ],
)
def test_the_folder_of_a_condition_is_harmless(name: str, folder: str) -> None:
    assert slug(name) == folder


def test_overrides_reach_into_the_run(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(TOY))
    study = read_study(path, ["run.search.generations=7", "runs=5"])
    assert (study.run.search.generations, study.runs) == (7, 5)


@pytest.mark.parametrize("name", sorted(name for name in shipped_configs(STUDIES) if not name.startswith("replicate/")))
def test_every_shipped_study_reads(name: str) -> None:
    study = read_study(find_config(name, STUDIES))
    assert study.title
    assert study.runs >= 3
    for entry in (study.primary, *(condition.primary for condition in study.conditions if condition.primary)):
        assert entry.metric in study.margins


def test_zebra_is_the_claim_of_the_flagship() -> None:
    study = read_study(find_config("zebra", STUDIES))
    assert (study.primary.arm, study.primary.against, study.primary.metric) == ("evolved", "tuned_blank", "head_start")
    assert study.run.search.selection_lifetime == 6000
    assert max(study.run.evaluation.lifetimes) == 20_000
    assert study.run_of(study.conditions[0]).world.parameters["alpha"] == 0
    needed = {"random", "tuned_blank", "instinct", "evolved", "evolved_frozen", "shuffled"}
    assert needed <= set(study.arms)
