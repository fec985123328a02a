"""Runs end to end: determinism, interrupts and damage, what is on disk, and what is refused."""

import dataclasses
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import evolearn.run.run as run_module
from evolearn.config import ConfigError, check_config, find_config, read_config, shipped_configs
from evolearn.errors import RunDirectoryError
from evolearn.life import OwnDrivers, new_driver
from evolearn.run import (
    Generation,
    Interrupted,
    assemble,
    create_run,
    evolve,
    load_dna,
    new_search,
    open_run,
    resume_run,
    start_run,
)
from evolearn.run._generation import paired_correlation
from evolearn.run.transplant import run_arms
from evolearn.search.options import OPTIONS
from evolearn.world import find_world
from tests.helpers.runs import GENERATIONS, Watcher, digests, toy


@pytest.fixture(scope="module")
def whole(undisturbed) -> dict[str, Path]:
    """One undisturbed run per algorithm."""
    return {algorithm: undisturbed(algorithm) for algorithm in OPTIONS}


def test_interrupt_between_checkpoints_keeps_the_last_generation(whole, tmp_path: Path) -> None:
    path = tmp_path / "run"
    config = check_config(toy(checkpoint_every=100), "toy")
    with pytest.raises(Interrupted):
        start_run(config, "toy", path, OwnDrivers(1), Watcher(stop_after=1))
    watcher = Watcher()
    resume_run(open_run(path), OwnDrivers(1), watcher)
    assert watcher.first == 2
    assert digests(path) == digests(whole["pgpe"])


def test_interrupt_before_the_first_generation_can_be_resumed(whole, tmp_path: Path) -> None:
    class Impatient(Watcher):
        def starting(self, setup, directory, first) -> None:
            super().starting(setup, directory, first)

    path = tmp_path / "run"
    config = check_config(toy(), "toy")
    create_run(config, "toy", path, {"workers": 1})
    resume_run(open_run(path), OwnDrivers(1), Impatient())
    assert digests(path) == digests(whole["pgpe"])


