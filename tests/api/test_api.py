"""The Python API: what notebooks get is what the commands make, by name, and what is wrong is said."""

import copy
import dataclasses
import importlib
import multiprocessing
import pickle
import pkgutil
import re
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import evolearn
from evolearn.agent.policies.gaussian import choose_gaussian
from evolearn.api.evolved import Evolved
from evolearn.config import ConfigError, check_config
from evolearn.errors import RunDirectoryError
from evolearn.inspection._specimen import QUICK
from evolearn.inspection.record import describe
from evolearn.life import LifeFault, OwnDrivers, WorkerDied
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import ACTION, VALIDATION, life_keys, new_rng, open_stream
from evolearn.run import DNAError, ancestors, load_dna, open_run, resume_run, start_run, write_dna
from tests.helpers.places import ROOT
from tests.helpers.runs import Watcher, toy

TOY = toy(world={"name": "cart-pole", "parameters": {"predictability": 0.5}})


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """What `evolearn run` makes."""
    path = tmp_path_factory.mktemp("api") / "run"
    start_run(check_config(TOY, "toy"), "toy", path, OwnDrivers(1), Watcher())
    return path


@pytest.fixture(scope="module")
def dna(run: Path) -> Evolved:
    return evolearn.load(run)


def in_new_python(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=300,
        env=variables or None,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# The package


def test_import_is_instant_and_its_functions_are_listed() -> None:
    assert evolearn.__all__ == ["evolve", "live", "load", "run_study"]
    out = in_new_python(
        """
        import sys
        import evolearn
        print(set(evolearn.__all__) <= set(dir(evolearn)))
        light = ("evolearn.numerics", "evolearn.numerics.libraries")
        print([name for name in sys.modules if name.startswith(("evolearn.", "pydantic")) and name not in light])
        from evolearn import evolve, live, load, run_study
        heavy = ("numpy", "numba", "torch", "ray", "pandas", "evotorch", "gymnasium")
        print([name for name in heavy if name in sys.modules])
        """
    )
    assert out.splitlines() == ["True", "[]", "[]"]
    with pytest.raises(AttributeError, match="No evolearn attribute evolv"):
        _ = evolearn.evolv


def test_no_submodule_hides_a_function() -> None:
    names = [module.name for module in pkgutil.walk_packages(evolearn.__path__, "evolearn.")]
    assert len(names) > 100
    assert not {f"evolearn.{name}" for name in evolearn.__all__} & set(names)
    for name in names:
        importlib.import_module(name)
    for name in evolearn.__all__:
        function = getattr(evolearn, name)
        assert callable(function)
        assert function.__module__ == "evolearn.api"


# load


def test_load_gives_everything_by_name(run: Path, dna: Evolved) -> None:
    assert dna.config == open_run(run).read_config()
    assert np.array_equal(dna.genome, load_dna(run).genome)
    assert dna.history.index.tolist() == [0, 1, 2, 3]
    assert dna.history["fitness_sha256"].tolist() == [row["fitness_sha256"] for row in open_run(run).rows()]
    newborn = load_dna(run).newborns
    assert list(dna.newborn.drives.values()) == newborn.drives[0].tolist()
    assert list(dna.newborn.drives) == list(load_dna(run).drives)
    assert dna.newborn.plasticity["learning_rate"] == newborn.plasticity[0, 0]
    assert dna.newborn.weights["hidden1.weight"].shape == (4, 4)
    assert dna.newborn.weights["policy.weight"].shape == (2, 4)


def test_the_brain_is_the_newborns(dna: Evolved) -> None:
    observation = np.array([0.1, -0.2, 0.05, 0.3], np.float32)
    weights = dna.newborn.weights
    hidden = np.tanh(weights["hidden1.weight"] @ observation + weights["hidden1.bias"])
    logits, value = dna.brain(torch.from_numpy(observation))
    assert np.allclose(logits.detach().numpy(), weights["policy.weight"] @ hidden + weights["policy.bias"], atol=1e-6)
    assert np.isclose(value.item(), (weights["value.weight"] @ hidden + weights["value.bias"])[0], atol=1e-6)
    with torch.no_grad():
        evolearn.load(dna.record.path).brain.policy.weight.zero_()
    assert np.abs(weights["policy.weight"]).sum() > 0


def test_genes_say_what_lies_where(dna: Evolved) -> None:
    genes = dna.genes
    assert len(genes) == len(dna.genome)
    row = genes[(genes["gene"] == "hidden1.weight") & (genes["entry"] == (2, 1))].iloc[0]
    assert row["value"] == dna.newborn.weights["hidden1.weight"][1, 2], "matrices are [inputs, units] in the genome"
    rate = genes[genes["gene"] == "learning_rate"].iloc[0]
    assert rate["value"] == np.float32(dna.newborn.plasticity["learning_rate"])
    assert np.isclose(rate["moved"], (rate["genome"] - rate["start"]) / rate["spread"])
    assert genes.groupby("group", sort=False).size().to_dict() == {"weights": 35, "drives": 3, "plasticity": 6}


def test_dna_outside_of_its_run_has_no_history(run: Path, tmp_path: Path) -> None:
    (tmp_path / "bare.safetensors").write_bytes((run / "dna.safetensors").read_bytes())
    bare = evolearn.load(str(tmp_path / "bare.safetensors"))
    assert bare.history.empty
    assert "fitness_mean" in bare.history
    ancestor = evolearn.load(run / "ancestors" / "generation_000001.safetensors")
    assert ancestor.history.index.tolist() == [0, 1]


def test_weights_drawn_afresh_leave_no_brain_to_look_at() -> None:
    content = toy(genome={"weights": {"mode": "fresh"}})
    [(_, dna)] = evolearn.evolve(content, {"search.generations": 1})
    assert dna.newborn.weights == {}
    assert set(dna.genes["group"]) == {"drives", "plasticity"}
    with pytest.raises(DNAError, match=r"has no brain at birth: its weights are drawn afresh in every life \(genome"):
        _ = dna.brain
    assert evolearn.live(dna, lives=2).scores.shape == (2,)
    assert "drawn afresh" in repr(dna)


def test_a_genome_by_hand(dna: Evolved, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        dna.genome[0] = 1.0
    genome = dna.genome.copy()
    genome[dna.genes.query("gene == 'policy.weight'").index] = 0.0
    lesioned = dna.with_genome(genome)
    assert not lesioned.newborn.weights["policy.weight"].any()
    assert dna.newborn.weights["policy.weight"].any()
    saved = lesioned.save(tmp_path / "lesioned.safetensors")
    assert np.array_equal(evolearn.load(saved).genome, genome)
    for wrong in (
        genome[1:],
        np.full_like(genome, np.nan),
        "abc",
        [[1.0], [1.0, 2.0]],
        None,
        [1e300] * genome.size,
        1j,
    ):
        with pytest.raises(DNAError, match=f"must be {genome.size} finite numbers.*start from a copy of dna.genome"):
            dna.with_genome(wrong)
    with pytest.raises(DNAError, match=r"path=3: must be the path of a file, ending in \.safetensors"):
        dna.save(3)
    with pytest.raises(RunDirectoryError, match=r"dna.txt: must end in \.safetensors"):
        dna.save(tmp_path / "dna.txt")


def test_dna_altered_by_hand_says_so(dna: Evolved, tmp_path: Path) -> None:
    lesioned = dna.with_genome(np.zeros_like(dna.genome))
    twice = evolearn.load(lesioned.with_genome(dna.genome).save(tmp_path / "twice.safetensors"))
    parent = dna.record
    for made in (lesioned, evolearn.load(lesioned.save(tmp_path / "lesioned.safetensors")), twice):
        assert made.record.role == "altered"
        assert made.record.generation == parent.generation
        assert made.record.header["lineage"] == {
            **{
                name: parent.header["lineage"][name]
                for name in ("run", "algorithm", "generations", "generation", "restart")
            },
            "of": parent.header["sha256"],
        }
        assert made.record.run is None
        assert made.history.empty
        assert made.record.sha256 != parent.sha256
        assert "is: altered by hand, from generation 3, of 4" in repr(made)
    assert parent.sha256 == parent.header["sha256"], "the checksum is that of the file"
    assert evolearn.live(lesioned, lives=1).scores.shape == (1,)


def test_history_is_of_the_run_that_made_it(run: Path, dna: Evolved, tmp_path: Path) -> None:
    other = tmp_path / "other"
    *_, (_, last) = evolearn.evolve(TOY, {"seed": 6}, out=other)
    file = other / "dna.safetensors"
    file.write_bytes((run / "dna.safetensors").read_bytes())
    with pytest.raises(DNAError, match="was not made by the run that it lies in: its generation 3 is another"):
        _ = evolearn.load(other).history
    last.with_genome(dna.genome).save(tmp_path / "altered.safetensors").replace(file)
    assert evolearn.load(other).history.empty


def test_a_run_keeps_what_it_made(run: Path, dna: Evolved) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*.safetensors")}
    for name in ("dna", "dna_best", "new", "ancestors/generation_000001"):
        with pytest.raises(DNAError, match=r"lies in the run directory .* holds what its run made; save it elsewhere"):
            dna.save(run / f"{name}.safetensors")
    assert before == {path: path.read_bytes() for path in run.rglob("*.safetensors")}


def test_a_disk_that_refuses_is_told_in_words_of_python(dna: Evolved, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match=r"cannot be written: .*; name another place, or make room") as refused:
        dna.save(tmp_path / "no" / "such" / "dna.safetensors")
    with pytest.raises(RunDirectoryError, match=r"out=.*: cannot be written: .*; name another directory") as also:
        next(evolearn.evolve(TOY, out=tmp_path / "file" / "run"))
    assert not re.search("--out|resume", f"{refused.value} {also.value}")


def test_a_disk_that_fills_up_leaves_a_run_to_go_on_with(tmp_path: Path, monkeypatch) -> None:
    made = evolearn.evolve(TOY, out=tmp_path / "run")
    next(made)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        with pytest.raises(RunDirectoryError, match=r"No space left on device; .* and `evolearn resume .*` goes on"):
            next(made)


def test_dna_that_was_never_written_has_its_checksum(tmp_path: Path) -> None:
    _, dna = next(evolearn.evolve(TOY))
    saved = evolearn.load(dna.save(tmp_path / "first.safetensors"))
    assert dna.record.sha256 == saved.record.sha256 == saved.record.header["sha256"]
    assert describe(dna.record, QUICK, 60, None, None)["sha256"] == dna.record.sha256


def test_a_newborn_cannot_be_changed(dna: Evolved) -> None:
    with pytest.raises(ValueError, match="read-only"):
        dna.newborn.weights["policy.bias"][0] = 1.0
    for values in (dna.newborn.weights, dna.newborn.drives, dna.newborn.plasticity):
        with pytest.raises(TypeError, match="does not support item assignment"):
            values["fitness"] = 1.0
    assert copy.deepcopy(dna.newborn).drives == dna.newborn.drives
    assert pickle.loads(pickle.dumps(dna)).newborn.drives == dna.newborn.drives


def test_a_gaussian_brain_spreads_its_actions_as_the_kernel_does() -> None:
    content = toy(world={"name": "savannah"})
    [(_, dna)] = evolearn.evolve(content, {"search.generations": 1, "search.population": 2, "search.lives": 1})
    genome = dna.genome.copy()
    places = dna.genes.query("gene == 'policy.log_stdev'").index
    written = np.resize(np.float32([-9.0, 9.0, 0.5]), len(places))
    genome[places] = written
    changed = dna.with_genome(genome)
    with torch.no_grad():
        parameters, _ = changed.brain(torch.full((changed.record.brain.observations,), 0.3))
    means, log_stdevs = np.split(parameters.numpy(), 2)
    assert log_stdevs.tolist() == written.clip(-5, 2).tolist()
    assert changed.newborn.weights["policy.log_stdev"].tolist() == log_stdevs.tolist()

    def drawn(means: np.ndarray, log_stdevs: np.ndarray) -> np.ndarray:
        rng, action = new_rng(), np.zeros(len(means), np.float32)
        open_stream(rng, life_keys(1, VALIDATION, 0, 1)[0], ACTION)
        choose_gaussian(np.float32([*means, *log_stdevs, 0.0]), np.zeros(0, np.float32), rng, action)
        return action

    unit = drawn(np.zeros_like(means), np.zeros_like(means))
    assert np.allclose(drawn(means, written), means + np.exp(log_stdevs) * unit, rtol=1e-5)


def test_what_is_shown_in_a_notebook_is_short(dna: Evolved) -> None:
    assert repr(dna).splitlines()[:3] == [
        "Evolved",
        "  world: cart-pole (predictability 0.5)",
        "  is: centre of generation 3, of 4 from 0 on; pgpe, seed 5",
    ]
    lived = evolearn.live(dna, lives=2)
    for shown in (dna, lived):
        assert len(repr(shown).splitlines()) <= 8
        assert max(len(line) for line in repr(shown).splitlines()) < 200
        assert shown._repr_html_().startswith("<table><tr><th")
    assert "lives: 2 lives of 60 steps, learning" in repr(lived)
    one = repr(evolearn.live(dna, lives=1, lifetime=1))
    assert "lives: 1 life of 1 step, learning" in one
    assert "nan" not in one


# live


def test_the_same_lives_for_everybody(dna: Evolved) -> None:
    lived = evolearn.live(dna, lives=6, workers=1)
    again = evolearn.live(dna.record.path, lives=6, workers=2)
    assert np.array_equal(lived.scores, again.scores)
    assert np.array_equal(lived.keys[:4], evolearn.live(dna, lives=4, learning=False).keys)
    assert np.array_equal(lived.scores[:3], evolearn.live(dna, lives=3).scores)
    assert not np.array_equal(lived.scores, evolearn.live(dna, lives=6, seed=1).scores)


def test_lives_are_no_lives_of_runs(dna: Evolved) -> None:
    from evolearn.inspection._specimen import FIRST_GENERATION
    from evolearn.rng import VALIDATION

    keys = evolearn.live(dna, lives=2).keys
    assert set(keys[:, 1]) == {VALIDATION}
    assert 1 < keys[0, 2] < FIRST_GENERATION


def test_learning_is_as_the_config_says_or_not_at_all(dna: Evolved) -> None:
    learning = evolearn.live(dna, lives=4, lifetime=2000, trace=True)
    born = evolearn.live(dna, lives=4, lifetime=2000, learning=False, trace=True)
    before = learning.traces["step"] < dna.config.learner.window
    assert learning.traces[before].equals(born.traces[before]), "nothing is learned before the first window is full"
    assert not learning.traces.equals(born.traces)
    untraced = evolearn.live(dna, lives=4, lifetime=2000)
    assert np.array_equal(untraced.scores, learning.scores), "a trace changes nothing"


def test_scores_add_up(dna: Evolved) -> None:
    lived = evolearn.live(dna, lives=5, lifetime=250, world={"name": "cart-pole"}, trace=True)
    assert lived.setup.conditions.parameters["predictability"] != 0.5
    assert lived.ages.tolist() == [100, 200, 250]
    assert lived.by_age.shape == (5, 3)
    assert lived.mean == lived.scores.mean()
    assert np.isclose(lived.standard_error, lived.table["score"].sem())
    assert lived.table["steps"].tolist() == [250] * 5
    assert len(lived.traces) == 5 * 250
    for life, trace in lived.traces.groupby("life"):
        row = lived.table.loc[life]
        assert row["deaths"] == (trace["end"] == 1).sum()
        assert np.isclose(row["drive.uprightness"], trace["drive.uprightness"].mean())
        assert np.isclose(lived.outcome.fitness[life].sum(), trace["fitness"].sum())
    quarters = evolearn.live(dna, lives=2, lifetime=400).table
    assert np.array_equal(quarters["quarter_2"], evolearn.live(dna, lives=2, lifetime=400).by_age[:, 1])


def test_a_trace_may_be_a_beginning(dna: Evolved) -> None:
    whole = evolearn.live(dna, lives=3, trace=True).traces
    some = evolearn.live(dna, lives=3, trace=7).traces
    assert some.groupby("life").size().tolist() == [7, 7, 7]
    beginning = whole[whole["step"] < 7].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, beginning)
    assert evolearn.live(dna, lives=3).traces.empty


def test_a_life_that_diverged_is_as_long_as_it_was(dna: Evolved) -> None:
    genome = dna.genome.copy()
    genome[dna.genes["gene"].isin(["policy.weight", "policy.bias"])] = 3e38
    lived = evolearn.live(dna.with_genome(genome), lives=3, trace=True)
    assert lived.table["diverged"].all()
    assert lived.table["steps"].lt(60).all()
    assert len(lived.traces) == lived.table["steps"].sum()
    assert "in 3 the brain left the finite numbers" in repr(lived)


def test_parameters_change_its_own_world_or_the_named_one(dna: Evolved) -> None:
    def parameters(*world, **more):
        return evolearn.live(dna, *world, lives=1, **more).setup.conditions.parameters["predictability"]

    assert parameters() == 0.5
    assert parameters(parameters={"predictability": 0.25}) == 0.25
    default = parameters("cart-pole")
    assert default not in (0.5, 0.25)
    assert parameters("cart-pole", parameters={"predictability": 0.25}) == 0.25
    assert parameters(dna.config.world) == 0.5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"lives": 0, "seed": "one"}, r"lives=0.*\n  seed='one': must be an integer \(0 to 4,294,967,295\)"),
        ({"lives": 100_001}, r"lives=100001: must be 100000 or less \(1 to 100,000\)"),
        ({"lives": 0}, r"lives=0: must be 1 or more \(1 to 100,000\)"),
        ({"lives": 2.5}, r"lives=2.5: must be an integer \(1 to 100,000\)"),
        ({"lifetime": 0}, r"lifetime=0: must be 1 or more \(world steps, 1 to 100,000,000\)"),
        ({"lifetime": True}, r"lifetime=True: must be an integer \(world steps"),
        ({"trace": 61}, r"trace=61: must be a whole number, 0 to 60 \(steps from birth on\), or True for all steps"),
        ({"trace": "all"}, r"trace='all': must be a whole number, 0 to 60"),
        ({"trace": None}, r"trace=None: must be"),
        ({"trace": 2.5}, r"trace=2.5: must be"),
        ({"learning": "no"}, r"learning='no': must be a boolean \(True or False\)"),
        ({"learning": None}, r"learning=None: must be a boolean \(True or False\)"),
        ({"parameters": [1]}, r"parameters=\[1\]: must be .* \(a mapping from names, such as"),
        ({"parameters": "gravity"}, r"parameters='gravity': must be .* \(a mapping from names"),
        ({"world": {"name": "cart-pole", "parameters": None}}, r"world:\n  parameters=None: must be"),
        ({"world": {"name": "cart-pole", "parameters": [1]}, "parameters": {"predictability": 1}}, r"parameters=\[1\]"),
        (
            {"lives": 100_000, "lifetime": 10**8},
            r"would keep .* GiB, .* age bins and 0 traced steps of each life; 4 GiB",
        ),
        ({"lifetime": 10**8, "trace": True}, r"lives=32, lifetime=100000000: .* 100,000,000 traced steps of each life"),
        ({"trace": -1}, r"trace=-1: must be"),
        ({"seed": -1}, r"seed=-1: must be 0 or more \(0 to 4,294,967,295\)"),
        ({"workers": 0}, r"workers=0: must be 1 or more \(1 to 4,096\)"),
        ({"world": "savanah"}, r"world.name='savanah': .*did you mean savannah"),
        ({"world": 3}, r"world=3: must be the name of a world, or a section `world` of a config"),
        ({"world": "savannah"}, r"DNA of the world cart-pole cannot live in savannah"),
        ({"parameters": {"predictability": 2}}, r"world.parameters.predictability=2: must be 0 to 1"),
        ({"parameters": {"gravity": "low"}}, r"world:\n  parameters.gravity='low': must be a number"),
    ],
)
def test_what_live_refuses(dna: Evolved, arguments, says: str) -> None:
    with pytest.raises((ConfigError, DNAError), match=f"(?s){says}"):
        evolearn.live(dna, **arguments)


