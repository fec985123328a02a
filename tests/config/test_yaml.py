"""YAML: what of it is taken, and what is refused in which line and column."""

import itertools
import os
from pathlib import Path

import pytest

from evolearn.config import (
    ConfigError,
    YamlError,
    check_config,
    dump_yaml,
    find_config,
    override,
    parse_yaml,
    read_yaml,
)
from evolearn.config.plain_yaml import MOST_CHARACTERS

ALIASES = "a: &a [x, x]\n" + "\n".join(
    f"{name}: &{name} [*{last}, *{last}]" for last, name in itertools.pairwise("abcdefg")
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ALIASES, "line 1, column 4: an anchor (&a) is not taken; leave it out"),
        ("a: *b", "line 1, column 4: an alias (*b) is not taken; write the value out"),
        ("a: &a {b: *a}", "line 1, column 4: an anchor (&a) is not taken"),
        ("b: 1\n<<: {a: 1}", "line 2, column 1: a merge (<<) is not taken; write the fields out"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: a stands twice, first in line 1; leave one out"),
        ("{a: {b: 1, b: 1}}", "line 1, column 12: b stands twice"),
        ("[" * 300, "line 1, column 51: nested more than 50 deep"),
        ("- " * 300, "line 1, column 101: nested more than 50 deep"),
        ("a: " + "1" * 5000, "line 1, column 4: a number of 5,000 digits"),
        ("a: 0x_", "line 1, column 4: 0x_ is not a number"),
        ("a: 1.e+400", "line 1, column 4: 1.e+400 is too large a number"),
        ("a: 1e999", "line 1, column 4: 1e999 is too large a number"),
        ("a: !!int abc", "line 1, column 4: a tag (!!int) is not taken; leave it out"),
        ("!!python/object/apply:os.getcwd []", "line 1, column 1: a tag (!!python/object/apply:os.getcwd)"),
        ("a: !!binary aGk=", "a tag (!!binary) is not taken"),
        ("a: !!set {b}", "a tag (!!set) is not taken"),
        ("a: 1:30", 'line 1, column 4: 1:30 may be a number of another base or a text; write it decimal, or "1:30" in'),
        ("a: 1:30.5", "1:30.5 may be a number of another base or a text"),
        ("a: -010", "-010 may be a number of another base or a text"),
        ("a: off", 'line 1, column 4: off may be a truth value or a text; write true or false, or "off" in quotes'),
        ("? [a]\n: b", "line 1, column 3: a key that is no text"),
        ("1: 2", 'line 1, column 1: a key that is no text (1); write "1" in quotes'),
        ("null: 2", "a key that is no text (null)"),
        ("yes: 2", "a key that is no text (yes)"),
        ("[a]: b", "line 1, column 1: a key that is no text"),
        ("a:\n\t- b", "line 2, column 1: while scanning for the next token found character '\\t'"),
        ("a: b\0", "line 1, column 5: a character U+0000 that is no text"),
        ("a:\n  b: \x07", "line 2, column 6: a character U+0007 that is no text"),
        ('a: "\\0"', "line 1, column 4: a character U+0000 that is no text"),
        ('a: "\\ud800"', "line 1, column 4: a character U+D800 that is no text"),
        ('a: "\\U00110000"', "line 1, column 7: "),
        ("a: 1\n---\na: 2", "line 2, column 1: expected a single document in the stream"),
        ("%YAML " + "1" * 5000 + ".1\n---\na: 1", "line 1, column 7: "),
        ("a" * (MOST_CHARACTERS + 1), "has 262,145 characters, at most 262,144 are read"),
    ],
)
def test_what_is_not_taken_is_refused_with_its_place(text, problem):
    with pytest.raises(YamlError) as caught:
        parse_yaml(text)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 500


def test_plain_values_are_read_as_everybody_means_them():
    text = "{a: 1_000, b: 1e-3, c: -2.5E+1, d: .inf, e: true, f: ~, g: 2024-13-45, h: '1e-3', i: 0x1F, j: '010', k: =}"
    assert parse_yaml(text) == {
        "a": 1000, "b": 0.001, "c": -25.0, "d": float("inf"), "e": True, "f": None, "g": "2024-13-45", "h": "1e-3",
        "i": 31, "j": "010", "k": "=",
    }  # fmt: skip
    assert parse_yaml("\ufeffa: 1") == {"a": 1}
    assert parse_yaml("") is None