def test_another_seed_is_another_run(whole, tmp_path: Path) -> None:
    start_run(check_config({**toy(), "seed": 6}, "toy"), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    assert digests(tmp_path / "run")[0] != digests(whole["pgpe"])[0]


@pytest.mark.parametrize("damage", ["truncate", "alter", "unlabel"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(damage: str, whole, tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), Watcher(stop_after=2))
    newest = sorted((path / "checkpoints").glob("*.safetensors"))[-1]
    payload = newest.read_bytes()
    if damage == "truncate":
        newest.write_bytes(payload[: len(payload) // 2])
    elif damage == "alter":
        newest.write_bytes(payload[:-1] + bytes([payload[-1] ^ 1]))
    else:
        newest.with_suffix(".json").unlink()
    watcher = Watcher()
    resume_run(open_run(path), OwnDrivers(1), watcher)
    assert watcher.first == 2
    assert newest.name in watcher.warnings[0]
    assert "using the one before" in watcher.warnings[0]
    assert digests(path) == digests(whole["pgpe"])


def test_a_row_cut_off_by_a_crash_is_made_again(whole, tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), Watcher(stop_after=1))
    with (path / "generations.jsonl").open("a") as file:
        file.write('{"generation": 2, "fitness_me')
    resume_run(open_run(path), OwnDrivers(1), Watcher())
    assert digests(path) == digests(whole["pgpe"])


def test_rows_have_the_documented_schema(whole) -> None:
    expected = {field.name for field in dataclasses.fields(Generation)} - {"opponent"}  # of those that evolve alone
    required = {
        "generation",
        "fitness_mean",
        "fitness_std",
        "fitness_best",
        "fitness_centre",
        "world_steps",
        "seconds",
        "steps_per_second",
        "evaluations",
        "fitness_sha256",
    }
    assert required <= expected
    for algorithm, path in whole.items():
        rows = open_run(path).rows()
        assert [row["generation"] for row in rows] == list(range(GENERATIONS))
        for row in rows:
            assert set(row) == expected
            assert len(row["fitness_sha256"]) == 64
            assert row["fitness_mean"] <= row["fitness_best"]
            evaluated = 8 * (2 if algorithm == "genetic" else 1) + 1
            assert row["evaluations"] == evaluated
            assert row["world_steps"] == evaluated * 2 * 60


def test_dna_says_what_every_slice_is(whole) -> None:
    dna = load_dna(whole["pgpe"])
    header, genome = dna.header, dna.genome
    assert header["genes"][0]["start"] == 0
    assert header["genes"][-1]["stop"] == len(genome)
    for before, after in zip(header["genes"][:-1], header["genes"][1:], strict=True):
        assert before["stop"] == after["start"]
    for gene in header["genes"]:
        assert gene["stop"] - gene["start"] == int(np.prod(gene["shape"], dtype=int))
    assert header["world"] == {"name": "cart-pole", "parameters": {"predictability": 1.0}}
    assert header["brain"]["hidden"] == [4]
    assert header["seed"] == 5
    assert header["lineage"]["algorithm"] == "pgpe"
    assert header["role"] == "centre"
    assert load_dna(whole["genetic"]).role == "best"


def test_the_closing_table_has_every_arm_and_a_catch_up(whole) -> None:
    result = json.loads((whole["pgpe"] / "result.json").read_text())
    arms = {row["arm"]: row for row in result["arms"]}
    assert set(arms) == {"blank", "evolved", "evolved_frozen", "random", "oracle"}
    assert arms["oracle"]["birth"] > arms["random"]["birth"]
    assert arms["evolved"]["birth"] == arms["evolved_frozen"]["birth"], "birth scores are all without learning"
    assert all(len(row["quarters"]) == 4 for row in arms.values())
    assert len(arms["blank"]["running"]) == 4 - 2 + 1
    assert arms["random"]["birth_deaths"] > 3.0, "a pole that falls is a death, and 200 steps see many"
    assert arms["random"]["birth_reborn"] != arms["random"]["birth"]
    assert (arms["oracle"]["birth"], arms["oracle"]["birth_reborn"], arms["oracle"]["birth_deaths"]) == (200, 200, 0)


def test_nothing_on_disk_is_a_pickle(whole) -> None:
    for path in whole["cmaes"].rglob("*"):
        assert path.is_dir() or path.suffix in (".json", ".jsonl", ".yaml", ".safetensors")


def test_a_run_is_never_written_over(whole) -> None:
    with pytest.raises(RunDirectoryError, match=r"exists already, and runs are never overwritten; evolearn resume"):
        start_run(check_config(toy(), "toy"), "toy", whole["pgpe"], OwnDrivers(1), Watcher())


def test_runs_without_out_get_new_directories(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = check_config(toy(), "toy")
    first, second = create_run(config, "toy", None, {"workers": 1}), create_run(config, "toy", None, {"workers": 1})
    assert first.path == tmp_path / "runs/toy-seed5-1"
    assert second.path == tmp_path / "runs/toy-seed5-2"


def test_out_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="cannot be made: Not a directory; name another"):
        create_run(check_config(toy(), "toy"), "toy", tmp_path / "file" / "run", {"workers": 1})


def test_what_is_not_a_run_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunDirectoryError, match=r"is not a run directory \(no run.json\)"):
        open_run(tmp_path)
    (tmp_path / "run.json").write_text('{"kind": "run", "format": 99, "evolearn": "9.9"}')
    with pytest.raises(RunDirectoryError, match=r"has format 99 \(made by evolearn 9.9\), this evolearn reads 1"):
        open_run(tmp_path)
    (tmp_path / "run.json").write_text("not json")
    with pytest.raises(RunDirectoryError, match=r"run.json: is damaged: "):
        open_run(tmp_path)


def test_a_full_disk_is_explained(whole, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "run"
    import evolearn.run.directory

    def full(path: Path, payload: bytes) -> None:
        raise OSError(28, "No space left on device")

    run = create_run(check_config(toy(), "toy"), "toy", path, {"workers": 1})
    monkeypatch.setattr(evolearn.run.directory, "write_whole", full)
    with pytest.raises(RunDirectoryError, match="No space left on device; what was written before is whole"):
        run.save_result({})


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_every_shipped_config_runs_at_toy_size(name: str, tmp_path: Path) -> None:
    config = read_config(
        find_config(name),
        [
            "search.generations=2",
            "search.population=8",
            "search.lives=1",
            "search.selection_lifetime=60",
            "evaluation.lives=2",
            "evaluation.lifetimes=[600]",
        ],
    )
    result = start_run(config, name, tmp_path / "run", OwnDrivers(1), Watcher())
    assert np.isfinite(result.scores("evolved").birth)
    assert len(digests(tmp_path / "run")) == 2


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"world": {"name": "savanna"}}, "world.name='savanna'"),
        (
            {"world": {"name": "savannah", "parameters": {"alpha": 200}}},
            "world.parameters.alpha=200: must be 0 to 180 (degrees)",
        ),
        (
            {"world": {"name": "savannah", "parameters": {"beta": 1}}},
            "world.parameters.beta: unknown for world savannah; it offers alpha",
        ),
        ({"drives": {"weights": {"uprigthness": 1}}}, "drives.weights: 'uprigthness' is unknown. Did you mean upright"),
        ({"drives": {"generic": ["curiosity"]}}, "drives.generic: 'curiosity' is unknown. Known: effort"),
        ({"brain": {"trunk": "lstm"}}, "brain.trunk: 'lstm' is unknown. Known: mlp"),
        ({"learner": {"name": "actor-critic"}}, "learner.name: 'actor-critic' is unknown. Did you mean actor_critic?"),
        ({"genome": {"encoding": "indirect"}}, "genome.encoding: 'indirect' is unknown. Did you mean direct?"),
        ({"learner": {"plasticity": {"learning_rat": 1}}}, "'learning_rat' is unknown. Did you mean learning_rate?"),
        ({"learner": {"plasticity": {"discount": 1.5}}}, "learner.plasticity.discount=1.5: must fit its gene"),
        ({"learner": {"plasticity": {"learning_rate": -1}}}, "learner.plasticity.learning_rate=-1: must fit its gene"),
        (
            {"genome": {group: {"mode": "fixed"} for group in ("weights", "drives", "plasticity")}},
            "no gene group has mode evolved",
        ),
    ],
)
def test_a_config_that_does_not_fit_its_world_is_refused(change: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        assemble(check_config({**toy(), **change}, "toy"))
    assert text in str(caught.value)


def test_evolve_is_a_plain_iterator() -> None:
    setup = assemble(check_config(toy(), "toy"))
    driver = new_driver(setup.conditions, 1)
    rows = list(evolve(setup, driver, new_search(setup)))
    assert [row.generation for row in rows] == list(range(GENERATIONS))


def test_paired_correlation() -> None:
    same_luck = np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [5.0, 7.0, 9.0]])
    assert paired_correlation(same_luck) == pytest.approx(1.0)
    opposite = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert paired_correlation(opposite) == pytest.approx(-1.0)
    assert paired_correlation(np.ones((4, 3))) is None
    assert paired_correlation(np.array([[1.0], [2.0]])) is None
    rng = np.random.default_rng(0)
    random = rng.standard_normal((6, 5))
    expected = np.corrcoef(random)[np.triu_indices(6, 1)].mean()
    assert paired_correlation(random) == pytest.approx(expected)


