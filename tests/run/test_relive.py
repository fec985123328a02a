"""A world at fault ends the run with the life's key; that life, and any other, can be lived again by itself."""

import csv
import dataclasses
import io
import pickle
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from gymnasium import register, registry
from rich.console import Console

from evolearn.cli.show_life import print_relived, relive_life
from evolearn.config import ConfigError, check_config
from evolearn.errors import RunDirectoryError
from evolearn.life import LifeFault, OwnDrivers, Plan, evaluate, fault_in, life_fitness, lives, new_driver, score
from evolearn.life._fused import FusedDriver
from evolearn.life.live import one_after_another
from evolearn.rng import SELECTION, TEST, LifeKey, life_keys
from evolearn.run import (
    Interrupted,
    Relived,
    assemble,
    columns_of,
    evolve,
    new_search,
    open_run,
    resume_run,
    start_run,
    wanted_life,
    write_trace,
)
from evolearn.run.faulty_life import FILE, load_faulty_life
from evolearn.run.relive import Wanted
from evolearn.run.traces import TraceFileError
from evolearn.study import start_study
from tests.helpers.command import evolearn, started
from tests.helpers.compiled_environments import assert_same
from tests.helpers.faulty_runs import GENERATION, GUILTY, LIFE, SEED, WORLD, Listener, bounds_of, faulty_run
from tests.helpers.places import HELPERS
from tests.helpers.probe_worlds import NAN_FITNESS, NAN_OBSERVATION, NAN_SENSE, RAISES, SOUND
from tests.helpers.runs import Watcher, toy
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import Onlooker
from tests.helpers.training import WEIGHTS_ONLY


def relived(
    path: Path, wanted: Wanted | None = None, traced: bool = False, listener: Listener | None = None
) -> Relived:
    return relive_life(path, wanted, traced, 1, listener or Listener())


