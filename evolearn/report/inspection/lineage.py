"""The way of the search in pictures: its path, when genes settled, and what rose first, innate or learned."""

from __future__ import annotations

from collections.abc import Sequence

from evolearn.report._chart import Axis, Chart, Look, Panel, Series, View
from evolearn.report._files import Json
from evolearn.report._looks import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, YELLOW
from evolearn.report.inspection.descent import descent_chart, descent_words
from evolearn.report.inspection.marks import diverged_words
from evolearn.report.inspection.section import Section, Table
from evolearn.report.texts import quantity

_BIRTH, _LEARNED = Look(ORANGE, "dash", "diamond"), Look(VERMILION)
_INNATE = Look(BLUE, "dot", "square")
_LOOKS = {"birth": _BIRTH, "innate": _INNATE, "learned": _LEARNED}
_NAMES = {
    "birth": "birth score, learning off",
    "innate": "late score, learning off",
    "learned": "score after learning",
}
_PATH, _WALK, _HERE = Look(BLUE), Look(GREY, "dot", "none"), Look(BLACK, "solid", "star")
_POINTS = {"centre": "the centre of the search", "best": "the best genome of the generation before"}
_BLOCK_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, SKY, YELLOW, ORANGE)
_TICKS = 9  # generations named along an axis
_SHOWN = 12  # rows of a table before "show all"


def lineage_section(found: Json, about: Json) -> Section:
    """How evolution came to this DNA.

    Args:
        found: of `inspect_lineage`.
        about: head of the inspection.
    """
    scores, descent = found["scores"], found.get("descent")
    return Section(
        key="lineage",
        title="Lineage: how evolution came here",
        sentences=(
            *_score_words(found),
            *_path_words(found),
            *_settling_words(found),
            *([descent_words(descent)] if descent else []),
        ),
        charts=(
            *([_score_chart(found)] if scores else []),
            _path_chart(found),
            _settling_chart(found),
            *([descent_chart(descent)] if descent else []),
        ),
        tables=(_ancestors(found), _genes(found), _numbers(found)),
    )


# --- what rose first ---


def _score_words(found: Json) -> tuple[str, ...]:
    scores = found["scores"]
    if scores is None:
        return (f"What rose first is not known: {found['no_scores']}.",)
    if not scores["learns"]:
        opening = (
            "Nobody learns here: there is nothing to assimilate. "
            f"Birth score: {_rise_words(scores, 'birth')}; late in life: {_rise_words(scores, 'innate')}."
        )
        return (opening, *_cautions(scores), *diverged_words(scores["diverged"], scores["lived"]))
    short = ""
    if scores["lifetime"] < scores["selection_lifetime"]:
        short = (
            f" Lives here are shorter than the {scores['selection_lifetime']:,} steps that evolution selected on: "
            "learning had less time."
        )
    return (
        f"{_outcome_words(scores)}{short}",
        _birth_words(scores),
        *_cautions(scores),
        *diverged_words(scores["diverged"], scores["lived"]),
    )


def _cautions(scores: Json) -> tuple[str, ...]:
    judged = (
        " The order is judged by the two late scores, of the same window of the same lives; the birth score is of "
        f"another age. Only some generations were kept, and a score rose somewhere between two of them: intervals "
        "allow for that, crossings are read off straight lines between. Together: a lag shown to be within "
        f"{scores['small']:.0%} of the generations."
        if scores["learns"]
        else ""
    )
    control = (
        " The order alone does not prove that learning guided evolution; a control that evolves with learning off "
        "would tell."
        if scores["learns"]
        else ""
    )
    return (
        f"Each ancestor lived the same {scores['lives']} fresh lives. Birth score: learning off, the first "
        f"{scores['birth_steps']:,} steps; late: the last quarter of {scores['lifetime']:,}.{judged} This is one run, "
        f"and intervals are over its lives: another run may go another way.{control}",
    )


