"""Configs in layers: what a base gives, who says what, and what editors are told."""

import json
from pathlib import Path

import jsonschema
import pytest

from evolearn.config import (
    STUDIES,
    ConfigError,
    Layer,
    RunConfig,
    explained_config,
    layers_of,
    merged,
    parse_yaml,
    read_config,
    read_layered,
    read_yaml,
    schema_of,
    shipped_configs,
)
from evolearn.study import StudyConfig, read_study, study_layers
from tests.helpers.studies import is_own_experiment

OF_RUNS, OF_STUDIES = (jsonschema.Draft202012Validator(schema_of(model)) for model in (RunConfig, StudyConfig))
RUNS, COMPARISONS = shipped_configs(), {name: path for name, path in shipped_configs(STUDIES).items()}


def written(folder: Path, **texts: str) -> dict[str, Path]:
    paths = {name: folder / f"{name}.yaml" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text)
    return paths


def who_says(text: str) -> dict[str, str]:
    """By the line, without its indent, who says so."""
    lines = [line.rpartition("  # ") for line in text.splitlines()]
    return {said.strip(): whose for said, _, whose in lines if said}


def test_the_last_word_is_had_by_the_command_line_then_the_file_then_its_base(tmp_path: Path) -> None:
    paths = written(
        tmp_path,
        ground="world: {name: cart-pole}\nsearch: {population: 8, lives: 3, options: {symmetric: true}}\nseed: 1\n",
        middle="base: ground.yaml\nsearch: {lives: 5}\nbrain: {hidden: [4, 4]}\n",
        top="base: middle.yaml\nbrain: {hidden: [6]}\n",
    )
    checked = read_config(paths["top"], ["seed=9"])
    assert (checked.seed, checked.search.population, checked.search.lives) == (9, 8, 5)
    assert checked.brain.hidden == (6,)  # a list is replaced
    assert checked.search.options == {"symmetric": True}
    said = who_says(explained_config(checked.model_dump(mode="json"), layers_of(paths["top"], ["seed=9"])))
    assert said["seed: 9"] == "command line"
    assert said["hidden: [6]"] == str(paths["top"])
    assert said["lives: 5"] == str(tmp_path / "middle.yaml")
    assert said["population: 8"] == said["symmetric: true"] == str(tmp_path / "ground.yaml")
    assert said["generations: 30"] == "default"


def test_what_a_file_says_without_a_base_is_what_it_said_before(tmp_path: Path) -> None:
    (path,) = written(tmp_path, one="world: {name: bandit}\nseed: 3\n").values()
    assert read_layered(path) == read_yaml(path)


def test_a_base_is_a_shipped_config_of_the_same_kind_or_a_file_beside(tmp_path: Path) -> None:
    paths = written(tmp_path, mine="base: zebra\nseed: 4\n", ours="base: zebra\nlevel: 0.01\n")
    mine, zebra = read_config(paths["mine"]), read_config(RUNS["zebra"])
    assert mine == zebra.model_copy(update={"seed": 4})
    ours, study = read_study(paths["ours"]), read_study(COMPARISONS["zebra"])
    assert ours == study.model_copy(update={"level": 0.01})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: mine.yaml\n", r"base='mine.yaml': goes round in a circle, or deeper than 20: .*mine.yaml"),
        ("base: zebrra\n", r"mine.yaml: base='zebrra': no such file, .* Did you mean zebra\?"),
        ("base: 3\n", "mine.yaml: base=3: must be the name of a shipped config, or the path of a file"),
        ("base: zebra\nsearch: {popultion: 3}\n", r"search.popultion=3: unknown key. Did you mean population\?"),
    ],
)
def test_a_base_that_is_none_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (path,) = written(tmp_path, mine=text).values()
    with pytest.raises(ConfigError, match=message):
        read_config(path)


def test_a_value_over_a_section_is_whose_it_is() -> None:
    layers = [Layer("below", {"world": {"name": "bandit"}}), Layer("above", {"world": None})]
    assert merged(layers) == {"world": None}
    assert "above" in explained_config({"world": None}, layers)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_in_full_reads_back_the_same_and_fits_the_schema(name: str) -> None:
    content = read_config(RUNS[name]).model_dump(mode="json")
    assert parse_yaml(explained_config(content, layers_of(RUNS[name]))) == content
    OF_RUNS.validate(read_yaml(RUNS[name]))


@pytest.mark.parametrize("name", ["dial", "zebra_full"])  # with looks, settings and arms of their own
def test_a_study_in_full_reads_back_the_same(name: str) -> None:
    content = read_study(COMPARISONS[name]).model_dump(mode="json")
    assert parse_yaml(explained_config(content, study_layers(COMPARISONS[name]))) == content


@pytest.mark.parametrize("name", [name for name, path in COMPARISONS.items() if not is_own_experiment(path)])
def test_a_study_fits_the_schema(name: str) -> None:
    OF_STUDIES.validate(read_yaml(COMPARISONS[name]))


def test_the_schema_refuses_what_evolearn_refuses_and_says_what_fields_are() -> None:
    schema = json.loads(json.dumps(schema_of(RunConfig)))
    jsonschema.Draft202012Validator.check_schema(schema)
    for unfit in ({"world": {"name": "bandit"}, "sead": 1}, {"world": {"name": "bandit"}, "seed": -1}, {"seed": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(unfit, schema)
    jsonschema.validate({"base": "zebra", "search": {"lives": 2}}, schema)
    assert schema["$defs"]["SearchPart"]["properties"]["lives"]["description"] == "lives per genome and generation"
