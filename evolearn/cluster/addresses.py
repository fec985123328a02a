"""Where a cluster may be, as `--address` says it."""

from __future__ import annotations

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
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ClusterError(f"--address {address}: must be {FORMS}")
