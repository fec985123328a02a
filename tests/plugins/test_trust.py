"""Whose code is imported: what its user names, and of what a directory names only what its user knows or allows."""

import dataclasses
import json
import os
import py_compile
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import evolearn
from evolearn.api.evolved import Evolved
from evolearn.cli.app import app
from evolearn.config import check_config
from evolearn.errors import PartNotFound, WorldNotFound
from evolearn.inspection import Wishes, compare_dna, inspect_dna
from evolearn.life import OwnThread
from evolearn.plugins import NotTrusted, module_of, named_by, named_by_user, trust as module
from evolearn.plugins.trust import as_told, source_of, trusted_file
from evolearn.run import admit_sources, create_run, source_changes, source_hashes, write_dna
from evolearn.study.directory import create_study
from evolearn.world import find_world
from evolearn.world.names import environments_apart
from tests.helpers.exported import config_of, written
from tests.helpers.inspections import Notes
from tests.helpers.runs import toy
from tests.helpers.studies import toy_study

UNKNOWN = "which you have not used before"
CHANGED = "which was changed since you were asked"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder, and nothing that is trusted."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # Nor what other tests of this process left behind.
    others = [entry for entry in sys.path if not list(Path(entry).glob("mine*"))]
    monkeypatch.setattr(sys, "path", others)
    monkeypatch.setattr(sys, "modules", {name: found for name, found in sys.modules.items() if "mine" not in name})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def code(path, what="first"):
    """A file that tells when it is run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import pathlib\npathlib.Path({str(path.with_suffix('.ran'))!r}).write_text({what!r})\n")
    return path


def ran(path):
    told = path.with_suffix(".ran")
    return told.read_text() if told.exists() else None


def forget(monkeypatch):
    """As a new process: nothing is imported yet."""
    monkeypatch.setattr(sys, "modules", {name: found for name, found in sys.modules.items() if "mine" not in name})
    module._note_use.cache_clear()


def import_it(source):
    return module_of("world 'x'", str(source), "a file", failure=PartNotFound)


# Names of a file, of a module beside the command, and of one in a package there; and the file that they run.
NAMES = [("mine.py", "mine.py"), ("mine", "mine.py"), ("mine.part", "mine/__init__.py")]


@pytest.mark.parametrize(("name", "file"), NAMES)
def test_what_a_directory_names_is_not_run_before_its_user_has_said_so(place, monkeypatch, name, file):
    path = code(place / file)
    (path.parent / "part.py").touch()
    with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match=UNKNOWN) as refused:
        import_it(name)
    assert ran(path) is None
    where = path.parent if path.name == "__init__.py" else path
    assert "runs/theirs names" in str(refused.value)
    assert str(where) in str(refused.value)
    assert "give --trust (in Python: trust=True)" in str(refused.value)
    with named_by("runs/theirs", trust=True):
        import_it(name)
    assert ran(path) == "first"
    forget(monkeypatch)
    with named_by("runs/theirs", trust=False):  # it is known from now on
        import_it(name)


@pytest.mark.parametrize(("name", "file"), NAMES)
def test_what_lies_where_a_user_s_own_command_found_it_runs_unasked_also_after_it_was_mended(
    place, monkeypatch, name, file
):
    path = code(place / file)
    (path.parent / "part.py").touch()
    import_it(name)
    code(path, "second")
    forget(monkeypatch)
    with named_by("runs/mine", trust=False):
        import_it(name)
    assert ran(path) == "second"


@pytest.mark.parametrize(("name", "file"), NAMES)
def test_yes_to_one_version_is_no_yes_to_the_next(place, monkeypatch, name, file):
    path = code(place / file)
    (path.parent / "part.py").touch()
    with named_by("runs/theirs", trust=True):
        import_it(name)
    code(path, "second")
    forget(monkeypatch)
    with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match=CHANGED):
        import_it(name)
    assert ran(path) == "first"
    with named_by("runs/theirs", trust=False), named_by_user():  # `evolearn.live` in another world
        import_it(name)
    assert ran(path) == "second"


@pytest.mark.parametrize("answer", [True, False])
def test_whoever_is_there_is_asked_and_the_answer_holds(place, monkeypatch, answer):
    path = code(place / "mine.py")
    asked = []

    def ask(text):
        asked.append(text)
        return answer

    for _ in range(2):
        with named_by("runs/theirs", False, ask):
            if answer:
                import_it(path)
            else:
                with pytest.raises(NotTrusted, match="not imported, as you said, and nothing of it was run"):
                    import_it(path)
        forget(monkeypatch)
    assert len(asked) == (1 if answer else 2)
    assert f"the code in {path}, {UNKNOWN}" in asked[0]
    assert ran(path) == ("first" if answer else None)


def test_a_worker_imports_as_it_is_told_and_remembers_nothing(place):
    path = code(place / "mine.py")
    with as_told():
        import_it(path)
    assert ran(path) == "first"
    assert not trusted_file().exists()


def test_a_copy_elsewhere_is_another_source(place):
    import_it(code(place / "mine.py"))
    copy = place / "theirs" / "mine.py"
    copy.parent.mkdir()
    copy.write_bytes((place / "mine.py").read_bytes())  # what it imports beside it may differ
    with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match=UNKNOWN):
        import_it(copy)


def test_what_is_installed_or_in_the_box_is_no_strangers_and_the_standard_library_is(place):
    for name in ("gymnasium.wrappers", "worlds.cart_pole", "evolearn.agent", "nowhere_at_all"):
        assert source_of(name) is None
    assert source_of("antigravity") is not None  # opens a browser when it is imported
    with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match="antigravity"):
        import_it("antigravity")


@pytest.mark.parametrize("file", ["spread/mine.py", "spread/__init__.py", "spread.py"])
def test_a_part_of_an_installed_namespace_that_lies_elsewhere_is_a_stranger_s(place, monkeypatch, tmp_path, file):
    installed = tmp_path / "site-packages"
    (installed / "spread").mkdir(parents=True)
    monkeypatch.setattr(module, "_installed_folders", lambda: (installed,))
    monkeypatch.syspath_prepend(str(installed))
    assert source_of("spread.mine") is None
    path = code(place / file)
    with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match=UNKNOWN):
        import_it("spread.mine")
    assert ran(path) is None


@pytest.mark.parametrize(("name", "file"), [*NAMES, ("mine.part", "mine/part.py")])
def test_bytecode_beside_sources_is_not_run(place, name, file):
    path = code(place / file, "bytecode")
    (path.parent / "part.py").touch()
    py_compile.compile(str(path), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    code(path, "sources")
    import_it(name)
    assert ran(path) == "sources"


def test_bytecode_that_later_imports_would_run_is_not_run_either_or_is_counted(place):
    later = code(place / "mine" / "later.py", "bytecode")
    (place / "mine" / "__init__.py").write_text("def late():\n    from mine import later\n")
    py_compile.compile(str(later), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    code(later, "sources")
    import_it("mine").late()
    assert ran(later) == "sources"
    before = source_of("mine").sha256
    for unseen in ("__pycache__/later.cpython-311.pyc", ".hidden/later.py", "lib.d/later.py"):
        (place / "mine" / unseen).parent.mkdir(exist_ok=True)
        (place / "mine" / unseen).write_bytes(b"changed")
        assert source_of("mine").sha256 == before
    for seen in ("alone.pyc", "__pycache__/alone.pyc", "inner/part.py"):
        (place / "mine" / seen).parent.mkdir(exist_ok=True)
        (place / "mine" / seen).write_bytes(b"new")
        assert source_of("mine").sha256 != before
        before = source_of("mine").sha256


def test_a_portion_of_an_installed_namespace_is_somebody_s_own(place, monkeypatch):
    installed = code(place / "site-packages" / "minespace" / "theirs.py").parents[1]
    monkeypatch.setattr(sys, "path", [*sys.path, str(installed)])
    monkeypatch.setattr(module, "_installed_folders", lambda: (installed,))
    path = code(place / "minespace" / "evil.py")
    (place / "minespace" / "deep").mkdir()
    deep = code(place / "minespace" / "deep" / "evil.py")
    for name in ("minespace.evil", "minespace.deep.evil", "minespace.deep", "minespace"):
        with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match=UNKNOWN) as refused:
            import_it(name)
        assert f"the files in {place / 'minespace'}," in str(refused.value)
    assert (ran(path), ran(deep)) == (None, None)
    with named_by("runs/theirs", trust=False):
        import_it("minespace.theirs")
    assert ran(installed / "minespace" / "theirs.py") == "first"


@pytest.mark.parametrize("used", ["again", "in a thread", "as an environment"])
def test_a_yes_stays_one_however_its_code_is_used_later(place, monkeypatch, used):
    path = code(place / "mine.py")
    with named_by("runs/theirs", trust=True):
        if used == "in a thread":
            thread = OwnThread()
            thread.begin(lambda: import_it("mine"))
            assert thread.wait(60.0).error is None
            thread.dismiss()
        else:
            import_it("mine")
    if used == "again":
        import_it("mine")
    if used == "as an environment":
        with pytest.raises(WorldNotFound):
            find_world("gymnasium:mine:Toy-v0")
    assert str(path) not in json.loads(trusted_file().read_text())["named"]
    code(path, "second")
    forget(monkeypatch)
    with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match=CHANGED):
        import_it("mine")


@pytest.mark.parametrize("name", ["/", "//", "/:x", "/usr/bin/env", "a/b", "\0.py", "x" * 5000 + ".py"])
def test_only_python_is_looked_at(place, name):
    assert source_of(name) is None
    assert source_changes({name: "x"}) == [f"{name} was moved"]


def test_what_is_too_large_to_be_looked_at_is_refused_and_a_pipe_is_not_waited_for(place, monkeypatch):
    code(place / "mine.py")
    code(place / "mined" / "__init__.py")
    (place / "mined" / "circle").symlink_to(place / "mined")
    os.mkfifo(place / "pipe.py")
    assert source_of("mined") is not None
    monkeypatch.setattr(module, "_MOST_BYTES_OF_FILE", 10)
    monkeypatch.setattr(module, "_MOST_ENTRIES", 1)
    for name in ("mine", "mine.py", "mined", "pipe.py"):
        assert "cannot be compared" in source_changes({name: "x"})[0]
        assert source_hashes([check_config(toy(world={"name": f"{name}:world"}), "toy")]) == {}
        with (
            named_by("runs/theirs", trust=True),
            pytest.raises(NotTrusted, match="cannot be looked at before it is imported"),
        ):
            admit_sources([check_config(toy(world={"name": f"{name}:world"}), "toy")])


def test_a_source_is_asked_about_once(place):
    code(place / "mine.py")
    asked = []
    parts = {"drives": {"generic": ["mine.py:drive"]}, "genome": {"encoding": "mine.py:encoding"}}
    with named_by("runs/theirs", False, lambda text: not asked.append(text)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_remember", lambda trusted, file: None)
        admit_sources([check_config(toy(seed=seed, **parts), "toy") for seed in range(3)])
    assert len(asked) == 1


def refused_with_warning(path, warning):
    """What was trusted before is asked about again, and it is said why."""
    with (
        named_by("runs/mine", trust=False),
        pytest.warns(UserWarning, match=warning),
        pytest.raises(NotTrusted),
    ):
        import_it(path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"named": 3, "answered": {}}', '{"named": [], "answered": {"a": [1]}}']
)
def test_a_damaged_list_is_an_empty_one(place, monkeypatch, content):
    path = code(place / "mine.py")
    import_it(path)
    trusted_file().write_text(content)
    forget(monkeypatch)
    refused_with_warning(path, "trusted.json.*you are asked again")


def test_a_list_that_others_can_write_is_not_believed(place, monkeypatch):
    path = code(place / "mine.py")
    import_it(path)
    assert trusted_file().parent.stat().st_mode & 0o777 == 0o700
    trusted_file().parent.chmod(0o777)
    forget(monkeypatch)
    refused_with_warning(path, "can be written by other users")


@pytest.mark.parametrize(
    "name", ["gymnasium:mine:Toy-v0", 'gymnasium:CartPole-v1{"wrappers":[{"name":"mine.py:Toy"}]}']
)
def test_environments_are_asked_for_here_wherever_they_are_made(place, name):
    path = code(place / "mine.py")
    with (
        environments_apart(),
        named_by("runs/theirs", trust=False),
        pytest.raises(NotTrusted, match=UNKNOWN),
    ):
        find_world(name)
    assert ran(path) is None


def test_a_config_s_code_is_asked_for_by_its_fields(place):
    code(place / "mine.py")
    fields = {
        "world.name": toy(world={"name": "mine.py:world"}),
        "world.wrappers.0.name": toy(world={"name": "gymnasium:CartPole-v1", "wrappers": ["mine.py:Wrapper"]}),
        "brain.trunk": toy(brain={"hidden": [4], "trunk": "mine.py:trunk"}),
        "learner.name": toy(learner={"name": "mine.py:learner"}),
        "drives.generic.0": toy(drives={"generic": ["mine.py:drive"]}),
        "genome.encoding": toy(genome={"encoding": "mine.py:encoding"}),
    }
    for field, content in fields.items():
        config = check_config(content, "toy")
        with named_by("runs/theirs", trust=False), pytest.raises(NotTrusted, match=re.escape(field)):
            admit_sources([config])
        assert list(source_hashes([config])) == ["mine.py"]
    assert source_hashes([check_config(toy(), "toy")]) == {}


def test_a_source_that_changed_or_went_away_is_named(place):
    path = code(place / "mine.py")
    before = {"mine.py": source_of("mine.py").sha256}
    assert source_changes(before) == []
    code(path, "second")
    assert source_changes(before) == ["mine.py was changed"]
    path.unlink()
    assert source_changes(before) == ["mine.py was moved"]


@pytest.fixture
def theirs(place):
    """A run, its DNA and a study of a colleague's, with a world in a file."""
    path = code(place / "theirs.py")
    world = {"name": f"{path}:world"}
    dna = written(place / "dna.safetensors", config_of("mlp, choices"))
    content = dna.config.model_dump(mode="json") | {"world": world}
    config = check_config(content, "toy")
    create_run(config, "theirs", place / "run", {})
    header = {**dna.header, "config": config.model_dump(mode="json"), "sources": source_hashes([config])}
    header["world"] = {**dna.header["world"], **world}
    for file, genome in (("run/dna.safetensors", dna.genome), ("other.safetensors", 2.0 * dna.genome)):
        write_dna(dataclasses.replace(dna, path=place / file, header=header, config=config, genome=genome))
    create_study(toy_study(f"run.world.name={path}:world"), "theirs", place / "study", {}, 0)
    return path


