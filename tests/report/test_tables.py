"""Tables of a study: what a spreadsheet must not compute, and LaTeX must not obey."""

import csv

import pytest

from evolearn.report.study.tables import harmless, save_tables

NAMES = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\tx", "\rx", "\uff1d1+1"]


def as_text(name):
    return "'" + name.replace("\r", " ")


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_that_looks_like_a_formula_is_a_text(name):
    assert harmless(name) == as_text(name)


@pytest.mark.parametrize("cell", ["-1.5", "+3", -1.5, float("-inf"), None, "as it is", "a=b", "", 7])
def test_numbers_and_other_texts_stay_as_they_are(cell):
    assert harmless(cell) == cell


def test_the_files_hold_names_as_texts(tmp_path):
    arms = {"@arm & _ % <b>": {"evolution": -3, "lifetime": 4.5}}
    save_tables({"conditions": [], "ledger": {"conditions": dict.fromkeys(NAMES, arms)}}, tmp_path / "tables")
    with (tmp_path / "tables/ledger.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["condition"] for row in rows] == [as_text(name) for name in NAMES]
    assert {(row["arm"], row["evolution"], row["lifetime"]) for row in rows} == {("'@arm & _ % <b>", "-3", "4.5")}
    assert r"@arm \& \_ \% <b>" in (tmp_path / "tables/ledger.tex").read_text()