def _outcome_words(scores: Json) -> str:
    innate, learned, lag = scores["innate"], scores["learned"], scores["lag"]
    when = ""
    if lag:
        when = (
            f" The score after learning had passed half of its rise at generation {_when(scores, learned)}, the same "
            f"late score without learning at {_when(scores, innate)}: {_lag_words(lag)}."
        )
    return {
        "assimilation": "Learned first, innate later: the order of genetic assimilation (the Baldwin effect)." + when,
        "instinct_first": "Instinct first, learning later: not the order of genetic assimilation." + when,
        "learned_close": (
            "Learned first, perhaps only just: the generations kept are too few to tell whether what is innate lagged "
            "behind by more than a moment, as in genetic assimilation." + when
        ),
        "innate_close": (
            "Instinct first, perhaps only just: the generations kept are too few to tell whether learning lagged "
            "behind by more than a moment." + when
        ),
        "together": "The innate score and the score after learning rose together." + when,
        "cannot_tell": "Both scores rose; which rose first cannot be told from these lives and generations." + when,
        "only_learned": (
            f"Only the score after learning rose, at generation {learned['rose_at']}: nothing that shows became innate "
            f"(without learning the late score {_change(innate)})."
        ),
        "only_innate": (
            f"Only the innate score rose, at generation {innate['rose_at']}: the score after learning did not "
            f"({_change(learned)})."
        ),
        "nothing": f"Nothing rose: innate score {_change(innate)}, score after learning {_change(learned)}.",
    }[scores["outcome"]]


def _birth_words(scores: Json) -> str:
    words = f"Birth score: {_rise_words(scores, 'birth')}"
    if scores["birth_lag"]:
        words += f", against the score after learning {_lag_words(scores['birth_lag'])}"
    return f"{words}."


def _rise_words(scores: Json, name: str) -> str:
    curve = scores[name]
    if curve["rose_at"] is None:
        return f"{_change(curve)}, no rise that these lives show"
    return f"half of its rise passed at generation {_when(scores, curve)}"


def _lag_words(lag: Json) -> str:
    value, low, high = (f"{round(lag[name], 1):g}".replace("-", "\N{MINUS SIGN}") for name in ("value", "low", "high"))
    return f"a lag of {value} generations [{low}, {high}]"


def _when(scores: Json, curve: Json) -> str:
    """The generation at which a score had risen, and the one before that was kept: "12 (not yet at 8)"."""
    generations = scores["generations"]
    return f"{curve['rose_at']} (not yet at {generations[generations.index(curve['rose_at']) - 1]})"


def _change(curve: Json) -> str:
    rise = curve["rise"]
    interval = "" if rise["low"] is None else f" [{quantity(rise['low'])}, {quantity(rise['high'])}]"
    return f"changed by {quantity(rise['value'])}{interval}"


def _score_chart(found: Json) -> Chart:
    scores, logged = found["scores"], found["logged"]
    generations = scores["generations"]
    looks = {name: look for name, look in _LOOKS.items() if scores["learns"] or name != "learned"}
    series = [_curve(_NAMES[name], look, generations, scores[name]) for name, look in looks.items()]
    for name, look in looks.items():
        at = scores[name]["rose_at"]
        if at is not None:
            height = scores[name]["mean"][generations.index(at)]
            note = f"passes half of its rise at generation {at}"
            series.append(Series(_NAMES[name], look, "points", (at + 1.0,), (height,), notes=(note,)))
    if logged["generation"] and found["points"] == "centre":
        x = tuple(generation + 1.0 for generation in logged["generation"])
        look = Look(GREY, "solid", "none")
        series.append(Series("fitness as selected on", look, "line", x, tuple(logged["fitness"]), faint=True))
    return Chart(
        "lineage_scores",
        "What rose first: what is innate, or what is learned?",
        "Score of the ancestors, in the same lives, with intervals over lives. Genetic assimilation: the score after "
        "learning rises first, and the same late score without learning follows. Birth score: of the first steps. "
        "Marks: half of the rise is passed for good. Grey: "
        "fitness of each generation's centre as evolution saw it, in other lives.",
        "",
        (View("scores", (Panel(_generations_axis(generations), Axis("score"), tuple(series)),)),),
    )


