"""The commands about claims as a user meets them: the list, one claim, records, the page, and what is refused."""

import pytest

from evolearn.claims import claims
from tests.helpers.claim_on_disk import made_up_claim
from tests.helpers.command import evolearn


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in whose runs a study of the zebra claim is found; not to be changed but by new files."""
    folder = tmp_path_factory.mktemp("claims")
    made_up_claim(claims()["zebra"], folder / "runs" / "study-zebra-1")
    return folder


def test_all_claims_are_listed_with_the_last_verdict_that_is_found(folder, monkeypatch) -> None:
    monkeypatch.setattr("evolearn.claims.found.kept_records", dict)
    done = evolearn("claims", folder=folder)
    assert done.returncode == 0, done.stderr
    for name in claims():
        assert f" {name} " in done.stdout
    text = " ".join(done.stdout.split())
    assert "held, 10 runs:" in text
    assert "runs/study-zebra-1" in text
    assert text.count(" not run") + text.count("no study yet") >= 20


def test_a_record_is_kept_and_its_sentence_printed(folder) -> None:
    done = evolearn("claims", "keep", "runs/study-zebra-1", "--out", "records", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "Held in savannah, 10 runs per arm: 2 of 2 parts shown" in done.stdout
    assert (folder / "records" / "zebra.json").is_file()


def test_the_page_is_made_of_the_studies_that_are_found(folder) -> None:
    done = evolearn("claims", "page", "--out", "all.html", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "The page: all.html, of 1 studies" in done.stdout
    text = (folder / "all.html").read_text(encoding="utf-8")
    for claim in claims().values():
        assert f'<section id="{claim.name}"' in text
        assert claim.question in text
    assert 'data-chart="zebra-head_starts"' in text


def test_the_dry_run_of_a_claim_is_that_of_its_study(folder, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("evolearn.cli.claims.study_run", lambda *arguments, **more: asked.append((*arguments, more)))
    assert evolearn("claims", "wash-out", "seed=1", "--dry-run", "--workers", 1, folder=folder).returncode == 0
    assert evolearn("claims", "zebra", "--full", folder=folder).returncode == 0
    (wash_out, zebra) = asked
    assert wash_out[:2] == ("claims/wash-out", ["seed=1"])
    assert {name: value for name, value in wash_out[2].items() if value} == {"workers": 1, "dry_run": True}
    assert zebra[0] == "zebra_full"


def test_a_claim_that_there_is_not_is_refused_without_a_traceback(folder) -> None:
    done = evolearn("claims", "zebr", folder=folder)
    assert done.returncode == 2
    assert "CLAIM=zebr: there is no such claim. Did you mean zebra? Known: zebra, bottleneck" in " ".join(
        (done.stdout + done.stderr).split()
    )


def test_the_table_is_printed(folder) -> None:
    done = evolearn("claims", "table", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "| 20 | " in done.stdout
