"""From what a study's jobs left on disk to its results: lives.parquet, ledger.json, verdict.json.

Everything is computed from files, in a fixed order, so that a study stopped and resumed ends with the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from threadpoolctl import threadpool_limits

from evolearn.errors import RunDirectoryError
from evolearn.files import sealed, sha256_of
from evolearn.run import DNA, lent_values, natural_values, settled_teacher
from evolearn.search import is_whole, planned_outer_steps
from evolearn.study._held_out import HeldOut, arm_lives, join_tables
from evolearn.study._pieces import Diverged, Pieces
from evolearn.study.config import ConditionPart, StudyConfig
from evolearn.study.directory import StudyDirectory
from evolearn.study.plan import (
    StudyJob,
    StudyPlan,
    arm_part,
    evolution_config,
    evolving_arms,
    has_seen_births,
    hash_key_spaces,
    origin_of,
    planned_config,
    run_seed,
    tested_arms,
)
from evolearn.verdict import (
    CLAIM_RUNS,
    DOUBLED,
    METRICS,
    ArmLives,
    ConditionFacts,
    Json,
    LookByLook,
    SearchFacts,
    for_json,
    judge_condition,
    judge_primary,
)

FORMAT = 3  # of verdict.json
BY_GRADIENT = ("clone", "maml", "reptile")  # searches that train one genome, and select nothing
EXTENDED = (
    "Runs were added after a verdict had been seen (optional stopping): p is no longer that of a test planned "
    "beforehand."
)
ARMS_ADDED = "Arms were added after a verdict had been seen; this contrast is tested as it was planned."
SCALE = ("random", "oracle")  # arms from whose life fitness to whose a search is judged

# An arm that takes genes from another owes that one's bill as well; no step is counted twice here.
LEDGER_COLUMNS = {
    "outer": "world steps of the arm's own evolution, if it searched the weights",
    "tuning": "world steps of the arm's own evolution, if weights were drawn afresh: the search for how to learn",
    "settings": "world steps that finding the arm's settings took, once and before the study, for all of its runs, and "
    "the evolution of the DNA that teaches it; a study of several conditions has it under each, and once in the total, "
    "for every arm by itself",
    "inner": "world steps of test lives in which the learner was on",
    "evaluation": "world steps with learning off: birth scores, test lives of arms that never learn; and the steps in "
    "which the leaders of a last generation were judged afresh, and the restarts of a search compared",
    "checks": "world steps of the lives that showed that arms differ. Not counted anywhere: the lives that time this "
    "machine, the replays, and what is lived again because a study was killed in the midst of it",
    "runs": "evolution runs, or replicates of an arm that does not evolve",
}


def judge_look(config: StudyConfig, plan: StudyPlan, study: StudyDirectory, looks: LookByLook) -> None:
    """Take the look that is due at every condition that is open.

    Args:
        config: of the study.
        plan: of the same.
        study: its directory.
        looks: so far; knows more afterwards.
    Raises:
        RunDirectoryError: test lives of the runs of that look are missing or damaged.
    """
    look = looks.next_look
    assert look is not None, "a look is due"
    tests = {}
    for name in looks.open:
        condition = config.condition(name)
        held_out = {arm: _held_out(config, study, condition, arm, look.runs) for arm in config.arms}
        with threadpool_limits(limits=1, user_api="blas"):
            lives = _lives(config, plan, condition, held_out)
            tests[name] = judge_primary(config, config.primary_of(condition), lives, look.level)
    looks.judge(tests)


def judge_study(config: StudyConfig, plan: StudyPlan, study: StudyDirectory, looks: LookByLook) -> Json:
    """Write the results of a study whose jobs are all done.

    Args:
        config: of the study.
        plan: of the same.
        study: its directory.
        looks: all that were taken.
    Returns:
        The verdict, as in verdict.json.
    Raises:
        RunDirectoryError: a run or its test lives are missing or damaged.
    """
    runs = {condition.name: looks.seen(condition.name)[-1].look.runs for condition in config.conditions}
    done = plan.until(runs)
    evolved = Counter((job.condition, job.arm) for job in done.evolutions)
    pieces = Pieces(config, study)
    label = study.label()
    ledger: Json = {"conditions": {}, "columns": LEDGER_COLUMNS}
    conditions = []
    for condition in config.conditions:
        count = runs[condition.name]
        held_out = {arm: _held_out(config, study, condition, arm, count) for arm in tested_arms(config)}
        # another condition may need more of them than are judged here
        evolution = {
            arm: _evolution(config, study, condition, arm, max(count, evolved[condition.name, arm]))
            for arm in evolving_arms(config)
        }
        ledger["conditions"][condition.name] = {
            arm: _ledger_row(config, condition, arm, lived, evolution.get(arm, [])) for arm, lived in held_out.items()
        }
        judged = {arm: records[:count] for arm, records in evolution.items()}
        home = None
        if condition.evolved_in is not None:
            origin = config.condition(condition.evolved_in)
            ends = [arm for arm in SCALE if arm in config.arms]
            there = {arm: _held_out(config, study, origin, arm, runs[origin.name]) for arm in ends}
            home = _lives(config, plan, origin, there)
        # Sums have other last bits on other numbers of threads; and for matrices of this size one is the fastest.
        with threadpool_limits(limits=1, user_api="blas"):
            conditions.append(_judge(config, plan, condition, held_out, judged, looks, label["extensions"], home))
    lived = [job for job in done.tests if pieces.no_dna(config.condition(job.condition), job.arm, job.run) is None]
    join_tables((pieces.table(job) for job in lived), study.path / "lives.parquet")
    ledger["checks"] = label["check_steps"]
    ledger["total"] = ledger["checks"] + _all_steps(ledger["conditions"])
    verdict: Json = for_json(
        {
            "kind": "verdict",
            "format": FORMAT,
            "study": _about(config, label, max(runs.values())),
            "key_spaces": hash_key_spaces(config, done),
            "birth_steps": config.run.evaluation.birth_steps,
            "lifetimes": list(config.run.evaluation.lifetimes),
            "metrics": {name: dataclasses.asdict(metric) for name, metric in METRICS.items()},
            "arms": {arm: arm_part(config, arm).model_dump(mode="json", exclude={"like"}) for arm in config.arms},
            "conditions": conditions,
            "ledger": ledger,
        }
    )
    study.write_json(study.path / "ledger.json", verdict["ledger"])
    # What it lies beside: a page is never made of the results of two studies.
    files = ["ledger.json", "lives.parquet", *study.replays([condition.name for condition in config.conditions])]
    verdict = sealed({**verdict, "files": {name: sha256_of(study.path / name) for name in files}})
    study.write_json(study.path / "verdict.json", verdict)
    return verdict


def _all_steps(conditions: Json) -> int:
    """World steps of a ledger's rows; the search for an arm's settings stands in each condition, and was made once."""
    settings: dict[str, int] = {}
    steps = 0
    for arms in conditions.values():
        for arm, row in arms.items():
            settings[arm] = max(settings.get(arm, 0), row["settings"])
            steps += sum(value for column, value in row.items() if column not in ("runs", "settings"))
    return steps + sum(settings.values())


def _held_out(
    config: StudyConfig, study: StudyDirectory, condition: ConditionPart, arm: str, count: int
) -> list[HeldOut]:
    """The test lives of the first `count` runs of an arm."""
    pieces = Pieces(config, study)
    return [pieces.held_out(StudyJob(condition.name, arm, run, 0, False)) for run in range(count)]


def _evolution(
    config: StudyConfig, study: StudyDirectory, condition: ConditionPart, arm: str, count: int
) -> list[Json]:
    """What the page shows of an arm's first `count` evolution runs, and what they cost."""
    records = []
    origin = condition if condition.evolved_in is None else config.condition(condition.evolved_in)
    pieces = Pieces(config, study)
    for run in range(count):
        job = StudyJob(origin.name, arm, run, 0, False)
        if (why := pieces.no_dna(origin, arm, run)) is not None:
            records.append(_of_no_dna(config, study, job, why, pieces.diverged(job)))
            continue
        directory, own = pieces.opened(job)
        rows = directory.rows()
        dna = directory.load_dna()
        if not is_whole(own.search, [row["evaluations"] for row in rows]):
            must = "more" if own.search.restart == "ipop" else own.search.generations
            raise RunDirectoryError(
                f"{directory.path / 'generations.jsonl'}: has {len(rows)} whole rows, must have {must}; put the file "
                f"back, or remove {directory.path}: evolearn resume {study.path} repeats this run, with the same result"
            )
        part = arm_part(config, arm)
        lenders = {lender: study.evolved(origin, lender, run).load_dna() for lender in part.needs()}
        borrowed = {name: lent_values(part, name, lent.pool, lent.genome) for name, lent in lenders.items()}
        pieces.check_run(job, own, evolution_config(config, origin, arm, run, borrowed), rows, dna)
        restarts = [int(row.get("restart", 0)) for row in rows]
        from_restart = int(dna.header["lineage"].get("restart", 0))
        # The way to the result alone: another restart's end and this one's beginning are no fall.
        way = [row for row, restart in zip(rows, restarts, strict=True) if restart == from_restart]
        records.append(
            {
                "run": run,
                "seed": own.seed,
                "centre": [row["fitness_centre"] for row in way],
                "best": [row["fitness_best"] for row in way],
                "stdev": [row["search_stdev"] for row in way],
                "restart": restarts,
                "from_restart": from_restart,
                **_single_values(dna),
                "steps": sum(row["world_steps"] for row in rows),
                "validation_steps": dna.header["lineage"]["validation_steps"],
                "diverged": sum(row["diverged_lives"] for row in rows),
            }
        )
    return records


