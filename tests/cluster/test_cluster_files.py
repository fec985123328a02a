"""The files in cluster/, each checked by the tool that exists for it. What was run for real is told in its README."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.helpers.places import ROOT

CLUSTER = ROOT / "cluster"
LAUNCHERS = [CLUSTER / "aws.yaml", CLUSTER / "gcp.yaml"]
KUBERNETES = CLUSTER / "kubernetes"
SBATCH = CLUSTER / "slurm" / "evolearn.sbatch"
BY_HAND = CLUSTER / "by_hand"
SCRIPTS = [SBATCH, *sorted(BY_HAND.glob("*.sh"))]
FILES = [*LAUNCHERS, KUBERNETES / "raycluster.yaml", KUBERNETES / "rayjob.yaml", *SCRIPTS]


def named(path: Path) -> str:
    return path.name


# --- Ray's launcher


def launcher(text: str) -> dict[str, Any]:
    """A launcher file as `ray up` takes it: defaults filled in, then judged by Ray."""
    prepared: dict[str, Any] = prepare_config(yaml.safe_load(text))
    validate_config(prepared)
    return prepared


@pytest.mark.parametrize("path", LAUNCHERS, ids=named)
def test_ray_accepts_the_launcher_files(path: Path) -> None:
    assert launcher(path.read_text())["cluster_name"] == "evolearn"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("idle_timeout_minutes: 5", "idle_timeout: 5"),
        ("idle_timeout_minutes: 5", "idle_timeout_minutes: soon"),
        ("head_node_type: head", "head_node_type: heads"),
        ("  worker:\n    min_workers: 0", "  worker:\n    min_workers: 17"),
        ("ssh_user", "ssh_users"),
    ],
)
@pytest.mark.parametrize("path", LAUNCHERS, ids=named)
def test_ray_refuses_broken_launcher_files(path: Path, right: str, wrong: str) -> None:
    text = path.read_text()
    assert right in text
    with pytest.raises((jsonschema.ValidationError, ValueError)):
        launcher(text.replace(right, wrong, 1))


@pytest.mark.parametrize("path", LAUNCHERS, ids=named)
def test_workers_come_and_go_and_the_head_stays(path: Path) -> None:
    types = launcher(path.read_text())["available_node_types"]
    head, worker = types["head"], types["worker"]
    assert head["resources"] == {"CPU": 0}  # the driver is there, and no life
    assert worker["min_workers"] == 0 < worker["max_workers"]
    assert "spot" in json.dumps(worker["node_config"]).lower()
    assert not re.search("spot|preemptible", json.dumps(head["node_config"]).lower())


def launcher_commands(path: Path) -> list[tuple[str, str]]:
    content = yaml.safe_load(path.read_text())
    return [(key, command) for key in content if key.endswith("_commands") for command in content[key]]


@pytest.mark.parametrize("path", LAUNCHERS, ids=named)
def test_the_launchers_shell_sets_token_mode_once(path: Path, tmp_path: Path) -> None:
    (command,) = [command for key, command in launcher_commands(path) if key == "initialization_commands"]
    (tmp_path / ".bashrc").write_text("case $- in *i*) ;; *) return ;; esac\n")
    for _ in range(2):
        subprocess.run(["bash", "-c", command], env={**os.environ, "HOME": str(tmp_path)}, check=True)
    assert (tmp_path / ".bashrc").read_text().count("RAY_AUTH_MODE=token") == 1
    shell = ["bash", "--norc", "-c", '. ~/.bashrc; echo "$RAY_AUTH_MODE $PATH"']
    said = subprocess.run(
        shell, env={"HOME": str(tmp_path), "PATH": "/bin"}, check=True, capture_output=True, text=True
    )
    assert said.stdout == f"token {tmp_path}/venv/bin:/bin\n"


# --- Shell


def shellcheck(text: str) -> str:
    program = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([program, "--shell=bash", "-"], input=text, capture_output=True, text=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_shellcheck_and_bash_find_nothing_in_the_scripts(path: Path) -> None:
    assert shellcheck(path.read_text()) == ""
    assert subprocess.run(["bash", "-n", path]).returncode == 0
    assert path.suffix == ".sbatch" or os.access(path, os.X_OK)


@pytest.mark.parametrize("path", LAUNCHERS, ids=named)
def test_shellcheck_finds_nothing_in_the_launchers_commands(path: Path) -> None:
    for _, command in launcher_commands(path):
        assert shellcheck(command + "\n") == ""


def test_shellcheck_finds_a_planted_mistake() -> None:
    assert "SC2086" in shellcheck(SBATCH.read_text().replace('"$command" "$config"', '$command "$config"'))


# --- Token, dashboard, ports


def without_comments(text: str) -> str:
    return re.sub(r"(^|\s)#.*", r"\1", text)


def unsafe(text: str) -> Iterator[str]:
    """What a file leaves open: `ray start` without a token is unauthenticated, and tokens must not be in files."""
    text = without_comments(text)
    if not re.search(r"RAY_AUTH_MODE(=|, value: )token\b", text):
        yield "token authentication is off"
    if re.search(r"RAY_AUTH_TOKEN[=:]|auth_token[=:] *['\"\w]", text):
        yield "a token is in the file"
    for line in text.splitlines():
        if re.search(r"dashboard-host", line) and "127.0.0.1" not in line:
            yield f"the dashboard is open: {line.strip()}"
    if re.search(r"--head\b|headGroupSpec", text) and "dashboard-host" not in text:
        yield "where the dashboard listens is not said"
    if re.search(r"LoadBalancer|NodePort|hostNetwork|hostPort", text):
        yield "a port is open to the outside"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_token_authentication_is_on_and_nothing_is_open(path: Path) -> None:
    # The operator asks a RayJob's dashboard for the status; the NetworkPolicy lets nobody else in, see below.
    allowed = ["the dashboard is open: dashboard-host: 0.0.0.0"] if path.name == "rayjob.yaml" else []
    assert list(unsafe(path.read_text())) == allowed


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_that_leaves_something_open_is_found(path: Path) -> None:
    text = path.read_text()
    assert "token authentication is off" in list(unsafe(re.sub("RAY_AUTH_MODE", "AUTH_MODE", text)))
    assert "a token is in the file" in list(unsafe(text + "\nRAY_AUTH_TOKEN=1234 ray start\n"))
    if "dashboard-host" in text:
        opened = re.sub("127.0.0.1|0.0.0.0", "::", text)
        assert any(each.startswith("the dashboard is open") for each in unsafe(opened))
        assert "where the dashboard listens is not said" in list(unsafe(text.replace("dashboard-host", "")))


@pytest.mark.parametrize("path", LAUNCHERS, ids=named)
def test_every_ray_start_of_a_launcher_has_the_token(path: Path) -> None:
    starts = [command for _, command in launcher_commands(path) if "ray start" in command]
    assert len(starts) == 2
    mounts = yaml.safe_load(path.read_text())["file_mounts"]
    assert mounts["/home/ubuntu/.ray/auth_token"] == "~/.ray/auth_token"
    for command in starts:
        assert "RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$HOME/.ray/auth_token" in command


# --- Versions


def versions() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = dict(line.split("==") for line in lines if "==" in line)
    found["evolearn"] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return found


@pytest.mark.parametrize(
    "path",
    [*LAUNCHERS, *sorted(KUBERNETES.glob("ray*.yaml")), KUBERNETES / "Dockerfile", CLUSTER / "README.md"],
    ids=named,
)
def test_versions_are_those_that_are_tested_together(path: Path) -> None:
    text, tested = path.read_text(), versions()
    evolearn = re.findall(r"evolearn[-:](\d[\d.]*\d)", text)
    ray = re.findall(r"(?:ray\S*==|rayVersion: |rayproject/ray:)(\d[\d.]*\d)", text)
    torch = re.findall(r"torch==(\d[\d.]*\d)", text)
    assert set(evolearn) <= {tested["evolearn"]}
    assert set(ray) <= {tested["ray"]}
    assert set(torch) <= {tested["torch"]}
    assert evolearn or ray


def test_the_readme_names_every_file() -> None:
    text = (CLUSTER / "README.md").read_text()
    for path in (*LAUNCHERS, *SCRIPTS, *KUBERNETES.iterdir()):
        assert path.name in text or path.suffix == ".pyc" or path.is_dir(), path.name
