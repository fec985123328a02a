"""Which sense moves which muscle, as a reader sees it: heat maps at birth, after a life, and what life changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evolearn.errors import PartNotFound
from evolearn.report.chart import Axis, Chart, Heat, Panel, View
from evolearn.report.inspection.marks import listed, short, signed
from evolearn.report.inspection.section import Json, Table
from evolearn.report.texts import shortened

MOST_ROWS = 40  # senses in a heat map
MOST_TEXTS = 160  # cells with a number written in them
DEAD = 0.01  # of the strongest: below, a sense moves hardly anything
VALUE = "value"
AGES = (("born", "at birth"), ("lived", "after a life"), ("learned", "what life changed"))

Matrix = list[list[float]]


def _scaled(sensitivity: Json, age: str, kind: str) -> Matrix | None:
    """Sensitivities [O, outputs] per standard deviation of each observation, where that is known."""
    if sensitivity[age] is None:
        return None
    rows = sensitivity[age][kind]
    scales = sensitivity["stdev"] or [1.0] * len(rows)
    return [[scale * value for value in row] for scale, row in zip(scales, rows, strict=True)]


def _effect(found: Json) -> str:
    from evolearn.agent import Policy, find_policy  # brings the compiler, which no other page needs

    try:
        return find_policy(found["policy"]).output
    except PartNotFound:  # a page can be written where the part is not
        return Policy.output


def sense_sentences(found: Json) -> Iterator[str]:
    """What one should see in the heat maps.

    Args:
        found: see `evolearn.inspection.weights_section.inspect_weights`.
    """
    sensitivity = found["sensitivity"]
    names, outputs = sensitivity["observations"], sensitivity["outputs"]
    strength = _scaled(sensitivity, "born", "rms")
    mean = _scaled(sensitivity, "born", "mean")
    assert strength is not None
    assert mean is not None
    muscles = [place for place, name in enumerate(outputs) if name != VALUE]
    largest = max(max(row[place] for place in muscles) for row in strength)
    if largest == 0.0:
        yield "At birth no sense moves any action: the policy is the same whatever is observed."
        return
    row, column = max(
        ((row, column) for row in range(len(names)) for column in muscles), key=lambda at: strength[at[0]][at[1]]
    )
    unit = "one standard deviation" if sensitivity["stdev"] else "one unit"
    yield (
        f"At birth, {names[row]} moves {outputs[column]} most: at the slope there, {unit} more of it would change "
        f"{_effect(found)} by {signed(mean[row][column])} on average (root mean square "
        f"{short(strength[row][column])}); a brain that saturates or a world that clips actions makes less of it."
    )
    still = [name for name, stdev in zip(names, sensitivity["stdev"] or [], strict=False) if stdev == 0.0]
    weak = [
        name
        for name, entry in zip(names, strength, strict=True)
        if max(entry[place] for place in muscles) < DEAD * largest and name not in still
    ]
    if weak:
        yield f"{listed(weak)} {'moves' if len(weak) == 1 else 'move'} hardly anything: below 1% of the strongest."
    if still:
        yield f"{listed(still)} never changed in these lives: whatever the brain would make of a change is not counted."
    changed = _scaled(sensitivity, "learned", "rms")
    if changed is not None:
        total, before = (
            sum(line[place] ** 2 for line in part for place in muscles) ** 0.5 for part in (changed, strength)
        )
        critic = " (the value, which has units of its own, not counted)" if VALUE in outputs else ""
        yield (
            f"What a life changes in what senses do to actions is {short(total / before)} times as large as what is "
            f"innate{critic}."
        )
    yield (
        "Without its world, sensitivities are taken with every observation at zero, per unit of each: numbers of "
        "different units cannot be compared."
        if not sensitivity["met"]
        else "A sensitivity is the slope at what is observed, not a cause of behaviour: lesions show what is needed."
    )


def sense_charts(found: Json) -> Iterator[Chart]:
    """The heat maps, one view per age.

    Args:
        found: see `evolearn.inspection.weights_section.inspect_weights`.
    """
    sensitivity = found["sensitivity"]
    ages = [(age, name) for age, name in AGES if sensitivity[age] is not None]
    born = _scaled(sensitivity, "born", "rms")
    assert born is not None
    order = sorted(range(len(born)), key=lambda row: -max(born[row]))[:MOST_ROWS]
    order = sorted(order, reverse=True)  # rows are drawn from below
    unit = "per standard deviation of the observation in these lives" if sensitivity["stdev"] else "per unit"
    over = f"the {sensitivity['met']:,} observations met at birth" if sensitivity["met"] else "observation zero"
    yield Chart(
        "weights_senses",
        "Which sense moves which muscle",
        f"The slope of {_effect(found)}, {unit}, over {over}. Left the mean with its sign, right the root mean square: "
        "where only the right is strong, the sense moves the output now one way, now the other."
        + ("" if len(ages) == 1 else " Every age is looked at with the same observations."),
        "age",
        tuple(View(name, _panels(sensitivity, age, order)) for age, name in ages),
    )


def _panels(sensitivity: Json, age: str, order: list[int]) -> tuple[Panel, ...]:
    bounds: dict[str, float] = {}
    for kind in ("mean", "rms"):
        # Birth and life in the same colours, what changed in its own.
        ages = ("learned",) if age == "learned" else ("born", "lived")
        parts = [part for name in ages if (part := _scaled(sensitivity, name, kind)) is not None]
        bounds[kind] = max(abs(value) for part in parts for row in part for value in row) or 1.0
    return tuple(
        Panel(
            Axis(""),
            Axis(""),
            heat=_heat(sensitivity, age, kind, order, bounds[kind]),
            title=title,
            height=130 + 24 * len(order),
        )
        for kind, title in (("mean", "mean"), ("rms", "root mean square"))
    )


def _heat(sensitivity: Json, age: str, kind: str, order: list[int], bound: float) -> Heat:
    found = _scaled(sensitivity, age, kind)
    assert found is not None
    values = tuple(tuple(found[row]) for row in order)
    write = sum(len(row) for row in values) <= MOST_TEXTS
    look: dict[str, Any] = {} if kind == "mean" else {"scale": "sequential", "span": (0.0, bound)}
    return Heat(
        tuple(shortened(name, 16) for name in sensitivity["outputs"]),
        tuple(shortened(sensitivity["observations"][row]) for row in order),
        values,
        tuple(tuple(_cell(value) for value in row) for row in values) if write else (),
        "slope",
        bound,
        **look,
    )


def _cell(value: float) -> str:
    """As few letters as fit into a cell."""
    text = f"{value:.2f}" if abs(value) < 10.0 else f"{value:.3g}"
    return "0" if text in ("0.00", "-0.00") else text.replace("-", "\N{MINUS SIGN}")


def muscle_table(found: Json) -> Table:
    """Every sense with every output, the strongest first.

    Args:
        found: see `evolearn.inspection.weights_section.inspect_weights`.
    """
    sensitivity = found["sensitivity"]
    matrices = {
        (age, kind): _scaled(sensitivity, age, kind) for age in ("born", "lived", "learned") for kind in ("mean", "rms")
    }
    rows: list[tuple[Any, ...]] = []
    for row, sense in enumerate(sensitivity["observations"]):
        for column, output in enumerate(sensitivity["outputs"]):
            cells = [None if part is None else part[row][column] for part in matrices.values()]
            rows.append((sense, output, *cells))
    rows.sort(key=lambda cells: -cells[3])
    unit = "per standard deviation of the observation" if sensitivity["stdev"] else "per unit of the observation"
    return Table(
        "weights_senses_table",
        "Every sense and every output",
        f"Slopes {unit}: mean, and root mean square, over observations (after a life: and over lives).",
        ("sense", "output", "mean at birth", "rms at birth", "mean after life", "rms after life", "mean change",
         "rms change"),
        tuple(rows),
        (False, False, *(True,) * 6),
        shown=12,
    )  # fmt: skip
