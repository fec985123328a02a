"""What a run with restarts looks like: counted, named and set apart."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from evolearn.cli.show_run import RunScreen, generation_table, other_value
from evolearn.config import check_config
from evolearn.life import OwnDrivers
from evolearn.run import assemble, create_run, evolve_run
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
