"""Where a cluster may be, as `--address` says it."""

from __future__ import annotations

import ipaddress
import re

from evolearn.config import shown
from evolearn.errors import UserError

LOCAL, AUTO, CLIENT = "local", "auto", "ray://"
FORMS = "local, auto, HOST:PORT (Ray's own port, 6379 if not set) or ray://HOST:PORT (Ray Client's port, 10001)"


class ClusterError(UserError):
    """A cluster that cannot be reached or used; the text says why and what to do."""


def check_address(address: str) -> None:
    """Refuse what is no address.

    Raises:
        ClusterError: it has none of the forms.
    """
    if address in (LOCAL, AUTO):
        return
    host, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if not colon:
        problem = "has no port"
    elif not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        problem = f"has the port {shown(port)}, which is not 1 .. 65535"
    elif not host:
        problem = "has no host"
    elif not _is_host(host):
        problem = f"has the host {shown(host)}, which is no name, IPv4 address, or IPv6 address in brackets"
    else:
        return
    raise ClusterError(f"--address {shown(address)}: must be {FORMS}; this one {problem}")


_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"  # of a name, between dots


def _is_host(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
        return True
    return len(host) < 254 and re.fullmatch(rf"{_LABEL}(\.{_LABEL})*\.?", host) is not None
