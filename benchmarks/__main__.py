"""Run every contender in alternation, then what this project promises; print two tables, write results.json.

Rates move with whatever else a machine does, so contenders take turns, and ratios are formed within each round.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.before import COMMIT, FOLDER
from benchmarks.targets import PROMISES, Target

RESULTS = Path(__file__).with_name("results.json")
SELF = "evolearn"
LONGEST = 600  # s for one contender or measurement
BUSY = 0.5  # load average above which a reader should doubt the numbers
PACKAGES = ("evolearn", "numba", "numpy", "jax", "jaxlib", "torch", "stable-baselines3", "gymnasium")


class Contender(NamedTuple):
    """A program that does the common work; see `benchmarks.work`."""

    name: str
    arguments: tuple[str, ...]  # of `python -m`
    doc: str
    least: float  # this project must be so many times as fast
    quick: tuple[str, ...] = ("--updates", "100")


CONTENDERS = (
    Contender(SELF, ("benchmarks.evolearn_lives",), "kernel specialised per shape, all cores", 1.0),
    Contender("evolearn-before", ("benchmarks.before",), f"the fused kernel of commit {COMMIT[:7]}", 2.8),
    Contender("jax", ("benchmarks.jax_twin", "--plain"), "vmap + scan + jit + grad, as people write it", 9.0),
    Contender("jax-tuned", ("benchmarks.jax_twin",), "chunks of lives, a device per core, gradient by hand", 4.0),
    Contender(
        "jax-tuned-16",
        ("benchmarks.jax_twin", "--environments", "16", "--updates", "50"),
        "the same with 16 environments per agent: 256 samples per update, one epoch",
        5.0,
        ("--updates", "25"),
    ),
    Contender("torch", ("benchmarks.torch_batched",), "eager, batched over lives", 1.0, ("--updates", "10")),
    Contender(
        "stable-baselines3", ("benchmarks.sb3_loop",), "one agent, one core: rate per core", 1000.0, ("--updates", "60")
    ),
    Contender("native", ("benchmarks.native",), "plain C++, one life at a time, all cores", 1.8),
    Contender("native-teams", ("benchmarks.native", "--teams"), "C++ with lives side by side, window products", 0.65),
)


def run(arguments: tuple[str, ...]) -> dict[str, Any] | str:
    """The last line of a program's output, as JSON, or why there is none."""
    command = [sys.executable, "-m", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return f"took longer than {LONGEST} s"
    if done.returncode != 0 or not done.stdout.strip():
        return (done.stderr.strip().splitlines() or ["said nothing"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1])


def race(rounds: int, quick: bool, console: Console) -> dict[str, list[float]]:
    """Steps per second of every contender, one per round; those that cannot run are left out and said."""
    rates: dict[str, list[float]] = {contender.name: [] for contender in CONTENDERS}
    out: set[str] = set()
    for number in range(1, rounds + 1):
        for contender in CONTENDERS:
            if contender.name in out:
                continue
            answer = run(contender.arguments + (contender.quick if quick else ()))
            if isinstance(answer, str):
                console.print(f"{contender.name} is left out: {answer}", markup=False)
                out.add(contender.name)
                del rates[contender.name]
                continue
            rate = answer["steps"] / answer["seconds"]
            rates[contender.name].append(rate)
            console.print(f"round {number}/{rounds}  {contender.name:18} {rate / 1e6:8.4f} M steps/s", markup=False)
    return rates


def ratios_to(rates: dict[str, list[float]], name: str) -> float:
    """How many times as fast this project is as `name`: the median of the rounds' ratios."""
    return statistics.median(own / other for own, other in zip(rates[SELF], rates[name], strict=True))


def race_table(rates: dict[str, list[float]]) -> Table:
    """Contenders, the fastest first."""
    table = Table(title="Steps per second, learning included (median of the rounds)")
    for heading in ("contender", "M steps/s", "min - max", "to evolearn", "evolearn to it"):
        table.add_column(heading, justify="left" if heading == "contender" else "right")
    table.add_column("what")
    docs = {contender.name: contender.doc for contender in CONTENDERS}
    for name, runs in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        times = ratios_to(rates, name)
        table.add_row(
            name,
            f"{statistics.median(runs) / 1e6:.4f}",
            f"{min(runs) / 1e6:.4f} - {max(runs) / 1e6:.4f}",
            f"{1 / times:.4g}",
            f"{times:.4g}",
            docs[name],
        )
    return table


class Verdict(NamedTuple):
    """A target, what was measured, and whether it is enough: yes, no, or - of one that is left out."""

    says: str
    bound: str
    measured: str
    met: str
    detail: str


def verdicts_of(rates: dict[str, list[float]], quick: bool, console: Console) -> list[Verdict]:
    """Ratios to contenders, then everything in PROMISES, measured now."""
    verdicts = []

    def add(target: Target, value: float, detail: str) -> None:
        met = "yes" if target.is_met(value) else "no"
        verdicts.append(Verdict(target.says, target.bound, f"{value:.3g} {target.unit}".rstrip(), met, detail))

    for contender in CONTENDERS:
        if contender.name in rates and contender.name not in (SELF, "torch"):
            target = Target(f"times as fast as {contender.name}", "", contender.least)
            add(target, ratios_to(rates, contender.name), contender.doc)
    for name, (_, target) in PROMISES.items():
        console.print(f"measuring: {target.says}", markup=False)
        answer = run(("benchmarks.targets", name, *(["--quick"] if quick else [])))
        if isinstance(answer, str):
            met = "-" if answer.startswith("left out") else "no"
            verdicts.append(Verdict(target.says, target.bound, "-", met, answer))
        else:
            add(target, answer["value"], answer["detail"])
    return verdicts


def target_table(verdicts: list[Verdict]) -> Table:
    """What is promised, what was measured, and whether it is enough."""
    table = Table(title="Targets")
    for heading in ("what", "target", "measured", "met"):
        table.add_column(heading)
    table.add_column("detail", overflow="fold")
    colours = {"yes": "[green]yes[/]", "no": "[red]no[/]"}
    for verdict in verdicts:
        table.add_row(*verdict[:3], colours.get(verdict.met, verdict.met), verdict.detail)
    return table


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    if gcc := shutil.which("g++"):
        versions["g++"] = subprocess.run([gcc, "-dumpfullversion"], capture_output=True, text=True, check=False).stdout
        versions["g++"] = versions["g++"].strip()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def results_of(rates: dict[str, list[float]], verdicts: list[Verdict], busy: float) -> dict[str, Any]:
    """The contents of results.json; spread is the range of the runs divided by their median."""
    results = []
    for name, runs in rates.items():
        median = statistics.median(runs)
        spread = (max(runs) - min(runs)) / median
        results.append({"name": name, "steps_per_second": median, "spread": spread, "runs": runs})
    targets = [verdict._asdict() for verdict in verdicts]
    return {"machine": {**machine(), "load_before": busy}, "results": results, "targets": targets}


def markdown(results: dict[str, Any]) -> str:
    """The tables of the README, out of results.json: ways, the fastest first, and targets."""
    docs = {contender.name: contender.doc for contender in CONTENDERS}
    rates = {row["name"]: row["runs"] for row in results["results"]}
    lines = ["| way | M steps/s | evolearn is so many times as fast |", "|---|---|---|"]
    for name, runs in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        way = f"**{name}**" if name == SELF else f"{name}: {docs[name]}"
        lines.append(f"| {way} | {statistics.median(runs) / 1e6:.4g} | {ratios_to(rates, name):.3g} |")
    lines += ["", "| what | to reach | measured | |", "|---|---|---|---|"]
    lines += [f"| {row['says']} | {row['bound']} | {row['measured']} | {row['detail']} |" for row in results["targets"]]
    return "\n".join(lines)


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contender; at least 3")
    parser.add_argument("--quick", action="store_true", help="less work and three rounds: more noise, no results.json")
    parser.add_argument(
        "--markdown", action="store_true", help="measure nothing, print results.json as the README has it"
    )
    options = parser.parse_args()
    if options.markdown:
        print(markdown(json.loads(RESULTS.read_text())))
        return
    if options.rounds < 3:
        parser.error(f"--rounds {options.rounds}: must be at least 3, a median of fewer says little")
    console = Console(width=None if sys.stdout.isatty() else 130)
    busy = os.getloadavg()[0]
    if busy > BUSY:
        console.print(f"load average {busy:.1f}: something else runs here, and distorts even ratios; best wait for it")
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        rates = race(3 if options.quick else options.rounds, options.quick, console)
        if SELF not in rates:
            sys.exit("evolearn itself could not run; nothing to compare with")
        verdicts = verdicts_of(rates, options.quick, console)
    console.print(race_table(rates), target_table(verdicts))
    if not options.quick:
        RESULTS.write_text(json.dumps(results_of(rates, verdicts, busy), indent=2) + "\n")
        console.print(f"written: {RESULTS}", markup=False)


if __name__ == "__main__":
    main()
