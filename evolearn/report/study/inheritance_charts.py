"""What evolution did: its own curves, and the drives and plasticity that it left in the DNA of every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolearn.report._chart import Axis, Chart, Look, Panel, Series, View, log_axis, spread_out
from evolearn.report._files import Json
from evolearn.report._looks import arm_looks
from evolearn.report.study.score_charts import condition_ticks
from evolearn.report.texts import quantity
from evolearn.verdict import run_names

_RESTARTED = (
    " Some searches stagnated and began again: shown is the restart that the result came from, from the generation at "
    "which it began, marked by a point."
)
CURVE_NUMBERS = 24_000  # numbers that all curves of evolution may take on the page, which has to stay small


def inheritance_charts(verdict: Json) -> list[Chart]:
    """The charts of evolution and of what is inherited, in the order of the page.

    Args:
        verdict: verdict.json.
    """
    return [*_evolution(verdict), *_genes(verdict, "drives"), *_genes(verdict, "plasticity")]


def _evolution(verdict: Json) -> Iterator[Chart]:
    runs = [
        run
        for condition in verdict["conditions"]
        for arm in condition["arms"].values()
        if arm.get("evolution")
        for run in arm["evolution"]["runs"]
    ]
    if not runs:
        return
    points = max(12, CURVE_NUMBERS // (2 * len(runs)))
    yield Chart(
        "evolution",
        "How evolution went",
        "Fitness over a selection life, by generation, one line per run: solid for the centre of the search, faint "
        "for the best of each generation, which is flattered by luck. A centre that still climbs at the "
        "right end had not converged."
        + (_RESTARTED if any(len(set(run.get("restart") or ())) > 1 for run in runs) else ""),
        "condition",
        tuple(
            View(row["name"], (_evolution_panel(verdict, row, points),), _convergence_note(row))
            for row in verdict["conditions"]
            if any(arm.get("evolution") for arm in row["arms"].values())
        ),
    )


def _evolution_panel(verdict: Json, condition: Json, points: int) -> Panel:
    looks = arm_looks(list(verdict["arms"]))
    series = []
    for faint, name in ((True, "best"), (False, "centre")):
        for arm, entry in condition["arms"].items():
            for run in entry["evolution"]["runs"] if entry.get("evolution") else []:
                rows = [(place + 1.0, float(y)) for place, y in enumerate(run[name], _begins(run)) if y is not None]
                kept = [rows[place] for place in thinned(len(rows), points)]
                if kept:
                    x, y = (tuple(row[axis] for row in kept) for axis in range(2))
                    series.append(Series(arm, looks[arm], "line", x, y, faint=faint))
                if kept and _begins(run) and not faint:
                    note = f"run {run['run']}: restart {run['from_restart']} begins, the result is of it"
                    series.append(Series(arm, looks[arm], "points", x[:1], y[:1], notes=(note,)))
    own = {entry.get("selection_lifetime") for entry in condition["arms"].values() if entry.get("evolution")} - {None}
    lifetimes = sorted(own or {condition["selection_lifetime"]})
    lived = " or ".join(quantity(lifetime, "world steps") for lifetime in lifetimes)
    return Panel(Axis("generation"), Axis(f"fitness, lives of {lived} steps"), tuple(series), height=400)


def _begins(run: Json) -> int:
    """The generation, from 0, at which the restart began that a run's curves are of."""
    restarts: list[int] = run.get("restart") or [0]
    return restarts.index(run.get("from_restart", 0))


def _convergence_note(condition: Json) -> str:
    found = {arm: entry["evolution"]["converged"] for arm, entry in condition["arms"].items() if entry.get("evolution")}
    late = [arm for arm, converged in found.items() if converged is False]
    unknown = [arm for arm, converged in found.items() if converged is None]
    notes = [f"Not converged: {', '.join(late)}."] if late else []
    notes += [f"Too few generations to say: {', '.join(unknown)}."] if unknown else []
    notes = notes or ["All searches converged."]
    stuck = {arm: entry["evolution"]["stuck"] for arm, entry in condition["arms"].items() if entry.get("evolution")}
    notes += [f"Stuck: {run_names(runs)} of {arm}." for arm, runs in stuck.items() if runs]
    return " ".join(notes)


def thinned(length: int, points: int) -> list[int]:
    """Places of at most `points` entries out of `length`, evenly spaced, the first and the last among them."""
    if length <= points:
        return list(range(length))
    return [round(place * (length - 1) / (points - 1)) for place in range(points)]


def _genes(verdict: Json, group: str) -> Iterator[Chart]:
    names = list(dict.fromkeys(name for _, _, run in _dna(verdict, group) for name in run[group]))
    if not names:
        return
    title, sentence = {
        "drives": (
            "Evolved drives, run by run",
            "Weight of each drive in the reward that the newborn will feel. Runs that agree found a drive that "
            "matters; marks scattered about zero are drives that evolution did not care about.",
        ),
        "plasticity": (
            "Evolved plasticity, run by run",
            "How the newborn will learn. Marks of one arm close together: runs agree on how fast and how far-sighted "
            "learning should be.",
        ),
    }[group]
    panels = tuple(_gene_panel(verdict, group, name) for name in names)
    yield Chart(group, title, sentence, "", (View("", panels),))


def _dna(verdict: Json, group: str) -> Iterator[tuple[int, str, Json]]:
    """Place of the condition, arm and DNA of every run of arms that inherit `group`: others have it from a table."""
    for place, condition in enumerate(verdict["conditions"]):
        for arm, entry in condition["arms"].items():
            for run in (entry.get("dna") or []) if verdict["arms"][arm][group] == "inherited" else []:
                yield place, arm, run


def _gene_panel(verdict: Json, group: str, name: str) -> Panel:
    found = [(place, arm, run) for place, arm, run in _dna(verdict, group) if name in run[group]]
    values = [float(run[group][name]) for _, _, run in found]
    arms = [arm for arm in verdict["arms"] if any(arm == other for _, other, _ in found)]
    looks, ticks = arm_looks(list(verdict["arms"])), condition_ticks(verdict)
    offsets = dict(zip(arms, spread_out(len(ticks), len(arms)), strict=True))
    series = [_gene_series(arm, looks[arm], offsets[arm], found, group, name) for arm in arms]
    wide = min(values) > 0 and max(values) > 30 * min(values)
    unit = "reward per unit of sense" if group == "drives" else "natural units"
    return Panel(
        Axis("", ticks=ticks, span=(-0.5, len(ticks) - 0.5)),
        log_axis(unit, values) if wide else Axis(unit, span=_span(values)),
        tuple(series),
        title=name.replace("_", " "),
        height=230,
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis about `values`; values that are all alike do not get an axis of rounding errors."""
    low, high = min(values), max(values)
    room = max(0.12 * (high - low), 0.05 * max(abs(low), abs(high))) or 1.0
    return low - room, high + room


def _gene_series(
    arm: str, look: Look, offset: float, found: Sequence[tuple[int, str, Json]], group: str, name: str
) -> Series:
    own = [(place, run) for place, other, run in found if other == arm]
    return Series(
        arm,
        look,
        "points",
        tuple(place + offset for place, _ in own),
        tuple(float(run[group][name]) for _, run in own),
        notes=tuple(f"run {run['run']}: {quantity(run[group][name])}" for _, run in own),
        faint=len({place for place, _, _ in found}) > 5,  # small marks where many conditions share the width
    )
