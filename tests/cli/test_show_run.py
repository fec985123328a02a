"""What a run with restarts looks like: counted, named and set apart."""

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from evolearn.cli.show_run import RunScreen, generation_table, other_value
from evolearn.config import check_config
from evolearn.life import OwnDrivers
from evolearn.run import Estimate, assemble, closing_steps, create_run, evolve_run
from evolearn.search import planned_outer_steps
from tests.helpers.box import WORLDS
from tests.helpers.runs import toy_with


def test_restarts_are_told_line_by_line_and_set_apart_in_the_table(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("evolearn.search.restarts.stagnates", lambda curves, window: len(curves) >= 3)
    content = toy_with("snes", {"generations": 14, "restart": "ipop", "restart_window": 2})
    config = check_config(content, "toy")
    drivers, file = OwnDrivers(1), io.StringIO()
    directory = create_run(config, "toy", tmp_path / "run", drivers.describe())
    screen = RunScreen(Console(file=file, width=200))
    evolve_run(assemble(config), drivers, directory, screen)
    drivers.close()
    lines = [line for line in file.getvalue().splitlines() if line.startswith("generation ")]
    assert [line.split("  ")[0] for line in lines[:4]] == [
        "generation 1, restart 0",
        "generation 2, restart 0",
        "generation 3, restart 0",
        "generation 4, restart 1",
    ]
    assert ", 14 generations, restarts (ipop) within their budget" in file.getvalue()
    # 3 generations of 9 genomes and 5 of 17, of 14 x 9: the last one says that next to nothing is left
    assert screen._done == pytest.approx((3 * 9 + 5 * 17) / 9)
    rows = screen._rows
    table = generation_table(rows)
    assert [column.header for column in table.columns][:2] == ["generation", "restart"]
    assert [row.end_section for row in table.rows] == [number == 2 for number in range(len(rows))]
    plain = generation_table(rows[:3])
    assert [column.header for column in plain.columns][:2] == ["generation", "best"]


@pytest.mark.parametrize("world", WORLDS, ids=[world.name for world in WORLDS])
def test_the_other_body_that_is_offered_is_another_and_may_be_had(world) -> None:
    for parameter in world.parameters:
        middle = (parameter.default + parameter.high) / 2
        for value in (parameter.default, parameter.low, parameter.high, middle // 1 if parameter.whole else middle):
            now = world.resolve({parameter.name: value})
            assert world.resolve({**now, parameter.name: other_value(parameter, now)}) != now


ESTIMATE = Estimate(
    genes=442_462,
    genomes=25,
    evolution_steps=1_000_000,
    closing_steps=500_000,
    birth_steps=20_000,
    bytes=354_000_000,
    learning=2000.0,
    frozen=4000.0,
    generations=10,
)


def test_what_a_huge_run_takes_is_said_before_it_starts() -> None:
    file = io.StringIO()
    RunScreen(Console(file=file, width=2000)).estimated(ESTIMATE)
    assert file.getvalue().strip() == (
        "442,462 genes, 25 genomes a generation: about 354 MB for genomes and what lives leave behind, beside the "
        "program itself. World steps: 1,000,000 of evolution, 520,000 of validation lives. About 12 min 35 s, a "
        "generation 50 s, at 2,000 steps/s with learning and 4,000 without, as measured now."
    )


def test_every_phase_says_how_long_the_rest_will_take(tmp_path: Path) -> None:
    setup = assemble(check_config(toy_with("snes", {"generations": 4}), "toy"))
    closing, evolution = sum(closing_steps(setup)), planned_outer_steps(setup.config.search)
    drivers, file = OwnDrivers(1), io.StringIO()
    directory = create_run(setup.config, "toy", tmp_path / "run", drivers.describe())
    drivers.close()
    screen = RunScreen(Console(file=file, width=200))

    def left() -> str:
        return str(screen._bar.tasks[0].fields["left"])

    screen.starting(setup, directory.path, 0)
    assert left() == ""  # nobody knows yet
    rate = (evolution + closing) / 100
    screen.estimated(dataclasses.replace(ESTIMATE, learning=rate))
    screen.starting(setup, directory.path, 0)
    assert left() == "1 min 40 s left"
    screen._rate = closing / 40
    screen.choosing("the leaders", 0, 1)
    assert left() == "40 s left"
    for number, rest in enumerate(("40 s", "30 s", "20 s", "10 s")):
        screen.judging("blank", number, 4)
        assert left() == f"{rest} left"
    assert "validation lives 4/4: blank slate  10 s left" in file.getvalue()