def _single_values(dna: DNA) -> dict[str, dict[str, float]]:
    """Drives and plasticity; arrays of them are in the DNA alone."""
    groups = natural_values(dna.pool, dna.genome)
    return {
        group: {name: value for name, value in values.items() if isinstance(value, float)}
        for group, values in groups.items()
    }


def _of_no_dna(config: StudyConfig, study: StudyDirectory, job: StudyJob, why: str, end: Diverged | None) -> Json:
    """The same of a run that has no DNA: it cost what it lived; nothing, if it never began."""
    lived = 0
    if end is not None:
        lived = end.steps + sum(row["world_steps"] for row in study.run(job.condition, job.arm, job.run).rows())
    return {
        "run": job.run,
        "seed": run_seed(config, job.condition, job.arm, job.run),
        "no_dna": why,
        "drives": {},
        "plasticity": {},
        "steps": lived,
        "validation_steps": 0,
    }


def _ledger_row(
    config: StudyConfig, condition: ConditionPart, arm: str, runs: Sequence[HeldOut], evolution: Sequence[Json]
) -> dict[str, int]:
    part = arm_part(config, arm)
    # A condition judged with another's DNA has paid for no evolution.
    evolved_here = evolution if condition.evolved_in is None else []
    searched = sum(record["steps"] for record in evolved_here)
    validated = sum(record["validation_steps"] for record in evolved_here)
    off = sum(held_out.steps[False] for held_out in runs)
    lived = sum(held_out.steps[True] for held_out in runs)
    return {
        "outer": searched if part.weights == "inherited" else 0,
        "tuning": 0 if part.weights == "inherited" else searched,
        "settings": _paid_before(config, condition, arm)
        if condition.evolved_in is None and not arm.endswith(DOUBLED)
        else 0,
        "inner": lived if part.learns else 0,
        "evaluation": off + validated + (0 if part.learns else lived),
        "runs": len(runs),
    }