def _curve(name: str, look: Look, generations: Sequence[int], curve: Json) -> Series:
    x = tuple(generation + 1.0 for generation in generations)
    known = None not in curve["low"]
    low, high = (tuple(curve["low"]), tuple(curve["high"])) if known else ((), ())
    return Series(name, look, "line", x, tuple(curve["mean"]), low, high)


# --- the path ---


def _path_words(found: Json) -> tuple[str, ...]:
    path, walk = found["path"], found["path"]["walk"]
    if path["length"] == 0:
        return (f"From generation 0 to {found['generations'][-1]} {_POINTS[found['points']]} did not move.",)
    share = sum(path["explained"])
    way = (
        f"The way from generation 0 to {found['generations'][-1]} is {quantity(path['length'])} start-spreads long and "
        f"leads {quantity(path['net'])} away: straightness {path['straightness']:.2f} (1: a straight line). Two "
        f"components show {share:.0%} of it."
    )
    warning = "A random walk too draws a smooth arc in this plane (Antognini and Sohl-Dickstein 2018): "
    if walk:
        warning += (
            f"one with these step lengths and no aim would have straightness {walk['straightness']:.2f} and show "
            f"{sum(walk['explained']):.0%}. The arc is no finding; only what goes beyond the walk is."
        )
    else:
        warning += "do not read the arc as a turn of evolution."
    points = (
        ()
        if found["points"] == "centre"
        else (f"The search ({found['algorithm']}) has no centre: points are {_POINTS['best']}, and jump about.",)
    )
    return (f"{way} {warning}", *points)


def _path_chart(found: Json) -> Chart:
    path, walk, generations = found["path"], found["path"]["walk"], found["generations"]
    notes = tuple(f"generation {generation:,}" for generation in generations)
    x, y = tuple(path["x"]), tuple(path["y"])
    series = [
        Series("path", _PATH, "line", x, y),
        Series("path", _PATH, "points", x, y, notes=notes),
        Series("this DNA", _HERE, "points", (path["here"]["x"],), (path["here"]["y"],), notes=("this DNA",)),
    ]
    if walk:
        walked = Series("random walk, steps as long", _WALK, "line", tuple(walk["x"]), tuple(walk["y"]))
        series.insert(0, walked)
    first, second = path["explained"]
    return Chart(
        "lineage_path",
        "The path of the search",
        f"Each mark is {_POINTS[found['points']]} at a generation that was kept, from left to right, in the plane of "
        "the path's first two principal components; units are start-spreads. Dotted: a random walk with steps as "
        "long, in its own plane. Its arc looks alike though it aims at nothing.",
        "",
        (
            View(
                "path",
                (
                    Panel(
                        Axis(f"first component ({first:.0%} of variance)"),
                        Axis(f"second component ({second:.0%})"),
                        tuple(series),
                        height=420,
                    ),
                ),
            ),
        ),
    )


# --- when genes settled ---


