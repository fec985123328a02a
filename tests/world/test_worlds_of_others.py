"""A world that another package brings: by entry point, by module path, by file."""

import subprocess
import sys
import textwrap

import pytest

from evolearn.world import find_world, registered_worlds
from tests.helpers.command import evolearn
from tests.helpers.world_files import WORLD_FILE

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages with one in it, laid out as pip does."""
    folder = tmp_path / "site-packages"
    (folder / "mint").mkdir(parents=True)
    (folder / "mint" / "__init__.py").write_text("")
    (folder / "mint" / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
    information = folder / "mint-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(METADATA.format(name="mint"))
    (information / "entry_points.txt").write_text("[evolearn.worlds]\nlucky-coin = mint.coins:coin\n")
    monkeypatch.syspath_prepend(folder)
    registered_worlds.cache_clear()
    yield folder
    registered_worlds.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "mint"]:
        del sys.modules[name]


def test_an_installed_packages_world_has_a_name(site):
    assert registered_worlds()["lucky-coin"] == "mint.coins:coin"
    world = find_world("lucky-coin")
    assert world.name == "coin"
    assert find_world("mint.coins:coin") is world
    assert find_world(f"{site}/mint/coins.py:coin").name == "coin"


def test_the_command_lists_it_and_shows_it(site):
    for arguments, expected in (((), "lucky-coin"), (("show", "lucky-coin"), "A coin that is always heads.")):
        done = evolearn("worlds", *arguments)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_a_users_package_named_worlds_hides_no_world_in_the_box(tmp_path):
    (tmp_path / "worlds").mkdir()
    (tmp_path / "worlds" / "__init__.py").write_text("")
    (tmp_path / "worlds" / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
    script = tmp_path / "script.py"
    script.write_text(
        "from evolearn.world import find_world\n"
        "print(*(find_world(name).name for name in ('savannah', 'worlds.coins:coin', 'needle')))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "savannah coin needle\n"
