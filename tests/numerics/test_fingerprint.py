"""What tells functions apart: what they do, wherever they stand and whatever is said of them."""

from types import CodeType

import pytest

from evolearn.numerics.fingerprint import identity_of


def code_of(source: str) -> CodeType:
    """The code of the one function that a source defines."""
    (found,) = (one for one in compile(source, "source", "exec").co_consts if isinstance(one, CodeType))
    return found


@pytest.mark.parametrize(
    "other",
    [
        '\n\ndef step():\n    return "left"',
        'def step():\n    """What it does."""\n    return "left"',
        'def step():\n    # why\n    return "left"',
    ],
    ids=["line", "docstring", "comment"],
)
def test_what_is_said_of_a_function_is_no_part_of_it(other: str) -> None:
    assert identity_of(code_of(other)) == identity_of(code_of('def step():\n    return "left"'))


def test_a_docstring_within_is_none_either() -> None:
    within = "def step(size):\n    def inner():\n        {}\n        return size\n    return inner"
    said, other, bare = (code_of(within.format(line)) for line in ('"""One."""', '"""Two."""', "# why"))
    assert identity_of(said) == identity_of(other) == identity_of(bare)


def test_the_first_string_of_a_function_without_a_docstring_is_part_of_it() -> None:
    left, right = (code_of(f'def step():\n    return "{word}"') for word in ("left", "right"))
    assert identity_of(left) != identity_of(right)
    assert identity_of(left)[3] == ["left"]