def _generations_axis(kept: Sequence[int]) -> Axis:
    """A logarithmic axis on which generation 0 has its place: generation + 1; some of those kept are named."""
    every = -(-len(kept) // _TICKS)
    named = sorted({kept[0], *kept[::-1][::every]})
    ticks = tuple((generation + 1.0, f"{generation:,}") for generation in named)
    return Axis("generation (logarithmic)", "log", ticks, (0.9, (kept[-1] + 1.0) * 1.1))


def _settling_words(found: Json) -> tuple[str, ...]:
    """How much of the genome has settled."""
    blocks = found["blocks"]
    total = sum(block["numbers"] for block in blocks)
    last = found["generations"][-1]
    moving, stayed = (sum(block[name] for block in blocks) for name in ("moving", "stayed"))
    narrow = sum(block["numbers"] * block["narrow_by"][-1] for block in blocks)
    width = f"The search has narrowed to less than half of its start-spread about {narrow:,.0f}."
    if all(block["narrow_by"][0] == 1 for block in blocks):
        width = f"The search ({found['algorithm']}) samples nothing about its centre: it has no spread to narrow."
    return (
        f"Of {total:,} numbers in the genome {stayed:,} never left their final value, {moving:,} came to it only with "
        f"the last ancestor (generation {last}) and may still be moving. {width} A number that stays may be fixed by "
        "selection, or may not matter: staying alone does not tell which.",
    )


def _settling_chart(found: Json) -> Chart:
    """Shares of each gene's numbers that have settled, by generation."""
    views = (("settled", "settled_by", "share of numbers settled"), ("narrow", "narrow_by", "share narrowed"))
    return Chart(
        "lineage_settling",
        "When genes settled",
        f"Share of each gene's numbers that from a generation on stay near their final value: within "
        f"{found['near']:g} start-spreads, or {found['near_share']:.0%} of the farthest they ever were from it. The "
        "other view: about which the search keeps less than half of its start-spread. Drives and plasticity: all of "
        "their genes together. At the last ancestor all have their final value, by definition.",
        "measure",
        tuple(
            View(
                name,
                (Panel(_generations_axis(found["generations"]), Axis(title, span=(-0.02, 1.02)), _shares(found, by)),),
            )
            for name, by, title in views
        ),
    )


def _shares(found: Json, by: str) -> tuple[Series, ...]:
    x = tuple(generation + 1.0 for generation in found["generations"])
    lines: dict[str, list[Json]] = {}
    for block in found["blocks"]:
        lines.setdefault(block["gene"] if block["group"] == "weights" else block["group"], []).append(block)
    series = []
    for place, (name, blocks) in enumerate(lines.items()):
        numbers = sum(block["numbers"] for block in blocks)
        shares = tuple(
            sum(block["numbers"] * block[by][generation] for block in blocks) / numbers for generation in range(len(x))
        )
        colour = _BLOCK_COLOURS[place % len(_BLOCK_COLOURS)]
        dash = ("solid", "dash", "dot")[place // len(_BLOCK_COLOURS) % 3]
        series.append(Series(name, Look(colour, dash, "none"), "line", x, shares))
    return tuple(series)


# --- tables ---


def _ancestors(found: Json) -> Table:
    path, scores = found["path"], found["scores"]
    logged = dict(zip(found["logged"]["generation"], found["logged"]["fitness"], strict=True))
    lived = {generation: place for place, generation in enumerate(scores["generations"])} if scores else {}
    rows = []
    for place, generation in enumerate(found["generations"]):
        at = lived.get(generation)
        rows.append(
            (
                float(generation),
                path["steps"][place - 1] if place else None,
                path["from_start"][place],
                None if at is None else scores["birth"]["mean"][at],
                None if at is None else scores["innate"]["mean"][at],
                None if at is None else scores["learned"]["mean"][at],
                logged.get(generation),
            )
        )
    return Table(
        "lineage_ancestors",
        "Ancestors",
        "Step since the ancestor before and distance from the start in start-spreads; scores as means over lives; "
        "fitness as evolution saw it, in other lives.",
        ("generation", "step", "from start", "birth score", "late, learning off", "after learning", "fitness logged"),
        tuple(rows),
        (True,) * 7,
        _SHOWN,
    )


def _genes(found: Json) -> Table:
    rows = tuple(
        (
            block["gene"],
            block["group"],
            float(block["numbers"]),
            float(block["stayed"]),
            float(block["moving"]),
            block["settled"],
            block["narrow"],
        )
        for block in found["blocks"]
    )
    return Table(
        "lineage_genes",
        "When each gene settled",
        "Numbers of the gene that never left their final value, and that came to it with the last ancestor only; the "
        "generation by which half of the others had settled, and by which the search had narrowed about half of them "
        "(dash: not yet).",
        ("gene", "group", "numbers", "never left", "last to settle", "settled by generation", "narrow by generation"),
        rows,
        (False, False, True, True, True, True, True),
        _SHOWN,
    )


def _numbers(found: Json) -> Table:
    rows = tuple(
        (number["gene"], number["group"], number["change"], number["settled"], number["narrow"])
        for number in found["numbers"]
    )
    return Table(
        "lineage_numbers",
        "Numbers that changed most",
        "Change from the first to the last ancestor in start-spreads, the generation from which on the number stays "
        "near its final value, and from which on the search is narrow about it (dash: not yet).",
        ("number", "group", "change", "settled at generation", "narrow from generation"),
        rows,
        (False, False, True, True, True),
        _SHOWN,
    )
