"""Parts that a user brings in a file: found, run, kept, resumed, inspected, exported; and what is said of bad ones."""

import dataclasses
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from evolearn.agent import brain_of, find_drive, find_learner, find_policy, find_trunk
from evolearn.config import ConfigError, check_config
from evolearn.errors import PartError, PartNotFound
from evolearn.export.brains import export
from evolearn.export.loading import loading_code
from evolearn.genome import decode
from evolearn.inspection._alignment import align
from evolearn.inspection._genes import inspect_genes
from evolearn.inspection._weights import inspect_weights
from evolearn.inspection.inspect import Wishes, inspect_dna
from evolearn.life import FROM_BRAIN, LifeFault, OwnDrivers, Plan, lives
from evolearn.life._fused import FusedDriver
from evolearn.life._stepwise import StepwiseDriver
from evolearn.life.faults import own_parts
from evolearn.plugins import registered
from evolearn.rng import SELECTION, life_keys
from evolearn.run import (
    DNAError,
    Interrupted,
    assemble,
    dna_of,
    load_dna,
    open_run,
    parts_of,
    resume_run,
    settled,
    setup_of,
    start_run,
    write_dna,
)
from evolearn.run.relive import _lines_of
from tests.helpers.command import evolearn
from tests.helpers.compiled_environments import CompiledEnvironments, assert_same
from tests.helpers.inspections import Notes
from tests.helpers.own_parts import PARTS_FILE, own_config
from tests.helpers.runs import Watcher, digests


def setup_from(folder: Path, *changes: tuple[str, str, object], source: str = "mine.py"):
    content = own_config(f"{folder}/{source}")
    for section, key, value in changes:
        content[section] = content[section] | {key: value}
    return assemble(check_config(content, "own"))


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine.py").write_text(PARTS_FILE)
    return folder


@pytest.fixture(scope="module")
def setup(mine: Path):
    return setup_from(mine)


