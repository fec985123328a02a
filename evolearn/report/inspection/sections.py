"""What each section of an inspection says: numbers -> sentences, charts and tables; a module for each section."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evolearn.report._files import Json
from evolearn.report.inspection.comparison import comparison_section
from evolearn.report.inspection.drives import drives_section
from evolearn.report.inspection.files import Entry, Inspection
from evolearn.report.inspection.genes import genes_section
from evolearn.report.inspection.landscape import landscape_section
from evolearn.report.inspection.lesions import lesions_section
from evolearn.report.inspection.lineage import lineage_section
from evolearn.report.inspection.memory import memory_section
from evolearn.report.inspection.repertoire import repertoire_section
from evolearn.report.inspection.section import Section
from evolearn.report.inspection.weights import weights_section

Builder = Callable[[Json, Json], Section]  # from what was found, and whose DNA it is

BUILDERS: Mapping[str, Builder] = {
    "genes": genes_section,
    "weights": weights_section,
    "drives": drives_section,
    "repertoire": repertoire_section,
    "memory": memory_section,
    "lesions": lesions_section,
    "landscape": landscape_section,
    "lineage": lineage_section,
    "comparison": comparison_section,
}


def sections_of(inspection: Inspection) -> tuple[Section, ...]:
    """Every section of an inspection, those without findings too.

    Args:
        inspection: from `read_inspection`.
    Raises:
        KeyError: findings lack a name.
    """
    return tuple(_section(entry, inspection.about) for entry in inspection.entries)


def _section(entry: Entry, about: Json) -> Section:
    if entry.found is None:
        return Section(entry.key, entry.title, (), missing=entry.missing or "nothing was found out")
    if entry.key not in BUILDERS:
        return Section(entry.key, entry.title, (), missing="this evolearn cannot show it; use the one that made it")
    return BUILDERS[entry.key](entry.found, about)