def test_a_finished_run_is_not_judged_again(whole) -> None:
    with pytest.raises(RunDirectoryError, match=r"is finished; its table is in .*result\.json"):
        resume_run(open_run(whole["pgpe"]), OwnDrivers(1), Watcher())


def test_an_altered_config_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), Watcher(stop_after=0))
    altered = (path / "config.yaml").read_text().replace("population: 8", "population: 4")
    (path / "config.yaml").write_text(altered)
    with pytest.raises(RunDirectoryError, match=r"config\.yaml: was altered since the run was made"):
        resume_run(open_run(path), OwnDrivers(1), Watcher())


def test_lost_checkpoints_start_the_run_again_and_say_so(whole, tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), Watcher(stop_after=1))
    for file in (path / "checkpoints").iterdir():
        file.unlink()
    (path / "environment.json").unlink()
    watcher = Watcher()
    assert open_run(path).version_changes() == ["environment.json is missing or damaged: versions unknown"]
    resume_run(open_run(path), OwnDrivers(1), watcher)
    assert watcher.first == 0
    assert "no whole checkpoint is left" in watcher.warnings[0]
    assert digests(path) == digests(whole["pgpe"])


def test_an_altered_checkpoint_label_is_noticed(whole, tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), Watcher(stop_after=2))
    label = sorted((path / "checkpoints").glob("*.json"))[-1]
    label.write_text(label.read_text().replace('"generation": 2', '"generation": 3'))
    watcher = Watcher()
    resume_run(open_run(path), OwnDrivers(1), watcher)
    assert watcher.first == 2
    assert digests(path) == digests(whole["pgpe"])