REASONS = {
    RAISES: "raised ValueError: the bridge is out",
    NAN_FITNESS: "fitness is not finite; the world's step must return a finite number",
    NAN_OBSERVATION: "observation rough=nan: must be finite; check the world's arithmetic",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> dict[int, tuple[Path, LifeFault]]:
    """Runs that ended by a fault of each kind, and the errors they ended with."""
    folder = tmp_path_factory.mktemp("ended by a fault")
    runs = {}
    for kind in REASONS:
        with pytest.raises(LifeFault) as caught:
            start_run(faulty_run(kind), "toy", folder / str(kind), OwnDrivers(1), Watcher())
        runs[kind] = (folder / str(kind), caught.value)
    return runs


@pytest.mark.parametrize("kind", REASONS)
def test_a_fault_ends_the_run_with_the_lifes_key_and_the_command_to_type(kind, ended):
    path, fault = ended[kind]
    assert str(fault) == (
        f"world faulty, life (seed 5, selection, generation 2, life 1), genome {fault.genome}, step 7: "
        f"{REASONS[kind]}\nLive it again: evolearn replay-life '{path}'"
    )
    assert len(open_run(path).rows()) == GENERATION
    assert 0 <= fault.genome < 9


@pytest.mark.parametrize("kind", REASONS)
def test_the_life_that_ended_the_run_goes_wrong_again_at_the_same_step(kind, ended):
    path, before = ended[kind]
    again = relived(path, traced=True)
    assert again.key == GUILTY
    assert (again.fault.step, again.fault.reason, again.fault.genome) == (7, REASONS[kind], before.genome)
    assert (again.before.step, again.before.reason) == (7, REASONS[kind])
    assert len(again.trace.fitness) == 7
    assert again.outcome.fitness.sum() == 3.5
    assert_same(again.fault.newborn, before.newborn)


def test_the_line_of_the_world_that_raised_is_shown(ended):
    path, _ = ended[RAISES]
    again = relived(path)
    source = HELPERS / "probe_worlds.py"
    number = source.read_text().splitlines().index('        raise ValueError("the bridge is out")') + 1
    line = f'  {source}, line {number}, in step_faulty: raise ValueError("the bridge is out")'
    assert again.lines == line
    assert shown(path, again).endswith(
        f"It went wrong as it did when it ended the run: same step, same reason.\nWhere it was raised:\n{line}\n"
    )
    assert relived(ended[NAN_FITNESS][0]).lines == ""


def shown(path, again):
    console = Console(width=200, file=io.StringIO())
    print_relived(console, path, again, None)
    return console.file.getvalue()


def test_what_is_said_of_a_life_that_ends_otherwise_than_before(ended):
    path, fault = ended[RAISES]
    again = relived(path)
    later = dataclasses.replace(again, before=again.before.altered(reason="raised IndexError: no\nsuch"), lines="")
    assert "It went wrong at the same step as when it ended the run; the reason was: raised IndexErr" in shown(
        path, later
    )
    assert "put NUMBA_DISABLE_JIT=1 before the same command" in shown(path, later)
    step = dataclasses.replace(again, fault=again.fault.altered(step=9))
    assert "It went wrong otherwise than when it ended the run, at step 7: raised ValueError" in shown(path, step)
    sound = dataclasses.replace(relived(path, Wanted(0, 0, 0)), before=fault)
    assert f"made as it was then. Continue with: evolearn resume '{path}'\n" in shown(path, sound)


def test_the_kept_life_is_the_genome_of_that_number(ended):
    """A fault in one life of every genome: the one named is the one whose newborn was kept."""
    path, fault = ended[RAISES]
    again = relived(path, Wanted(GENERATION, fault.genome, LIFE))
    assert again.key == GUILTY
    assert (again.fault.step, again.fault.reason) == (fault.step, fault.reason)
    assert_same(again.fault.newborn, fault.newborn)
    other = relived(path, Wanted(GENERATION, fault.genome + 1, LIFE))
    assert (other.fault.newborn.weights != fault.newborn.weights).any()


class FifthFaulty:
    """A driver in which a job's fifth genome, by its first weight, is at fault in its second life."""

    workers = 1

    def __init__(self, conditions):
        self.conditions = conditions

    def live(self, job):
        for life, genome in enumerate(job.genomes):
            job.outcome.age[life] = 30 + life
            if job.newborns.weights[genome, 0] == 4.0 and job.keys[life, 3] == 1:
                raise fault_in(self.conditions, job, life, "a reason")


@pytest.mark.parametrize("plasticity", ["evolved", "fresh"])  # fresh: a newborn of its own for every life
def test_a_fault_has_its_genomes_number_in_a_population_lived_in_portions(plasticity, monkeypatch):
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_AT_ONCE", 6)  # three genomes
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_PER_WORKER", 1)
    setup = assemble(faulty_run(RAISES, genome={"plasticity": {"mode": plasticity}, "drives": {"mode": "fixed"}}))
    genomes = np.zeros((6, setup.pool.size), np.float32)
    first_weight = setup.pool.slices()["weights", setup.conditions.brain.tensors[0].name].start
    genomes[:, first_weight] = np.arange(6)
    keys = life_keys(SEED, SELECTION, 0, 2)
    with pytest.raises(LifeFault, match=r"life 1\), genome 14, step 33: a reason$") as caught:
        evaluate(
            FifthFaulty(setup.conditions),
            setup.conditions,
            setup.pool,
            genomes,
            keys,
            setup.selection,
            numbered_from=10,
        )
    fault = caught.value
    assert fault.life == 9
    assert fault.newborn.weights[0, 0] == 4.0
    assert all(len(getattr(fault.newborn, name)) == 1 for name in ("weights", "drives", "plasticity", "scale"))


class SecondJobFaulty:
    """A driver in which the second life of the second job of a run's first generation is at fault."""

    workers = 1

    def __init__(self, conditions):
        self.conditions = conditions
        self._driver = new_driver(conditions)
        self._jobs = 0

    def live(self, job):
        self._jobs += 1
        if self._jobs == 2:
            raise fault_in(self.conditions, job, 1, "a reason")
        self._driver.live(job)

    def over_blocks(self, function, shared, blocks):
        return one_after_another(self, function, shared, blocks)


@pytest.mark.parametrize(("algorithm", "genome"), [("genetic", 9), ("reptile", 1), ("maml", 1)])
def test_genomes_are_numbered_in_the_order_in_which_their_generation_lives_them(algorithm, genome):
    setup = assemble(check_config(toy(algorithm, **SEARCHES[algorithm]), "toy"))
    with pytest.raises(LifeFault, match=rf", genome {genome}, step 0: a reason$"):
        next(evolve(setup, SecondJobFaulty(setup.conditions), new_search(setup)))


def test_a_fault_survives_pickling(ended):
    _, fault = ended[RAISES]
    copy = pickle.loads(pickle.dumps(fault))
    assert type(copy) is LifeFault
    assert str(copy) == str(fault)
    assert (copy.key, copy.life, copy.plan) == (fault.key, fault.life, fault.plan)
    assert_same(copy.newborn, fault.newborn)
    moved = copy.altered(life=3, genome=40)
    assert (moved.life, moved.genome, moved.step) == (3, 40, 7)
    assert ", genome 40, step 7: " in str(moved)


def test_a_run_that_gets_past_it_removes_nothing_and_a_later_fault_writes_over_it(tmp_path, monkeypatch):
    path = tmp_path / "run"
    with pytest.raises(LifeFault):
        start_run(faulty_run(RAISES), "toy", path, OwnDrivers(1), Watcher())
    first = (path / FILE).read_bytes()
    with_kind(monkeypatch, SOUND)
    again = relived(path)
    assert again.fault is None
    assert (again.before.step, int(again.outcome.age[0])) == (7, 60)
    with pytest.raises(Interrupted):
        resume_run(open_run(path), OwnDrivers(1), Watcher(stop_after=GENERATION))
    assert (path / FILE).read_bytes() == first
    with_kind(monkeypatch, NAN_SENSE, low=0.0, high=1.0)
    with pytest.raises(LifeFault):
        resume_run(open_run(path), OwnDrivers(1), Watcher())
    assert load_faulty_life(path).fault.reason.startswith("sense or drive smell=nan")
    assert load_faulty_life(path).fault.key.generation == GENERATION + 1


def with_kind(monkeypatch, kind, **bounds):
    """From now on the world goes wrong in another way, as if somebody had edited it."""

    def edited(config):
        setup = assemble(config)
        parameters = {**setup.conditions.parameters, "kind": float(kind), **bounds}
        return dataclasses.replace(setup, conditions=dataclasses.replace(setup.conditions, parameters=parameters))

    monkeypatch.setattr("evolearn.run.run.assemble", edited)
    monkeypatch.setattr("evolearn.run.relive.assemble", edited)


# Any life of a run -----------------------------------------------------------------------------------------------

SEARCHES = {
    "pgpe": {},
    "genetic": {},
    "lamarckian": {"genome": {"inheritance": "lamarckian"}},
    "reptile": {"genome": WEIGHTS_ONLY},
    "maml": {"genome": WEIGHTS_ONLY, "learner": {"window": 8, "optimiser": "sgd"}},
}


@dataclasses.dataclass
class Seen:
    """A selection life as it was lived in a run."""

    newborns: object
    row: int
    key: LifeKey
    outcome: object  # [1, ..]


@pytest.fixture(scope="module")
def watched_runs(tmp_path_factory):
    """A run of each kind of search, and every selection life that it lived: [generation, genome, life] -> Seen."""
    folder = tmp_path_factory.mktemp("watched")
    runs = {}
    for name, more in SEARCHES.items():
        seen: dict[tuple[int, int, int], Seen] = {}
        lived = {}
        with pytest.MonkeyPatch.context() as patch:
            live = FusedDriver.live

            def spied(driver, job, live=live, seen=seen, lived=lived):
                live(driver, job)
                keys = [LifeKey(*map(int, key)) for key in job.keys]
                if keys[0].space != SELECTION:
                    return
                generation = keys[0].generation
                first = lived.get(generation, 0)
                lived[generation] = first + len(keys) // 2
                for place, key in enumerate(keys):
                    outcome = type(job.outcome)(*(array[place : place + 1].copy() for array in job.outcome))
                    genome = first + place // 2
                    seen[generation, genome, place % 2] = Seen(job.newborns, int(job.genomes[place]), key, outcome)

            patch.setattr(FusedDriver, "live", spied)
            algorithm = "genetic" if name == "lamarckian" else name
            start_run(check_config(toy(algorithm, **more), "toy"), name, folder / name, OwnDrivers(1), Watcher())
        runs[name] = (folder / name, seen)
    return runs


@pytest.mark.parametrize("name", SEARCHES)
def test_any_selection_life_is_lived_again_bit_for_bit(name, watched_runs):
    path, seen = watched_runs[name]
    last = max(genome for generation, genome, _ in seen if generation == 3)
    assert last == {"pgpe": 8, "genetic": 16, "lamarckian": 16, "reptile": 8, "maml": 8}[name]
    for generation, genome, life in [(0, 0, 0), (2, 3, 1), (3, last, 1), (3, 8, 0)]:
        then = seen[generation, genome, life]
        again = relived(path, Wanted(generation, genome, life), traced=True)
        assert again.key == then.key
        for part in ("weights", "drives", "plasticity", "scale"):
            assert getattr(again.newborn, part)[0].tobytes() == getattr(then.newborns, part)[then.row].tobytes()
        none = np.zeros(0)  # of final weights: a search that learns from them asked for them
        assert_same(again.outcome._replace(final_weights=none), then.outcome._replace(final_weights=none))
        conditions = again.setup.conditions
        driver = new_driver(conditions)
        born_as, keys = np.array([then.row]), np.array([then.key])
        _, trace = lives(driver, conditions, then.newborns, born_as, keys, again.plan, again.plan.lifetime)
        assert_same(again.trace, trace)


def test_a_population_is_made_again_from_the_newest_checkpoint_before_it(watched_runs, tmp_path):
    path, seen = watched_runs["pgpe"]
    listener = Listener()
    relived(path, Wanted(3, 0, 0), listener=listener)
    assert listener.remade[0] == 3
    before = listener.remade[1]
    assert listener.evolved == list(range(0 if before is None else before + 1, 3))
    without = tmp_path / "run"
    without.mkdir()
    for name in ("run.json", "config.yaml", "generations.jsonl"):
        (without / name).write_bytes((path / name).read_bytes())
    listener = Listener()
    again = relived(without, Wanted(3, 4, 1), listener=listener)
    assert listener.remade == (3, None)
    assert listener.evolved == [0, 1, 2]
    assert listener.warnings == []
    assert again.outcome.fitness.tobytes() == seen[3, 4, 1].outcome.fitness.tobytes()
    rows = (without / "generations.jsonl").read_text()
    digest = open_run(without).rows()[1]["fitness_sha256"]
    (without / "generations.jsonl").write_text(rows.replace(digest, digest[::-1]))
    listener = Listener()
    relived(without, Wanted(3, 4, 1), listener=listener)
    (warning,) = listener.warnings
    assert warning.startswith("generation 1 differs from ")


def test_fitness_and_quarters_are_those_that_the_world_gives(watched_runs):
    path, seen = watched_runs["pgpe"]
    again = relived(path, Wanted(1, 2, 0), traced=True)
    then = seen[1, 2, 0].outcome
    rule = again.setup.conditions.world.fitness_rule
    assert again.fitness == life_fitness(then, rule, again.plan)[0]
    finer = Plan(60, bin_steps=15)
    driver = new_driver(again.setup.conditions)
    lived = seen[1, 2, 0]
    call = (lived.newborns, np.array([lived.row]), np.array([lived.key]), finer)
    outcome, _ = lives(driver, again.setup.conditions, *call)
    assert again.quarters == tuple(float(score(outcome, rule, part, part + 1, finer)[0]) for part in range(4))


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Wanted(4, 0, 0), r"--generation 4: must be 0 \.\. 3, the generations that .* has begun"),
        (Wanted(-1, 0, 0), r"--generation -1: must be 0 \.\. 3"),
        (Wanted(0, 9, 0), r"--genome 9: must be 0 \.\. 8, the genomes that a generation lives, the centre among them"),
        (Wanted(0, 0, 2), r"--life 2: must be 0 \.\. 1, the selection lives of each genome"),
    ],
)
def test_what_is_out_of_range_is_named_with_its_range(wanted, text, watched_runs):
    with pytest.raises(ConfigError, match=text):
        relived(watched_runs["pgpe"][0], wanted)


