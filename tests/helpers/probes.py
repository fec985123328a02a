"""Probes of worlds for many tests: one process of each kind looks at all worlds, one after the other.

The product starts a process per world and kind, so that none of it touches who asked; that takes seconds of imports.
Not for worlds that hang or end their process. And these probes live for shorter: what is broken shows in the first
episodes of the first lives.
"""

import os
import pickle
import subprocess
import sys

from evolearn.testing._process import Answer, Task

_PROGRAM = """
import os, pickle, sys
from evolearn.testing import _process
from evolearn.testing._process import Probe
_process.LIVES, _process.STEPS, _process.PLAIN_STEPS = 12, 100, 40
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # whatever is printed is no answer
while True:
    try:
        probe = Probe(pickle.load(sys.stdin.buffer))
    except EOFError:
        break
    probe.work()
    pickle.dump(probe.answer, answers)
    answers.flush()
"""


class Probes:
    """The processes, by hash seed and whether they compile; each begins when it is first needed."""

    def __init__(self) -> None:
        self._processes: dict[tuple[int, bool], subprocess.Popen[bytes]] = {}

    def probe(self, world: object, task: Task, findings: object, hash_seed: int, compiled: bool = True) -> Answer:
        """What a probe finds; takes the place of `evolearn.testing.check._probe`."""
        process = self._process(hash_seed, compiled)
        assert process.stdin is not None
        assert process.stdout is not None
        pickle.dump(task, process.stdin)
        process.stdin.flush()
        return pickle.load(process.stdout)

    def close(self) -> None:
        for process in self._processes.values():
            process.communicate()

    def _process(self, hash_seed: int, compiled: bool) -> subprocess.Popen[bytes]:
        if (hash_seed, compiled) not in self._processes:
            environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
            environment |= {} if compiled else {"NUMBA_DISABLE_JIT": "1"}
            environment |= {
                "PYTHONHASHSEED": str(hash_seed),
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            }
            self._processes[hash_seed, compiled] = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", _PROGRAM],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._processes[hash_seed, compiled]
