"""How far a study is: what its terminal says, what its directory is told, and what others read there."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from evolearn.cli.app import app
from evolearn.cli.show_study import place
from evolearn.files import LOCK, holding
from evolearn.life import OwnDrivers
from evolearn.overview import look_at
from evolearn.run import Interrupted
from evolearn.study import Rates, StudyJob, StudyPlan, open_study, resume_study, start_study
from evolearn.study.directory import PROGRESS
from evolearn.study.progress import PRIOR_SECONDS, Clock
from tests.helpers.studies import toy_study
from tests.helpers.study_watch import FEW, Onlooker

pytestmark = pytest.mark.usefixtures("quick_report")

EVOLUTIONS = tuple(StudyJob("alone", "evolved", run, 1_000, learning=True) for run in range(2))
TESTS = tuple(StudyJob("alone", "random", run, 250, learning=False) for run in range(2))
RATES = Rates(learning=100.0, frozen=50.0)


@pytest.fixture
def now(monkeypatch):
    """Seconds, to be moved on."""
    time = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr("evolearn.study.progress.time", SimpleNamespace(monotonic=lambda: time.seconds))
    return time


def clock():
    return Clock(StudyPlan(EVOLUTIONS, TESTS, {}, {}), [*EVOLUTIONS, *TESTS], RATES)


def test_before_the_first_job_time_left_is_what_the_rates_say(now):
    progress = clock().progress()
    assert (progress.done, progress.of, progress.share) == (0, 4, 0.0)
    assert progress.seconds_left == 2 * 1_000 / 100 + 2 * 250 / 50


def test_a_finished_job_counts_by_its_steps_and_seconds_beside_the_rates_measured_before(now):
    going = clock()
    going.begin(EVOLUTIONS[0])
    now.seconds = 40.0
    going.end(EVOLUTIONS[0])
    progress = going.progress()
    pace = (PRIOR_SECONDS + 40.0) / (PRIOR_SECONDS * 100 + 1_000)  # seconds per step that learns
    assert (progress.done, progress.share) == (1, pytest.approx(1_000 / 2_500))
    assert progress.seconds_left == pytest.approx(1_000 * pace + 2 * 250 / 50)


def test_half_a_job_is_half_of_its_time(now):
    going = clock()
    going.begin(EVOLUTIONS[0])
    now.seconds = 5.0
    going.within(0.5)
    assert going.progress().seconds_left == pytest.approx((500 + 1_000) / 100 + 2 * 250 / 50)


def test_lives_that_are_lived_together_share_their_time(now):
    going = clock()
    for job in EVOLUTIONS:
        going.drop(job)
    going.begin(TESTS[0])
    now.seconds = 10.0  # as fast as was measured
    going.end(TESTS[0])
    going.end(TESTS[1])
    going.add(TESTS[0])
    assert going.progress().seconds_left == pytest.approx(250 / 50)


def watched(study):
    return " ".join(CliRunner().invoke(app, ["watch", str(study), "--once"]).output.split())


def test_who_watches_a_study_reads_what_its_own_terminal_says(tmp_path):
    path = tmp_path / "study"
    onlooker = Onlooker(lambda event, what: (event, what) == ("done", 3))
    with pytest.raises(Interrupted):
        start_study(toy_study(FEW), "toy", path, OwnDrivers(1), onlooker)
    said = onlooker.progress
    assert (said.done, said.of) == (3, 12)
    seen = look_at(path)
    assert (seen.jobs, seen.seconds_left) == ((3, 12), said.seconds_left)
    assert "stopped, 3 of 12 jobs, 6 generations of 3 evolutions" in watched(path)
    assert " left" not in watched(path), "nobody works on it"
    with holding(path / LOCK, "STUDY"):
        left = place(said).rpartition(", ")[2].rstrip("]")
        assert f"running, 3 of 12 jobs, 6 generations of 3 evolutions, about {left}" in watched(path)
        page = (path / "overview.html").read_text()
        assert f"running, 3 of 12 jobs, 6 generations of 3 evolutions; about {left}.</p>" in page
    resume_study(open_study(path), OwnDrivers(1), Onlooker())
    assert not (path / PROGRESS).exists(), "no lives are left"
    assert (look_at(path).jobs, look_at(path).seconds_left) == (None, None)


@pytest.mark.parametrize("damage", ["", "{}", '{"done": -1, "of": 2, "seconds_left": 1.0}', "[1]"])
def test_a_file_of_progress_that_is_none_says_nothing(tmp_path, damage):
    path = tmp_path / "study"
    with pytest.raises(Interrupted):
        start_study(toy_study(FEW), "toy", path, OwnDrivers(1), Onlooker(lambda event, what: event == "generation"))
    assert open_study(path).progress().done == 0
    (path / PROGRESS).write_text(damage)
    assert open_study(path).progress() is None
    assert "stopped, 1 generations of 1 evolution" in watched(path)


def test_generations_that_take_no_time_are_not_told_one_by_one(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("evolearn.study._work.TOLD_EVERY", 1e9)
    monkeypatch.setattr(
        "evolearn.study.directory.StudyDirectory.write_progress",
        lambda study, done, of, seconds_left: told.append(done),
    )
    start_study(toy_study(FEW), "toy", tmp_path / "study", OwnDrivers(1), Onlooker())
    assert told == [job + ended for job in range(12) for ended in (False, True)], "when a job begins, and when it ends"