def test_numbers_of_numpy_are_as_good(dna: Evolved) -> None:
    plain = evolearn.live(dna, lives=2, lifetime=50, trace=5, seed=3, workers=2, learning=False)
    numpy = evolearn.live(
        dna,
        lives=np.int64(2),
        lifetime=np.int32(50),
        trace=np.uint8(5),
        seed=np.uint32(3),
        workers=np.int8(2),
        learning=np.bool_(False),
    )
    assert np.array_equal(plain.scores, numpy.scores)
    assert plain.traces.equals(numpy.traces)
    assert len(evolearn.live(dna, lives=1, trace=np.bool_(True)).traces) == 60


def test_quarters_are_there_all_four_or_none(dna: Evolved) -> None:
    quarters = [f"quarter_{part}" for part in (1, 2, 3, 4)]
    for lifetime, there in ((60, False), (300, False), (301, True), (1000, True)):
        table = evolearn.live(dna, lives=2, lifetime=lifetime).table[quarters]
        assert table.notna().all(axis=None) == table.notna().any(axis=None) == there, lifetime


def test_what_is_no_dna_is_refused(run: Path, dna: Evolved, tmp_path: Path) -> None:
    for call in (evolearn.load, evolearn.live):
        with pytest.raises(DNAError, match="is not a run directory"):
            call(tmp_path)
        with pytest.raises(DNAError, match=r"ancestors: is a folder of the run .*run; name that, or a DNA file"):
            call(run / "ancestors")
    for what in (3, None, ""):
        with pytest.raises(ConfigError, match=r"path=.*: must be the path of a run directory or of a DNA file"):
            evolearn.load(what)
    for what in (3, None, dna.record):
        with pytest.raises(ConfigError, match=r"dna=.*: must be from evolearn.load or evolearn.evolve, or the path of"):
            evolearn.live(what)


