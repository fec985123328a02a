"""Made-up inspections: what inspection.json holds, and sections of every kind of drawing."""

import contextlib
import json
import math

import pytest

from evolearn.report import Section, write_inspection_report
from evolearn.report._chart import Axis, Chart, Heat, Look, Panel, Rule, Series, View
from evolearn.report._looks import BLUE, GREEN, GREY, ORANGE, VERMILION
from evolearn.report.inspection import sections as inspected
from evolearn.report.inspection.section import Table
from tests.helpers.study_on_disk import made_up_replay

GENES = 3000


def made_up_about(**changes):
    return {
        "name": "savannah-seed0-1",
        "dna": "runs/savannah-seed0-1",
        "sha256": "ab" * 32,
        "role": "centre",
        "generation": 29,
        "world": "savannah",
        "world_summary": "A foal, its mother and a lion.",
        "parameters": {"alpha": 70.0},
        "observations": ["mother_x", "mother_y"],
        "units": ["m", "m"],
        "actions": ["left", "right"],
        "drives": ["fitness", "near mother"],
        "seed": 0,
        "algorithm": "pgpe",
        "generations": 30,
        "population": 64,
        "selection_lifetime": 6000,
        "lifetime": 6000,
        "birth_steps": 600,
        "birth_lives": 128,
        "lives": 24,
        "extent": "full",
        "age": None,
        "genes": GENES,
        "learner": "actor_critic",
        "brain": {"trunk": "mlp", "hidden": [24], "observations": 2, "actions": 2, "policy": "gaussian"},
        "warning": "",
        **changes,
    }


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


def picture(key, title, choice, views, **more):
    """A chart of views from name to panels."""
    sentence = "What one should see in it, in a sentence that is long enough to say it."
    return Chart(key, title, sentence, choice, tuple(View(name, panels) for name, panels in views.items()), **more)


def gene_section(found, about):
    name = found["name"]
    rows = tuple((f"{name}{n}", "weights", math.sin(n), None if n % 7 == 0 else n / 1000, n) for n in range(GENES))
    columns = ("gene", "group", "value", "spread left", "place")
    places = tuple(n / 4 for n in range(-8, 9))
    counts = tuple(100 * math.exp(-(place**2)) for place in places)
    evolved = Series("evolved", Look(VERMILION, marker="none"), "columns", places, counts)
    random = Series(name, Look(GREY, marker="none"), "steps", places, (80.0,) * len(places))
    panel = Panel(Axis("value, gene units"), Axis("genes"), (evolved, random), (Rule(0.0, "zero", "x"),))
    histogram = picture("genes_values", f"Values of {name}", "layer", {"hidden": (panel,), name: (panel,)})
    few = (("b", 2.5), ("a", -1.0), ("c", None))
    tables = (
        Table("genes", f"Genes of {name}", "Natural units.", columns, rows, (False, False, True, True, True), shown=50),
        Table("few", "Few", "", ("what", "how much"), few, (False, True)),
    )
    sentences = (f"Evolution fixed 12 of {GENES} genes; most is {name}.", "The others drift.")
    return Section("genes", "Genes", sentences, (histogram,), tables)


def repertoire_section(found, about):
    look = Look(BLUE, marker="none")
    curves = [Series("at birth", look, "line", (0.0, 1.0), (0.0, n / 9)) for n in range(10)]
    axes = Axis("observation"), Axis("action")
    panels = tuple(Panel(*axes, (curve,), title=f"sense {n}", height=160) for n, curve in enumerate(curves))
    chart = picture("repertoire_curves", "Response curves", "action", {"left": panels}, small=True)
    return Section("repertoire", "Innate repertoire", ("At birth it scores 0.41 [0.40, 0.43].",), (chart,))


def landscape_section(found, about):
    places = tuple(n / 5 - 1 for n in range(11))
    values = tuple(tuple(math.exp(-(x * x) - y * y) for x in places) for y in places)
    changes = tuple(tuple(2 * value - 1 for value in row) for row in values)
    way = tuple(n / 10 for n in range(11))
    path = (
        Series("path", Look(VERMILION, marker="none"), "line", tuple(x - 1 for x in way), way),
        Series("start", Look(ORANGE, marker="square"), "points", (-1.0,), (0.0,)),
        Series("evolved", Look(VERMILION), "points", (0.0,), (1.0,), notes=("here evolution ended",)),
    )
    plane = Heat((), (), values, (), "score", 1.0, "sequential", (0.0, 1.0), (places, places))
    gain = Heat((), (), changes, (), "score", 1.0, at=(places, places))
    axes = Axis("direction 1"), Axis("direction 2")
    views = {
        name: (Panel(*axes, path, heat=heat, height=420, equal=True),)
        for name, heat in (("learning", plane), ("gain", gain))
    }
    texts = (("0.5", "-0.5"), ("none", "1"))
    named = Heat(("x", "y"), ("left", "right"), ((0.5, -0.5), (None, 1.0)), texts, "change", 1.0)
    bounds = (-0.3, 0.0), (-0.1, 0.2)
    lesion = Series("lesion", Look(GREEN), "points", (-0.2, 0.1), (0.0, 1.0), *bounds, interval="x")
    rows = Axis("", ticks=((0.0, "drive"), (1.0, "critic")))
    charts = (
        picture("landscape_plane", "A plane through the evolved point", "what", views),
        picture(
            "landscape_senses", "Which sense moves which muscle", "", {"": (Panel(Axis(""), Axis(""), heat=named),)}
        ),
        picture("landscape_effects", "Effects of lesions", "", {"": (Panel(Axis("effect"), rows, (lesion,)),)}),
    )
    return Section("landscape", "Landscape", ("Learning smooths it.",), charts)


BUILDERS = {"genes": gene_section, "repertoire": repertoire_section, "landscape": landscape_section}


def full_inspection(name="w"):
    sections = {"genes": {"name": name}, "repertoire": {}, "lesions": "the world is not here", "landscape": {}}
    return made_up_inspection(sections, [made_up_replay("life", ("evolved", "evolved_frozen"))])
