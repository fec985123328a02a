"""Starting Ray here, or joining a cluster, with an answer within seconds if that cannot be."""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import IO, Any

import grpc
import ray

from evolearn.cluster.addresses import AUTO, CLIENT, FORMS, LOCAL, ClusterError, check_address

SECONDS_TO_ANSWER = 12.0  # until a cluster on this machine counts as not there
SECONDS_TO_LET_IN = 45.0  # of what speaks gRPC, as Ray does: a busy head starts a process for a client
_SECONDS_TO_CONNECT = 4.0  # of TCP alone; and as many until gRPC answers


def connect(address: str, cores: int | None, runtime_env: Mapping[str, Any]) -> None:
    """Start Ray here, or join a cluster.

    Args:
        address: local, auto, HOST:PORT or ray://HOST:PORT.
        cores: of Ray on this machine, for `local`; none: all.
        runtime_env: of all tasks, see Ray's documentation.
    Raises:
        ClusterError: there is no cluster, or it does not let us in. Where nothing of Ray's is found, that comes
            within SECONDS_TO_ANSWER.
    """
    check_address(address)
    if address == LOCAL:
        # "local": not a cluster that RAY_ADDRESS names.
        _init(LOCAL, num_cpus=cores, include_dashboard=False, runtime_env=dict(runtime_env))
        return
    if address.startswith(CLIENT) and importlib.util.find_spec("grpc") is None:
        raise ClusterError(
            f"--address {address}: needs the package grpcio, which is not installed: pip install 'evolearn[cluster]'"
        )
    seconds = SECONDS_TO_ANSWER
    if address != AUTO:
        _knock(address)
        seconds = SECONDS_TO_LET_IN
    # In a process of its own: Ray tries for minutes, and may end the process that it is in.
    complaint = _try_out(address, seconds)
    if complaint is not None:
        raise ClusterError(f"--address {address}: {_likely_cause(address, complaint)}")
    _init(address, runtime_env=dict(runtime_env))


def _init(address: str, **more: Any) -> None:
    """Connect without Ray's own lines between ours; errors still come as exceptions."""
    ray.init(address, logging_level=logging.ERROR, log_to_driver=False, **more)


def is_reachable(address: str, seconds: float = 2.0) -> bool:
    """Whether something answers at HOST:PORT."""
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
    except OSError:
        return False
    return True


def _knock(address: str) -> None:
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_CONNECT).close()
        speaks = _speaks_grpc(f"{host}:{port}")
    except socket.gaierror as error:
        raise ClusterError(f"--address {address}: there is no host called {host} ({error.strerror})") from error
    except ConnectionRefusedError as error:
        command = "ray start --head" if not address.startswith(CLIENT) else "ray start --head --ray-client-server-port"
        raise ClusterError(
            f"--address {address}: {host} answers, and nothing listens on its port {port}: the cluster is not up, or "
            f"has another port; `{command}` says which"
        ) from error
    except TimeoutError as error:
        raise ClusterError(
            f"--address {address}: no answer within {_SECONDS_TO_CONNECT:g} s: the host is down, or a firewall drops "
            "the port; is this machine in the cluster's network?"
        ) from error
    except OSError as error:
        raise ClusterError(f"--address {address}: cannot be reached: {error.strerror or error}") from error
    if not speaks:
        raise ClusterError(
            f"--address {address}: something listens there and does not answer as Ray does: is that Ray's port? "
            f"Must be {FORMS}"
        )


def _speaks_grpc(place: str) -> bool:
    """Whether a gRPC server answers at HOST:PORT, as Ray's do."""
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return True  # it waits for a handshake; Ray says what is wrong
    # Ray takes no proxy either.
    with grpc.insecure_channel(place, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_SECONDS_TO_CONNECT)
        except grpc.FutureTimeoutError:
            return False
    return True


_REFUSALS = ("InvalidAuthToken", "Invalid or missing authentication token")  # Ray goes on trying after either
_ANSWER = "evolearn:"
_TRY_OUT = f"""
import logging, sys, ray
try:
    if sys.argv[1].startswith({CLIENT!r}):  # of a refused token a client tells nobody but its log
        said = logging.StreamHandler()
        said.addFilter(lambda record: record.levelno >= 30 or "authentication token" in record.getMessage())
        log = logging.getLogger("ray.util.client")
        log.setLevel("DEBUG")
        log.addHandler(said)
        log.propagate = False
    ray.init(sys.argv[1], logging_level="ERROR", log_to_driver=False)
    print({_ANSWER!r}, flush=True)
    ray.shutdown()
except BaseException as error:
    print({_ANSWER!r} + type(error).__name__, str(error).replace(chr(10), " "), flush=True)
"""


def _is_refused(complaint: str) -> bool:
    """Whether Ray says that the token is missing, or another one."""
    return any(refusal in complaint for refusal in _REFUSALS)


def _try_out(address: str, seconds: float) -> str | None:
    """What another process hears when it joins the cluster; None if it is let in."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([sys.executable, "-c", _TRY_OUT, address], stdout=out, stderr=errors)
        until = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < until and not _is_refused(_read(errors)):
            time.sleep(0.1)
        in_time = process.poll() is not None
        process.kill()
        process.wait()
        for line in reversed(_read(out).splitlines()):
            if line.startswith(_ANSWER):
                answer = line.removeprefix(_ANSWER)
                return f"{answer}\n{_read(errors)}" if answer else None
        return _read(errors) or ("Ray ended without a word" if in_time else f"no answer within {seconds:.0f} s")


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _likely_cause(address: str, complaint: str) -> str:
    """What a person can do about what Ray said."""
    if _is_refused(complaint) or "Unauthenticated" in complaint or "AuthenticationError" in complaint:
        has = "another token" if os.environ.get("RAY_AUTH_MODE") == "token" else "no token"
        return (
            f"the cluster asks for a token, and this process has {has}: set RAY_AUTH_MODE=token and give the cluster's "
            "token in RAY_AUTH_TOKEN, in a file named by RAY_AUTH_TOKEN_PATH, or in ~/.ray/auth_token"
        )
    if "ersion mismatch" in complaint or "ersions mismatch" in complaint or "different version" in complaint:
        return f"the cluster runs other versions; use the same Python and Ray on all hosts:\n{_first(complaint)}"
    if "Could not find any running Ray" in complaint or (address == AUTO and "ConnectionError" in complaint):
        return (
            "no cluster runs on this machine: `ray start` joins or starts one; --address local starts one for this run"
        )
    if "Ray expects this IP" in complaint or "node_ip_address" in complaint or "raylet" in complaint.lower():
        return (
            "this machine is not part of the cluster, which HOST:PORT asks for: join it with `ray start "
            f"--address={address}`, or come from outside through --address ray://HOST:10001"
        )
    return f"it did not let us in. Ray says:\n{_first(complaint)}"


def _first(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    return "\n".join(f"  {line[:300]}" for line in lines[:4])