def test_a_world_at_fault_says_which_life(tmp_path: Path) -> None:
    file = tmp_path / "leap.py"
    file.write_text(
        textwrap.dedent(
            '''
            """A world whose body may leap into the void."""
            import math
            import numpy as np
            from evolearn.world import Box, Parameter, Signal, World

            def born(state, parameters, rng): pass
            def begin(state, parameters, rng): state.where = 0.0
            def observe(state, parameters, observation): observation[0] = state.where
            def step(state, parameters, action, senses, rng):
                state.where = math.inf if parameters.void > 0.5 else 0.5
                return 0.0, False, False

            world = World(
                name="leap", doc="A leap.", observations=(Signal("where", "m"),), actions=Box(1),
                parameters=(Parameter("void", 0.0, 0.0, 1.0, "1", "whether it is there"),),
                state=np.dtype([("where", "f8")], align=True), born=born, begin=begin, observe=observe, step=step,
            )
            '''
        )
    )
    [(_, dna)] = evolearn.evolve(toy(world={"name": f"{file}:world"}), {"search.generations": 1})
    with pytest.raises(LifeFault, match=r"world leap, life .*, step 0: observation where=inf: must be finite"):
        evolearn.live(dna, parameters={"void": 1})


# evolve


def test_evolution_is_that_of_a_run(run: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    moments = list(evolearn.evolve(TOY, workers=2))
    assert [moment.generation.fitness_sha256 for moment in moments] == evolearn.load(run).history[
        "fitness_sha256"
    ].tolist()
    kept = {dna.generation: dna for dna in ancestors(run)}
    for generation, dna in moments:
        of_run = kept[generation.generation]
        assert np.array_equal(dna.genome, of_run.genome)
        assert np.array_equal(dna.stdev, of_run.stdev)
        assert dna.history.index.tolist() == list(range(generation.generation + 1))
    assert np.array_equal(moments[-1].dna.genome, load_dna(run).genome)
    assert not list(tmp_path.iterdir()), "nothing is on disk"


def test_evolution_on_disk_is_a_run_that_can_be_resumed(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    made = evolearn.evolve(TOY, out=out)
    assert not out.exists()
    next(made)
    _, dna = next(made)
    made.close()
    with pytest.warns(UserWarning, match=r"run: is not finished; this is the centre that lived generation 2 of \d"):
        so_far = evolearn.load(out)
    assert np.array_equal(so_far.genome, dna.genome)
    assert so_far.history.index.tolist() == [0, 1]
    assert dna.record.path == out / "ancestors" / "generation_000001.safetensors"
    assert load_dna(dna.record.path).header["lineage"] == dna.record.header["lineage"]
    assert np.array_equal(evolearn.load(dna.record.path).genome, dna.genome), "named by its file, it is no surprise"
    watcher = Watcher()
    resume_run(open_run(out), OwnDrivers(1), watcher)
    assert watcher.first == 2
    assert evolearn.load(out).history["fitness_sha256"].equals(evolearn.load(run).history["fitness_sha256"])
    assert np.array_equal(evolearn.load(out).genome, evolearn.load(run).genome)


def test_evolution_to_its_end_leaves_dna(run: Path, tmp_path: Path) -> None:
    *_, (_, last) = evolearn.evolve(TOY, out=tmp_path / "run")
    loaded = evolearn.load(tmp_path / "run")
    assert np.array_equal(loaded.genome, last.genome)
    resume_run(open_run(tmp_path / "run"), OwnDrivers(1), Watcher())
    assert (tmp_path / "run" / "result.json").read_text() == (run / "result.json").read_text()
    with pytest.raises(RunDirectoryError, match=r"out=.*run: exists already, .*; evolearn resume .*run continues it"):
        evolearn.evolve(TOY, out=tmp_path / "run")
    with pytest.raises(RunDirectoryError, match="exists already, and runs are never overwritten; name another"):
        evolearn.evolve(TOY, out=tmp_path)
    with pytest.raises(ConfigError, match="out=3: must be the path of the run directory to make, or None"):
        evolearn.evolve(TOY, out=3)


def test_the_best_of_a_genetic_algorithm() -> None:
    content = toy("genetic")
    *_, (_, dna) = evolearn.evolve(content, {"search.generations": 2})
    assert (dna.record.role, dna.record.generation) == ("best", 1)


def test_dna_of_a_moment_can_be_kept(tmp_path: Path) -> None:
    generation, dna = next(evolearn.evolve(TOY))
    saved = dna.save(tmp_path / "first.safetensors")
    loaded = evolearn.load(saved)
    assert np.array_equal(loaded.genome, dna.genome)
    assert loaded.record.header["lineage"]["fitness_sha256"] == generation.fitness_sha256
    assert np.array_equal(evolearn.live(loaded, lives=2).scores, evolearn.live(dna, lives=2).scores)


def test_leaving_early_lets_go_of_workers(monkeypatch) -> None:
    closed = []
    close = OwnDrivers.close

    def watched(drivers: OwnDrivers) -> None:
        closed.append(len(drivers._made))
        close(drivers)

    monkeypatch.setattr(OwnDrivers, "close", watched)
    before = set(threading.enumerate())
    for _ in evolearn.evolve(TOY, workers=2):
        break
    assert closed == [1]
    started = set(threading.enumerate()) - before
    assert not [thread.name for thread in started if "(work)" in thread.name], "as threads that live lives are called"


def test_every_form_of_a_config(tmp_path: Path) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump(TOY))
    forms = [TOY, file, str(file), check_config(TOY, "toy")]
    few = {"search.generations": 1, "search.options": {}}
    digests = {next(evolearn.evolve(form, few)).generation.fitness_sha256 for form in forms}
    assert len(digests) == 1
    assert TOY["search"]["generations"] == 4, "what was given is not changed"
    shipped = evolearn.evolve("cart-pole", {"search.population": 4, "search.lives": 1, "search.selection_lifetime": 40})
    assert next(shipped).generation.evaluations == 5


@pytest.mark.parametrize(
    ("config", "overrides", "says"),
    [
        ("cart-pol", {}, r"no such file, and no config of that name is shipped. Did you mean cart-pole"),
        (3, {}, r"config=3: must be a YAML file, the name of a shipped config, a mapping or a RunConfig"),
        (
            TOY,
            ["search.generations=2"],
            r"overrides=.*: must be a mapping from dotted keys, such as {.search.generations",
        ),
        (TOY, {"search.populatoin": 8}, r"config:\n  search.populatoin=8: unknown key. Did you mean population"),
        (TOY, {"search.population": 1}, r"search.population=1: must be 2 or more"),
        (TOY, {"seed.first": 1}, r"overrides: seed.first: seed is a value, not a section"),
        (TOY, {"world.name": "nowhere"}, r"world.name='nowhere'"),
        (TOY, {"search.options": {"speed": 1}}, r"search.options.speed"),
    ],
)
def test_what_evolve_refuses_before_it_begins(config, overrides, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        evolearn.evolve(config, overrides)


def test_workers_are_checked_before_it_begins() -> None:
    with pytest.raises(ConfigError, match=r"workers=0: must be 1 or more \(1 to 4,096\)"):
        evolearn.evolve(TOY, workers=0)


# Gymnasium: processes, which run a script again


FEW = {
    "search.generations": 1,
    "search.population": 2,
    "search.lives": 1,
    "search.selection_lifetime": 20,
    "brain.hidden": [4],
    "learner.window": 5,
}
LOOP = "for moment in evolearn.evolve('gymnasium-cartpole', few): print(moment.generation.evaluations)"


def as_script(tmp_path: Path, text: str) -> subprocess.CompletedProcess:
    (tmp_path / "script.py").write_text(f"import evolearn\nfew = {FEW}\n{text}\n")
    return subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path
    )


def test_a_plain_script_lives_gymnasium_in_its_own_process(tmp_path: Path) -> None:
    done = as_script(tmp_path, LOOP)
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


# Each of its processes imports everything before it is refused. Both texts are asked for in this process below.
@pytest.mark.whole
def test_a_script_without_a_guard_is_told_of_it(tmp_path: Path) -> None:
    done = as_script(tmp_path, LOOP.replace("few)", "few, workers=2)"))
    assert (done.returncode, done.stdout) == (1, "")
    guard = '`if __name__ == "__main__":`'
    assert re.search(f"ConfigError: workers=2: the world gymnasium:CartPole-v1 .* under {guard}, or", done.stderr)
    assert re.search(f"WorkerDied: .* must do so under {guard}", done.stderr.splitlines()[-1])


def test_a_process_that_lives_gymnasium_is_refused_more_of_them(monkeypatch) -> None:
    [(_, dna)] = evolearn.evolve("gymnasium-cartpole", FEW)
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    for workers in (None, 1):
        assert evolearn.live(dna, lives=1, workers=workers).scores.shape == (1,)
    refused = r"workers=2: the world gymnasium:CartPole-v1 .* under `if __name__ == \"__main__\":`, or give workers=1"
    with pytest.raises(ConfigError, match=refused):
        evolearn.live(dna, lives=1, workers=2)
    with pytest.raises(ConfigError, match=refused):
        evolearn.evolve("gymnasium-cartpole", FEW, workers=2)


def test_of_a_process_that_died_a_script_without_a_guard_is_a_cause(monkeypatch) -> None:
    def die(driver: StepwiseDriver, job: object) -> None:
        raise WorkerDied("ended")

    monkeypatch.setattr(StepwiseDriver, "live", die)
    with pytest.raises(WorkerDied, match=r'^ended\. .* must do so under `if __name__ == "__main__":`, or each'):
        next(evolearn.evolve("gymnasium-cartpole", FEW))


# What earlier versions wrote


def test_dna_and_configs_that_say_portable_are_taken_with_a_warning(dna: Evolved, tmp_path: Path) -> None:
    file = tmp_path / "earlier.safetensors"
    config = {**dna.config.model_dump(mode="json"), "portable": False}
    write_dna(dataclasses.replace(dna.record, path=file, header={**dna.record.header, "config": config}))
    with pytest.warns(FutureWarning, match="portable: is no longer a setting: every run has the same bits"):
        assert evolearn.load(file).config == dna.config
    with pytest.warns(FutureWarning, match="leave it out"):
        next(iter(evolearn.evolve(TOY, {"portable": True})))


def test_the_page_on_python_runs_as_it_stands(tmp_path: Path, monkeypatch) -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert len(blocks) == 5
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert names["gain"].shape == (16,)
    assert set(names["births"].columns) == {"random", "tuned_blank", "evolved"}
    assert names["longer"].traces.groupby("life").size().tolist() == [100] * 4
    assert not list(tmp_path.iterdir())
