"""The table of claims, what decides one, its word, its record, and the documentation's table of all."""

import json
import re

import pytest

from evolearn.claims import (
    RECORDS,
    claims,
    claims_table,
    find_claim,
    keep,
    kept_records,
    put_into,
    record_of,
    standings,
)
from evolearn.claims._measures import MEASURES, Results, Table, read_cell, tables_of
from evolearn.claims.judgement import as_told, judged_parts, word_of
from evolearn.claims.records import MOST_BYTES, config_of, is_same, parts_sha256
from evolearn.claims.table import Claim
from evolearn.config import config_sha256, dump_config
from evolearn.errors import NotFound, RunDirectoryError, UserError
from evolearn.study.bands import BandPart, band_arguments
from tests.helpers.claim_on_disk import made_up_claim
from tests.helpers.places import ROOT

BUILT = [name for name, claim in claims().items() if claim.is_shipped]


@pytest.fixture(scope="module")
def zebra(tmp_path_factory):
    """A made-up study of the zebra claim; not to be changed."""
    return made_up_claim(claims()["zebra"], tmp_path_factory.mktemp("zebra") / "study")


# --- the table ---


def test_there_are_twenty_claims_with_a_number_each() -> None:
    assert [claim.number for claim in claims().values()] == list(range(1, 21))


@pytest.mark.parametrize("name", BUILT)
def test_what_decides_a_claim_is_in_its_study(name) -> None:
    claim = claims()[name]
    config = claim.config()
    conditions = [condition.name for condition in config.conditions]
    compared = {condition.name: config.compared(condition) for condition in config.conditions}
    for band in claim.bands:
        of = band_arguments(band, MEASURES)
        if band.measure == "table":
            assert claim.command, band.name
            continue
        condition = of.condition or conditions[0]
        assert of.condition in conditions if len(conditions) > 1 else of.condition in (None, *conditions), band.name
        assert {getattr(of, field, of.arm) for field in ("arm", "against")} <= set(config.arms), band.name
        if band.measure == "contrast" and of.lifetime is None:
            assert (of.arm, of.against, of.metric) in compared[condition], band.name
        if band.measure == "paid":
            assert (of.arm, of.against, "catch_up") in compared[condition], band.name
    for other in (claim.study, *claim.also, *([claim.full] if claim.study != claim.full else [])):
        assert (ROOT / "configs/studies" / f"{other}.yaml").is_file(), other
    assert (ROOT / "docs" / claim.page).is_file()


def test_a_claim_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        NotFound, match=r"CLAIM=wash-ot: there is no such claim\. Did you mean wash-out\? Known: zebra, "
    ):
        find_claim("wash-ot")
    assert find_claim("claims/wash-out").number == 6


def test_a_part_that_nothing_can_decide_is_refused() -> None:
    content = claims()["zebra"].model_dump(exclude_none=True)
    content["parts"] = [{"name": "a", "source": "b", "measure": "score", "of": {"arm": "evolved"}}]
    with pytest.raises(ValueError, match="parts 'a': has no bound, so that nothing can decide it; give one"):
        Claim(**content)


def test_a_study_that_is_not_there_is_said() -> None:
    absent = claims()["zebra"].model_copy(update={"study": "claims/none"})
    assert not absent.is_shipped
    with pytest.raises(NotFound, match="its study claims/none does not come with this evolearn"):
        absent.study_name()


# --- what decides ---