def test_a_run_that_ended_early_knows_the_generation_that_was_under_way(ended):
    path, _ = ended[RAISES]
    with pytest.raises(ConfigError, match=r"--generation 3: must be 0 \.\. 2"):
        relived(path, Wanted(3, 0, 0))
    assert relived(path, Wanted(GENERATION, 0, 0)).fault is None


def test_what_cannot_be_lived_again_is_said(watched_runs, ended, tmp_path):
    with pytest.raises(RunDirectoryError, match=r"is not a run directory"):
        relived(tmp_path)
    with pytest.raises(RunDirectoryError, match=r"no life on record at which its world was at fault; name a life with"):
        relived(watched_runs["pgpe"][0])
    with pytest.raises(ConfigError, match=r"^--genome, --life: missing; a life is named by --generation G --genome I"):
        wanted_life(3, None, None)
    assert wanted_life(None, None, None) is None
    assert wanted_life(0, 0, 0) == Wanted(0, 0, 0)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    path, _ = ended[RAISES]
    for file in ("run.json", "config.yaml"):
        (damaged / file).write_bytes((path / file).read_bytes())
    (damaged / FILE).write_bytes((path / FILE).read_bytes()[:100])
    with pytest.raises(RunDirectoryError, match=rf"{FILE}: is damaged: .*; name a life with --generation"):
        relived(damaged)


