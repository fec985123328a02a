"""A study from config to verdict: evolve every arm under every condition, open the test lives once, judge.

It can be stopped anywhere and continued, and ends with the same verdict, byte for byte.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TypeVar

from evolearn.config import ConfigError
from evolearn.errors import RunDirectoryError, UserError
from evolearn.files import explained
from evolearn.life import Drivers
from evolearn.report import read_results, write_report
from evolearn.run import remarks_on, resumable, settled, settled_keys
from evolearn.study._judge import judge_look, judge_study
from evolearn.study._pieces import Pieces, PieceUnfit
from evolearn.study._work import StudyDisplay, StudyWork
from evolearn.study.bands.replication import judge_replication
from evolearn.study.checks import check_arms_differ, check_births, measure_rates
from evolearn.study.config import StudyConfig, check_study
from evolearn.study.directory import OF_VERDICT, RESULTS, StudyDirectory, create_study
from evolearn.study.plan import StudyJob, StudyPlan, plan_study
from evolearn.verdict import LookByLook, cannot_decide

_Came = TypeVar("_Came")
_FIRST_LIVES = "living the first lives of every arm, to see that they differ and how long they take"


def start_study(
    config: StudyConfig, name: str, out: Path | None, drivers: Drivers, display: StudyDisplay, dry_run: bool = False
) -> Path | None:
    """Run a study in a new study directory; see `jobs_of_study`.

    Returns:
        The study directory; none after a dry run.
    """
    return _exhausted(jobs_of_study(config, name, out, drivers, display, dry_run))


def jobs_of_study(
    config: StudyConfig,
    name: str,
    out: Path | None,
    drivers: Drivers,
    display: StudyDisplay,
    dry_run: bool = False,
    page: bool = True,
) -> Generator[StudyJob, None, Path | None]:
    """Run a study in a new study directory, a job at a time.

    Args:
        config: resolved.
        name: of the study directory where `out` is not given.
        out: the study directory to make.
        drivers: where lives are lived; closed at the end.
        display: shows what happens.
        dry_run: only check and estimate; nothing is written.
        page: whether to write page, figures and tables in the end.
    Yields:
        Each job once it is done. Who closes the generator before it is exhausted stops the study as Ctrl-C would.
    Returns:
        The study directory; none after a dry run.
    Raises:
        ConfigError: the config does not fit its worlds, or two arms do not differ.
        RunDirectoryError, WorldError: see there.
        Interrupted: the user stopped it.
    """
    config = _settled(config)
    plan = plan_study(config)
    for remark in sorted({remark for setup in plan.setups.values() for remark in remarks_on(setup)}):
        display.warning(remark)
    for remark in looks_that_cannot_decide(config):
        display.warning(remark)
    with contextlib.closing(drivers):
        display.preparing(_FIRST_LIVES)
        check_births(config, plan)
        steps = check_arms_differ(config, plan, drivers)
        rates = measure_rates(config, plan, drivers)
        display.planned(config, plan, rates, [*plan.evolutions, *plan.tests])
        if dry_run:
            return None
        study = create_study(config, name, out, drivers.describe(), steps)
        with study.hold():
            yield from _completing(
                config, plan, study, StudyWork(config, plan, study, drivers, rates, display), display, page
            )
        return study.path


def _exhausted(jobs: Generator[StudyJob, None, _Came]) -> _Came:
    """What a generator returns in the end."""
    while True:
        try:
            next(jobs)
        except StopIteration as end:
            return end.value


def looks_that_cannot_decide(config: StudyConfig) -> list[str]:
    """Looks at too few runs for their level, were the arms as different as can be; one line for each.

    A study of one condition that is looked at once says so in its verdict; several share the level, and runs that
    are enough for each may be too few for all.
    """
    said = []
    together = 1 if config.sequence else len(config.conditions)
    metrics = dict.fromkeys(config.primary_of(condition).metric for condition in config.conditions)
    for look in config.planned_looks if config.looks or together > 1 else ():
        runs = f"{look.runs} run{'s' if look.runs > 1 else ''}"
        which = f"The look at {runs}" if config.looks else f"The {runs}"
        for metric in metrics:
            reason = cannot_decide(metric, look.runs, look.runs, look.level / together)
            if reason is not None:
                among = f", shared by {together} conditions" if together > 1 else ""
                said.append(f"{which}, level {look.level:.3g}{among}, cannot decide: {reason}.")
    return said


def resume_study(study: StudyDirectory, drivers: Drivers, display: StudyDisplay) -> None:
    """Continue a study; its verdict is that of a study never stopped, byte for byte.

    Args:
        study: from `open_study`.
        drivers: see `start_study`; may differ from before.
        display: shows what happens.
    Raises:
        RunDirectoryError: the study is finished and whole; or its config or one of its runs is damaged. Damaged test
            lives, replays and results are made again.
    """
    with resumable(study.path), contextlib.closing(drivers), study.hold():
        config = study.read_config()
        plan = plan_study(config)
        for moved in study.clear_the_way():
            display.warning(moved)
        if problem := study.mend_environment(drivers.describe()):
            display.warning(problem)  # the page shows it, and is made again
        elif _is_complete(config, plan, study, display):
            raise RunDirectoryError(
                f"STUDY={study.path}: is finished; its verdict is in {study.path / 'verdict.json'}. `evolearn report "
                f"{study.path}` makes its page again, `evolearn study add {study.path} --runs N` extends it"
            )
        rates = measure_rates(config, plan, drivers)
        work = StudyWork(config, plan, study, drivers, rates, display)
        display.planned(config, plan, rates, [*work.evolutions, *work.tests])
        _exhausted(_completing(config, plan, study, work, display))


def _is_complete(config: StudyConfig, plan: StudyPlan, study: StudyDirectory, display: StudyDisplay) -> bool:
    """Whether a study is finished, and all that its verdict is made of is there and fits; says what does not."""
    if not all(path.exists() for path in (study.page, *(study.path / name for name in OF_VERDICT))):
        return False
    try:
        read_results(study.path)
        judged = study.judged()
    except UserError as error:
        display.warning(f"{str(error).rpartition('; ')[0]}; the results are made again")
        return False
    return not any(Pieces(config, study).left(plan.until(judged), lambda job, unfit: None))


def extend_study(
    study: StudyDirectory, runs: int, arms: Sequence[str], drivers: Drivers, display: StudyDisplay
) -> None:
    """Add evolution runs or arms to a finished study, and judge it again.

    The extension is written down: stopping when a verdict pleases is optional stopping, and a verdict that was seen
    before more runs were added says so. Arms alone leave the looks, and each condition's number of runs, as they were;
    with more runs after looks all conditions are judged once, at the level of the last look.

    Args:
        study: from `open_study`.
        runs: to add to every arm and condition.
        arms: to add, names of the table or of the study's own.
        drivers: see `start_study`.
        display: shows what happens.
    Raises:
        ConfigError: nothing to add, or an arm that is there or unknown.
        RunDirectoryError: the study is not finished, or something of it does not fit.
    """
    with contextlib.closing(drivers), study.hold():
        _extend(study, runs, arms, drivers, display)


def _extend(study: StudyDirectory, runs: int, arms: Sequence[str], drivers: Drivers, display: StudyDisplay) -> None:
    if not study.is_finished:
        raise RunDirectoryError(f"STUDY={study.path}: is not finished; `evolearn resume {study.path}` continues it")
    config = study.read_config()
    if runs < 1 and not arms:
        raise ConfigError("nothing to add: give --runs N, at least 1, or --arm NAME")
    for arm in arms:
        if arm in config.arms:
            raise ConfigError(f"--arm {arm}: is in the study already")
    label = study.label()
    before = study.runs_judged()
    read_results(study.path)
    Pieces(config, study).left(plan_study(config).until(study.judged()), _refuse)
    extension = {
        "runs_before": before,
        "runs_after": before + runs,
        "arms_added": list(arms),
        "verdict_seen": True,
    }
    content = config.model_dump(mode="json") | {"arms": [*config.arms, *arms]}
    if runs:
        content["runs"] = before + runs
    if runs and config.looks:
        # Looks are over: what is added was not planned. What the others have spent of the level stays spent.
        if not any("looks_before" in earlier for earlier in label["extensions"]):
            extension["looks_before"] = [dataclasses.asdict(look) for look in config.planned_looks]
        content |= {"looks": [before + runs], "look_levels": [config.planned_looks[-1].level]}
    longer = check_study(content, str(study.path))
    plan = plan_study(longer)
    display.preparing(_FIRST_LIVES)
    steps = check_arms_differ(longer, plan, drivers)
    rates = measure_rates(longer, plan, drivers)
    with explained(study.path):
        for name in RESULTS:
            (study.path / name).unlink(missing_ok=True)
        study.page.unlink(missing_ok=True)
    study.write_config(
        longer,
        check_steps=label["check_steps"] + steps,
        extensions=[*label["extensions"], extension],
        first_config_sha256=label.get("first_config_sha256", label["config_sha256"]),
    )
    work = StudyWork(longer, plan, study, drivers, rates, display)
    display.planned(longer, plan, rates, [*work.evolutions, *work.tests])
    _exhausted(_completing(longer, plan, study, work, display))


def _refuse(job: StudyJob, unfit: PieceUnfit) -> None:
    raise unfit


def _completing(
    config: StudyConfig,
    plan: StudyPlan,
    study: StudyDirectory,
    work: StudyWork,
    display: StudyDisplay,
    page: bool = True,
) -> Generator[StudyJob]:
    with resumable(study.path):
        display.began(study.path)
        looks = yield from _living_until_decided(config, plan, study, work, display)
        work.record_replays()
        study.forget_progress()
        display.judging("statistics")
        judge_replication(config, study, judge_study(config, plan, study, looks))
        if not page:
            return
        display.judging("page, figures and tables")
        try:
            with study.hold_report():
                write_report(study.path)
        except BaseException:
            # The figures are not all there: a resumed study writes the page again.
            with contextlib.suppress(OSError):  # a file in the folder's place, say
                study.page.unlink()
            raise


def _living_until_decided(
    config: StudyConfig, plan: StudyPlan, study: StudyDirectory, work: StudyWork, display: StudyDisplay
) -> Generator[StudyJob, None, LookByLook]:
    """Evolve and live look by look, every condition until it is decided or the looks are over."""
    looks = LookByLook([condition.name for condition in config.conditions], config.planned_looks, config.sequence)
    while (look := looks.next_look) is not None:
        before = looks.open
        yield from work.jobs(plan.until(dict.fromkeys(before, look.runs)))
        judge_look(config, plan, study, looks)
        for name in before:
            tests = looks.seen(name)[-1].tests
            if tests.for_good and look != looks.looks[-1]:
                display.warning(f"{name}: is looked at no more: {tests.withheld}")
        if config.looks:
            still_open = looks.open
            came_out = [name for name in before if looks.seen(name)[-1].tests.conclusive(look.level)]
            display.looked(look, came_out, still_open, looks.next_look is not None)
    return looks


def _settled(config: StudyConfig) -> StudyConfig:
    """The same study, holding in any folder; see `evolearn.run.setup.settled`."""
    conditions = [
        condition.model_copy(
            update={
                "set": settled_keys(condition.set),
                "settings": {arm: settled_keys(keys) for arm, keys in condition.settings.items()},
            }
        )
        for condition in config.conditions
    ]
    define = {
        name: arm.model_copy(update={"settings": settled_keys(arm.settings)}) for name, arm in config.define.items()
    }
    return config.model_copy(update={"run": settled(config.run), "conditions": tuple(conditions), "define": define})
