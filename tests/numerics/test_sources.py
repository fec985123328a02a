"""What compiled code depends on: edits that it must notice, and edits that must cost nobody a compilation."""

import textwrap
from pathlib import Path

import pytest

from evolearn.numerics import _sources as module
from evolearn.numerics._sources import reached_hash, read_sources

# Of the name whose numerics compile. `leg` is reached through a door alone, `talk` by nothing that compiles.
FILES = {
    "__init__.py": "",
    "numerics/__init__.py": "",
    "numerics/__init__.pyi": "from .compiler import compiled as compiled",
    "numerics/compiler.py": '''
        """Compiles."""
        import numba

        def compiled(function):
            """Compile."""
            return numba.njit(function)
    ''',
    "body/__init__.py": '''
        """A door."""
    ''',
    "body/__init__.pyi": "from .leg import stride as stride\nfrom .voice import cry as cry",
    "body/leg.py": """
        def stride(length):
            return 2.0 * length
    """,
    "body/voice.py": """
        def cry():
            return "neigh"
    """,
    "life.py": '''
        """Lives."""
        from evolearn.body import stride
        from evolearn.numerics import compiled

        @compiled
        def walk(steps):
            """Walk on."""
            return steps * stride(0.5)  # metres
    ''',
    "talk.py": """
        from evolearn.body import cry

        def speak():
            return cry()
    """,
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "evolearn" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return tmp_path / "evolearn"


def hash_of(package: Path, kept: str = "kept") -> str:
    return reached_hash(read_sources(package), package.parent / kept)


def edit(package: Path, name: str, old: str, new: str) -> None:
    text = (package / name).read_text()
    assert text.count(old) == 1
    (package / name).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("life.py", '"""Walk on."""', '"""Walk on,\n\n    and on.\n    """'),
        ("life.py", '"""Lives."""', ""),
        ("life.py", "# metres", "# yards"),
        ("life.py", "steps * stride(0.5)", "(steps\n        * stride(0.5))"),
        ("body/__init__.py", "A door.", "A gate."),
    ],
    ids=["docstring", "docstring of the module", "comment", "line break", "docstring of a door"],
)
def test_what_changes_no_code_keeps_the_hash(package: Path, name: str, old: str, new: str) -> None:
    before = hash_of(package)
    edit(package, name, old, new)
    assert hash_of(package) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("life.py", "stride(0.5)", "stride(0.6)"),
        ("life.py", "return steps", '"""No docstring here."""; return 1 + steps'),
        ("numerics/compiler.py", "numba.njit(function)", "numba.njit(fastmath=True)(function)"),
        ("body/leg.py", "2.0 * length", "2.5 * length"),
        ("body/__init__.pyi", ".leg import", ".voice import"),
    ],
    ids=["a line", "a statement", "the compiler", "through a door", "what the door leads to"],
)
def test_what_changes_code_that_is_reached_changes_the_hash(package: Path, name: str, old: str, new: str) -> None:
    before = hash_of(package)
    edit(package, name, old, new)
    assert hash_of(package) != before


@pytest.mark.parametrize(("name", "old", "new"), [("talk.py", "cry()", "cry() + cry()"), ("body/voice.py", "ei", "a")])
def test_what_no_compiled_code_reaches_keeps_the_hash(package: Path, name: str, old: str, new: str) -> None:
    before = hash_of(package)
    edit(package, name, old, new)
    assert hash_of(package) == before


def test_a_module_that_begins_to_compile_changes_the_hash(package: Path) -> None:
    seen = {hash_of(package)}
    edit(package, "talk.py", "import cry\n", "import cry\nfrom evolearn.numerics import plug\n")
    seen.add(hash_of(package))
    (package / "new.py").write_text("from numba.extending import overload\n")
    seen.add(hash_of(package))
    assert len(seen) == 3


def test_a_relative_import_is_refused_where_it_could_hide_a_module(package: Path) -> None:
    edit(package, "life.py", "from evolearn.body", "from .body")
    with pytest.raises(AssertionError, match=r"evolearn\.life: imports relatively"):
        hash_of(package)


def test_what_is_kept_is_used_and_no_part_of_it_is_believed(package: Path, monkeypatch) -> None:
    found = hash_of(package)
    (file,) = (package.parent / "kept").iterdir()
    assert file.read_text() == found
    file.write_text("0123456789abcdef")
    assert hash_of(package) == "0123456789abcdef", "read, and not parsed again"
    for spoilt in (found[:9], "", "é" * 16):
        file.write_text(spoilt)
        assert hash_of(package) == found
        assert file.read_text() == found
    edit(package, "life.py", "# metres", "# yards")
    assert hash_of(package) == found
    assert len(list((package.parent / "kept").iterdir())) == 2, "other bytes have a file of their own"
    (package.parent / "a file").write_text("")
    assert hash_of(package, kept="a file") == found, "where nothing can be kept"


def test_the_packages_own_sources_are_read_and_what_compiles_is_among_those_reached() -> None:
    import ast

    trees = {name: ast.parse(content) for name, content in read_sources().items()}
    found = module.reached(trees)
    assert {"evolearn.life.live", "evolearn.rng", "evolearn.numerics.compiler"} <= found
    assert not {name for name in found if name.startswith(("evolearn.report", "evolearn.cli", "evolearn.study"))}