def test_a_world_that_is_gone_is_said(tmp_path):
    path = tmp_path / "run"
    moved = tmp_path / "moved.py"
    moved.write_text((HELPERS / "probe_worlds.py").read_text())
    config = faulty_run(RAISES)
    config = config.model_copy(update={"world": config.world.model_copy(update={"name": f"{moved}:faulty"})})
    with pytest.raises(LifeFault):
        start_run(config, "toy", path, OwnDrivers(1), Watcher())
    moved.rename(tmp_path / "elsewhere.py")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.endswith("_moved")]:
            patch.delitem(sys.modules, name)
        with pytest.raises(ConfigError, match=r"world\.name=.*there is no file .*moved\.py"):
            relived(path)


# Studies, Gymnasium, traces, the command -----------------------------------------------------------------------


def test_a_test_life_at_fault_is_kept_in_the_study(tmp_path, quick_report):
    bounds = bounds_of(LifeKey(3, TEST, 1, 2))
    config = toy_study(
        "arms=[random, tuned_blank, evolved]",
        "threshold.of=best",
        "run.drives.weights={fitness: 1.0}",
        f"run.world.name={WORLD}",
        f"run.world.parameters={{kind: {RAISES}, at: 30, low: {bounds['low']!r}, high: {bounds['high']!r}}}",
    )
    path = tmp_path / "study"
    with pytest.raises(LifeFault) as caught:
        start_study(config, "toy", path, OwnDrivers(1), Onlooker())
    assert "life (seed 3, test, generation 1, life 2)" in str(caught.value)
    assert str(caught.value).endswith(f"Live it again: evolearn replay-life {path}")
    again = relived(path)
    assert again.key == LifeKey(3, TEST, 1, 2)
    assert (again.fault.step, again.fault.reason) == (30, "raised ValueError: the bridge is out")
    assert again.doing == "condition as it is, arm random"
    with pytest.raises(RunDirectoryError, match=r"is a study; a generation belongs to one of its runs"):
        relived(path, Wanted(0, 0, 0))


