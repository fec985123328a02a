"""cluster/slurm, cluster/by_hand and the job of cluster/kubernetes, run with stand-ins for the programs they call."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.helpers.places import ROOT

CLUSTER = ROOT / "cluster"
SBATCH = CLUSTER / "slurm" / "evolearn.sbatch"
BY_HAND = CLUSTER / "by_hand"


def stand_in(folder: Path, name: str, script: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


def path_of(folder: Path, **variables: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "SLURM", "EVOLEARN"))}
    return {**kept, "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), **variables}


# Options of sbatch(1) that a file like this may want, and what their values look like.
DIRECTIVES = {
    "job-name": r"[\w-]+",
    "nodes": r"\d+(-\d+)?",
    "ntasks-per-node": r"1",
    "cpus-per-task": r"\d+",
    "mem-per-cpu": r"\d+[KMGT]?",
    "time": r"(\d+-)?\d+:\d\d:\d\d",
    "output": r"[\w%.-]+",
    "open-mode": r"append|truncate",
    "signal": r"([RB]+:)?\w+(@\d{1,5})?",
    "requeue": None,
    "no-kill": None,
    "exclusive": None,
}


def wrong_directives(text: str) -> list[str]:
    """Directives that sbatch would refuse, or not see: it reads them up to the first line that is not a comment."""
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if line.strip() and not line.startswith("#"))
    wrong = [line for line in lines[end:] if line.startswith("#SBATCH")]
    for line in lines[:end]:
        if line.startswith("#SBATCH"):
            match = re.fullmatch(r"#SBATCH --([\w-]+)(?:=(\S+))?", line)
            option, value = match.groups() if match else ("", None)
            form = DIRECTIVES.get(option, "(?!)")
            if (value is None) != (form is None) or (form and not re.fullmatch(form, value or "")):
                wrong.append(line)
    return wrong


def test_the_directives_of_the_batch_file_are_options_of_sbatch() -> None:
    text = SBATCH.read_text()
    assert text.count("\n#SBATCH --") == 11
    assert wrong_directives(text) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("cpus-per-task=32", "cpus-per-taks=32"),
        ("open-mode=append", "open-mode=add"),
        ("--requeue", "--requeue=yes"),
        ("#SBATCH --no-kill\n", "true\n#SBATCH --no-kill\n"),
    ],
)
def test_wrong_directives_are_found(right: str, wrong: str) -> None:
    assert len(wrong_directives(SBATCH.read_text().replace(right, wrong))) >= 1


@pytest.fixture
def slurm_job(tmp_path: Path) -> dict[str, str]:
    """A job on two nodes whose Ray, SLURM and evolearn only write down how they were called."""
    programs = tmp_path / "bin"
    note = f'echo "$(basename "$0") $*" >> {tmp_path}/calls'
    token = '"mode $RAY_AUTH_MODE, file $(stat -c %a "$RAY_AUTH_TOKEN_PATH"), $(wc -c < "$RAY_AUTH_TOKEN_PATH") bytes"'
    stand_in(programs, "hostname", "[[ ${1:-} == -I ]] && echo 192.0.2.7 10.1.2.3 10.9.2.3 || echo n1")
    stand_in(programs, "srun", f"{note}; [[ $* == *--block* ]] && exec sleep 60")
    stand_in(programs, "scontrol", note)
    stand_in(programs, "timeout", 'shift; exec "$@"')
    environment = tmp_path / ".venv" / "bin"
    stand_in(
        environment, "evolearn", f'{note}; echo {token} > {tmp_path}/token; cp "$RAY_AUTH_TOKEN_PATH" {tmp_path}/copy'
    )
    # What counts the nodes that have joined is Python: here a node has joined when its Ray was started.
    joined = f'until (($(grep -c "ray start" {tmp_path}/calls) >= $3)); do sleep 0.02; done; exit'
    stand_in(environment, "python3", f'[[ $1 == - ]] && {{ {joined}; }}; exec {sys.executable} "$@"')
    numbers = {"SLURM_JOB_ID": "417", "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_PER_TASK": "8", "SLURMD_NODENAME": "n1"}
    return path_of(tmp_path, EVOLEARN_NETWORK="10.9.", **numbers)


def submit(folder: Path, variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", SBATCH, *arguments], cwd=folder, env=variables, capture_output=True, text=True, timeout=60
    )


def test_a_slurm_job_starts_a_cluster_runs_and_leaves_nothing(tmp_path: Path, slurm_job: dict[str, str]) -> None:
    done = submit(tmp_path, slurm_job, "run", "zebra", "search.generations=3")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    (evolearn,) = [call for call in calls if call.startswith("evolearn")]
    assert evolearn == "evolearn run zebra search.generations=3 --out runs/slurm-417 --address 10.9.2.3:20417"
    head, workers, cleaning = [call for call in calls if call.startswith("srun")]
    assert "--nodelist=n1 ray start --head" in head
    assert "--node-ip-address=10.9.2.3 --port=20417 --num-cpus=7 --dashboard-host=127.0.0.1" in head
    assert "--nodes=1 --ntasks=1 --ntasks-per-node=1 --exclude=n1" in workers
    assert "--address=10.9.2.3:20417 --num-cpus=8" in workers
    assert "rm -rf /tmp/ray-417" in cleaning
    assert (tmp_path / "token").read_text() == "mode token, file 600, 65 bytes\n"
    assert not list(tmp_path.glob(".evolearn-token*"))
    token = (tmp_path / "copy").read_text().strip()
    assert token not in "".join(calls) + done.stdout + done.stderr


def test_a_slurm_job_that_was_requeued_resumes(tmp_path: Path, slurm_job: dict[str, str]) -> None:
    (tmp_path / "runs" / "slurm-417").mkdir(parents=True)
    (tmp_path / "runs" / "slurm-417" / "study.json").touch()
    assert submit(tmp_path, slurm_job, "study", "dial").returncode == 0
    assert "evolearn resume runs/slurm-417 --address 10.9.2.3:20417\n" in (tmp_path / "calls").read_text()


def test_a_slurm_job_near_its_time_limit_is_requeued(tmp_path: Path, slurm_job: dict[str, str]) -> None:
    # Python, since it hears SIGINT only if it was not started deaf to it, as bash starts what is in the background.
    script = "import os, signal, sys, time\nos.kill(os.getppid(), signal.SIGUSR1)\ntry: time.sleep(60)\n"
    script += f"except KeyboardInterrupt: open({str(tmp_path / 'calls')!r}, 'a').write('interrupted\\n'); sys.exit(130)"
    (tmp_path / "driver.py").write_text(script)
    stand_in(tmp_path / ".venv" / "bin", "evolearn", f"exec {sys.executable} {tmp_path}/driver.py")
    done = submit(tmp_path, slurm_job, "run", "zebra")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1] == "scontrol requeue 417"
    assert "interrupted" in calls
    assert not list(tmp_path.glob(".evolearn-token*"))


def test_a_slurm_job_passes_on_how_evolearn_ended(tmp_path: Path, slurm_job: dict[str, str]) -> None:
    stand_in(tmp_path / ".venv" / "bin", "evolearn", "exit 2")
    assert submit(tmp_path, slurm_job, "run", "zebra").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ([], {}, "usage: sbatch evolearn.sbatch run|study CONFIG"),
        (["dance", "zebra"], {}, "usage: sbatch evolearn.sbatch run|study CONFIG"),
        (["run", "zebra"], {"SLURM_JOB_ID": ""}, "submit this file with sbatch"),
        (["run", "zebra"], {"EVOLEARN_ENVIRONMENT": "nowhere"}, "EVOLEARN_ENVIRONMENT=nowhere: no bin/evolearn"),
        (["run", "zebra"], {"EVOLEARN_NETWORK": "172."}, "no private address starting with '172.'"),
    ],
)
def test_a_slurm_job_that_cannot_start_says_why(
    tmp_path: Path, slurm_job: dict[str, str], arguments: list[str], variables: dict[str, str], said: str
) -> None:
    done = submit(tmp_path, {**slurm_job, **variables}, *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def by_hand(folder: Path, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    generate = f'mkdir -p {folder}/.ray; echo 1234 | tee {folder}/.ray/auth_token; echo "generated" >&2'
    stand_in(
        folder / "bin", "ray", f'[[ $1 == get-auth-token ]] && {{ {generate}; exit; }}; echo "$RAY_AUTH_MODE ray $*"'
    )
    command = ["bash", BY_HAND / script, *arguments]
    return subprocess.run(command, env=path_of(folder, **variables), capture_output=True, text=True, timeout=60)


def test_a_head_by_hand_makes_a_token_and_starts_with_it(tmp_path: Path) -> None:
    done = by_hand(tmp_path, "start_head.sh", "10.1.2.3", "--num-cpus=4")
    token = tmp_path / ".ray" / "auth_token"
    assert done.returncode == 0, done.stderr
    assert "1234" not in done.stdout + done.stderr
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert (
        "\ntoken ray start --head --block --disable-usage-stats --node-ip-address=10.1.2.3 --port=6379" in done.stdout
    )
    assert done.stdout.endswith(" --num-cpus=4\n")


def test_a_worker_by_hand_starts_with_the_token_that_it_was_given(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("1234")
    token.chmod(0o644)
    done = by_hand(tmp_path, "start_worker.sh", "10.1.2.3", "10.1.2.4", RAY_AUTH_TOKEN_PATH=str(token))
    assert done.stdout.startswith("token ray start --block --address=10.1.2.3:6379 --node-ip-address=10.1.2.4")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_head_and_workers_by_hand_use_the_same_fixed_ports_and_the_readme_names_them() -> None:
    ports = [
        sorted(re.findall(r"--([\w-]+-port)=(\d+)", (BY_HAND / f"start_{each}.sh").read_text()))
        for each in ("head", "worker")
    ]
    assert [each for each in ports[0] if each[0] != "dashboard-port"] == ports[1]
    assert "6379-6385" in (CLUSTER / "README.md").read_text()
    assert "11000-11999" in (CLUSTER / "README.md").read_text()
    inner = {int(port) for name, port in ports[1] if "worker-port" not in name}
    assert inner == set(range(6380, 6386))


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("start_head.sh", [], "usage: start_head.sh ADDRESS"),
        ("start_head.sh", ["0.0.0.0"], "0.0.0.0 is not a private address"),
        ("start_head.sh", ["172.32.0.1"], "172.32.0.1 is not a private address"),
        ("start_worker.sh", ["10.1.2.3"], "usage: start_worker.sh HEAD_ADDRESS ADDRESS"),
        ("start_worker.sh", ["203.0.113.9", "10.1.2.3"], "203.0.113.9 is not a private address"),
        ("start_worker.sh", ["10.1.2.3", "10.1.2.4"], "no token at"),
    ],
)
def test_by_hand_nothing_starts_in_public_or_without_a_token(
    tmp_path: Path, script: str, arguments: list[str], said: str
) -> None:
    done = by_hand(tmp_path, script, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "ray start" not in done.stdout


def test_the_job_resumes_a_run_that_is_there(tmp_path: Path) -> None:
    entrypoint = yaml.safe_load((CLUSTER / "kubernetes" / "rayjob.yaml").read_text())["spec"]["entrypoint"]
    stand_in(tmp_path / "bin", "evolearn", 'echo "$@"')
    run = tmp_path / "zebra"
    run.mkdir(parents=True)
    # One shell takes it apart for `ray job submit`, which joins it again for another.
    command = shlex.join(shlex.split(entrypoint.replace("/home/ray/runs", str(tmp_path))))

    def said() -> str:
        done = subprocess.run(command, shell=True, env=path_of(tmp_path), capture_output=True, text=True, check=True)
        return done.stdout

    assert said() == f"run zebra --out {run} --address auto\n"
    run.mkdir()
    (run / "run.json").touch()
    assert said() == f"resume {run} --address auto\n"