@pytest.mark.parametrize(
    ("value", "low", "high", "bound", "told"),
    [
        (0.7, 0.65, 0.75, {"above": 0.6}, "shown"),
        (0.7, 0.55, 0.85, {"above": 0.6}, "open"),
        (0.5, 0.45, 0.55, {"above": 0.6}, "refuted"),
        (0.5, 0.45, 0.6, {"above": 0.6}, "refuted"),  # not above what it reaches at most
        (0.5, 0.45, 0.6, {"at_least": 0.6}, "open"),
        (0.5, 0.45, 0.6, {"at_most": 0.6}, "shown"),
        (0.5, 0.4, 0.6, {"between": (0.4, 0.6)}, "shown"),
        (0.5, 0.3, 0.6, {"between": (0.4, 0.6)}, "open"),
        (0.5, None, None, {"between": (0.4, 0.6)}, "shown"),  # a count
        (0.9, None, None, {"at_least": 0.9}, "shown"),
        (0.8, None, None, {"at_least": 0.9}, "refuted"),
        (None, None, None, {"at_least": 0.9}, "open"),
        ("better", None, None, {"verdict": "better"}, "shown"),
        ("equivalent", None, None, {"verdict": "better"}, "refuted"),
        ("inconclusive", None, None, {"verdict": "better"}, "open"),
    ],
)
def test_a_part_is_what_its_whole_interval_is(value, low, high, bound, told) -> None:
    measure = "contrast" if "verdict" in bound else "score"
    band = BandPart(name="a", source="b", measure=measure, of={"arm": "evolved"}, **bound)
    ends = {end: bound.get(name) for end, name in (("low", "at_least"), ("high", "at_most")) if name in bound}
    ends |= {"low": bound["above"]} if "above" in bound else {}
    ends |= dict(zip(("low", "high"), bound["between"], strict=True)) if "between" in bound else {}
    record = {
        "measure": measure,
        "value": value,
        "low": low,
        "high": high,
        "band": band.words,
        "bounds": {"low": None, "high": None} | ends,
    }
    assert as_told(record) == told


def test_a_count_of_runs_is_taken_as_it_is() -> None:
    record = {"value": 0.9, "low": 0.55, "high": 1.0, "band": "at least 0.9", "bounds": {"low": 0.9, "high": None}}
    assert as_told(record | {"measure": "share_of_runs"}) == "shown"
    assert as_told(record | {"measure": "score"}) == "open"
    assert as_told(record | {"measure": "share_of_runs", "value": 0.8}) == "refuted"


@pytest.mark.parametrize(
    ("told", "runs", "word"),
    [
        (["shown", "shown"], 10, "held"),
        (["shown", "open"], 10, "cannot be told"),
        (["refuted", "open"], 10, "failed"),
        (["shown", "refuted", "open"], 10, "held in part"),
        (["shown", "shown"], 9, "cannot be told"),  # exploratory
        (["refuted"], 9, "cannot be told"),
        ([], 10, "cannot be told"),
    ],
)
def test_the_word_of_a_claim_follows_from_its_parts_and_runs(told, runs, word) -> None:
    assert word_of(told, runs) == word


def test_a_whole_claim_has_failed_with_any_of_its_parts() -> None:
    assert word_of(["shown", "refuted"], 10, whole=True) == "failed"
    assert word_of(["shown", "open"], 10, whole=True) == "cannot be told"


def test_cells_of_a_commands_tables_are_read_as_they_stand() -> None:
    text = (
        "Some words.\n\n**bands**\n\n| what | found | met |\n| --- | --- | --- |\n"
        "| `a` | 1,237 [1,123, 1,484] | **no** |\n"
        "| b | .5 [-.1, +1.1] | yes |\n\n**other**\n\n| what | runs |\n|---|---|\n| b | 10 of 10 |\n"
    )
    one, other = tables_of(text)
    assert one == Table(
        "bands", ("what", "found", "met"), (("a", "1,237 [1,123, 1,484]", "no"), ("b", ".5 [-.1, +1.1]", "yes"))
    )
    assert (other.title, other.rows) == ("other", (("b", "10 of 10"),))
    found = read_cell(one.rows[0][1])
    assert (found.value, found.low, found.high) == (1237, 1123, 1484)
    assert [read_cell(cell).value for cell in ("yes", "no: it rises", "undecided", "10 of 10", "", "a learner")] == [
        1,
        0,
        None,
        1,
        None,
        None,
    ]


def test_a_part_reads_the_cell_that_it_names(zebra) -> None:
    verdict = json.loads((zebra / "verdict.json").read_text())
    tables = tables_of("**late**\n\n|a|met|\n|-|-|\n|x|no|\n\n**early**\n\n|a|met|\n|-|-|\n|x|yes|\n|y|undecided|\n")

    def told(tables, **of) -> tuple[str, str]:
        band = BandPart(name="a", source="b", measure="table", of={"column": "met", **of}, at_least=1)
        (part,) = judged_parts([band], Results(verdict, tables))
        return part["told"], part["note"]

    assert told(tables, where={"a": "x"})[0] == "refuted"
    assert told(tables, where={"a": "x"}, title="early")[0] == "shown"
    assert told(tables, where={"a": "y"})[0] == "open"
    assert told(tables, where={"a": "z"}) == ("open", "its command's tables have no such cell")
    assert told([], where={"a": "x"}) == ("open", "its command has not been run")


