"""From what a study's jobs left on disk to its results: lives.parquet, ledger.json, verdict.json.

Everything is computed from files, in a fixed order, so that a study stopped and resumed ends with the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pyarrow as pa
from threadpoolctl import threadpool_limits

from evolearn.errors import RunDirectoryError
from evolearn.run import natural_values
from evolearn.search import is_whole
from evolearn.study._held_out import HeldOut, arm_lives, join_tables, read_held_out, read_table
from evolearn.study.config import ConditionPart, StudyConfig
from evolearn.study.directory import FORMAT, StudyDirectory
from evolearn.study.plan import StudyPlan, arm_part, evolving_arms, hash_key_spaces, held_out_keys, tested_arms
from evolearn.verdict import CLAIM_RUNS, METRICS, ArmLives, ConditionFacts, Json, for_json, judge_condition

EXTENDED = (
    "Runs or arms were added after a verdict had been seen (optional stopping): p is no longer that of a test planned "
    "beforehand."
)

# An arm that takes genes from another owes that one's bill as well; no step is counted twice here.
LEDGER_COLUMNS = {
    "outer": "world steps of the arm's own evolution, if it searched the weights",
    "tuning": "world steps of the arm's own evolution, if weights were drawn afresh: the search for how to learn",
    "inner": "world steps of test lives in which the learner was on",
    "evaluation": "world steps with learning off: birth scores, test lives of arms that never learn; and the steps in "
    "which the leaders of a last generation were judged afresh, and the restarts of a search compared",
    "checks": "world steps of the lives that showed that arms differ. Not counted anywhere: the lives that time this "
    "machine, the replays, and what is lived again because a study was killed in the midst of it",
    "runs": "evolution runs, or replicates of an arm that does not evolve",
}


def judge_study(config: StudyConfig, plan: StudyPlan, study: StudyDirectory) -> Json:
    """Write the results of a study whose jobs are all done.

    Args:
        config: of the study.
        plan: of the same.
        study: its directory.
    Returns:
        The verdict, as in verdict.json.
    Raises:
        RunDirectoryError: a run or its test lives are missing or damaged.
    """
    parts = [study.lives(job.condition, job.arm, job.run) for job in plan.tests]
    missing = [str(path.relative_to(study.path)) for path in parts if not path.exists()]
    if missing:
        raise RunDirectoryError(
            f"STUDY={study.path}: {len(missing)} of {len(parts)} files of test lives are missing, the first "
            f"{missing[0]}; evolearn resume {study.path} lives them"
        )
    label = study.label()
    ledger: Json = {"conditions": {}, "columns": LEDGER_COLUMNS}
    conditions = []
    for condition in config.conditions:
        held_out = {arm: _held_out(config, study, condition, arm) for arm in tested_arms(config)}
        evolution = {arm: _evolution(config, study, condition, arm) for arm in evolving_arms(config)}
        ledger["conditions"][condition.name] = {
            arm: _ledger_row(config, condition, arm, runs, evolution.get(arm, [])) for arm, runs in held_out.items()
        }
        # Sums have other last bits on other numbers of threads; and for matrices of this size one is the fastest.
        with threadpool_limits(limits=1, user_api="blas"):
            conditions.append(_judge(config, plan, condition, held_out, evolution, bool(label["extensions"])))
    join_tables(parts, study.path / "lives.parquet")  # all of them were read, so all are whole
    ledger["checks"] = label["check_steps"]
    ledger["total"] = ledger["checks"] + sum(
        value
        for arms in ledger["conditions"].values()
        for row in arms.values()
        for column, value in row.items()
        if column != "runs"
    )
    verdict: Json = for_json(
        {
            "kind": "verdict",
            "format": FORMAT,
            "study": _about(config, label),
            "key_spaces": hash_key_spaces(config, plan),
            "birth_steps": config.run.evaluation.birth_steps,
            "lifetimes": list(config.run.evaluation.lifetimes),
            "metrics": {name: dataclasses.asdict(metric) for name, metric in METRICS.items()},
            "arms": {arm: arm_part(config, arm).model_dump(mode="json", exclude={"like"}) for arm in config.arms},
            "conditions": conditions,
            "ledger": ledger,
        }
    )
    study.write_json(study.path / "ledger.json", verdict["ledger"])
    study.write_json(study.path / "verdict.json", verdict)
    return verdict


def _held_out(config: StudyConfig, study: StudyDirectory, condition: ConditionPart, arm: str) -> list[HeldOut]:
    runs = []
    for run in range(config.runs):
        path = study.lives(condition.name, arm, run)
        try:
            held_out = read_held_out(read_table(path))
            expected = len(held_out_keys(config, condition, arm, run))
            if len(held_out.outcome.age) != expected:
                raise ValueError(f"{len(held_out.outcome.age)} lives, must be {expected}")
        except (OSError, ValueError, pa.ArrowException) as error:
            raise RunDirectoryError(
                f"{path}: is damaged: {error}; remove it, and evolearn resume {study.path} lives these lives again"
            ) from error
        runs.append(held_out)
    return runs


def _evolution(config: StudyConfig, study: StudyDirectory, condition: ConditionPart, arm: str) -> list[Json]:
    """What the page shows of an arm's evolution runs, and what they cost."""
    records = []
    for run in range(config.runs):
        directory = study.evolved(condition, arm, run)
        rows = directory.rows()
        dna = directory.load_dna()
        own = directory.read_config()
        if not is_whole(own.search, [row["evaluations"] for row in rows]):
            must = "more" if own.search.restart == "ipop" else own.search.generations
            raise RunDirectoryError(
                f"{directory.path / 'generations.jsonl'}: has {len(rows)} whole rows, must have {must}; put the file "
                f"back, or remove {directory.path}: evolearn resume {study.path} repeats this run, with the same result"
            )
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
                **natural_values(dna.pool, dna.genome),
                "steps": sum(row["world_steps"] for row in rows),
                "validation_steps": dna.header["lineage"]["validation_steps"],
                "diverged": sum(row["diverged_lives"] for row in rows),
            }
        )
    return records


