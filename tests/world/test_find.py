"""From names to worlds, and what a user reads when there is no such world."""

import importlib.metadata
import subprocess
import sys
import textwrap

import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from evolearn.errors import WorldNotFound
from evolearn.world import World, compile_world, find_world, registered_worlds
from tests.helpers.world_files import WORLD_FILE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, empty but for what a test writes."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def not_found(name):
    with pytest.raises(WorldNotFound) as caught:
        find_world(name)
    return str(caught.value)


def test_registered_names_and_their_modules_name_the_same_world():
    assert find_world("cart-pole") is cart_pole
    assert find_world("evolearn.worlds.savannah:savannah") is savannah


def test_registered_worlds_are_listed_in_order_with_where_they_are(monkeypatch):
    listed = registered_worlds()
    assert listed["cart-pole"] == "evolearn.worlds.cart_pole:cart_pole"
    assert list(listed) == sorted(listed)
    backwards = [importlib.metadata.EntryPoint(name, f"m:{name}", "evolearn.worlds") for name in "cab"]
    registered_worlds.cache_clear()
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: backwards)
    try:
        assert list(registered_worlds().items()) == [("a", "m:a"), ("b", "m:b"), ("c", "m:c")]
    finally:
        registered_worlds.cache_clear()


def test_gymnasium_names():
    assert find_world("gymnasium:CartPole-v1").name == "gymnasium:CartPole-v1"


def test_importing_and_listing_is_cheap():
    script = (
        "import sys, evolearn.world.find as finder; finder.registered_worlds();"
        "heavy = ('numba', 'numpy', 'torch', 'ray', 'gymnasium', 'evolearn.worlds');"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
    script = (
        "import sys, evolearn.world.find as finder; finder.find_world('cart-pole');"
        "print([name for name in ('torch', 'ray', 'gymnasium') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_file_gives_a_world_that_compiles_and_one_file_is_one_module(folder):
    file = folder("mine/coins.py", WORLD_FILE)
    world = find_world("mine/coins.py:coin")
    assert isinstance(world, World)
    assert find_world(f"{file}:coin") is world
    assert find_world("./mine/../mine/coins.py:penny") is world
    compile_world(world, {})


def test_two_files_of_one_name_are_two_modules(folder):
    for place in ("here", "there"):
        folder(f"{place}/coins.py", WORLD_FILE.replace('"coin"', f'"{place}"'))
    assert find_world("here/coins.py:coin").name == "here"
    assert find_world("there/coins.py:coin").name == "there"


def test_an_unknown_name_is_answered_with_the_nearest_and_all():
    listed = ", ".join(registered_worlds())
    forms = "Or give package.module:attribute, path/to/file.py:attribute or gymnasium:ID"
    assert not_found("savana") == (
        f"world 'savana': not registered (did you mean savannah?); registered are {listed}. {forms}"
    )
    assert not_found("moon") == f"world 'moon': not registered; registered are {listed}. {forms}"


@pytest.mark.parametrize(
    "name", [":coin", "evolearn.worlds.savannah:", "worlds..savannah:savannah", "my-worlds:coin", ".a:b"]
)
def test_a_name_of_no_known_form_is_answered_with_the_forms(name):
    assert not_found(name).endswith(
        "must be a registered name, package.module:attribute, path/to/file.py:attribute or gymnasium:ID"
    )


def test_a_file_without_an_attribute_is_asked_for_one():
    assert not_found("mine/coins.py") == (
        "world 'mine/coins.py': which world in the file? Must be mine/coins.py:attribute"
    )


def test_a_missing_module_is_named():
    assert not_found("evolearn.worlds.moon:moon") == (
        "world 'evolearn.worlds.moon:moon': there is no module evolearn.worlds.moon. Install its package, or "
        "give the file: path/to/file.py:attribute"
    )
    assert "there is no module no_such_package. " in not_found("no_such_package.moon:moon")


def test_a_missing_attribute_is_answered_with_the_worlds_there():
    assert not_found("evolearn.worlds.savannah:savana") == (
        f"world 'evolearn.worlds.savannah:savana': {sys.modules['evolearn.worlds.savannah'].__file__} has no 'savana' "
        "(did you mean savannah?); worlds in there: savannah"
    )


def test_an_attribute_that_is_no_world_is_named_with_its_type(folder):
    file = folder("coins.py", WORLD_FILE)
    assert not_found("coins.py:HEADS") == (
        f"world 'coins.py:HEADS': 'HEADS' in {file} is of type float, not a World; worlds in there: coin, penny"
    )


def test_a_module_without_a_file_is_named_as_it_is():
    assert "world 'builtins:moon': builtins has no 'moon'" in not_found("builtins:moon")


def test_a_missing_file_is_named_with_the_folder(tmp_path, folder):
    assert not_found("mine/coins.py:coin") == (
        f"world 'mine/coins.py:coin': there is no file mine/coins.py in {tmp_path}; paths are taken from the current "
        "folder, those in a config too; give a path from there"
    )
    assert not_found("/nowhere/coins.py:coin") == (
        "world '/nowhere/coins.py:coin': there is no file /nowhere/coins.py; put it back, or correct the path"
    )
    folder("mine/coins.txt", "")
    assert "mine/coins.txt is not a Python file; its name must end in .py" in not_found("mine/coins.txt:coin")


def test_a_file_that_fails_is_answered_with_its_own_lines_and_may_be_corrected(folder):
    file = folder("coins.py", "def toss():\n    return 1 / 0\n\n\ncoin = toss()\n")
    failure = (
        "world 'coins.py:coin': coins.py fails to import; correct it:\n"
        f"  {file}, line 5, in <module>: coin = toss()\n"
        f"  {file}, line 2, in toss: return 1 / 0\n"
        "  ZeroDivisionError: division by zero"
    )
    assert not_found("coins.py:coin") == failure
    assert not_found("coins.py:coin") == failure
    folder("coins.py", WORLD_FILE)
    assert find_world("coins.py:coin").name == "coin"


def test_a_file_that_is_no_python_is_answered_with_the_line(folder):
    file = folder("coins.py", "coin = (\n")
    assert not_found("coins.py:coin") == (
        "world 'coins.py:coin': coins.py fails to import; correct it:\n"
        f"  {file}, line 1: coin = (\n"
        "  SyntaxError: '(' was never closed"
    )


def test_a_file_that_lacks_a_module_or_ends_the_program_is_answered_with_the_line(folder):
    file = folder("coins.py", "import no_such_package\n")
    assert not_found("coins.py:coin").endswith(
        f"  {file}, line 1, in <module>: import no_such_package\n"
        "  ModuleNotFoundError: No module named 'no_such_package'"
    )
    file = folder("coins.py", "raise SystemExit(3)\n")
    assert not_found("coins.py:coin").endswith("line 1, in <module>: raise SystemExit(3)\n  SystemExit: 3")


def test_a_module_that_fails_is_answered_with_its_lines(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    file = folder("purse/coins.py", "import no_such_package\n")
    assert not_found("purse.coins:coin") == (
        "world 'purse.coins:coin': purse.coins fails to import; correct it:\n"
        f"  {file}, line 1, in <module>: import no_such_package\n"
        "  ModuleNotFoundError: No module named 'no_such_package'"
    )


def test_what_gymnasium_refuses_is_not_found_either():
    assert "Did you mean: `CartPole`" in not_found("gymnasium:CartPol-v1")
    refused = not_found("gymnasium:Blackjack-v1")
    assert refused.startswith("world gymnasium:Blackjack-v1: observation space Tuple(")
