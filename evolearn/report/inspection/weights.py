"""Weights as a reader sees them: layers against chance, and which sense moves which muscle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evolearn.report._chart import Axis, Chart, Heat, Panel, Series, View
from evolearn.report._files import Json
from evolearn.report.inspection.marks import BORN, CHANCE, LIVED, START, listed, percent, short, signed
from evolearn.report.inspection.section import Section, Table
from evolearn.report.texts import shortened

MOST_PANELS = 12  # of small panels in a chart
MOST_ROWS = 40  # senses in a heat map
MOST_TEXTS = 160  # cells with a number written in them
DEAD = 0.01  # of the strongest: below, a sense moves hardly anything
VALUE = "value"
AGES = (("born", "at birth"), ("lived", "after a life"), ("learned", "what life changed"))

Matrix = list[list[float]]


def weights_section(found: Json, about: Json) -> Section:
    """The section of weights.

    Args:
        found: see `evolearn.inspection._weights.inspect_weights`.
        about: the head of inspection.json; not used.
    """
    blocks = found["blocks"]
    charts = [*_sense_charts(found), *_histograms(blocks), *_spectra(blocks)]
    return Section(
        "weights",
        "Weights",
        (*_sense_sentences(found), *_sentences(found)),
        tuple(charts),
        (_block_table(found), *([_muscle_table(found)] if found["sensitivity"] else [])),
    )


# --- layers against chance ---


def _sentences(found: Json) -> Iterator[str]:
    matrices = [block for block in found["blocks"] if block["moved_share"] is not None and block["shape"][1:]]
    for block in matrices[:1]:
        norm, rank = block["norm"], block["effective_rank"]
        text = (
            f"{block['name']} moved by {short(block['moved_share'])} times the norm that it started with, is "
            f"{short(norm['born'] / norm['random'])} times as large as a random initialisation, and keeps the sign of "
            f"{percent(block['signs_kept'])} of its weights (50% is chance)"
        )
        if rank and rank["born"] is not None:
            where = "within" if rank["low"] <= rank["born"] <= rank["high"] else "outside"
            text += (
                f"; its effective rank, {short(rank['born'])}, is {where} the {short(rank['low'])} to "
                f"{short(rank['high'])} that 99% of random matrices of its shape have ({block['draws']} drawn)"
            )
        yield f"{text}."
    large = [block["name"] for block in found["blocks"] if block["too_large"]]
    if large:
        yield f"{listed(large)}: too large for singular values to be taken here; norms and signs are."
    if found["mode"] == "fixed":
        yield "The weights did not evolve: every life is born with the ones that evolution was given at its start."
    if found["lives"] is not None:
        lived = [block for block in matrices if block["norm"]["born"]]
        share = [block["lived"]["moved"] / block["norm"]["born"] for block in lived]
        if share:
            most = max(range(len(lived)), key=share.__getitem__)
            yield (
                f"A life of {found['lifetime']:,} steps moves {lived[most]['name']} most, by {percent(share[most])} of "
                f"its norm at birth (mean over {found['lives']} lives), and leaves "
                f"{percent(lived[most]['lived']['signs_kept'])} of its signs as they were."
            )
    if found["diverged"]:
        yield f"{found['diverged']} lives ended with weights that are not finite, and are left out."


def _histograms(blocks: list[Json]) -> Iterator[Chart]:
    shown = [block for block in blocks if block["histogram"]][:MOST_PANELS]
    if shown:
        yield Chart(
            "weights_histograms",
            "Weights by layer, against their random initialisation",
            "Bars: the weights at birth. Dotted: how many a random initialisation would be there. Solid: after a life. "
            "Bars that reach beyond the dotted line are weights that chance would not have given.",
            "layers",
            (View("layers", tuple(_histogram(block) for block in shown)),),
            small=True,
        )


def _histogram(block: Json) -> Panel:
    histogram = block["histogram"]
    x = tuple(histogram["centres"])
    series = [
        Series("at birth", BORN, "columns", x, tuple(histogram["born"]), width=histogram["width"]),
        Series("random initialisation", CHANCE, "steps", x, tuple(histogram["initial"])),
    ]
    if histogram["lived"]:
        series.append(Series("after a life", LIVED, "steps", x, tuple(histogram["lived"])))
    # A start much narrower than what evolved is a needle: it may leave the panel.
    top = 1.15 * max([*histogram["born"], *(histogram["lived"] or [])])
    highest = max(histogram["initial"])
    span = (0.0, top) if highest > 2.0 * top else None
    return Panel(Axis("weight"), Axis("weights", span=span), tuple(series), title=block["name"], height=180)


def _spectra(blocks: list[Json]) -> Iterator[Chart]:
    shown = [block for block in blocks if block["singular"]][:MOST_PANELS]
    if shown:
        yield Chart(
            "weights_spectra",
            "Singular values of the matrices",
            "A few large values and a steep fall mean that a layer listens in few directions. The band is where random "
            "initialisations lie (99% of them); that evolution moved all weights a little lifts the whole line.",
            "layers",
            (View("layers", tuple(_spectrum(block) for block in shown)),),
            small=True,
        )


def _spectrum(block: Json) -> Panel:
    singular = block["singular"]
    x = tuple(float(place + 1) for place in range(len(singular["born"])))
    series = [
        Series("random initialisation", CHANCE, "line", x, tuple(singular["random"]), tuple(singular["low"]),
               tuple(singular["high"])),
        Series("where evolution started", START, "line", x, tuple(singular["start"])),
        Series("at birth", BORN, "line", x, tuple(singular["born"])),
    ]  # fmt: skip
    if singular["lived"]:
        series.append(Series("after a life", LIVED, "line", x, tuple(singular["lived"])))
    every = -(-len(x) // 8)
    ticks = tuple((place, f"{place:.0f}") for place in x[::every])
    return Panel(Axis("number", ticks=ticks), Axis("singular value"), tuple(series), title=block["name"], height=180)


def _block_table(found: Json) -> Table:
    rows = []
    for block in found["blocks"]:
        norm, rank, lived = block["norm"], block["effective_rank"] or {}, block["lived"] or {}
        expected = "" if not rank or rank["low"] is None else f"{short(rank['low'])} to {short(rank['high'])}"
        rows.append(
            (block["name"], " x ".join(str(length) for length in block["shape"]), norm["born"], norm["random"],
             block["moved"], block["moved_share"], percent(block["signs_kept"]), percent(block["positive"]),
             rank.get("born"), expected, lived.get("moved"), percent(lived.get("signs_kept")), rank.get("lived"))
        )  # fmt: skip
    after = f"after a life of {found['lifetime']:,} steps, mean over {found['lives']} lives" if found["lives"] else ""
    return Table(
        "weights_blocks",
        "Layers",
        "Norm: Frobenius; random: its mean over random initialisations. Moved: distance from where evolution started, "
        "and as a share of the norm there. Signs kept: of the start; 50% is chance. Effective rank: in how many "
        "directions a matrix works, from 1 to its shorter side; random: where 99% of random initialisations lie"
        + (f". In life: {after}." if after else "."),
        ("layer", "shape", "norm", "random", "moved", "moved / start", "signs kept", "positive", "effective rank",
         "random", "moved in life", "signs kept in life", "rank after life"),
        tuple(rows),
        (False, False, *(True,) * 11),
    )  # fmt: skip


# --- which sense moves which muscle ---


def _scaled(sensitivity: Json, age: str, kind: str) -> Matrix | None:
    """Sensitivities [O, outputs] per standard deviation of each observation, where that is known."""
    if sensitivity[age] is None:
        return None
    rows = sensitivity[age][kind]
    scales = sensitivity["stdev"] or [1.0] * len(rows)
    return [[scale * value for value in row] for scale, row in zip(scales, rows, strict=True)]


def _effect(found: Json) -> str:
    return str(found.get("output", "the policy's output"))


def _sense_sentences(found: Json) -> Iterator[str]:
    """What one should see in the heat maps."""
    sensitivity = found["sensitivity"]
    if sensitivity is None:
        yield (
            "Which sense moves which muscle is not shown: this brain carries a state from step to step, so that the "
            "same observation has another answer whenever it remembers something else."
        )
        return
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


def _sense_charts(found: Json) -> Iterator[Chart]:
    """The heat maps, one view per age."""
    sensitivity = found["sensitivity"]
    if sensitivity is None:
        return
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


def _muscle_table(found: Json) -> Table:
    """Every sense with every output, the strongest first."""
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