@pytest.fixture(scope="module")
def run(mine: Path) -> Path:
    """A run that was started where its parts lie, named as seen from there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(mine)
        start_run(check_config(own_config(), "own"), "own", mine / "run", OwnDrivers(1), Watcher())
    return mine / "run"


def dna_in(folder: Path, setup, name: str = "dna.safetensors"):
    about = {"role": "centre", "lineage": {"generation": 0, "run": str(folder)}}
    dna = dna_of(folder / name, setup, setup.pool.centre, setup.pool.spread, about)
    write_dna(dna)
    return load_dna(folder / name)


def test_the_same_lives_fused_and_step_by_step(setup) -> None:
    plan = Plan(50, source=FROM_BRAIN, final_weights=True)
    keys = life_keys(5, SELECTION, 0, 3)
    newborns, born_as = decode(setup.pool, setup.pool.centre[None]), np.zeros(3, np.int64)
    fused, _ = lives(FusedDriver(setup.conditions), setup.conditions, newborns, born_as, keys, plan)
    driver = StepwiseDriver(setup.conditions, make_environments=CompiledEnvironments)
    stepwise, _ = lives(driver, setup.conditions, newborns, born_as, keys, plan)
    driver.close()
    assert_same(fused, stepwise)
    assert (fused.final_weights != newborns.weights).any(axis=1).all()
    boredom = setup.conditions.drive_names.index("boredom")
    assert (fused.drives[:, boredom] < 0.0).all()


def test_a_run_keeps_where_its_parts_are(run: Path, mine: Path) -> None:
    config = open_run(run).read_config()
    assert config.brain.trunk == f"{mine}/mine.py:BENT"
    assert config.learner.name == f"{mine}/mine.py:MINE"
    assert config.drives.generic == (f"{mine}/mine.py:boredom", "effort")
    dna = load_dna(run)
    assert dna.brain.policy == f"{mine}/mine.py:MOSTLY"
    assert dna.drives[-2:] == ("boredom", "effort")
    assert setup_of(dna).pool is dna.pool
    assert settled(config) == config
    assert [part.name.rpartition(":")[2] for part in parts_of(config)] == ["BENT", "MINE", "boredom", "MOSTLY"]


def test_a_run_is_resumed_from_another_folder(run: Path, mine: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(mine)
    with pytest.raises(Interrupted):
        start_run(check_config(own_config(), "own"), "own", tmp_path / "cut", OwnDrivers(1), Watcher(stop_after=1))
    monkeypatch.chdir(tmp_path)
    resume_run(open_run(tmp_path / "cut"), OwnDrivers(1), Watcher())
    assert digests(tmp_path / "cut") == digests(run)


def test_a_gymnasium_environment_is_lived_in(mine: Path) -> None:
    setup = setup_from(mine, ("world", "name", "gymnasium:CartPole-v1"))
    driver = setup.driver(OwnDrivers(1))
    keys = life_keys(5, SELECTION, 0, 2)
    newborns = decode(setup.pool, setup.pool.centre[None])
    outcome, _ = lives(driver, setup.conditions, newborns, np.zeros(2, np.int64), keys, Plan(30))
    driver.close()
    assert (outcome.fitness > 0.0).all()


def test_dna_whose_part_is_gone_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "gone.py").write_text(PARTS_FILE)
    dna = dna_in(tmp_path, setup_from(tmp_path, source="gone.py"))
    assert dna.brain.trunk == f"{tmp_path}/gone.py:BENT"
    (tmp_path / "gone.py").unlink()
    for name in [name for name in sys.modules if name.startswith("evolearn_file_") and name.endswith("_gone")]:
        del sys.modules[name]
    with pytest.raises(DNAError) as caught:
        load_dna(tmp_path / "dna.safetensors")
    gone = f"{tmp_path}/gone.py"
    for text in ("is of a part that is not here; put it back", "gone.py:", f"there is no file {gone}; put it back, or"):
        assert text in str(caught.value)


def test_what_a_whole_row_says_is_believed_everywhere(setup, tmp_path: Path) -> None:
    dna = dna_in(tmp_path, setup)
    observation = np.linspace(-1.0, 1.0, dna.brain.observations, dtype=np.float32)
    outputs, _ = brain_of(dna.brain, dna.newborns.weights[0])(torch.from_numpy(observation))
    for suffix in (".safetensors", ".pt", ".onnx"):
        exported = export(dna, tmp_path / f"brain{suffix}")
        assert exported.description["outputs"]["policy"] == "policy holds a reward per action: mostly take the largest"
        assert exported.description["outputs"]["value"] == "not used by this learner"
    code = loading_code(dna, tmp_path / "brain.pt").replace("torch.zeros(4)", f"torch.tensor({observation.tolist()})")
    assert "nn.Softsign()" in code
    there: dict[str, object] = {}
    exec(code, there)
    assert int(there["action"]) == int(outputs.argmax())
    session = pytest.importorskip("onnxruntime").InferenceSession(tmp_path / "brain.onnx")
    np.testing.assert_allclose(session.run(None, {"observation": observation[None]})[0][0], outputs.detach(), atol=1e-6)
    assert align(dna.brain, dna.newborns.weights[0], -dna.newborns.weights[0]).moved > 0
    found = inspect_weights(dna, None)
    assert found["policy"] == dna.brain.policy
    assert (
        found["sensitivity"]["outputs"] == ["action left", "action right"] or len(found["sensitivity"]["outputs"]) == 2
    )


def test_an_inspection_shows_a_whole_row(run: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    notes = Notes()
    only = ("genes", "weights", "drives", "repertoire")
    inspected = inspect_dna(run, Wishes(quick=True, only=only), tmp_path / "inspection", 1, notes)
    assert inspected.faults == ()
    assert [entry for entry in notes.seen if entry in [(key, False) for key in only]] == [(key, False) for key in only]
    page = inspected.page.read_text(encoding="utf-8")
    assert "boredom" in page
    assert "policy output" in page


def test_what_a_bare_row_does_not_say_is_asked_for(mine: Path, tmp_path: Path) -> None:
    trunk, learner = f"{mine}/mine.py:BARE", f"{mine}/mine.py:SHY"
    dna = dna_in(tmp_path, setup_from(mine, ("brain", "trunk", trunk)))
    for suffix in (".safetensors", ".onnx"):
        with pytest.raises(
            PartError, match=r"^trunk '.*mine\.py:BARE': its row has no torch_module, without .*; add it"
        ):
            export(dna, tmp_path / f"brain{suffix}")
    with pytest.raises(PartError, match=r"mine\.py:BARE': its row has no symmetry, without which two of its networks"):
        align(dna.brain, dna.newborns.weights[0], dna.newborns.weights[0])
    with pytest.raises(PartError, match="no torch_module"):
        inspect_weights(dna, None)
    assert inspect_genes(dna)["numbers"] == len(dna.genome)
    mute = dna_in(tmp_path, setup_from(mine, ("learner", "name", learner)), "mute.safetensors")
    with pytest.raises(PartError, match=r"^policy '.*mine\.py:MUTE': its row has no how_to_act, without which nobody"):
        export(mute, tmp_path / "brain.pt")
    with pytest.raises(PartError, match=r"MUTE': its row has no torch_code, .*; add it: the action, from brain"):
        loading_code(mute, tmp_path / "brain.pt")


@pytest.mark.parametrize(
    ("trunk", "suffixes", "text"),
    [
        (
            "MISSPELT",
            (".safetensors", ".pt", ".onnx"),
            "torch_module='Softplux': torch.nn has no such class. Did you mean Softplus? Or give the class of its "
            'activation, one that is made without arguments, for example torch_module="Tanh"',
        ),
        ("MADE_OF_MORE", (".safetensors",), "torch_module='Linear': cannot be made: "),
        (
            "MISSPELT_IN_ONNX",
            (".onnx",),
            "onnx_operator='Softplux': ONNX has no such operator of one input, up to opset 13. Did you mean Softplus? "
            'Or give the name of its activation there, for example onnx_operator="Tanh"',
        ),
    ],
)
def test_an_activation_that_is_none_is_refused(trunk: str, suffixes, text: str, mine: Path, tmp_path: Path) -> None:
    dna = dna_in(tmp_path, setup_from(mine, ("brain", "trunk", f"{mine}/mine.py:{trunk}")))
    for suffix in suffixes:
        with pytest.raises(PartError) as caught:
            export(dna, tmp_path / f"brain{suffix}")
        assert str(caught.value).startswith(f"trunk '{mine}/mine.py:{trunk}': {text}")
        assert not (tmp_path / f"brain{suffix}").exists()


def test_maml_asks_for_a_loss(mine: Path) -> None:
    search = own_config()["search"] | {"algorithm": "maml"}
    fixed = {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}}
    with pytest.raises(
        ConfigError, match=r"learner\.name='.*mine\.py:MINE': must be 'actor_critic' or .*, or give its"
    ):
        assemble(check_config(own_config(f"{mine}/mine.py", search=search, genome=fixed), "own"))


@pytest.mark.parametrize(
    ("section", "key", "value", "text"),
    [
        (
            "drives",
            "generic",
            ["boredomm"],
            "drives.generic: 'boredomm' is unknown. Known: effort, constant, change, linear_surprise, nov",
        ),
        (
            "drives",
            "generic",
            ["HERE:bordom"],
            "mine.py has no 'bordom' (did you mean boredom?); drives in there: bored",
        ),
        (
            "drives",
            "generic",
            ["HERE:no_drive"],
            "mine.py is of type int, not a Drive; drives in there: boredom, untype",
        ),
        ("drives", "generic", ["HERE:MINE"], "is of type Learner, not a Drive"),
        ("drives", "generic", ["HERE"], "which drive in the file? Must be HERE:attribute"),
        (
            "drives",
            "generic",
            [":boredom"],
            "must be a registered name, package.module:attribute or path/to/file.py:at",
        ),
        ("drives", "generic", ["no_such_module:boredom"], "there is no module no_such_module. Install its package, or"),
        ("brain", "trunk", "/nowhere/mine.py:BENT", "brain.trunk: '/nowhere/mine.py:BENT': there is no file /nowhere/"),
        (
            "brain",
            "trunk",
            "relo",
            "brain.trunk: 'relo' is unknown. Did you mean relu? Known: mlp, relu, linear, gru. Or ",
        ),
        ("learner", "name", "HERE:boredom", "is of type Drive, not a Learner; learners in there: MINE, SHY"),
        ("genome", "encoding", "HERE:MINE", "not a Encoding"),
        ("drives", "generic", ["HERE:boredom", "HERE:boredom"], "drives.generic: 'boredom' is named twice"),
        ("drives", "weights", {"bordom": 1.0}, "drives.weights: 'bordom' is unknown. Did you mean boredom?"),
    ],
)
def test_what_a_name_can_be_wrong_in(section: str, key: str, value: object, text: str, mine: Path) -> None:
    def here(name: object) -> object:
        return name.replace("HERE", f"{mine}/mine.py") if isinstance(name, str) else name

    given = [here(name) for name in value] if isinstance(value, list) else here(value)
    content = own_config(f"{mine}/mine.py")
    content[section] = content.get(section, {}) | {key: given}
    with pytest.raises(ConfigError) as caught:
        assemble(check_config(content, "own"))
    assert text.replace("HERE", f"{mine}/mine.py") in str(caught.value)


def test_a_file_that_fails_to_import_is_shown_its_own_lines(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("from evolearn.agent import Drive\n\nboredom = Drive(1 / 0)\n")
    with pytest.raises(PartNotFound) as caught:
        find_drive(f"{tmp_path}/broken.py:boredom")
    assert f"drive '{tmp_path}/broken.py:boredom': {tmp_path}/broken.py fails to import; correct it:" in str(
        caught.value
    )
    assert "line 3, in <module>: boredom = Drive(1 / 0)\n  ZeroDivisionError" in str(caught.value)


def test_a_drive_that_does_not_compile_is_named_with_the_reason(mine: Path) -> None:
    setup = setup_from(
        mine, ("drives", "generic", [f"{mine}/mine.py:untyped"]), ("drives", "weights", {"fitness": 1.0})
    )
    with pytest.raises(PartError) as caught:
        FusedDriver(setup.conditions)
    assert str(caught.value).startswith(f"drives.generic: '{mine}/mine.py:untyped': does not compile: ")
    assert "return observation.nothing" in str(caught.value)


def test_a_learner_that_does_not_compile_is_named_with_the_reason(mine: Path, tmp_path: Path) -> None:
    text = PARTS_FILE.replace("rows = window.rewards.size", "rows = window.no_such_field.size")
    (tmp_path / "wrong.py").write_text(text)
    setup = setup_from(mine, ("learner", "name", f"{tmp_path}/wrong.py:MINE"))
    with pytest.raises(PartError) as caught:
        FusedDriver(setup.conditions)
    assert str(caught.value).startswith(f"learner.name: '{tmp_path}/wrong.py:MINE': learn_mine does not compile: ")
    assert "no_such_field" in str(caught.value)


@pytest.mark.parametrize("step_by_step", [False, True])
def test_an_error_raised_in_a_life_names_the_parts_of_users(step_by_step: bool, mine: Path) -> None:
    wild = f"{mine}/mine.py:wild"
    setup = setup_from(mine, ("drives", "generic", [wild]), ("drives", "weights", {"fitness": 1.0}))
    how = {"make_environments": CompiledEnvironments} if step_by_step else {}
    driver = (StepwiseDriver if step_by_step else FusedDriver)(setup.conditions, **how)
    newborns = decode(setup.pool, setup.pool.centre[None])
    with pytest.raises(Exception, match="raised IndexError") as caught:
        lives(driver, setup.conditions, newborns, np.zeros(1, np.int64), life_keys(5, SELECTION, 0, 1), Plan(5))
    assert wild in str(caught.value)
    driver.close()


@pytest.mark.parametrize("step_by_step", [False, True])
def test_a_drive_that_is_not_finite_is_named_and_not_the_world(step_by_step: bool, mine: Path) -> None:
    thrift = f"{mine}/mine.py:thrift"
    setup = setup_from(mine, ("drives", "generic", ["effort", thrift]), ("drives", "weights", {"fitness": 1.0}))
    how = {"make_environments": CompiledEnvironments} if step_by_step else {}
    driver = (StepwiseDriver if step_by_step else FusedDriver)(setup.conditions, **how)
    newborns = decode(setup.pool, setup.pool.centre[None])
    with pytest.raises(LifeFault) as caught:
        lives(driver, setup.conditions, newborns, np.zeros(1, np.int64), life_keys(5, SELECTION, 0, 1), Plan(5))
    driver.close()
    assert caught.value.reason == f"drive thrift=nan: must be finite; check the arithmetic of {thrift}"
    assert caught.value.whose == "a drive"


REPAIRED = "def feel_nothing_finite(memory, observation, action, observation_next):\n    return 0.0"


def test_a_life_that_a_drive_ended_is_lived_again_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "cured.py").write_text(PARTS_FILE)
    drives = {"generic": ["cured.py:thrift"], "weights": {"fitness": 1.0}}
    (tmp_path / "cured.yaml").write_text(yaml.safe_dump(own_config("cured.py", drives=drives)))
    assert evolearn("run", "cured.yaml", "--out", "run", folder=tmp_path).returncode == 2
    again = evolearn("replay-life", "run", folder=tmp_path)
    said = " ".join(again.stdout.split())
    assert "ended by a drive's fault, at step 0: drive thrift=nan: must be finite; check the arithmetic of" in said
    assert "It went wrong as it did when it ended the run: same step, same reason." in said
    faulty = REPAIRED.replace("0.0", "math.nan")
    assert faulty in PARTS_FILE
    (tmp_path / "cured.py").write_text(PARTS_FILE.replace(faulty, REPAIRED))
    for name in [name for name in sys.modules if name.startswith("evolearn_file_") and name.endswith("_cured")]:
        del sys.modules[name]
    repaired = "".join(evolearn("replay-life", "run", folder=tmp_path).stdout.split())
    parts = ", ".join(f"{tmp_path}/cured.py:{name}" for name in ("BENT", "MOSTLY", "MINE", "thrift"))
    causes = f"That did not happen now: the world, {parts}, a version or the processor is another one."
    assert causes.replace(" ", "") in repaired


def test_lived_again_uncompiled_the_line_of_a_part_is_shown(mine: Path) -> None:
    wild = f"{mine}/mine.py:wild"
    setup = setup_from(mine, ("drives", "generic", [wild]), ("drives", "weights", {"fitness": 1.0}))
    with pytest.raises(IndexError) as raised:
        find_drive(wild).feel(np.zeros(3), None, None, None)
    fault = LifeFault("cart-pole", None, 0, 0, 0, "raised IndexError", None, None)
    fault.__cause__ = raised.value
    assert _lines_of(setup.conditions, fault).endswith("in feel_wild: return memory[7]")
    assert own_parts(setup.conditions).endswith(f"mine.py:MINE, {wild}")


def test_a_registered_name_is_found(mine: Path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(mine)
    registered.cache_clear()
    entries = {"evolearn.drives": "boredom", "evolearn.trunks": "BENT", "evolearn.learners": "MINE"}

    def entry_points(group: str | None = None):
        if group is None:  # of all groups, to know what is installed
            return importlib.metadata.EntryPoints()
        return [dataclasses.make_dataclass("Entry", ["name", "value"])("their-own", f"mine:{entries[group]}")]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    try:
        for find, row in ((find_drive, "boredom"), (find_trunk, "BENT"), (find_learner, "MINE")):
            assert find("their-own") is getattr(sys.modules["mine"], row)
        assert find_drive("effort") is not find_drive("their-own")
    finally:
        registered.cache_clear()
        sys.modules.pop("mine", None)


def test_a_policy_of_ones_own_is_found_by_its_learner(mine: Path) -> None:
    learner = find_learner(f"{mine}/mine.py:MINE")
    assert find_policy(learner.policies["discrete"]).how_to_act.startswith("policy holds a reward")


SCRIPT = """
import numpy as np
from evolearn.agent import CHOOSE_TYPE, FEEL_TYPE, compose, find_policy
from evolearn.numerics import plug
from evolearn.rng import new_rng

