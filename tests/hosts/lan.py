"""Several hosts on one machine: network namespaces on a bridge, each with its own /tmp, name and processes.

Needs root and iproute2. Nothing of it is reached from outside: the bridge has no way out of this machine.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.helpers.places import ROOT

BIN = Path(sys.executable).parent
SMALLEST_STORE = 78_643_200  # bytes; Ray refuses less


def what_is_missing() -> str:
    """Why hosts cannot be made here; empty if they can."""
    if os.geteuid() != 0:
        return "the tests of the cluster make network namespaces, and need root for it: sudo make test-cluster"
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return "the tests of the cluster need ip and unshare: on Debian, apt-get install iproute2 util-linux"
    return ""


def until(condition: Callable[[], object], what: str | Callable[[], str], seconds: float = 60.0) -> object:
    """Wait until a condition gives something true, and give that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:g} s in vain: {what if isinstance(what, str) else what()}")


class Lan:
    """A bridge with an address for every head; hosts and heads hang on it."""

    def __init__(self) -> None:
        """Take the first network that nobody has."""
        self._made: list[Process] = []
        self._names: set[str] = set()
        self._heads = 0
        for number in range(80, 120):
            self._number, self._bridge = number, f"evo{number}"
            if _ip("link", "add", self._bridge, "type", "bridge", check=False) == 0:
                break
        else:
            raise AssertionError("no free network: ip link shows evo80 to evo119")
        _ip("link", "set", self._bridge, "up")

    def head(self, **how: object) -> "Head":
        """Start the head of a new cluster, on this machine: a host without cores, where drivers may run."""
        self._heads += 1
        address = f"10.{self._number}.0.{self._heads}"
        _ip("addr", "add", f"{address}/16", "dev", self._bridge)
        head = Head(address, 10 * self._number + self._heads, **how)
        self._made.append(head)
        return head

    def host(self, number: int, head: "Head", **how: object) -> "Host":
        """Start a host that joins a cluster."""
        host = Host(self._namespace(number), f"host{number}", f"10.{self._number}.1.{number}", head, **how)
        self._made.append(host)
        return host

    def address_of_nobody(self) -> str:
        """An address of this network that nobody answers at."""
        return f"10.{self._number}.9.9"

    def outside(self, head: "Head") -> list[str]:
        """Command that runs another on a machine of this network that is not part of the cluster."""
        hide = f'mount -t tmpfs tmpfs {head.temporary}; exec "$@"'  # sockets, which another machine does not see
        return ["ip", "netns", "exec", self._namespace(99), "unshare", "--mount", "sh", "-c", hide, "sh"]

    def _namespace(self, number: int) -> str:
        name = f"{self._bridge}-{number}"
        if name not in self._names:
            self._names.add(name)
            _ip("netns", "add", name)
            _ip("link", "add", f"{self._bridge}w{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"{self._bridge}w{number}", "master", self._bridge, "up")
            _ip("-n", name, "addr", "add", f"10.{self._number}.1.{number}/16", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")
        return name

    def close(self) -> None:
        """End every host and take the network away."""
        for made in reversed(self._made):
            made.kill()
        for name in self._names:
            _ip("netns", "del", name, check=False)
        _ip("link", "del", self._bridge, check=False)


class Process:
    """A process group of ours, with what it printed."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        """Start it."""
        self.folder = folder
        self._out = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by kill
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._out,
            start_new_session=True,
        )
        self.pid = self._process.pid

    @property
    def text(self) -> str:
        """What it printed."""
        if self._out.closed:
            return self._last
        return os.pread(self._out.fileno(), os.fstat(self._out.fileno()).st_size, 0).decode(errors="replace")

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._out.closed:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._last = self.text
        self._out.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _own_temporary_files() -> str:
    """Shell commands that give a host an empty /tmp; what it runs from stays where it is, if that is in there."""
    temporary = Path(tempfile.gettempdir()).resolve()
    runs_from = {ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    runs_from |= {Path(os.environ["XDG_CACHE_HOME"]).resolve()} if "XDG_CACHE_HOME" in os.environ else set()
    commands = [f"mount --bind {temporary} /mnt", f"mount -t tmpfs tmpfs {temporary}"]
    for folder in sorted(folder for folder in runs_from if temporary in folder.parents and folder.is_dir()):
        commands.append(f"mkdir -p {folder}; mount --bind /mnt/{folder.relative_to(temporary)} {folder}")
    return "; ".join([*commands, "umount --lazy /mnt"])


class Head(Process):
    """The head of a cluster: GCS, Ray Client's server, and a raylet without cores."""

    def __init__(self, address: str, number: int, store: int = 100_000_000) -> None:
        """Start it and wait until it listens."""
        # Ray listens at all addresses of this machine: heads differ in ports.
        self._port, self._client_port = 6400 + number, 22000 + number
        self.host, self.address = address, f"{address}:{self._port}"
        self.client_address = f"ray://{address}:{self._client_port}"
        self.token = secrets.token_hex(16)
        # Short: Ray makes sockets in there, whose paths hold 107 characters.
        self.temporary = Path(tempfile.mkdtemp(prefix="evo-ray-", dir="/tmp"))
        super().__init__(
            [
                *(str(BIN / "ray"), "start", "--head", f"--node-ip-address={address}", f"--port={self._port}"),
                *(f"--ray-client-server-port={self._client_port}", "--num-cpus=0", "--include-dashboard=false"),
                *("--disable-usage-stats", "--block", f"--object-store-memory={store}"),
                f"--temp-dir={self.temporary}",
            ],
            # A dead host counts as dead sooner than after Ray's usual 15 seconds.
            self.environment(RAY_health_check_period_ms="1000", RAY_health_check_failure_threshold="3"),
            self.temporary,
        )
        ports = (self._port, self._client_port)
        until(lambda: all(map(self._listens, ports)), lambda: f"the head to listen; it says: {self.text}")

    def environment(self, **more: str | None) -> dict[str, str]:
        """Of a process that is to join this cluster; None takes a variable away."""
        known = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "PYTHONPATH": str(ROOT),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            **more,
        }
        return {name: value for name, value in known.items() if value is not None}

    def _listens(self, port: int) -> bool:
        assert self.code is None, f"the head ended: {self.text}"
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, port), timeout=1).close()
            return True
        return False


