"""What a verdict is made of: a flipped bit or another piece in a piece's place is told, or changes nothing."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from evolearn.errors import UserError
from evolearn.files import FileUnfit, sealed
from evolearn.report import read_results
from evolearn.study import StudyConfig, StudyPlan, open_study
from evolearn.study._judge import _evolution
from evolearn.study._pieces import Pieces, Seal
from evolearn.study.plan import StudyJob, plan_study

FLIPS = 12  # of each kind of file
RUN, LIVES = "runs/as-it-is/evolved/run_01", "lives/as-it-is/evolved/run_01"
KINDS = [
    "study.json",
    "study.yaml",
    "environment.json",
    "verdict.json",
    "ledger.json",
    "lives.parquet",
    "replays/as-it-is.json",
    f"{LIVES}.parquet",
    f"{LIVES}.json",
    f"{RUN}.json",
    f"{RUN}/config.yaml",
    f"{RUN}/generations.jsonl",
    f"{RUN}/dna.safetensors",
]


@pytest.fixture(scope="module")
def study(study_of_few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study; every test puts back what it changes."""
    return Path(shutil.copytree(study_of_few, tmp_path_factory.mktemp("pieces") / "study"))


@pytest.fixture(scope="module")
def planned(study: Path) -> tuple[StudyConfig, StudyPlan]:
    config = open_study(study).read_config()
    return config, plan_study(config)


def told(path: Path, planned: tuple[StudyConfig, StudyPlan]) -> str:
    """What opening, checking and reading a study says of it; empty if nothing. Nothing else is raised."""
    said: list[str] = []
    try:
        study = open_study(path)
        study.read_config()
        Pieces(planned[0], study).left(planned[1].until(study.judged()), lambda job, unfit: said.append(str(unfit)))
        read_results(path)
    except UserError as error:
        said.append(str(error))
    return "\n".join(said)


@contextlib.contextmanager
def put_back(*paths: Path) -> Iterator[None]:
    before = {path: path.read_bytes() for path in paths}
    try:
        yield
    finally:
        for path, payload in before.items():
            path.write_bytes(payload)


def test_a_whole_study_has_nothing_to_tell(study: Path, planned) -> None:
    assert told(study, planned) == ""


@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_bit_is_told_with_the_files_name_or_changes_nothing(name: str, study: Path, planned) -> None:
    path = study / name
    whole = path.read_bytes()
    random = np.random.default_rng(len(name))
    with put_back(path):
        for place, bit in zip(random.integers(len(whole), size=FLIPS), random.integers(8, size=FLIPS), strict=True):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            said = told(study, planned)
            # Only white space between fields may be other.
            assert Path(name).name in said or json.loads(damaged) == json.loads(whole), (
                f"byte {place}, bit {bit}: {said}"
            )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b'{"a": 1, "a": 2}', b"\xff\xfe", b"[" * 10_000],
    ids=["empty", "list", "twice", "no text", "deep"],
)
def test_other_content_is_told_and_no_traceback(payload: bytes, name: str, study: Path, planned) -> None:
    with put_back(study / name):
        (study / name).write_bytes(payload)
        assert Path(name).name in told(study, planned)


def swap(one: Path, other: Path) -> None:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


SWAPPED: dict[str, tuple[str, ...]] = {
    "lives/*/*/*.parquet": ("",),
    "lives/*/*/*.json": ("",),
    "runs/*/*/run_??": ("", "dna.safetensors", "config.yaml", "generations.jsonl"),
    "runs/*/*/run_??.json": ("",),
}


@pytest.mark.parametrize("pattern", SWAPPED)
def test_pieces_that_are_swapped_are_told(pattern: str, study: Path, planned) -> None:
    pieces = sorted(study.glob(pattern))
    assert len(pieces) > 3
    for one, other in combinations(pieces, 2):
        for within in SWAPPED[pattern]:
            swap(one / within, other / within)
            said = told(study, planned)
            swap(one / within, other / within)
            assert str(one) in said or str(other) in said, (one, other, within, said)


def test_a_piece_that_is_swapped_together_with_its_seal_is_told(study: Path, planned) -> None:
    for kind, suffix in (("lives", ".parquet"), ("runs", "")):
        pieces = sorted((study / kind).glob(f"*/*/run_??{suffix}"))
        for one, other in combinations(pieces, 2):
            for _ in ("there", "and back"):
                swap(one, other)
                swap(one.with_suffix(".json"), other.with_suffix(".json"))
                if _ == "there":
                    said = told(study, planned)
            assert "it belongs to something else" in said, (one, other)


@pytest.mark.parametrize(
    ("field", "value"),
    [("study", "0" * 64), ("seed", 9), ("condition", "another"), ("dna", "0" * 64), ("piece", "run")],
)
def test_lives_of_another_study_or_other_dna_are_told(field: str, value: object, study: Path, planned) -> None:
    """Whole and sealed, and with the same names."""
    seal = study / f"{LIVES}.json"
    with put_back(seal):
        seal.write_text(json.dumps(sealed({**json.loads(seal.read_text()), field: value})))
        assert f"run_01.json: says {field} {value}, must be " in told(study, planned)


def another_runs_dna(run: Path) -> None:
    shutil.copy(run.with_name("run_00") / "dna.safetensors", run / "dna.safetensors")


def an_earlier_generations_dna(run: Path) -> None:
    shutil.copy(run / "ancestors/generation_000000.safetensors", run / "dna.safetensors")


def its_best_leader(run: Path) -> None:
    shutil.copy(run / "dna_best.safetensors", run / "dna.safetensors")


def another_runs_rows(run: Path) -> None:
    shutil.copy(run.with_name("run_00") / "generations.jsonl", run / "generations.jsonl")


def another_run(run: Path) -> None:
    for file in run.with_name("run_00").iterdir():
        if file.is_file():
            shutil.copy(file, run / file.name)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            another_runs_dna,
            r"dna\.safetensors: is of another run than evolved under as it is, run 1: seed=\d+, must be",
        ),
        (an_earlier_generations_dna, r"dna\.safetensors: is of generation 0, must be of 1, the last"),
        (its_best_leader, r"dna\.safetensors: is its best of generation 1, must be the centre that the run came to"),
        (another_runs_rows, r"dna\.safetensors: comes of another generation 1 than generations\.jsonl tells of"),
        (
            another_run,
            r"config\.yaml: is of another run than evolved under as it is, run 1: seed=\d+, must be \d+; put",
        ),
    ],
)
def test_a_run_is_checked_against_the_plan_also_where_its_seal_fits(
    change: Callable[[Path], None], text: str, study: Path, planned, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(study, tmp_path / "study"))
    config, _ = planned
    change(copied / RUN)
    Pieces(config, open_study(copied)).seal_run(StudyJob("as it is", "evolved", 1, 0, True))
    with pytest.raises(FileUnfit, match=text):
        _evolution(config, open_study(copied), config.conditions[0], "evolved", 2)


def test_a_seal_says_whose_a_piece_is(study: Path, planned) -> None:
    config, _ = planned
    of_run, of_lives = (Seal.model_validate_json((study / f"{name}.json").read_text()) for name in (RUN, LIVES))
    assert (of_run.piece, of_run.condition, of_run.arm, of_run.run) == ("run", "as it is", "evolved", 1)
    assert of_lives.seed == config.seed
    assert of_lives.dna == of_run.dna == of_run.files["dna.safetensors"]
    assert of_lives.study == of_run.study == open_study(study).label()["config_sha256"]
    assert Seal.model_validate_json((study / "lives/as-it-is/oracle/run_01.json").read_text()).dna is None