feel, size = compose(["parts.mine:eager"], 2, 1)
drives = np.zeros(1, np.float32)
control = np.zeros((2, 0), np.float32)
feel(np.zeros(size, np.float32), *(np.ones(n, np.float32) for n in (2, 1, 2, 0)), control, drives)
action = np.zeros(1, np.float32)
plugged = plug(find_policy("parts.mine:SAME").choose, CHOOSE_TYPE)
plugged(np.ones(3, np.float32), np.ones(1, np.float32), new_rng(), action)
print(drives[0], action[0], *(sum(kept.stats.cache_hits.values()) for kept in (feel, plugged)))
"""
EDITED = """
from evolearn.agent import Drive, Policy, no_deltas
from evolearn.numerics import compiled
from parts.beside import twice


def feel(memory, observation, action, observation_next):
    return twice(observation[0])


@compiled
def choose(output, plasticity, rng, action):
    action[0] = twice(output[0])


eager = Drive("pleased", feel)
SAME = Policy(False, choose, no_deltas, 1.0, 1.0)
"""


def test_an_edited_file_never_meets_code_of_the_old_one(tmp_path: Path) -> None:
    """Also where only a helper in another file was edited, and what did not change is not compiled again."""
    (tmp_path / "parts").mkdir()
    mine, beside = tmp_path / "parts" / "mine.py", tmp_path / "parts" / "beside.py"
    beside_text = "from evolearn.numerics import compiled\n\n\n@compiled\ndef twice(x):\n    return 2 * x\n"

    def printed() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=tmp_path,
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")},  # nothing of an earlier run of the tests
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    mine.write_text(EDITED)
    beside.write_text(beside_text)
    assert printed() == ["2.0", "2.0", "0", "0"]
    assert printed() == ["2.0", "2.0", "1", "1"]
    beside.write_text(beside_text.replace("2 * x", "3 * x"))
    assert printed() == ["3.0", "3.0", "0", "0"]
    mine.write_text(EDITED.replace("twice(observation[0])", "7.0").replace("twice(output[0])", "8.0"))
    assert printed() == ["7.0", "8.0", "0", "0"]
