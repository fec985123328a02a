"""Configs: reading, overriding, and the text of every mistake that a user can make in one."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from evolearn.config import (
    ConfigError,
    RunConfig,
    check_config,
    dump_config,
    find_config,
    override,
    read_config,
    shipped_configs,
)

MINIMAL = {"world": {"name": "savannah"}}


def error_of(content: dict, source: str = "test") -> str:
    with pytest.raises(ConfigError) as caught:
        check_config(content, source)
    return str(caught.value)


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_shipped_configs_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    config = read_config(find_config(name))
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_config(config))
    assert read_config(copy) == config


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    hidden=st.lists(st.integers(1, 64), min_size=1, max_size=4),
    rate=st.floats(1e-9, 1e3, allow_nan=False),
    until=st.none() | st.just(0) | st.integers(20, 10**6),  # nothing is learned in less than a window
)
def test_config_to_yaml_to_config_is_the_same(seed, hidden, rate, until, tmp_path_factory) -> None:
    config = check_config(
        {
            **MINIMAL,
            "seed": seed,
            "brain": {"hidden": hidden},
            "learner": {"epsilon": rate, "learn_until": until},
        },
        "test",
    )
    path = tmp_path_factory.mktemp("round") / "config.yaml"
    path.write_text(dump_config(config))
    assert read_config(path) == config


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({}, "world: missing; this field has no default"),
        ({**MINIMAL, "serch": {}}, "serch={}: unknown key. Did you mean search?"),
        (
            {**MINIMAL, "search": {"populaton": 4}},
            "search.populaton=4: unknown key. Did you mean population? Known: algorithm, generations, population",
        ),
        ({**MINIMAL, "search": {"population": "many"}}, "search.population='many': must be an integer"),
        ({**MINIMAL, "search": {"lives": 0}}, "search.lives=0: must be 1 or more"),
        ({**MINIMAL, "search": {"selection_lifetime": 0}}, "search.selection_lifetime=0: must be 1 or more"),
        ({**MINIMAL, "seed": -1}, "seed=-1: must be 0 or more"),
        ({**MINIMAL, "seed": 2**32}, f"seed={2**32}: must be less than {2**32}"),
        ({**MINIMAL, "learner": {"clip": 2}}, "learner.clip=2: must be 1 or less"),
        ({**MINIMAL, "learner": {"epsilon": 0}}, "learner.epsilon=0: must be greater than 0"),
        ({**MINIMAL, "learner": {"epsilon": float("nan")}}, "learner.epsilon=nan: must be a finite number"),
        ({**MINIMAL, "learner": {"window": 0}}, "learner.window=0: must be 1 or more"),
        ({**MINIMAL, "learner": {"optimiser": "sdg"}}, "learner.optimiser='sdg': must be 'adam' or 'sgd'"),
        ({**MINIMAL, "drives": {"transform": "log"}}, "drives.transform='log': must be 'identity' or 'symlog'"),
        (
            {**MINIMAL, "drives": {"evolved": []}},
            "drives.evolved=[]: must have at least 1 entry (drives whose weights are genes, the others stay as in "
            "drives.weights; null: all. To hold all of them, set genome.drives.mode=fixed)",
        ),
        ({**MINIMAL, "brain": {"hidden": [8, 0]}}, "brain.hidden.1=0: must be 1 or more"),
        (
            {**MINIMAL, "brain": {"inputs": ["observation", "last_fitness"]}},
            "brain.inputs.1='last_fitness': must be 'observation', 'last_observation', 'last_action', 'last_reward' or "
            "'new_episode'",
        ),
        (
            {**MINIMAL, "brain": {"inputs": ["last_action", "observation"]}},
            "brain.inputs=['last_action', 'observation']: must begin with observation; write ['observation', "
            "'last_action']",
        ),
        (
            {**MINIMAL, "brain": {"inputs": ["observation", "last_action", "last_action"]}},
            "brain.inputs=['observation', 'last_action', 'last_action']: must name each once; leave out one last_act",
        ),
        ({**MINIMAL, "brain": {"inputs": []}}, "brain.inputs=[]: must have at least 1 entry"),
        ({**MINIMAL, "brain": {"memory": "day"}}, "brain.memory='day': must be 'episode' or 'life'"),
        ({**MINIMAL, "brain": {"readout": "sum"}}, "brain.readout='sum': must be 'plain' or 'product'"),
        (
            {**MINIMAL, "genome": {"weights": {"mode": "evolvd"}}},
            "genome.weights.mode='evolvd': must be 'evolved', 'fixed' or 'fresh'",
        ),
        (
            {"world": {"name": "x", "parameters": {"alpha": "steep"}}},
            "world.parameters.alpha='steep': must be a number",
        ),
        (
            {**MINIMAL, "evaluation": {"birth_steps": 650}},
            "evaluation.birth_steps=650: must be a multiple of evaluation.bin_steps, 100",
        ),
        (
            {**MINIMAL, "evaluation": {"lifetimes": [1250]}},
            "evaluation.lifetimes=1250: must be a multiple of evaluation.bin_steps, 100",
        ),
        (
            {**MINIMAL, "evaluation": {"lifetimes": [500]}},
            "evaluation.birth_steps=600: must be at most the longest of evaluation.lifetimes, 500",
        ),
        ({**MINIMAL, "evaluation": {"lives": 1}}, "evaluation.lives=1: must be 2 or more"),
    ],
)
def test_mistakes_are_named_with_field_value_and_range(content: dict, text: str) -> None:
    assert text in error_of(content)


def test_every_mistake_gets_a_line_of_its_own() -> None:
    text = error_of({**MINIMAL, "seed": -1, "search": {"lives": 0}}, "my.yaml")
    assert text.splitlines()[0] == "my.yaml:"
    assert len(text.splitlines()) == 3


def test_yaml_that_does_not_parse_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("seed: 1\nworld: {name: savannah\n")
    with pytest.raises(ConfigError, match=r"broken\.yaml: is not YAML: line 3, column 1"):
        read_config(path)


def test_a_file_that_is_no_mapping_or_no_text_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "list.yaml"
    listing.write_text("- 1\n- 2\n")
    with pytest.raises(ConfigError, match="must hold fields"):
        read_config(listing)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_config(binary)


def test_overrides_are_dotted_typed_and_leave_the_original_alone() -> None:
    content = {"world": {"name": "savannah"}, "search": {"lives": 4}}
    changed = override(
        content, ["search.lives=8", "brain.hidden=[8, 8]", "learner.epsilon=1e-3", "world.name=cart-pole"]
    )
    assert changed["search"]["lives"] == 8
    assert changed["brain"]["hidden"] == [8, 8]
    assert changed["learner"]["epsilon"] == pytest.approx(1e-3)
    assert changed["world"]["name"] == "cart-pole"
    assert content == {"world": {"name": "savannah"}, "search": {"lives": 4}}


@pytest.mark.parametrize("entry", ["search.lives", "=3", "search..lives=3"])
def test_overrides_of_another_form_are_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="overrides have the form key=value"):
        override(MINIMAL, [entry])


def test_an_override_below_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="name is a value, not a section"):
        override(MINIMAL, ["world.name.x=3"])


def test_an_unknown_config_offers_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"CONFIG=zebrra: no such file.*Did you mean zebra\?"):
        find_config("zebrra")


def test_defaults_are_valid() -> None:
    assert RunConfig.model_validate(MINIMAL).search.population == 64
