"""Ray on this machine: the same numbers as in process, worlds at fault, addresses, what is shipped."""

import _thread
import contextlib
import copy
import dataclasses
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from evolearn.agent import WATCHED
from evolearn.cluster._drivers import ClusterDriver, _bytes_of_lives
from evolearn.cluster._shipping import CannotShip, pack, renamed
from evolearn.cluster._tasks import Done, Faulty, Order, Recipe, do_blocks, live_piece
from evolearn.cluster.lives import Lives
from evolearn.config import check_config
from evolearn.environment import code_identity
from evolearn.errors import UserError
from evolearn.life import (
    FROM_BRAIN,
    NO_TEACHERS,
    Drivers,
    Job,
    KeepsState,
    Lineage,
    OwnDrivers,
    Plan,
    Teachers,
    TeacherSpec,
    empty_outcome,
    empty_trace,
    lives,
    rehearse,
)
from evolearn.life.live import opponent_job
from evolearn.rng import SELECTION, life_keys
from evolearn.run import Interrupted, assemble, open_run, parts_of, resume_run, start_run
from evolearn.search.meta_gradients import MetaLives
from evolearn.study import start_study
from evolearn.world import find_world, gymnasium_world
from tests.helpers.command import evolearn
from tests.helpers.own_parts import PARTS_FILE, own_config
from tests.helpers.pairs import born_of, conditions_of, live_in_pairs, pairs_driver, some_keys, tug
from tests.helpers.places import ROOT
from tests.helpers.probe_worlds import conditions_for, newborns_for
from tests.helpers.ray_here import ClusterWatcher
from tests.helpers.runs import (
    EXPECTS,
    FORESEES,
    KINDS,
    LINEAGE,
    REMEMBERS,
    RULES,
    TAUGHT,
    VALUED,
    Watcher,
    digests,
    toy,
)
from tests.helpers.studies import toy_study
from tests.helpers.watching import StudyWatcher
from tests.helpers.world_files import WORLD_FILE

needs_ray = pytest.mark.ray


def test_what_keeps_something_is_refused_before_any_task() -> None:
    world = gymnasium_world("tests.helpers.odd_environments:evolearn-keeping-v0", how="episodes")
    conditions = conditions_for(world)
    here = OwnDrivers(1)
    driver = ClusterDriver.__new__(ClusterDriver)  # without a cluster: it has none to ask
    driver.conditions, driver._here = conditions, lambda: here.of(conditions, 60.0)
    newborns = newborns_for(conditions)
    with contextlib.closing(here), pytest.raises(KeepsState):
        rehearse(driver, newborns, np.zeros(1, np.int64), life_keys(0, SELECTION, 0, 1), Plan(50))


def test_nothing_of_the_conditions_of_lives_is_lost_on_the_way_to_a_worker() -> None:
    usual = conditions_for(find_world("pursuit"), value={"hidden": (2,), "potential": True})
    unusual = {"switch_at": 40, "reset_from": 3, "imagined": 2, "repeated": 1, "remembered": 7, "centrings": ("mean",)}
    unusual |= {"lineage": Lineage(3, 2), "grown_life": 500}
    unusual["opponent"] = conditions_for(find_world("pursuit-predator"), hidden=(3,), window=9, speed=1.5)
    unusual["teacher"] = TeacherSpec(FROM_BRAIN, WATCHED, 60, usual.brain.weights * b"abcd")
    sent = dataclasses.replace(usual, generic_drives=("novelty",), found_as="pursuit", **unusual)
    for field in dataclasses.fields(sent):
        assert field.default is dataclasses.MISSING or getattr(sent, field.name) != field.default, field.name
    received = pickle.loads(pickle.dumps(Recipe.of(sent, "pursuit", 30.0))).conditions()
    assert received == sent