class Host(Process):
    """A host of a cluster: alone with its processes, its name, its /tmp and its end of a cable."""

    def __init__(
        self,
        namespace: str,
        name: str,
        address: str,
        head: Head,
        store: int = 100_000_000,
        first: str = "true",
    ) -> None:
        """Start it, with one core; it joins within seconds. `first` is done in its shell before."""
        self.name, self.address = name, address
        self._network = Path("/run/netns", namespace).stat().st_ino
        join = [
            *("ray", "start", f"--address={head.address}", f"--node-ip-address={address}", "--num-cpus=1"),
            *("--disable-usage-stats", "--block", f"--object-store-memory={store}"),
        ]
        boot = f"hostname {name}; {_own_temporary_files()}; {first}; exec {' '.join(join)}"
        alone = ["unshare", "--mount", "--uts", "--fork", "--pid", "--mount-proc", "--kill-child"]
        super().__init__(
            ["ip", "netns", "exec", namespace, *alone, "sh", "-c", boot], head.environment(), head.temporary / name
        )

    def joined(self) -> "Host":
        """Wait until it is part of the cluster."""
        until(
            lambda: "Ray runtime started" in self.text or self.code is not None,
            lambda: f"{self.name} to join: {self.text}",
        )
        assert self.code is None, f"{self.name} ended: {self.text}"
        return self

    def processes(self, title: str = "") -> list[int]:
        """Processes of this host whose title begins like that."""
        return [pid for pid, shown in _titles(self._network) if shown.startswith(title)]

    def worker(self, seconds: float = 60.0) -> int:
        """A worker process that is just now living a piece."""
        found = until(lambda: self.processes("ray::live_piece"), f"{self.name} to live a piece", seconds)
        assert isinstance(found, list)
        return found[0]


def _titles(network: int) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "ns" / "net").stat().st_ino == network:
                    yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def _ip(*arguments: str, check: bool = True) -> int:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
    return done.returncode


if __name__ == "__main__":
    sys.exit(what_is_missing() or 0)
