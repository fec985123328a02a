"""Made-up inspections: what inspection.json holds, and sections of every kind of drawing."""

import contextlib
import json
import math

import pytest
from study_on_disk import made_up_replay

from evolearn.report import inspected, write_inspection_report
from evolearn.report.chart import Axis, Chart, Heat, Look, Panel, Rule, Series, View
from evolearn.report.looks import BLUE, GREEN, GREY, ORANGE, VERMILION
from evolearn.report.section import Section, Table

GENES = 3000


def made_up_about(**changes):
    return {
        "name": "savannah-seed0-1", "dna": "runs/savannah-seed0-1", "sha256": "ab" * 32, "role": "centre", "generation": 29,
        "world": "savannah", "world_summary": "A foal, its mother and a lion.", "parameters": {"alpha": 70.0},
        "observations": ["mother_x", "mother_y"], "units": ["m", "m"], "actions": ["left", "right"],
        "drives": ["fitness", "near mother"], "seed": 0, "algorithm": "pgpe", "population": 64, "generations": 30,
        "selection_lifetime": 6000, "lifetime": 6000, "birth_steps": 600, "birth_lives": 128, "lives": 24,
        "extent": "full", "age": None, "genes": GENES, "learner": "actor_critic",
        "brain": {"trunk": "mlp", "hidden": [24], "observations": 2, "actions": 2, "policy": "gaussian"}, "warning": "",
        **changes,
    }  # fmt: skip


def made_up_inspection(sections, replays=(), **about):
    """What inspection.json holds; `sections` from key to found, or to a text that says why there is nothing."""
    return {
        "kind": "inspection",
        "format": 1,
        "about": made_up_about(**about),
        "command": "evolearn inspect runs/savannah-seed0-1",
        "sections": [
            {"key": key, "title": key.capitalize(), "seconds": 0.1}
            | ({"found": None, "missing": found} if isinstance(found, str) else {"found": found, "missing": ""})
            for key, found in sections.items()
        ],
        "replays": list(replays),
        "environment": {"packages": {"evolearn": "0.1.0"}, "commit": None},
    }


def write_inspection(folder, content, builders, figures=False):
    """inspection.json and its page, with sections as `builders` make them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inspection.json").write_text(json.dumps(content))
    with patched_builders(builders):
        return write_inspection_report(folder, figures)[0]


@contextlib.contextmanager
def patched_builders(builders):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspected, "BUILDERS", builders)
        yield


def gene_section(found, about):
    name = found["name"]
    rows = tuple((f"{name}{n}", "weights", math.sin(n), None if n % 7 == 0 else n / 1000, n) for n in range(GENES))
    columns = ("gene", "group", "value", "spread left", "place")
    numeric = (False, False, True, True, True)
    histogram = Chart(
        "genes_values", f"Values of {name}", "How the values are spread, against those of a random newborn.", "layer",
        tuple(View(layer, (Panel(
            Axis("value, gene units"), Axis("genes"),
            (Series("evolved", Look(VERMILION, marker="none"), "columns", tuple(n / 4 for n in range(-8, 9)),
                    tuple(100 * math.exp(-((n / 4) ** 2)) for n in range(-8, 9))),
             Series(name, Look(GREY, marker="none"), "steps", tuple(n / 4 for n in range(-8, 9)),
                    tuple(80.0 for _ in range(17)))),
            rules=(Rule(0.0, "zero", "x"),),
        ),)) for layer in ("hidden", name)),
    )  # fmt: skip
    return Section(
        "genes", "Genes", (f"Evolution fixed 12 of {GENES} genes; most is {name}.", "The others drift."),
        (histogram,),
        (Table("genes", f"Genes of {name}", "Values in natural units.", columns, rows, numeric, shown=50),
         Table("few", "Few", "", ("what", "how much"), (("b", 2.5), ("a", -1.0), ("c", None)), (False, True))),
    )  # fmt: skip


def repertoire_section(found, about):
    panels = tuple(
        Panel(Axis("observation"), Axis("action"), (Series("at birth", Look(BLUE, marker="none"), "line", (0.0, 1.0), (0.0, n / 9)),),
              title=f"sense {n}", height=160)
        for n in range(10)
    )  # fmt: skip
    curves = Chart("repertoire_curves", "Response curves", "What each sense does to the action.", "action",
                   (View("left", panels),), small=True)  # fmt: skip
    return Section("repertoire", "Innate repertoire", ("At birth it scores 0.41 [0.40, 0.43].",), (curves,))


def landscape_section(found, about):
    places = tuple(n / 5 - 1 for n in range(11))
    values = tuple(tuple(math.exp(-(x * x) - y * y) for x in places) for y in places)
    around = [n / 10 for n in range(11)]
    path = (
        Series(
            "path of the search", Look(VERMILION, marker="none"), "line", tuple(x - 1 for x in around), tuple(around)
        ),
        Series("start", Look(ORANGE, marker="square"), "points", (-1.0,), (0.0,)),
        Series("evolved", Look(VERMILION), "points", (0.0,), (1.0,), notes=("here evolution ended",)),
    )
    plane = Heat((), (), values, (), "score", 1.0, "sequential", (0.0, 1.0), (places, places))
    change = Heat((), (), tuple(tuple(2 * v - 1 for v in row) for row in values), (), "score", 1.0, at=(places, places))
    named = Heat(("x", "y"), ("left", "right"), ((0.5, -0.5), (None, 1.0)), (("0.5", "−0.5"), ("–", "1")), "d", 1.0)
    x, y = Axis("direction 1"), Axis("direction 2")
    chart = Chart("landscape_plane", "A plane through the evolved point", "Score at each place of the plane.", "learning", (
        View("with learning", (Panel(x, y, path, heat=plane, height=420),)),
        View("gain", (Panel(x, y, path, heat=change, height=420),), "What learning adds."),
    ))  # fmt: skip
    senses = Chart("landscape_senses", "Which sense moves which muscle", "Sensitivity at birth.", "moment", (
        View("at birth", (Panel(Axis(""), Axis(""), heat=named),)),))  # fmt: skip
    effects = Chart("landscape_effects", "Effects", "Effect of each lesion with its interval.", "score", (
        View("birth", (Panel(Axis("effect"), Axis("", ticks=((0.0, "drive"), (1.0, "critic"))),
             (Series("lesion", Look(GREEN), "points", (-0.2, 0.1), (0.0, 1.0), (-0.3, 0.0), (-0.1, 0.2), interval="x"),)),)),))  # fmt: skip
    return Section("landscape", "Landscape", ("Learning smooths it.",), (chart, senses, effects))


BUILDERS = {"genes": gene_section, "repertoire": repertoire_section, "landscape": landscape_section}


def full_inspection(name="w"):
    sections = {"genes": {"name": name}, "repertoire": {}, "lesions": "the world is not here", "landscape": {}}
    return made_up_inspection(sections, [made_up_replay("life", ("evolved", "evolved_frozen"))])