def test_a_piece_of_lives_in_pairs_is_on_a_worker_what_it_is_here() -> None:
    conditions, plan, keys = conditions_of(tug), Plan(90, bin_steps=30, final_weights=True), some_keys(4)
    own, theirs = born_of(conditions, 3), born_of(conditions.opponent, 2, seed=1)
    born_as, they_as = np.array([2, 0, 0, 2]), np.array([1, 0, 1, 0])
    expected = live_in_pairs(pairs_driver(conditions), own, theirs, born_as, they_as, keys, plan)[:2]
    job = Job(own, born_as, keys, plan, expected[0], empty_trace(0, conditions))
    other = opponent_job(conditions.opponent, theirs, they_as, keys, plan)
    sides = [Lives.of(side, 1, 4) for side in (job, other)]
    assert (len(sides[0].newborns.weights), len(sides[1].newborns.weights)) == (2, 2)
    order = Order(pickle.dumps(Recipe.of(conditions, "tests.helpers.pairs:tug", 30.0)), code_identity())
    for found, mine in zip(live_piece(order, *sides).result, expected, strict=True):
        for name, array in found._asdict().items():
            assert array.tobytes() == getattr(mine, name)[1:].tobytes(), name
    blind = Order(pickle.dumps(Recipe.of(conditions, "tests.helpers.pairs:blinding", 30.0)), code_identity())
    fault = live_piece(blind, *sides).result
    assert isinstance(fault, Faulty)
    assert (fault.life, fault.step) == (0, 6)
    assert fault.reason.startswith("the opponent's observation place=nan: must be finite")


def test_what_travels_with_a_piece_is_known_before() -> None:
    """Genomes whose lives are neighbours travel with theirs; of those that take turns each travels with every piece."""
    conditions, plan = conditions_of(tug), Plan(90)
    newborns, keys = born_of(conditions, 4), some_keys(12)
    outcome = empty_outcome(12, plan, len(conditions.drive_names), conditions.brain.weights)
    for genomes in (np.repeat(np.arange(4), 3), np.tile(np.arange(4), 3)):
        job = Job(newborns, genomes, keys, plan, outcome, empty_trace(0, conditions))
        unit, piece = _bytes_of_lives(job)
        sent = [sum(array.nbytes for array in Lives.of(job, first, first + 6).newborns[:4]) for first in (0, 6)]
        taken = sum(array.nbytes for array in outcome) / 2
        at_most = 12 * unit + 2 * piece
        assert sum(sent) + 2 * taken <= at_most <= sum(sent) + 2 * taken + 2 * piece


def test_a_piece_of_taught_lives_is_on_a_worker_what_it_is_here() -> None:
    how = {"hidden": (4,), "learner": "rewarded_imitation"}
    weights = newborns_for(conditions_for(find_world("cart-pole"), **how)).weights
    conditions = conditions_for(
        find_world("cart-pole"), teacher=TeacherSpec(FROM_BRAIN, WATCHED, 96, weights.tobytes()), **how
    )
    newborns, keys, plan = (
        newborns_for(conditions, count=2),
        life_keys(0, SELECTION, 0, 3),
        Plan(96, final_weights=True),
    )
    own = Teachers(9.0 * newborns_for(conditions, count=2, seed=7).weights, np.array([[1], [0], [1]]))
    order = Order(pickle.dumps(Recipe.of(conditions, "cart-pole", 30.0)), code_identity())
    for teachers in (NO_TEACHERS, own):
        sent = [*newborns, *teachers]
        for array in sent:
            array.flags.writeable = False  # as it comes from the object store
        done = live_piece(order, Lives(newborns, np.array([0, 1, 1]), keys, plan, teachers=teachers))
        for array in sent:
            array.flags.writeable = True
        here = OwnDrivers(1).of(conditions, 30.0)
        expected, _ = lives(here, conditions, newborns, np.array([0, 1, 1]), keys, plan, teachers=teachers)
        assert expected.taught.all()
        for found, mine in zip(*done.result, expected, strict=True):
            assert found.tobytes() == mine.tobytes()


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "evolearn.cli.app", *map(str, arguments)]


def started(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own; with `--address local` it has a Ray of its own, too."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder),
        timeout=300,
        check=False,
    )


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**kept, "PYTHONPATH": f"{ROOT}:{folder}"}


def run_here(content: dict, out: Path) -> list[str]:
    """Digests of a run in this process."""
    start_run(check_config(content, "toy"), "toy", out, OwnDrivers(1), Watcher())
    return digests(out)