def test_any_failure_keeps_the_last_whole_generation(whole, tmp_path: Path) -> None:
    class Failing(Watcher):
        def made(self, generation) -> None:
            super().made(generation)
            if generation.generation == 1:
                raise RuntimeError("the terminal is gone")

    path = tmp_path / "run"
    with pytest.raises(RuntimeError, match="the terminal is gone"):
        start_run(check_config(toy(checkpoint_every=100), "toy"), "toy", path, OwnDrivers(1), Failing())
    watcher = Watcher()
    resume_run(open_run(path), OwnDrivers(1), watcher)
    assert watcher.first == 2
    assert digests(path) == digests(whole["pgpe"])


def test_a_dangling_runs_folder_is_explained(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").symlink_to(tmp_path / "unmounted")
    with pytest.raises(RunDirectoryError, match="runs: cannot be made"):
        create_run(check_config(toy(), "toy"), "toy", None, {"workers": 1})


@pytest.mark.parametrize(
    "options", [{"optimizer_config": {"foo": 1}}, {"optimizer": "adam", "optimizer_config": {"max_speed": 1}}]
)
def test_what_evotorch_refuses_is_explained(options: dict, tmp_path: Path) -> None:
    content = toy()
    content["search"]["options"] = options
    with pytest.raises(ConfigError, match="EvoTorch refuses them"):
        start_run(check_config(content, "toy"), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("generic", [["effort"], ["linear_surprise", "linear_surprise"]])
def test_a_drive_named_twice_is_refused(generic: list[str]) -> None:
    with pytest.raises(ConfigError, match="is named twice, or is a sense of world savannah already"):
        assemble(check_config({**toy(), "world": {"name": "savannah"}, "drives": {"generic": generic}}, "toy"))


def test_a_blank_slate_learns_whatever_the_config_says() -> None:
    setup = assemble(check_config({**toy(), "learner": {"learn_until": 0}}, "toy"))
    arms = {arm.name: arm for arm in run_arms(setup, setup.pool.centre)}
    assert arms["blank"].learn_until is None
    assert arms["evolved"].learn_until == 0


def test_going_on_with_another_type_of_processor_is_said_of_environments_only(monkeypatch) -> None:
    monkeypatch.setattr(run_module, "processor_type", lambda: ("EPYC", "znver4 2"))
    generation, warnings = SimpleNamespace(cluster=None, generation=1), []
    display = SimpleNamespace(warning=warnings.append)
    for world in (find_world("cart-pole"), object()):
        setup = SimpleNamespace(conditions=SimpleNamespace(world=world))
        processors = run_module._compare_processors(setup, {"skylake 1"}, generation, display)
        assert run_module._compare_processors(setup, processors, generation, display) == {"skylake 1", "znver4 2"}
    (text,) = warnings
    assert text.startswith(
        "generation 2 was lived on znver4 2, those before on skylake 1: what a Gymnasium environment"
    )


def test_a_run_of_an_earlier_evolearn_goes_on_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start_run(check_config(toy(), "toy"), "toy", path, OwnDrivers(1), Watcher(stop_after=0))
    config, label = path / "config.yaml", json.loads((path / "run.json").read_text())
    config.write_text(config.read_text() + "portable: false\n")
    for file in (path / "run.json", *(path / "checkpoints").glob("*.json")):
        content = json.loads(file.read_text())
        content["config_sha256"] = hashlib.sha256(config.read_bytes()).hexdigest()
        file.write_text(json.dumps(content))
    assert label["config_sha256"] != content["config_sha256"]
    about = json.loads((path / "environment.json").read_text())
    assert about.pop("arithmetic") > 1
    (path / "environment.json").write_text(json.dumps(about))
    assert open_run(path).version_changes() == ["how compiled code computes has changed"]
    with pytest.warns(FutureWarning, match="portable: is no longer a setting"):
        resume_run(open_run(path), OwnDrivers(1), Watcher())
    assert (path / "result.json").exists()