def test_what_is_written_is_read_back_and_what_is_held_twice_is_written_twice():
    shared = ["1e-3", "yes", "010", "1:30", "2024-01-01", "~", "=", "<<", "", "0x1F", 1e-7, 1e300, -0.0, True, None, 7]
    content = {"one": shared, "other": shared, "12": {"on": 1}}
    text = dump_yaml(content)
    assert "&" not in text
    assert parse_yaml(text) == content


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("seed=*x", "seed=*x: the value is not YAML: line 1, column 1: an alias (*x) is not taken"),
        ("seed=0x_", "seed=0x_: the value is not YAML: line 1, column 1: 0x_ is not a number"),
        ("search.antithetic=yes", "write true or false"),
        ("seed=" + "[" * 300, "nested more than 50 deep"),
        ("seed=\udcff", "seed=\\udcff: the value is not YAML: line 1, column 1: a character U+DCFF that is no text"),
    ],
)
def test_overrides_are_read_by_the_same_rules_and_named(entry, problem):
    with pytest.raises(ConfigError) as caught:
        override({}, [entry])
    assert problem in str(caught.value)


def unreadable(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"")
    os.truncate(tmp_path / "large", 1 << 40)
    return {
        "pipe": "is not a regular file",
        "loop": "cannot be read: Too many levels",
        "folder": "is a directory",
        "large": "bytes, at most",
        "none": "is missing",
        "x" * 5000: "cannot be read: File name too long",
        "a\0b": "is no name of a file",
    }


def test_what_is_no_file_is_said(tmp_path):
    for name, problem in unreadable(tmp_path).items():
        with pytest.raises(ConfigError, match=problem):
            read_yaml(tmp_path / name)
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_yaml(Path("/dev/zero"))
    with pytest.raises(ConfigError, match=r"^CONFIG=.*pipe: is not a regular file$"):
        find_config(str(tmp_path / "pipe"))
    (tmp_path / "empty.yaml").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"must hold fields \(`key: value`\), but holds nothing"):
        read_yaml(tmp_path / "empty.yaml")


WORLD = {"world": {"name": "cart-pole"}}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"search": {"population": True}}, "search.population=True: must be an integer"),
        ({"learner": {"clip": True}}, "learner.clip=True: must be a number"),
        ({"learner": {"learn_until": False}}, "learner.learn_until=False: must be an integer"),
        ({"brain": {"hidden": [True]}}, "brain.hidden=[True]: must be an integer"),
        ({"drives": {"weights": {"fitness": True}}}, "drives.weights={'fitness': True}: must be a number"),
        ({"learner": {"learn_until": 10**28}}, "learner.learn_until=10000000000000000000000000000: must be 100000000"),
        ({"learner": {"learn_until": 1e28}}, "learner.learn_until=1e+28: must be an integer that is not so large"),
        ({"learner": {"epsilon": 1e-300}}, "learner.epsilon=1e-300: must be 1e-12 or more"),
        ({"learner": {"second_decay": 1 - 1e-16}}, "learner.second_decay=0.9999999999999999: must be 0.999999 or less"),
        ({"drives": {"weights": {"fitness": 1e300}}}, "drives.weights.fitness=1e+300: must be 1e+30 or less"),
        ({"seed": 10**5000}, "seed=(a number too long to be shown): must be"),
        ({"x" * 10**6: 1}, "has 1,000,000 characters, must have at most 1,000"),
        ({"world": {"name": "a" * 10**5}}, "... (100,002 characters): has 100,000 characters"),
        ({"world": {"name": "a\0"}}, "must be text, without zero bytes and halves of characters"),
        ({"world": {"name": "gymnasium:CartPole-v1{"}}, "world.name='gymnasium:CartPole-v1{': must be a name alone"),
        ({str(number): 1 for number in range(1000)}, "and 980 more"),
        ({"search": {"population": 10**6, "lives": 10**5}}, "search.population=1000000: makes 100,000,000,000 lives a"),
        (
            {"search": {"generations": 10**6, "population": 10**4, "selection_lifetime": 10**8}},
            "search.generations=1000000: makes 4,000,000,000,000,000,000 world steps",
        ),
        (
            {"evaluation": {"lives": 10**5, "lifetimes": [10**8], "bin_steps": 1}},
            "evaluation.bin_steps=1: makes 10,000,000,000,000 scores by age",
        ),
    ],
)
def test_numbers_and_texts_that_nothing_can_be_done_with_are_refused(content, problem):
    with pytest.raises(ConfigError) as caught:
        check_config(WORLD | content, "test")
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 10_000


def test_a_mapping_that_holds_itself_is_refused():
    content: dict = {"world": {"name": "cart-pole"}}
    content["world"]["kwargs"] = content
    with pytest.raises(ConfigError, match="nested more than 50 deep"):
        check_config(content, "test")