if "evolearn-unlucky-v0" not in registry:
    register(
        "evolearn-unlucky-v0",
        "tests.helpers.toy_environment:Toy",
        kwargs={"fails": "raise", "unlucky": 0.1, "length": 1000},
    )


def test_gymnasium_worlds_too(tmp_path):
    path, watcher = tmp_path / "run", Watcher()
    with pytest.raises(LifeFault) as caught:
        start_run(
            check_config({**toy(), "world": {"name": "gymnasium:evolearn-unlucky-v0"}}, "toy"),
            "toy",
            path,
            OwnDrivers(1),
            watcher,
        )
    assert "rehearsing a life" in watcher.prepared, "which takes seconds where steps are slow"
    fault = caught.value
    assert "RuntimeError: the bridge is out" in fault.reason
    assert fault.key.generation > 0
    again = relived(path, traced=True)
    assert (again.key, again.fault.step, again.fault.reason) == (fault.key, fault.step, fault.reason)
    assert len(again.trace.fitness) == fault.step
    whole = relived(path, Wanted(0, 8, 1), traced=True)
    assert whole.fault is None
    assert len(whole.trace.fitness) == 60


def test_a_trace_reads_back_the_same_from_every_format(watched_runs, tmp_path):
    path, _ = watched_runs["pgpe"]
    again = relived(path, Wanted(0, 1, 0), traced=True)
    conditions = again.setup.conditions
    columns = columns_of(again.trace, conditions)
    assert list(columns)[:2] == ["step", f"observation.{conditions.world.observations[0].name}"]
    assert {"drive.fitness", "fitness", "end"} <= set(columns)
    assert len(columns["step"]) == again.plan.lifetime
    for suffix in (".csv", ".npz", ".parquet"):
        write_trace(tmp_path / f"t{suffix}", again.trace, conditions)
    with np.load(tmp_path / "t.npz") as arrays:
        for name, column in columns.items():
            assert arrays[name].tobytes() == np.ascontiguousarray(column).tobytes()
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.column_names == list(columns)
    for name, column in columns.items():
        assert np.array(table[name]).tobytes() == np.ascontiguousarray(column).tobytes()
    with (tmp_path / "t.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == list(columns)
    for name, texts in zip(header, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(np.array(texts).astype(columns[name].dtype), columns[name])


def test_a_trace_that_cannot_be_written_is_refused(watched_runs, tmp_path):
    path, _ = watched_runs["pgpe"]
    again = relived(path, Wanted(0, 1, 0), traced=True)
    with pytest.raises(TraceFileError, match=r"t\.txt: must end in \.csv, \.npz or \.parquet"):
        write_trace(tmp_path / "t.txt", again.trace, again.setup.conditions)
    with pytest.raises(TraceFileError, match=r"there is no folder .*nowhere; make it, or name another"):
        write_trace(tmp_path / "nowhere" / "t.csv", again.trace, again.setup.conditions)


HANGING = """
seed: 5
hang_seconds: 1
world: {{name: "{world}", parameters: {{kind: 6, at: 7, low: {low!r}, high: {high!r}}}}}
brain: {{hidden: [4]}}
learner: {{window: 8}}
search: {{population: 8, generations: 4, lives: 2, selection_lifetime: 60}}
evaluation: {{lives: 4, lifetimes: [400], birth_steps: 200, bin_steps: 100}}
"""


def test_a_life_that_hangs_is_ended_and_hangs_again_at_the_same_step(tmp_path):
    (tmp_path / "hangs.yaml").write_text(HANGING.format(world=WORLD, **bounds_of(GUILTY)))
    done = started("run", "hangs.yaml", "--out", "run", folder=tmp_path)
    assert done.returncode == 2
    said = "step 7: no step finished for 1 s; look for a loop without end in the world's code"
    assert said in done.stderr
    assert done.stderr.endswith("Live it again: evolearn replay-life run\n")
    again = started("replay-life", "run", "--trace", "steps.csv", folder=tmp_path)
    assert again.returncode == 2, again.stderr
    lines = {line.split("  ")[0].strip(): " ".join(line.split()) for line in again.stdout.splitlines()}
    assert lines["life"] == "life (seed 5, selection, generation 2, life 1)"
    assert "ended by the world's fault, at step 7: no step finished for 1 s; look for a loop" in lines["ended"]
    assert lines["lifetime"] == "lifetime 7 of 60 steps"
    assert "It went wrong as it did when it ended the run: same step, same reason." in again.stdout
    assert "Trace of 7 finished steps: steps.csv" in again.stdout
    assert len((tmp_path / "steps.csv").read_text().splitlines()) == 8
    healthy = evolearn("replay-life", "run", "--generation", 1, "--genome", 8, "--life", 0, folder=tmp_path)
    assert healthy.returncode == 0, healthy.stderr
    assert "Making generation 1 again from the checkpoint of generation 0." in healthy.stdout
    assert "Generations are numbered from 0." in healthy.stdout
    assert "lived to its end" in healthy.stdout
    assert "generation 1, genome 8, life 0" in healthy.stdout
    assert "fitness     0.5, mean per step" in healthy.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["replay-life", "nowhere"], "RUN=nowhere: is not a run directory"),
        (["replay-life", "nowhere", "--generation", "1"], "--genome, --life: missing"),
        (["replay-life", "nowhere", "--trace", "t.xls"], "--trace t.xls: must end in .csv, .npz or .parquet"),
    ],
)
def test_mistakes_end_with_code_2_and_one_error(arguments, text, tmp_path):
    done = evolearn(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_plan_is_kept_whole(tmp_path, ended):
    kept = load_faulty_life(ended[RAISES][0])
    assert kept.fault.plan == Plan(60)
    assert kept.config == faulty_run(RAISES)
