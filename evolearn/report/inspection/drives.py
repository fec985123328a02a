"""The evolved reward as a reader sees it: weights, what they amount to, and reward along a life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evolearn.report._chart import Axis, Chart, Look, Panel, Rule, Series, View
from evolearn.report._files import Json
from evolearn.report._looks import BLACK
from evolearn.report.inspection.marks import BORN, START, listed, looks_of, percent, short, signed
from evolearn.report.inspection.section import Section, Table
from evolearn.report.texts import shortened

MOST_RULES = 8  # ends of episodes that are marked
SHOWN_LINES = 8  # drives along a life
NOTHING = 1e-3  # of the largest: a drive that hardly pays is not drawn along a life
_TOTAL = Look(BLACK, "dot", "none")


def drives_section(found: Json, about: Json) -> Section:
    """The section of drives.

    Args:
        found: see `evolearn.inspection._drives.inspect_drives`.
        about: the head of inspection.json; not used.
    """
    return Section(
        "drives",
        "Drives",
        tuple(_sentences(found)),
        (_weights(found), _amounts(found), *_along(found)),
        (_table(found),),
    )


def _sentences(found: Json) -> Iterator[str]:
    drives = [drive for drive in found["drives"] if drive["weight"]]
    if not drives:
        yield "No drive has any weight: this newborn is rewarded by nothing, and nothing can be learned from reward."
        return
    if found["taught"]:
        yield "The reward is a teacher's signal here: it says how wrong an answer was, and is no wish of its own."
    formula = " ".join(f"{signed(drive['weight'])} {drive['name']}" for drive in drives)
    yield f"The reward of a step is {formula}."
    yield _variation(found, drives)
    unmet = [drive["name"] for drive in drives if drive["mean"] == 0.0 and drive["stdev"] == 0.0]
    if unmet:
        yield (
            f"{listed(unmet)} {'has' if len(unmet) == 1 else 'have'} weight and never occurred in these lives: the "
            "share of nothing, and no proof of a drive without use."
        )
    level = [drive["name"] for drive in drives if drive["stdev"] == 0.0 and drive["mean"] != 0.0]
    if level and drives[0]["share_variance"] is not None:
        yield f"{listed(level)} paid the same in every step of them: that can only teach where episodes end."
    fitness = found["drives"][0]
    if fitness["evolved"] and fitness["weight"] <= 0.0:
        yield (
            f"Fitness itself has the weight {short(fitness['weight'])}: this newborn does not strive for what it is "
            "selected for, and does it by other drives or by instinct."
        )
    if not found["learns"]:
        yield "Nothing is learned in lives of this kind: no life reads these weights, and they could drift."
    elif found["mode"] == "fresh":
        yield "Drive weights are drawn afresh in every life; the weights shown are the middle of that draw."
    elif found["mode"] == "fixed":
        yield "Drive weights did not evolve in this run: this is the reward that it was given."


def _variation(found: Json, drives: list[Json]) -> str:
    if drives[0]["share_variance"] is None:
        return (
            f"The reward was {short(found['reward_mean'])} in every step of {found['lives']} lives without learning: "
            "that can only teach where episodes end."
        )
    ranked = sorted(drives, key=lambda drive: -abs(drive["share_variance"]))
    shares = listed(f"{drive['name']} {percent(drive['share_variance'])}" for drive in ranked[:3])
    return (
        f"Weights alone have no scale. In the first {found['steps']:,} steps of {found['lives']} lives without "
        f"learning the reward varies (mean {short(found['reward_mean'])}, standard deviation "
        f"{short(found['reward_stdev'])}) by: {shares}. Other lives, and what is learned, shift these shares."
    )


def _places(drives: list[Json]) -> tuple[tuple[float, ...], Axis]:
    places = tuple(-float(place) for place in range(len(drives)))
    ticks = tuple((at, shortened(drive["name"])) for at, drive in zip(places, drives, strict=True))
    return places, Axis("", ticks=ticks, span=(-len(drives) + 0.4, 0.6))


def _weights(found: Json) -> Chart:
    drives = found["drives"]
    places, names = _places(drives)
    series = []
    for name, kind, look, shift in (("start of evolution", "start", START, 0.14), ("at birth", "weight", BORN, -0.14)):
        values = tuple(drive[kind] for drive in drives)
        ends: dict[str, Any] = {}
        if any(drive[f"{kind}_low"] is not None for drive in drives):
            for side in ("low", "high"):
                marks = (drive[f"{kind}_{side}"] for drive in drives)
                ends[side] = tuple(value if mark is None else mark for mark, value in zip(marks, values, strict=True))
        at = tuple(place + shift for place in places)
        notes = tuple(f"{drive['name']}: {short(drive[kind])}" for drive in drives)
        series.append(Series(name, look, "points", values, at, **ends, interval="x", notes=notes))
    panel = Panel(Axis("weight"), names, tuple(series), (Rule(0.0, "", "x"),), height=130 + 34 * len(drives))
    return Chart(
        "drives_weights",
        "The evolved reward",
        "The weight of every drive, where evolution started and at birth; whiskers: one standard deviation of the "
        "search, at the start and left at the end. What a weight amounts to depends on the size of its drive.",
        "drives",
        (View("weights", (panel,)),),
    )


def _amounts(found: Json) -> Chart:
    drives = found["drives"]
    places, names = _places(drives)
    panels = []
    for kind, title in (("mean", "mean reward per step"), ("stdev", "standard deviation of the reward")):
        notes = tuple(
            f"{drive['name']}: {short(drive[kind])}; {percent(drive['share_mean'])} of all absolute means, "
            f"{percent(drive['share_variance'])} of the variance"
            for drive in drives
        )
        bars = Series("", BORN, "bars", tuple(drive[kind] for drive in drives), places, interval="x", notes=notes)
        panels.append(Panel(Axis(title), names, (bars,), height=110 + 26 * len(drives)))
    return Chart(
        "drives_amounts",
        "What each drive amounts to",
        "Weight times drive in the newborn's own first steps, learning off. Left: what it pays on average. Right: how "
        "much it varies, which is what can be learned from; a constant pay only teaches where episodes end.",
        "drives",
        (View("amounts", tuple(panels)),),
    )


def _along(found: Json) -> Iterator[Chart]:
    along = found["along"]
    sizes = {drive["name"]: drive["stdev"] + abs(drive["mean"]) for drive in found["drives"] if drive["weight"]}
    names = sorted(sizes, key=lambda name: -sizes[name])[:SHOWN_LINES]
    names = [name for name in names if sizes[name] > NOTHING * sizes[names[0]]]
    if not names:
        return
    looks = looks_of(names)
    views = []
    for view in along["views"]:
        age = tuple(float(step) for step in view["age"])
        series = [Series(name, looks[name], "line", age, tuple(view["drives"][name])) for name in names]
        series.append(Series("reward", _TOTAL, "line", age, tuple(view["reward"])))
        ends = view["ends"]
        rules = [Rule(0.0, "", "y")]
        if len(ends) <= MOST_RULES:
            rules += [Rule(float(step), "" if place else "episode ends", "x") for place, step in enumerate(ends)]
        note = f"{len(ends)} episodes end." if len(ends) > MOST_RULES else ""
        panel = Panel(Axis("age, world steps"), Axis("reward per step"), tuple(series), tuple(rules), height=320)
        views.append(View(view["name"], (panel,), note))
    yield Chart(
        "drives_along",
        "Reward along a life, by drive",
        f"Running means over {along['window']} steps of weight times drive in life {along['life']}, that of "
        "the replay. One life is an example, not evidence.",
        "learning",
        tuple(views),
    )


def _table(found: Json) -> Table:
    return Table(
        "drives_table",
        "Every drive",
        "Weights in natural units. Mean and standard deviation: of weight times drive per step. Share of mean: of the "
        "sum of absolute means; share of variance: covariance with the reward over the reward's variance, so that the "
        "shares sum to 100% and a drive that works against the others has a negative one.",
        ("drive", "kind", "weight", "start", "mean", "standard deviation", "share of mean", "share of variance"),
        tuple(
            (drive["name"], drive["kind"] if drive["evolved"] else f"{drive['kind']}, not evolved", drive["weight"],
             drive["start"], drive["mean"], drive["stdev"], percent(drive["share_mean"]),
             percent(drive["share_variance"]))
            for drive in found["drives"]
        ),
        (False, False, *(True,) * 6),
    )  # fmt: skip
