"""Shared by tests: values that no file should hold, put in the place of every value that it does hold."""

import copy
import json
import typing

import pydantic
from hypothesis import settings, strategies as st

from evolearn.errors import UserError

# As in Python and JSON.
VALUES = [
    None, True, False, 0, -1, 1, 2, 0.5, -0.0, 5e-324, 1e-45, 1e-30, 3.5e38, 1e308, -1e308, float("inf"), float("nan"),
    10**9, 2**31, 2**32, 2**53 + 1, 2**63, 10**28, -(10**28), 10**399, "", " ", "x", "x" * 10**4, "x" * 10**6, "\0",
    "a\0b",
    "\ud800", "é😀", "../..", "/", ".", "..", "-h", "true", "1", "1e3", "1e999", "nan", "{", "{}", "{kwargs", "a.b:c",
    "gymnasium:", "gymnasium:{", "gymnasium:x y", "gymnasium:a:b:c", "none.py:x", "nobody:x", ":", "a:", "::", "%s",
    "{0}",
    "[bold]", "\n", "\x1b[31m", "=1+1", [], {}, [[]], [None], [True], ["a"], [1, 2], [1, [2]], ["a", "a"], [0.5] * 3,
    [10**28], [-1], [64] * 16, {"a": None}, {"a": 1}, {"": 1}, {"a.b": 1}, {"a": {"a": {"a": 1}}}, {"\0": 1},
    {"x" * 10**4: 1}, [{"name": "x"}], {"name": "x"}, [["a", "b"]], {"a": [1]}, [{}], list(range(500)),
]  # fmt: skip
# As in YAML alone.
TEXTS = [
    "2024-13-45", "2024-01-01", "0x_", "010", "1:30", "1:30.5", "1_0", "._", "1" * 5000, "!!int abc", "!!binary abc",
    "!!set {a}",
    "!!python/object:os.system {}", "*x", "&x [1]", "[*x]", "{<<: {a: 1}}", "{a: 1, a: 2}", "{1: 2}", "{null: 1}",
    "{[a]: b}", "{yes: 1}", "yes", "off", "~", "[" * 300, "{a: " * 60, "- 1", "? a", "'", '"\\ud800"', '"\\0"', "\t",
    "%", "@",
    "|", ".inf", "-.inf", ".nan", "1e400", "1.e+400", "=", "<<", "a: b: c", "--- 1", "# x", "",
]  # fmt: skip
values = st.sampled_from(VALUES) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def many(count):
    """As many examples as fit in the suite, or in the profile that is asked for; see tests/conftest.py."""
    return settings(max_examples=count * settings.default.max_examples // 20)


def allowed(act):
    """What it gives, or the text with which it is refused; anything else is raised."""
    try:
        return act()
    except UserError as error:
        text = str(error)
        assert text.strip(), "refused without a text"
        assert len(text) < 30_000, "a text that nobody reads"
        text.encode()
        return text


def fields_of(model, place=()):
    """The place of every field of a model of a config, sections and what they hold; a list's first entry is 0."""
    for name, field in model.model_fields.items():
        yield (*place, name)
        yield from _inside(field.annotation, (*place, name))


def _inside(annotation, place):
    kinds = typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield from fields_of(annotation, place)
        return
    step = {dict: "a", tuple: 0, list: 0}.get(typing.get_origin(annotation))
    inner = place if step is None else (*place, step)
    if step is not None:
        yield inner
    for kind in kinds:
        yield from _inside(kind, inner)


def places_in(content, place=()):
    """The place of every value in tables and lists; of long lists only the first and the last entries."""
    yield place
    if isinstance(content, dict):
        for name, value in content.items():
            yield from places_in(value, (*place, name))
    elif isinstance(content, list):
        for number in sorted({*range(min(2, len(content))), *range(max(0, len(content) - 1), len(content))}):
            yield from places_in(content[number], (*place, number))


def put(content, place, value):
    """The same with another value in one place; tables and lists on the way to it are made."""
    if not place:
        return value
    step, *rest = place
    if isinstance(step, int):
        made = list(content) if isinstance(content, list) else []
        made += [None] * (step + 1 - len(made))
        made[step] = put(made[step], rest, value)
        return made
    made = dict(content) if isinstance(content, dict) else {}
    made[step] = put(made.get(step), rest, value)
    return made


def without(content, place):
    """The same without what is in one place."""
    content = copy.deepcopy(content)
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    return content


def as_text(content):
    """As JSON, which YAML is too; what JSON has no word for in YAML's."""
    return json.dumps(content).replace("NaN", ".nan").replace("Infinity", ".inf")