def _lives(
    config: StudyConfig, plan: StudyPlan, condition: ConditionPart, held_out: Mapping[str, Sequence[HeldOut]]
) -> dict[str, ArmLives]:
    setup = plan.setups[condition.name]
    evaluation, world = setup.config.evaluation, setup.conditions.world
    lifetimes, window = sorted(evaluation.lifetimes), setup.config.window_after
    return {
        arm: arm_lives(
            arm,
            runs,
            world.fitness_rule,
            lifetimes,
            evaluation.birth_steps,
            world.termination_is_death,
            None if window is None else (window.age, window.width),
            has_seen_births(config, condition, arm),
            config.asks_for("ever"),
        )
        for arm, runs in held_out.items()
    }


def _judge(
    config: StudyConfig,
    plan: StudyPlan,
    condition: ConditionPart,
    held_out: Mapping[str, Sequence[HeldOut]],
    evolution: Mapping[str, Sequence[Json]],
    looks: LookByLook,
    extensions: Sequence[Json],
    lives_at_home: Mapping[str, ArmLives] | None,
) -> Json:
    setup = plan.setups[condition.name]
    lives = _lives(config, plan, condition, held_out)
    world = setup.conditions.world
    origin = condition if condition.evolved_in is None else config.condition(condition.evolved_in)
    facts = ConditionFacts(
        name=condition.name,
        world=setup.config.world.name,
        parameters=dict(setup.conditions.parameters),
        selection_lifetime=config.run_of(origin).search.selection_lifetime,
        evolved_in=condition.evolved_in,
        able=world.able,
        termination_is_death=world.termination_is_death,
        searches={arm: _search_facts(config, origin, arm) for arm in held_out if origin_of(config, arm) is not None},
        **arm_kinds(config, origin, held_out),
    )
    bills = {arm: _bill(config, origin, arm, evolution) for arm in held_out}
    seen = looks.seen(condition.name)
    parts = {arm: arm_part(config, arm) for arm in held_out}
    origins = {arm: part.origin for arm, part in parts.items() if part.origin in parts}
    verdict = judge_condition(
        config, facts, config.primary_of(condition), lives, bills, evolution, origins, seen, lives_at_home
    )
    if extensions:
        verdict["sentence"] += " " + (EXTENDED if any(map(_adds_runs, extensions)) else ARMS_ADDED)
    return verdict


