"""What does not fit into memory is refused before it is asked for, and what counts does not run over."""

import pytest

from evolearn.config import ConfigError, check_config
from evolearn.life import OwnDrivers
from evolearn.run import assemble, start_run
from evolearn.run._memory import check_memory, needs
from tests.helpers.runs import Watcher, toy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"search": {"population": 1_000_000}, "brain": {"hidden": [1024, 1024]}},
            r"search.population=1000000: 1,000,001 genomes of 1,0..,... genes need about .* GB of memory, and 0.1 GB "
            "are free; lower it, choose a smaller brain.hidden",
        ),
        ({"search": {"population": 1000, "lives": 10_000}}, r"search.lives=10000: 1,001 genomes with 10,000 "),
        (
            {"evaluation": {"lives": 1000, "lifetimes": [10_000_000], "birth_steps": 100, "bin_steps": 100}},
            r"evaluation.lives=1000: 1,000 lives with 100,000 age bins",
        ),
        (
            {
                "brain": {"trunk": "linear", "hidden": [], "prediction": True},
                "learner": {"name": "q_learning", "window": 1, "imagined": 1, "remembered": 1_000_000},
            },
            r"learner.remembered=1000000: up to 64 lives side by side that remember \d+ numbers of each step need",
        ),
        (
            {"search": {"lives": 100_000}, "genome": {"weights": {"mode": "fresh"}}, "brain": {"hidden": [1024]}},
            r"search.lives=100000: 100,000 lives with 8,195 weights of their own each",
        ),
    ],
)
def test_a_run_beyond_memory_is_refused_by_the_field(change: dict, said: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("evolearn.run._memory.available_memory", lambda: 10**8)
    content = toy()
    for section, fields in change.items():
        content[section] = {**content.get(section, {}), **fields}
    with pytest.raises(ConfigError, match=said):
        start_run(check_config(content, "toy"), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    assert not (tmp_path / "run").exists()


def test_parts_that_fit_one_by_one_and_not_together_are_refused_by_the_largest(monkeypatch) -> None:
    setup = assemble(check_config(toy(), "toy"))
    parts = [part.bytes for part in needs(setup.config, setup.pool.size, setup.conditions.brain.weights)]
    monkeypatch.setattr("evolearn.run._memory.available_memory", lambda: sum(parts))
    check_memory(setup)
    monkeypatch.setattr("evolearn.run._memory.available_memory", lambda: sum(parts) - 1)
    assert max(parts) < sum(parts) - 1
    with pytest.raises(ConfigError, match=r"^(search|evaluation)\..* GB for all that is held at once, and .* are free"):
        check_memory(setup)


@pytest.mark.parametrize("field", ["learner.learn_from", "learner.learn_until", "checkpoint_every"])
def test_numbers_that_no_machine_word_holds_are_refused(field: str) -> None:
    section, _, name = field.rpartition(".")
    content = toy()
    (content[section] if section else content)[name] = 10**28
    with pytest.raises(ConfigError, match=f"{field}={10**28}: must be "):
        check_config(content, "toy")
