"""Weights as a reader sees them: layers against chance, and which sense moves which muscle."""

from __future__ import annotations

from collections.abc import Iterator

from evolearn.report.chart import Axis, Chart, Panel, Series, View
from evolearn.report.inspection.marks import BORN, CHANCE, LIVED, START, listed, percent, short
from evolearn.report.inspection.section import Json, Section, Table
from evolearn.report.inspection.weights import muscle_table, sense_charts, sense_sentences

MOST_PANELS = 12  # of small panels in a chart


def weights_section(found: Json, about: Json) -> Section:
    """The section of weights.

    Args:
        found: see `evolearn.inspection.weights_section.inspect_weights`.
        about: the head of inspection.json; not used.
    """
    blocks = found["blocks"]
    charts = [*sense_charts(found), *_histograms(blocks), *_spectra(blocks)]
    return Section(
        "weights",
        "Weights",
        (*sense_sentences(found), *_sentences(found)),
        tuple(charts),
        (_block_table(found), muscle_table(found)),
    )


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