def test_evolution_paid_if_descendants_save_more_than_all_that_it_cost(zebra) -> None:
    verdict = json.loads((zebra / "verdict.json").read_text())
    (condition,) = verdict["conditions"]
    row = next(row for row in condition["secondary"] if (row["against"], row["metric"]) == ("tuned_blank", "catch_up"))
    row["difference"] = {"iqm": -9000.0, "low": -10_000.0, "high": -8000.0}
    condition["break_even"] = [{**condition["break_even"][0], "arm": "evolved", "evolution_steps": 4_500_000_000}]

    def paid(descendants: int) -> dict:
        of = {"arm": "evolved", "against": "tuned_blank", "descendants": descendants}
        band = BandPart(name="a", source="b", measure="paid", of=of, above=1)
        return judged_parts([band], Results(verdict))[0]

    found = paid(1_000_000)  # 9 G steps saved, of 4.5 G
    assert (found["value"], found["low"], found["high"]) == pytest.approx((2.0, 16 / 9, 20 / 9), abs=1e-5)
    assert found["note"] == "9,000 steps saved by each, of 4,500,000,000: paid for after 500,000"
    assert [paid(number)["told"] for number in (400_000, 500_000, 600_000)] == ["refuted", "open", "shown"]
    row["unfinished"] = "the search of tuned_blank had not ended"  # which could have saved as much itself
    assert paid(600_000)["told"] == "open"
    assert paid(600_000)["note"] == "no verdict on when the two catch up, since the search of tuned_blank had not ended"
    row["unfinished"] = None
    row["difference"] = {"iqm": 600.0, "low": 100.0, "high": 900.0}  # nothing is saved
    assert paid(10**9)["told"] == "refuted"


def test_a_claim_without_parts_is_decided_by_its_studys_primary_contrasts(zebra) -> None:
    record = record_of(claims()["zebra"].model_copy(update={"parts": ()}), zebra)
    assert [part["name"] for part in record["parts"]] == ["alpha 0: evolved is better than tuned_blank in head_start"]
    assert record["word"] == "held"


# --- records ---


def test_a_record_says_what_came_of_it_from_what_and_where(zebra, tmp_path) -> None:
    path, record = keep(zebra, folder=tmp_path)
    assert path == tmp_path / "zebra.json"
    assert path.stat().st_size < MOST_BYTES
    assert kept_records(tmp_path) == {"zebra": record}
    assert record["config_sha256"] == config_sha256(claims()["zebra"].config())
    assert (record["commit"], record["machine"]["cpu"], record["runs"]) == ("0123456789abcdef+", "a <fast> one", 10)
    assert record["cost"]["world_steps"] > 0
    assert record["word"] == "held"
    assert record["sentence"].startswith("Held in savannah, 10 runs per arm: 2 of 2 parts shown; the first: ")


def test_fewer_than_ten_runs_decide_nothing(tmp_path) -> None:
    record = record_of(claims()["zebra"], made_up_claim(claims()["zebra"], tmp_path / "study", runs=9))
    assert {part["told"] for part in record["parts"]} == {"shown"}
    assert record["word"] == "cannot be told"
    assert "9 runs per arm, fewer than 10: exploratory" in record["sentence"]


def test_a_record_is_kept_only_of_the_study_that_is_shipped(tmp_path) -> None:
    other = dump_config(claims()["zebra"].config().model_copy(update={"seed": 1}))
    study = made_up_claim(claims()["zebra"], tmp_path / "study", text=other)
    with pytest.raises(RunDirectoryError, match="its config is that of no claim as it is shipped"):
        keep(study, folder=tmp_path / "records")
    assert not (tmp_path / "records").exists()
    rows, left_out = standings([study], {})
    assert not left_out
    assert [(row.claim.name, row.shipped) for row in rows if row.study] == [("zebra", False)]