def run_on(drivers: Drivers, content: dict, out: Path) -> list[str]:
    """Digests of a run on Ray."""
    start_run(check_config(content, "toy"), "toy", out, drivers, Watcher())
    assert '"address": "local"' in (out / "environment.json").read_text()
    return digests(out)


@pytest.fixture(scope="module")
def in_process(tmp_path_factory):
    """A run's config and the directory that it makes in one process, by kind; lived when it is first asked for."""
    folder = tmp_path_factory.mktemp("in_process")
    configs = {}
    for sampling in ("whole", "blockwise"):
        configs[sampling] = toy()
        configs[sampling]["search"] |= {"sampling": sampling, "population": 16}
    configs["remembering"] = toy(brain=REMEMBERS)
    configs["rules"] = toy(learner=RULES)
    configs["valued"] = toy(**VALUED)
    configs["foreseeing"], configs["expecting"] = toy(**FORESEES), toy(**EXPECTS)
    configs["taught"] = toy(**TAUGHT)
    configs["lineage"] = toy(**LINEAGE)
    configs["rivals"] = KINDS["rivals"]

    def lived(kind: str) -> tuple[dict, Path]:
        if not (folder / kind).exists():
            run_here(configs[kind], folder / kind)
        return configs[kind], folder / kind

    return lived


@needs_ray
@pytest.mark.parametrize(
    ("kind", "workers"),
    [
        pytest.param("whole", 1, marks=pytest.mark.whole),
        pytest.param("whole", 2, marks=pytest.mark.whole),
        ("whole", 4),
        pytest.param("blockwise", 1, marks=pytest.mark.whole),
        ("blockwise", 2),
        ("remembering", 2),
        ("rules", 2),
        ("valued", 2),
        ("foreseeing", 2),
        ("expecting", 2),
        ("taught", 2),
        ("lineage", 2),
        pytest.param("rivals", 1, marks=pytest.mark.whole),
        ("rivals", 4),
    ],
)
def test_local_ray_gives_the_digests_of_one_process(
    kind: str, workers: int, in_process, on_ray, tmp_path: Path
) -> None:
    content, here = in_process(kind)
    drivers = on_ray([content["world"]["name"]], workers)
    assert drivers.describe()["workers"] == workers
    assert run_on(drivers, content, tmp_path / "run") == digests(here)
    assert (tmp_path / "run/result.json").read_bytes() == (here / "result.json").read_bytes()
    assert_same_dna(tmp_path / "run", here, 2 if kind == "rivals" else 1)


def assert_same_dna(run: Path, other: Path, count: int) -> None:
    """Two runs left the same DNA, that of an opponent that evolves included."""
    found = sorted(path.relative_to(run) for path in run.rglob("dna.safetensors"))
    assert len(found) == count
    for path in found:
        for name, tensor in load_file(run / path).items():
            assert np.array_equal(tensor, load_file(other / path)[name]), (path, name)


@needs_ray
def test_what_was_stopped_on_ray_goes_on_here_and_the_other_way_round(in_process, on_ray, tmp_path: Path) -> None:
    content, whole = in_process("rivals")
    config = check_config(content, "toy")
    for name, first, second in (
        ("there", lambda: on_ray(["pursuit"], 3), lambda: OwnDrivers(1)),
        ("here", lambda: OwnDrivers(2), lambda: on_ray(["pursuit"], 2)),
    ):
        with pytest.raises(Interrupted):
            start_run(config, "toy", tmp_path / name, first(), Watcher(stop_after=1))
        resume_run(open_run(tmp_path / name), second(), Watcher())
        assert digests(tmp_path / name) == digests(whole)
        found, expected = (load_file(run / "opponent/dna.safetensors") for run in (tmp_path / name, whole))
        assert all(np.array_equal(found[part], expected[part]) for part in expected)


