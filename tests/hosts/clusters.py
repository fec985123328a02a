"""Clusters on hosts of network namespaces."""

from tests.hosts.lan import Lan, until


class Cluster:
    """A head and its hosts."""

    def __init__(self, lan: Lan, **head) -> None:
        self.lan = lan
        self.head = lan.head(**head)
        self.hosts = {}

    def repair(self, count):
        """Hosts 1 .. count are there, and no others."""
        for number, host in list(self.hosts.items()):
            if number > count or host.code is not None:
                self.hosts.pop(number).kill()
        for number in range(1, count + 1):
            if number not in self.hosts:
                self.start(number)
        for host in self.hosts.values():
            host.joined()

    def worker(self):
        """A worker process of any host that is just now living a piece."""

        def at_work():
            return [pid for host in self.hosts.values() for pid in host.processes("ray::live_piece")]

        return until(at_work, "any host to live a piece")[0]

    def start(self, number, **how):
        """Another host, under way to join."""
        self.hosts[number] = self.lan.host(number, self.head, **how)
        return self.hosts[number]

    def close(self):
        for host in self.hosts.values():
            host.kill()
        self.head.kill()