def test_a_record_is_not_kept_without_the_tables_that_decide_it(zebra, tmp_path, monkeypatch) -> None:
    hunger = claims()["hunger"].model_copy(update={"study": "claims/zebra", "name": "zebra"})
    monkeypatch.setattr("evolearn.claims.records.claims", lambda: {"zebra": hunger})
    with pytest.raises(
        RunDirectoryError, match=r"tables that are not there: `python -m benchmarks.claims hunger .*tables\.md"
    ):
        keep(zebra, folder=tmp_path)


def test_an_altered_record_is_noticed(zebra, tmp_path) -> None:
    path, _ = keep(zebra, folder=tmp_path)
    path.write_text(path.read_text().replace('"word": "held"', '"word": "failed"'))
    with pytest.raises(UserError, match=r"zebra\.json: was altered since it was written"):
        kept_records(tmp_path)


def test_studies_that_cannot_be_read_are_left_out_with_the_cause(zebra, tmp_path) -> None:
    study = made_up_claim(claims()["zebra"], tmp_path / "study")
    (study / "verdict.json").write_text("{")
    rows, left_out = standings([tmp_path, zebra], {})
    assert [row.study for row in rows if row.study] == [zebra]
    assert len(left_out) == 1
    assert str(study / "verdict.json") in left_out[0]


def test_the_shipped_study_goes_before_later_ones_and_a_kept_record_stands_in_for_none(zebra, tmp_path) -> None:
    other = dump_config(claims()["zebra"].config().model_copy(update={"seed": 1}))
    study = made_up_claim(claims()["zebra"], tmp_path / "study", text=other)
    rows, _ = standings([study, zebra], {})
    assert rows[0].study == zebra
    _, record = keep(zebra, folder=tmp_path)
    rows, _ = standings([], {"zebra": record})
    assert (rows[0].word, rows[0].study, rows[1].record) == ("held", None, None)


def test_the_kept_record_of_the_same_verdict_has_the_tables_that_the_study_lacks(zebra, tmp_path) -> None:
    tables = tmp_path / "tables.md"
    tables.write_text("**bands**\n\n| what | met |\n|---|---|\n| a | yes |\n")
    _, record = keep(zebra, tables, tmp_path / "records")
    rows, _ = standings([zebra], {"zebra": record})
    assert (rows[0].study, rows[0].record) == (zebra, record)
    rows, _ = standings([zebra], {"zebra": record | {"verdict_sha256": "another"}})
    assert rows[0].record["tables"] == []


# --- what is kept here ---


@pytest.mark.parametrize("name", sorted(kept_records()))
def test_kept_records_are_small_of_shipped_studies_and_of_what_decides_today(name) -> None:
    record, claim = kept_records()[name], claims()[name]
    assert (RECORDS / f"{name}.json").stat().st_size < MOST_BYTES
    assert is_same(config_of(record), claim.config())
    assert record["parts_sha256"] == parts_sha256(claim)
    assert record["word"] == word_of([part["told"] for part in record["parts"]], record["runs"], claim.whole)


def test_the_documentations_table_says_what_the_records_say() -> None:
    page = (ROOT / "docs/claims/index.md").read_text(encoding="utf-8")
    assert claims_table() in page
    rows = re.findall(r"^\| (\d+) \| .*? \| \*?\*?([a-z ]+?)\*?\*? \|", page, re.M)
    words = {name: record["word"] for name, record in kept_records().items()}
    said = {claim.number: words.get(name) for name, claim in claims().items()}
    assert len(rows) == 20
    for number, word in rows:
        assert word == (said[int(number)] or word), number
        assert said[int(number)] or word in ("not run", "no study yet"), number


def test_the_table_is_put_between_its_marks(tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# All\n\n<!-- evolearn claims table -->\nwas here before\n<!-- the end of the table -->\n\nMore.\n"
    )
    put_into(page, claims_table({}))
    text = page.read_text()
    assert text.startswith("# All\n")
    assert text.endswith("\n\nMore.\n")
    assert "was here before" not in text
    assert "| 1 | A newborn can be born with what a blank slate must learn | not run |" in text
    page.write_text("# All\n")
    with pytest.raises(UserError, match="has no place for the table: put <!-- evolearn claims table --> and"):
        put_into(page, "")