@needs_ray
def test_births_of_a_set_a_switch_and_a_reset_are_the_same_on_ray(on_ray, tmp_path: Path) -> None:
    content = toy(world={"name": "cart-pole", "parameters": {"predictability": 0.3}, "set": 3, "switch_at": 40})
    content["evaluation"] |= {"bin_steps": 40}
    content["learner"] |= {"reset": "heads", "plasticity": {"learning_rate": 0.5}}
    here = run_here(content, tmp_path / "here")
    assert run_on(on_ray(["cart-pole"], 2), content, tmp_path / "there") == here
    assert (tmp_path / "there" / "result.json").read_bytes() == (tmp_path / "here" / "result.json").read_bytes()
    for part, other in (("learner", {"reset": "none"}), ("world", {"set": None}), ("world", {"switch_at": None})):
        content[part] |= other
        assert run_here(content, tmp_path / f"without {next(iter(other))}") != here


@needs_ray
def test_local_ray_gives_the_verdict_of_one_process(on_ray, quick_report, tmp_path: Path) -> None:
    config = toy_study("runs=1", title="A toy")

    def verdict(name: str, drivers: Drivers) -> bytes:
        start_study(config, "toy", tmp_path / name, drivers, StudyWatcher())
        return (tmp_path / name / "verdict.json").read_bytes()

    here = verdict("here", OwnDrivers(1))
    for workers in (1, 4):
        assert verdict(str(workers), on_ray(["cart-pole"], workers)) == here


ENVIRONMENT = """
    import gymnasium
    from gymnasium.envs.classic_control import CartPoleEnv

    gymnasium.register("Pole-v0", entry_point=CartPoleEnv)
"""


# What travels, and that it is found there, `TestShipping` asks in this process.
@needs_ray
@pytest.mark.whole
@pytest.mark.parametrize(
    ("world", "sampling"),
    [("gymnasium:users_poles:Pole-v0", "whole"), ("cart-pole", "whole"), ("cart-pole", "blockwise")],
)
def test_files_of_the_users_on_a_ray_that_the_command_starts(
    world: str, sampling: str, tmp_path: Path, monkeypatch
) -> None:
    """Parts in a file and an environment in another go where the lives are."""
    (tmp_path / "users_poles.py").write_text(textwrap.dedent(ENVIRONMENT))
    (tmp_path / "mine.py").write_text(PARTS_FILE)
    content = own_config(world={"name": world})
    content["search"] |= {"sampling": sampling}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(content))
    there = started("run", "own.yaml", "--out", "there", "--address", "local", "--workers", "2", folder=tmp_path)
    assert there.returncode == 0, there.stderr
    assert "of 2 cores" in there.stdout
    assert there.stderr == ""
    monkeypatch.syspath_prepend(tmp_path)
    here = evolearn("run", "own.yaml", "--out", "here", "--workers", "1", folder=tmp_path)
    monkeypatch.delitem(sys.modules, "users_poles", raising=False)
    assert here.returncode == 0, here.stderr
    assert digests(tmp_path / "there") == digests(tmp_path / "here")


@needs_ray
@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("raises", "the pole broke"),
        ("hangs", "no step finished for 2 s"),
        # Each death costs a new process; when to give up, test_schedule.py asks without any.
        pytest.param("crashes", "3 worker processes died while they lived it", marks=pytest.mark.whole),
    ],
)
def test_a_world_at_fault_in_one_life_ends_the_run_with_its_key(
    how: str, text: str, on_ray, capfd, tmp_path: Path
) -> None:
    name = f"gymnasium:tests.helpers.guilty_poles:{how.title()}-v0"
    content = toy(hang_seconds=2) | {"world": {"name": name}}
    content["search"] |= {"population": 2, "lives": 1}  # a crash costs a new worker, and each life has three of them
    config = check_config(content, "toy")
    watcher = ClusterWatcher()
    with pytest.raises(UserError) as caught:
        start_run(config, "toy", tmp_path / "run", on_ray([name], 2, watcher), watcher)
    assert str(caught.value).startswith(f"world {name}, life (seed 5, selection, generation")
    assert text in str(caught.value)
    assert f"evolearn replay-life {tmp_path}/run" in str(caught.value)
    shown = capfd.readouterr()
    assert "Traceback" not in shown.err
    assert "(raylet)" not in shown.out
    if how == "crashes":
        assert "a worker process died (it crashed, or was killed); its work is done again" in watcher.warnings
    if how == "raises":  # living it again would crash this process, or keep a thread of it
        again = evolearn("replay-life", "run", folder=tmp_path)
        assert again.returncode == 2
        assert text in again.stdout + again.stderr