COMMANDS = {
    "resume": ["resume", "run"],
    "resume a study": ["resume", "study"],
    "replay-life": ["replay-life", "run", "--generation", "0", "--genome", "0", "--life", "0"],
    "inspect": ["inspect", "run", "--quick", "--only", "repertoire"],
    "compare": ["inspect", "run", "other.safetensors", "--quick"],
    "study add": ["study", "add", "study", "--runs", "1"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_on_a_directory_refuse_its_code_with_exit_code_2(theirs, command):
    found = CliRunner().invoke(app, COMMANDS[command])
    assert found.exit_code == 2, found.output
    assert UNKNOWN in found.output
    assert ran(theirs) is None
    found = CliRunner().invoke(app, [*COMMANDS[command], "--trust"])
    assert UNKNOWN not in found.output
    assert (ran(theirs) == "first") == (command != "study add")  # which sees first that the study is not finished


def test_dna_is_data_and_its_world_is_asked_for_where_it_is_to_live(theirs):
    for harmless in (["export", "run", "--to", "brain.pt"], ["inspect", "run", "--quick", "--only", "genes"]):
        found = CliRunner().invoke(app, harmless)
        assert found.exit_code == 0, found.output
    foal = evolearn.load("run")
    assert foal.config.world.name == f"{theirs}:world"
    with pytest.raises(NotTrusted, match=UNKNOWN):
        evolearn.live(foal, lives=1)
    assert ran(theirs) is None
    with pytest.raises(ValueError, match="has no 'world'"):
        evolearn.live(foal, lives=1, trust=True)
    assert ran(theirs) == "first"


def test_an_inspection_from_python_asks_as_its_command_does(theirs):
    def inspect(**more):
        return inspect_dna(Path("run"), Wishes(quick=True, only=("repertoire",)), None, 1, Notes(), **more)

    def compare(**more):
        return compare_dna(Path("run"), Path("other.safetensors"), Wishes(quick=True), None, 1, Notes(), **more)

    for call in (inspect, compare):
        with pytest.raises(NotTrusted, match=UNKNOWN):
            call()
    assert ran(theirs) is None
    assert not trusted_file().exists(), "a call that was refused trusts nothing"
    inspect(trust=True)
    assert ran(theirs) == "first"


@pytest.mark.parametrize("command", [["export", "run", "--to", "brain.pt"], [*COMMANDS["replay-life"], "--trust"]])
def test_commands_that_read_a_run_warn_of_code_that_is_another_now(theirs, command):
    code(theirs, "second")
    assert f"Warning: {theirs} was changed since it was made" in CliRunner().invoke(app, command).output.replace(
        "\n", ""
    )


def test_another_world_does_not_let_the_drives_of_dna_run(place):
    drive = code(place / "theirs.py")
    dna = written(place / "dna.safetensors", config_of("mlp, choices"))
    content = dna.config.model_dump(mode="json")
    content["drives"]["generic"] = [f"{drive}:drive"]
    config = check_config(content, "toy")
    foal = Evolved(dataclasses.replace(dna, config=config))
    with pytest.raises(NotTrusted, match=UNKNOWN):
        evolearn.live(foal, world="cart-pole", lives=1)
    assert ran(drive) is None
    mine = code(place / "mine.py")
    with pytest.raises(ValueError, match="has no 'world'"):  # that of the call is imported
        evolearn.live(foal, world="mine.py:world", lives=1)
    assert (ran(mine), ran(drive)) == ("first", None)
    named = {**dna.header, "config": config.model_dump(mode="json"), "drives": [*dna.header["drives"], "drive"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "evolearn.api.evolved.dna_so_far", lambda path: dataclasses.replace(dna, config=config, header=named)
        )
        with pytest.raises(NotTrusted, match=r"drives\.generic\.0"):
            evolearn.load("dna.safetensors")


def test_a_run_says_what_its_code_was(theirs):
    for directory in ("run", "study"):
        environment = json.loads((theirs.parent / directory / "environment.json").read_text())
        assert environment["sources"] == {str(theirs): source_of(str(theirs)).sha256}
    assert evolearn.load("run").record.header["sources"] == {str(theirs): source_of(str(theirs)).sha256}


def test_the_list_is_kept_where_states_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for relative in ("", "states"):
        monkeypatch.setenv("XDG_STATE_HOME", relative)
        assert trusted_file() == tmp_path / ".local/state/evolearn/trusted.json"
    assert os.path.isabs(trusted_file())
