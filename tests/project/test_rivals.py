"""The benchmark of rivals: its numbers by hand, and that a row is a life and no life is lived twice."""

import json

import numpy as np
import pytest
from rich.console import Console

from evolearn.rng import SELECTION, TEST

rivals = pytest.importorskip("benchmarks.rivals", reason="needs stable-baselines3", exc_type=ImportError)

LATER = {"birth": 0.2, "last_quarter": 0.2, "reached_at": None, "seconds": 1.0}
SHORT = rivals.Job("a2c", "test", 0, 3, 0.0, 40)


def test_scores_by_hand():
    fitness = np.zeros(2400)
    fitness[:100] = fitness[300:400] = 1.0
    fitness[1200:] = 1.0
    assert rivals.scores(fitness, [200, 2500], 0.95) == {
        "birth": round(200 / 600, 4),
        "birth_first_body": round(100 / 600, 4),
        "last_quarter": 1.0,
        "reached_at": 1200 + 570,
        "deaths": 1,
    }
    assert rivals.scores(np.zeros(700), [], 0.95)["reached_at"] is None


def test_lives_that_settings_are_searched_on_are_none_that_count():
    assert rivals.key_of(SHORT).space == TEST
    assert rivals.key_of(SHORT._replace(stage="search")).space == SELECTION


@pytest.mark.parametrize("rival", ["ppo", "a2c"])
def test_settings_follow_their_number_and_are_taken_by_the_learner(rival):
    drawn = [rivals.settings_of(rival, number) for number in range(6)]
    assert drawn == [rivals.settings_of(rival, number) for number in range(6)]
    assert drawn[0] == {"reward": "fitness", "normalised": False, "arguments": {}, "policy": {}}
    assert {settings["reward"] for settings in drawn} == {"fitness", "shaped"}
    assert all(settings["arguments"].get("batch_size", 0) <= settings["arguments"]["n_steps"] for settings in drawn[1:])


def test_a_rivals_life_follows_from_its_job():
    once, again = (rivals.live(SHORT, 1.0) for _ in range(2))
    other = rivals.live(SHORT._replace(life=4), 1.0)
    numbers = [(row["birth"], row["last_quarter"], row["deaths"]) for row in (once, again)]
    assert numbers[0] == numbers[1]
    assert once["taken"] == 40
    assert (once["birth"], once["last_quarter"]) != (other["birth"], other["last_quarter"])


def test_what_was_lived_is_not_lived_again(tmp_path, monkeypatch):
    path = tmp_path / "rivals.json"
    first = rivals.Book(path, 1, Console(quiet=True)).lived([SHORT], 1.0)
    monkeypatch.setattr(rivals, "live", None)
    assert rivals.Book(path, 1, Console(quiet=True)).lived([SHORT], 1.0) == first
    assert json.loads(path.read_text())["lives"] == first
    assert first[0]["machine"]["versions"]["evolearn"]


def test_the_better_half_lives_twice_more_and_never_one_alone(tmp_path, monkeypatch):
    def live(job, oracle):
        found = {"settings": rivals.settings_of(job.rival, job.setting), "last_quarter": 0.1 * job.setting}
        return {**LATER, **job._asdict(), **found}

    monkeypatch.setattr(rivals, "live", live)
    for settings, again in ((2, {0, 1}), (3, {1, 2}), (8, {4, 5, 6, 7})):
        rows = rivals.search(
            rivals.Book(tmp_path / f"{settings}.json", 1, Console(quiet=True)), "ppo", settings, 40, 1.0
        )
        lived = [row["setting"] for row in rows]
        assert {number for number in lived if lived.count(number) == 3} == again
        assert len(rows) == settings + 2 * len(again)


def test_a_foal_that_does_nothing_is_held_to_the_same_share_of_the_oracle():
    low, high = (rivals.doing_nothing(0.0, 1, 1200, oracle)[0]["reached_at"] for oracle in (0.01, 1.0))
    assert low is not None
    assert high is None


def test_lives_with_other_settings_of_that_number_do_not_count(tmp_path, monkeypatch):
    path = tmp_path / "rivals.json"
    monkeypatch.setattr(rivals, "live", lambda job, oracle: {**job._asdict(), **drawn, **LATER})
    drawn = {"settings": {"arguments": {"gamma": 0.5}}}
    rivals.Book(path, 1, Console(quiet=True)).lived([SHORT], 1.0)
    drawn = {"settings": rivals.settings_of("a2c", 0)}
    assert rivals.Book(path, 1, Console(quiet=True)).lived([SHORT], 1.0)[0]["settings"] == drawn["settings"]


def test_the_best_setting_has_been_lived_most_often():
    rows = [{"setting": 1, "last_quarter": 0.9}, {"setting": 2, "last_quarter": 0.5}]
    rows += [{"setting": number, "last_quarter": score} for number, score in ((2, 0.6), (3, 0.4), (3, 0.8))]
    assert rivals.best_of(rows) == 3