OF_THE_MACHINE = ("seconds", "steps_per_second", "peak_memory", "cluster")  # in a row: how it was lived, not what came


@needs_ray
@pytest.mark.parametrize(
    ("kind", "lifetime"),
    # A piece must outlast the look at it.
    [("pgpe", 120_000), pytest.param("rivals", 30_000, marks=pytest.mark.whole)],
)
def test_a_worker_that_is_killed_in_mid_generation_costs_nothing_but_time(
    kind: str, lifetime: int, on_ray, tmp_path: Path
) -> None:
    content = copy.deepcopy(KINDS[kind])
    content["search"]["selection_lifetime"] = lifetime
    config = check_config(content, "toy")
    run_here(content, tmp_path / "here")
    killers = []

    class Killing(ClusterWatcher):
        """When a generation is made, kills a worker that lives one of the next."""

        def made(self, generation) -> None:
            super().made(generation)
            if generation.generation == 2:
                killers.append(threading.Thread(target=lambda: os.kill(_a_worker_at_work(), signal.SIGKILL)))
                killers[0].start()

    watcher = Killing()
    start_run(config, "toy", tmp_path / "there", on_ray([content["world"]["name"]], 2, watcher), watcher)
    killers[0].join()
    assert "a worker process died (it crashed, or was killed); its work is done again" in watcher.warnings
    here, there = (
        [{name: value for name, value in row.items() if name not in OF_THE_MACHINE} for row in open_run(run).rows()]
        for run in (tmp_path / "here", tmp_path / "there")
    )
    assert here == there
    assert ("opponent" in here[-1]) == (kind == "rivals")
    assert (tmp_path / "there" / "result.json").read_bytes() == (tmp_path / "here" / "result.json").read_bytes()
    assert_same_dna(tmp_path / "there", tmp_path / "here", 2 if kind == "rivals" else 1)


_AT_WORK = b"ray::live_piece"


def _stopped_at_work(process: int) -> bool:
    """Stop a process, if that is still in time; it goes on otherwise."""
    os.kill(process, signal.SIGSTOP)
    if Path(f"/proc/{process}/cmdline").read_bytes().startswith(_AT_WORK):
        return True
    os.kill(process, signal.SIGCONT)
    return False