def _ledger_row(
    config: StudyConfig, condition: ConditionPart, arm: str, runs: Sequence[HeldOut], evolution: Sequence[Json]
) -> dict[str, int]:
    part = arm_part(config, arm)
    # A condition judged with another's DNA has paid for no evolution.
    evolved_here = evolution if condition.evolved_in is None else []
    searched = sum(record["steps"] for record in evolved_here)
    validated = sum(record["validation_steps"] for record in evolved_here)
    off = sum(int(held_out.birth.age.sum()) for held_out in runs)
    lived = sum(int(held_out.outcome.age.sum()) for held_out in runs)
    return {
        "outer": searched if part.weights == "inherited" else 0,
        "tuning": 0 if part.weights == "inherited" else searched,
        "inner": lived if part.learns else 0,
        "evaluation": off + validated + (0 if part.learns else lived),
        "runs": config.runs,
    }


def _judge(
    config: StudyConfig,
    plan: StudyPlan,
    condition: ConditionPart,
    held_out: Mapping[str, Sequence[HeldOut]],
    evolution: Mapping[str, Sequence[Json]],
    extended: bool,
) -> Json:
    setup = plan.setups[condition.name]
    evaluation = setup.config.evaluation
    rule = setup.conditions.world.fitness_rule
    lifetimes = sorted(evaluation.lifetimes)
    lives: dict[str, ArmLives] = {
        arm: arm_lives(arm, runs, rule, lifetimes, evaluation.birth_steps) for arm, runs in held_out.items()
    }
    origin = condition if condition.evolved_in is None else config.condition(condition.evolved_in)
    facts = ConditionFacts(
        name=condition.name,
        world=setup.config.world.name,
        parameters=dict(setup.conditions.parameters),
        selection_lifetime=config.run_of(origin).search.selection_lifetime,
        evolved_in=condition.evolved_in,
    )
    bills = {arm: _bill(config, arm, evolution) for arm in held_out}
    verdict = judge_condition(config, facts, config.primary_of(condition), lives, bills, evolution)
    if extended:
        verdict["sentence"] += " " + EXTENDED
    return verdict


def _bill(config: StudyConfig, arm: str, evolution: Mapping[str, Sequence[Json]]) -> int:
    """World steps that one run of an arm took before its first life: its own evolution, its origin's and lenders'."""
    part = arm_part(config, arm)
    owed = dict.fromkeys([*([arm] if part.evolves else []), *part.needs()])
    steps = [
        sum(record["steps"] + record["validation_steps"] for record in evolution[name]) / len(evolution[name])
        for name in owed
    ]
    return round(sum(steps))


def _about(config: StudyConfig, label: Json) -> Json:
    return {
        "title": config.title,
        "seed": config.seed,
        "runs": config.runs,
        "test_lives": config.run.evaluation.lives,
        "config_sha256": label["config_sha256"],
        "first_config_sha256": label.get("first_config_sha256", label["config_sha256"]),
        "exploratory": config.runs < CLAIM_RUNS,
        "level": config.level,
        "resamples": config.resamples,
        "extended": label["extensions"],
    }
