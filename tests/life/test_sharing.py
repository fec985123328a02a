"""Lives of one genome that do not learn share its weights in the fused driver: as if each had its own."""

import itertools
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from evolearn.life import Plan, lives
from evolearn.rng import SELECTION, life_keys
from tests.helpers.compiled_environments import assert_same
from tests.helpers.probe_worlds import newborns_for, restless_box

KEPT = {"trunk": "gru", "hidden": (5,), "inputs": ("observation", "last_reward"), "memory": "life"}
TOLD = ("observation", "last_observation", "last_action", "last_reward", "new_episode")
FORGETTING = {"trunk": "gru", "hidden": (4, 3), "inputs": TOLD, "readout": "product", "generic_drives": ("change",)}
SHAPED = {**KEPT, "value": {"hidden": (3,), "potential": True}}
FROZEN = Plan(70, learn_until=0, bin_steps=30, final_weights=True)
GENOMES = np.repeat([1, 0, 2, 1], [20, 9, 17, 1])


def live(driver, plan=FROZEN, least=8, pieces=60_000, sharing=16):
    newborns = newborns_for(driver.conditions, 3, drives={name: 1.0 for name in driver.conditions.drive_names})
    keys = life_keys(3, SELECTION, 1, len(GENOMES))
    with (
        mock.patch("evolearn.life._fused.LEAST_SHARING", least),
        mock.patch("evolearn.life._fused.PIECE_STEPS", pieces),
        mock.patch.object(driver, "sharing", sharing),
    ):
        return lives(driver, driver.conditions, newborns, GENOMES, keys, plan, plan.lifetime)


@pytest.mark.parametrize("how", [KEPT, FORGETTING, SHAPED], ids=["for life", "for an episode", "by a potential"])
def test_lives_with_shared_weights_have_the_bits_of_lives_with_their_own(driver_for, how):
    driver = driver_for(restless_box, **how)
    with mock.patch("evolearn.life._fused.thought_shared", side_effect=AssertionError):
        expected, expected_trace = live(driver, least=13)  # 47 lives of 4 runs are fewer
    assert len({row.tobytes() for row in expected.fitness}) == len(GENOMES)
    assert expected.finished.sum() > 0
    for sharing, pieces, workers in ((16, 60_000, 1), (16, 500, 2), (5, 1, 1), (1, 500, 3)):
        driver.workers = workers
        outcome, trace = live(driver, pieces=pieces, sharing=sharing)
        assert_same(outcome, expected)
        assert_same(trace, expected_trace)
    driver.workers = 1


def test_only_who_is_born_alike_and_stays_so_shares(driver_for):
    driver = driver_for(restless_box, **KEPT)
    born = newborns_for(driver.conditions, 3)

    def shares(newborns=born, genomes=GENOMES, plan=FROZEN):
        return driver._shares(SimpleNamespace(newborns=newborns, genomes=genomes, plan=plan))

    assert shares()
    assert not shares(genomes=np.arange(47) % 3)
    assert not shares(newborns=newborns_for(driver.conditions, 3, fresh=True))
    assert not shares(plan=Plan(70))
    assert not shares(plan=Plan(70, learn_until=0, operate_at=3))


@pytest.mark.parametrize("genomes", [GENOMES, np.zeros(47, np.int64)], ids=["four runs", "one"])
def test_pieces_are_whole_teams_of_sharers(driver_for, genomes):
    driver = driver_for(restless_box, **KEPT)
    job = SimpleNamespace(genomes=genomes, plan=FROZEN)
    with mock.patch("evolearn.life._fused.PIECE_STEPS", 1), mock.patch.object(driver, "sharing", 6):
        pieces = driver._pieces(job, shared=True)
    begins = [0, *(np.flatnonzero(np.diff(genomes)) + 1), 47]
    teams = {team for begin, end in itertools.pairwise(begins) for team in range(begin, end, 6)}
    assert len(pieces) > 4
    assert [first for first, _ in pieces[1:]] == [last for _, last in pieces[:-1]]
    assert (pieces[0][0], pieces[-1][1]) == (0, 47)
    assert {first for first, _ in pieces} <= teams
