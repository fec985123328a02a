"""Whether a command prints what decides its claim."""

from evolearn.claims import claims
from evolearn.claims._measures import MEASURES, Results, tables_of
from evolearn.study.bands import band_arguments


def cells_without(claim, markdown):
    """Names of the parts of a claim that name a cell which a command's text does not have.

    Args:
        claim: its name.
        markdown: what the command printed.
    """
    results = Results({"study": {"level": 0.05, "resamples": 1, "seed": 0}, "lifetimes": [1], "conditions": []})
    results.tables = tuple(tables_of(markdown))
    asked = [band for band in claims()[claim].bands if band.measure == "table"]
    assert asked, f"nothing of {claim} is decided by a table"
    notes = {band.name: MEASURES["table"].take(results, band_arguments(band, MEASURES)).note for band in asked}
    return [name for name, note in notes.items() if note.startswith("its command")]