def _a_worker_at_work() -> int:
    """A process, begun by this one and its children, stopped while it lives a piece."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        parents, titles = {}, {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    titles[int(entry.name)] = (entry / "cmdline").read_bytes()
        for process, title in titles.items():
            ancestor = process
            while ancestor in parents and ancestor != os.getpid():
                ancestor = parents[ancestor]
            if ancestor == os.getpid() and title.startswith(_AT_WORK) and _stopped_at_work(process):
                return process
    raise AssertionError("no worker ever lived a piece")


@needs_ray
def test_nobody_else_on_this_machine_gets_into_a_local_ray(local_ray, tmp_path: Path) -> None:
    stranger = "import sys; from evolearn.cluster._connecting import connect; connect(sys.argv[1], None, {})"
    done = subprocess.run(
        [sys.executable, "-c", stranger, local_ray],
        capture_output=True,
        text=True,
        env={
            **environment(tmp_path),
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(Path.home() / ".cache"),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else it takes 127.0.0.1 for this machine's own address
        },
        check=False,
    )
    assert "asks for a token, and this process has no token" in done.stderr


@needs_ray
def test_ray_here_listens_to_this_machine_alone(local_ray):
    import psutil  # comes with Ray's tools

    assert local_ray.startswith("127.0.0.1:")
    here = psutil.Process()
    listening = [
        (process.name(), connection.laddr.ip)
        for process in (here, *here.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {"gcs_server", "raylet"} <= {name for name, _ in listening}
    assert {address.removeprefix("::ffff:") for _, address in listening} == {"127.0.0.1"}


def refusal(address: str, seconds: float = 15.0) -> str:
    """What is said of an address, in the time that is allowed."""
    from evolearn.cluster._connecting import connect
    from evolearn.cluster.addresses import ClusterError

    begun = time.monotonic()
    with pytest.raises(ClusterError) as caught:
        connect(address, None, {})
    assert time.monotonic() - begun < seconds
    return str(caught.value)


@pytest.mark.parametrize(
    "address", ["somewhere", "host:", ":6379", "host:port", "host:0", "host:65536", "ray://host", "http://host:1/x", ""]
)
def test_what_is_no_address_is_refused_with_the_forms(address: str) -> None:
    text = refusal(address, 1.0)
    assert text.startswith(f"--address {address!r}: must be local, auto, HOST:PORT")
    assert "6379" in text
    assert "10001" in text


@contextlib.contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port that answers everything with `answer`; None: with silence."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if answer is not None:
                    with contextlib.suppress(OSError):
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


@needs_ray
@pytest.mark.parametrize("form", ["", "ray://"])
def test_addresses_that_lead_nowhere(form: str) -> None:
    assert "there is no host called no-such-host.invalid" in refusal(f"{form}no-such-host.invalid:6379")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and does not listen
        port = reserved.getsockname()[1]
        text = refusal(f"{form}127.0.0.1:{port}")
    assert f"127.0.0.1 answers, and nothing listens on its port {port}" in text
    assert "ray start --head" in text


@needs_ray
@pytest.mark.parametrize("form", ["", "ray://"])
@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silent", "not Ray"])
def test_ports_of_something_else(form: str, answer: bytes | None, monkeypatch) -> None:
    monkeypatch.setattr("evolearn.cluster._connecting._SECONDS_TO_CONNECT", 1.0)
    with listening(answer) as port:
        text = refusal(f"{form}127.0.0.1:{port}")
    assert "something listens there and does not answer as Ray does: is that Ray's port?" in text


@needs_ray
def test_a_client_hears_at_once_that_its_token_is_refused(monkeypatch) -> None:
    """By a server that says so as Ray's does, whatever it is asked: the client goes on asking, and tells its log."""
    import grpc

    class Refusing(grpc.GenericRpcHandler):
        def service(self, details):
            def refuse(request, context):
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid or missing authentication token")

            return grpc.unary_unary_rpc_method_handler(refuse)

    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    server = grpc.server(ThreadPoolExecutor(2), handlers=[Refusing()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    text = refusal(f"ray://127.0.0.1:{port}", 40.0)  # else it goes on asking for 45 s
    server.stop(None)
    assert "the cluster asks for a token, and this process has no token" in text


@needs_ray
@pytest.mark.parametrize(
    ("complaint", "address", "text"),
    [
        ("InvalidAuthToken: ..", "h:1", "the cluster asks for a token"),
        ("Received when checking init: Invalid or missing authentication token", "ray://h:1", "asks for a token"),
        ("RuntimeError Version mismatch: The cluster was started with: Ray: 2.9", "h:1", "use the same Python and Ray"),
        ("ConnectionError Could not find any running Ray instance.", "auto", "no cluster runs on this machine"),
        ("RuntimeError Ray expects this IP address to be ..", "h:1", "join it with `ray start --address=h:1`"),
        ("something else", "h:1", "Ray says:\n  something else"),
    ],
)
def test_the_likely_cause(complaint: str, address: str, text: str) -> None:
    from evolearn.cluster._connecting import _likely_cause

    assert text in _likely_cause(address, complaint)


@needs_ray
def test_errors_of_tasks_are_explained() -> None:
    import ray.exceptions as failures

    from evolearn.cluster.addresses import ClusterError
    from evolearn.cluster.spreading import _explained
    from evolearn.errors import WorldNotFound

    def of_task(cause: Exception) -> failures.RayTaskError:
        return failures.RayTaskError("live_piece", f"Traceback\n{type(cause).__name__}: {cause}", cause)

    missing = _explained(of_task(WorldNotFound("world 'm:x': there is no module m")))
    assert isinstance(missing, WorldNotFound)
    assert str(missing).startswith("on a worker: world 'm:x': there is no module m")
    assert "on every host" in str(missing)
    lacking = _explained(of_task(ModuleNotFoundError("No module named 'evolearn'")))
    assert isinstance(lacking, ClusterError)
    assert "a worker lacks a module: ModuleNotFoundError: No module named 'evolearn'" in str(lacking)
    assert "--object-store-memory" in str(_explained(failures.ObjectStoreFullError("full")))
    assert "pip failed" in str(_explained(failures.RuntimeEnvSetupError("pip failed")))
    other = of_task(ZeroDivisionError("division by zero"))
    assert _explained(other) is other


class TestShipping:
    """What travels to the workers."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch):
        """A folder on the module path; its modules are forgotten afterwards, and what was packed is removed."""
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        monkeypatch.setattr(
            "evolearn.cluster._shipping.tempfile", SimpleNamespace(mkdtemp=lambda prefix: str(self.target))
        )
        # Other tests' files are modules in use, too.
        monkeypatch.setattr("evolearn.cluster._shipping._modules_of_users", lambda: iter(self.also))
        self.also: list[Path] = []
        self.target = tmp_path / "target"
        self.target.mkdir()
        before = set(sys.modules)
        yield
        for name in set(sys.modules) - before:
            if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]

    def shipped(self) -> set[str]:
        return {path.relative_to(self.target).as_posix() for path in self.target.rglob("*") if path.is_file()}

    def test_what_evolearn_and_packages_bring_stays(self) -> None:
        parcel = pack(["cart-pole", "evolearn.worlds.savannah:savannah", "gymnasium:CartPole-v1"])
        assert parcel.folder is None
        assert parcel.names == {
            "cart-pole": "evolearn.worlds.cart_pole:cart_pole",
            "evolearn.worlds.savannah:savannah": "evolearn.worlds.savannah:savannah",
            "gymnasium:CartPole-v1": "gymnasium:CartPole-v1",
        }

    def test_a_file_travels_and_is_found_beside_the_worker(self, tmp_path: Path) -> None:
        (tmp_path / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
        name = f"{tmp_path}/coins.py:coin"
        parcel = pack([name])
        assert parcel.names == {name: "coins.py:coin"}
        assert self.shipped() == {"coins.py"}
        assert parcel.contents == ("coins",)

    def test_a_package_travels_whole_without_what_is_made(self, tmp_path: Path) -> None:
        (tmp_path / "mint" / "__pycache__").mkdir(parents=True)
        (tmp_path / "mint" / "__init__.py").write_text("")
        (tmp_path / "mint" / "sides.txt").write_text("heads")
        (tmp_path / "mint" / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
        parcel = pack(["mint.coins:coin"])
        assert parcel.names == {"mint.coins:coin": "mint.coins:coin"}
        assert self.shipped() == {"mint/__init__.py", "mint/coins.py", "mint/sides.txt"}

    def test_modules_beside_the_world_travel_with_it(self, tmp_path: Path) -> None:
        (tmp_path / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
        (tmp_path / "beside.py").write_text("HEADS = 1.0\n")
        self.also.append(tmp_path / "beside.py")
        pack(["coins:coin"])
        assert self.shipped() == {"coins.py", "beside.py"}

    def test_parts_of_users_travel_and_are_called_as_they_are_found_there(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(PARTS_FILE)
        setup = assemble(check_config(own_config(f"{tmp_path}/mine.py"), "own"))
        parcel = pack(["cart-pole"], parts_of(setup.config))
        assert self.shipped() == {"mine.py"}
        assert set(parcel.parts.values()) == {f"mine.py:{name}" for name in ("BENT", "MINE", "MOSTLY", "boredom")}
        assert renamed(dataclasses.replace(setup.conditions, opponent=setup.conditions), parcel.parts).opponent == (
            renamed(setup.conditions, parcel.parts)
        )
        there = renamed(setup.conditions, parcel.parts)
        assert (there.brain.trunk, there.brain.policy) == ("mine.py:BENT", "mine.py:MOSTLY")
        assert (there.learner, there.generic_drives) == ("mine.py:MINE", ("mine.py:boredom", "effort"))
        assert there.world is setup.conditions.world
        shared = MetaLives(setup.pool, setup.pool.centre, 0, np.zeros((1, 4), np.int64), Plan(10), False)
        assert renamed(shared, parcel.parts).pool.brain == there.brain
        assert renamed(shared, parcel.parts).plan == shared.plan
        assert renamed(shared, {}) is shared

    def test_what_is_too_large_is_refused_with_its_size(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr("evolearn.cluster._shipping.LARGEST_MB", 0.0005)
        (tmp_path / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
        with pytest.raises(
            CannotShip, match=r"coins\.py: has 0 MB, and at most .* MB are sent to the workers; install"
        ):
            pack([f"{tmp_path}/coins.py:coin"])


class Listener:
    """What a display would show."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@needs_ray
def test_hosts_of_different_processors_are_said_once_by_name_where_that_matters() -> None:
    from evolearn.cluster._tasks import Where
    from evolearn.cluster.spreading import Spreader

    hosts, xeon, epyc = SimpleNamespace(lost=0), Where("a", "Xeon", "skylake 1"), Where("b", "EPYC", "znver4 2")
    listener = Listener()
    compiled, environments = Spreader(hosts, None, listener), Spreader(hosts, None, listener, unlike_matter=True)
    for where in (xeon, xeon, epyc, epyc, xeon):
        compiled._meet(where)
    assert listener.warnings == []
    for where in (xeon, xeon, epyc, epyc, xeon):
        environments._meet(where)
    assert len(listener.warnings) == 1
    for text in ("Xeon (skylake 1)", "EPYC (znver4 2)", "a Gymnasium environment"):
        assert text in listener.warnings[0]


@needs_ray
@pytest.mark.parametrize("given", [{"pip": 3}, {"env_vars": {"A": 1}}, {"py_modules": "folder"}, {"no_such_field": 1}])
def test_a_wrong_runtime_environment_is_refused(given: dict) -> None:
    from evolearn.cluster._drivers import _runtime_env
    from evolearn.cluster._shipping import Parcel
    from evolearn.cluster.addresses import ClusterError

    with pytest.raises(ClusterError, match="--runtime-env: Ray does not take it: "):
        _runtime_env(Parcel(None, {}, ()), given)


@needs_ray
def test_workers_have_one_thread_each_unless_users_want_more() -> None:
    from evolearn.cluster._drivers import _runtime_env
    from evolearn.cluster._shipping import Parcel

    variables = _runtime_env(Parcel(None, {}, ()), {"env_vars": {"OMP_NUM_THREADS": "2"}})["env_vars"]
    assert (variables["OPENBLAS_NUM_THREADS"], variables["OMP_NUM_THREADS"]) == ("1", "2")
    assert _runtime_env(Parcel(None, {}, ()), {"env_vars": None})["env_vars"]["OMP_NUM_THREADS"] == "1"


def test_two_files_of_one_name_are_not_taken_for_each_other(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
    with pytest.raises(CannotShip, match=r"b/coins\.py and .*a/coins\.py: have one name"):
        pack([f"{tmp_path}/{folder}/coins.py:coin" for folder in ("a", "b")])


def test_a_task_that_is_called_off_is_not_broken_off() -> None:
    """Ray calls off by an interrupt, and one that breaks in on the compiler spoils the process for all later tasks."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell in the background ignores

    def interrupted(driver, shared, block):
        _thread.interrupt_main()
        time.sleep(0.01)  # where Python would raise
        return shared + block

    recipe = Recipe.of(conditions_for(find_world("cart-pole")), "cart-pole", 30.0)
    done = do_blocks(Order(pickle.dumps(recipe), code_identity()), interrupted, 10, [1, 2])
    assert isinstance(done, Done)
    assert done.result == [11, 12]
    with pytest.raises(KeyboardInterrupt):
        interrupted(None, 0, 0)
    signal.signal(signal.SIGINT, before)