def arm_kinds(config: StudyConfig, condition: ConditionPart, arms: Iterable[str]) -> dict[str, list[str]]:
    """Which arms are evolutions, blank slates and judged in one life; see `ConditionFacts`.

    Args:
        config: of the study.
        condition: under which they evolve.
        arms: their names.
    """
    parts = {arm: arm_part(config, arm) for arm in arms}
    inherit = [arm for arm, part in parts.items() if part.evolves and part.weights == "inherited" and part.learns]
    return {
        "evolutions": [a for a in inherit if planned_config(config, condition, a).search.algorithm not in BY_GRADIENT],
        "blank_slates": [arm for arm, part in parts.items() if part.weights == "fresh" and part.learns],
        "one_life": [arm for arm, part in parts.items() if part.one_life],
    }


def _adds_runs(extension: Json) -> bool:
    return bool(extension["runs_after"] != extension["runs_before"])


def _search_facts(config: StudyConfig, condition: ConditionPart, arm: str) -> SearchFacts:
    """What the verdict says of the evolution that an arm's DNA comes from."""
    origin = origin_of(config, arm)
    assert origin is not None
    own = planned_config(config, condition, origin)
    evolves, settings = arm_part(config, arm).evolves, arm_part(config, origin).tuning_steps
    lifetime, steps = own.search.selection_lifetime, planned_outer_steps(own.search, own.lives_each)
    if own.lineage is not None:  # as it is judged: one life that goes on over its generations
        lifetime *= own.lineage.generations
    return SearchFacts(lifetime, steps, evolves, settings)


def _bill(config: StudyConfig, condition: ConditionPart, arm: str, evolution: Mapping[str, Sequence[Json]]) -> int:
    """World steps that one run of an arm took before its first life: its own evolution, its origin's and lenders'.

    A clone owes the evolution of its teacher, and who starts at a clone owes that as well. What finding their settings
    took, and DNA that teaches in life, was paid once, whatever the number of runs, and is in it as it is.
    """
    part = arm_part(config, arm)
    owed = dict.fromkeys([*([arm] if part.evolves else []), *config.lenders(arm.removesuffix(DOUBLED))])
    steps = [
        sum(record["steps"] + record["validation_steps"] for record in evolution[name]) / len(evolution[name])
        for name in owed
    ]
    return round(sum(steps)) + sum(_paid_before(config, condition, name) for name in owed)


def _paid_before(config: StudyConfig, condition: ConditionPart, arm: str) -> int:
    """World steps that were paid once, before the study: for an arm's settings, and for the DNA that teaches it."""
    part, run = arm_part(config, arm), config.run_of(condition)
    teacher = run.teacher
    if any(key.split(".")[0] == "teacher" for key in part.settings):
        teacher = planned_config(config, condition, arm).teacher
    if teacher is None or not part.learns:
        return part.tuning_steps
    if teacher.evolution_steps is None:
        teacher = settled_teacher(teacher)
    return part.tuning_steps + (teacher.evolution_steps or 0)


def _about(config: StudyConfig, label: Json, runs: int) -> Json:
    return {
        "title": config.title,
        "seed": config.seed,
        "runs": runs,
        "looks": [dataclasses.asdict(look) for look in config.planned_looks],
        "test_lives": config.run.evaluation.lives,
        "config_sha256": label["config_sha256"],
        "first_config_sha256": label.get("first_config_sha256", label["config_sha256"]),
        "exploratory": runs < CLAIM_RUNS,
        "level": config.level,
        "resamples": config.resamples,
        "extended": label["extensions"],
    }
