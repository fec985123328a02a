"""JSON that everybody can read."""

import json
import math

from evolearn.files import json_text


def test_what_is_not_finite_is_null() -> None:
    content = {"a": math.nan, "b": [1.5, -math.inf, {"c": (math.inf, "NaN", None, 3)}]}
    assert json.loads(json_text(content)) == {"a": None, "b": [1.5, None, {"c": [None, "NaN", None, 3]}]}
    assert json_text([1, 2.5], separators=(",", ":")) == "[1,2.5]"
