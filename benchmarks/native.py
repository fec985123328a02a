"""Hand-written C++, compiled for this very processor with what a compiler may do at most.

Two forms: `native_limit.cpp`, one life at a time as one would write it, and `native_teams.cpp`, lives side by side with
the products of a whole window at once: the yardstick of what the processor can do at this work.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import work

FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp")
# Sums stay in the order in which vectors were written, and estimates of quotients and roots cost more than they save.
TEAMS_FLAGS = (*FLAGS, "-fno-associative-math", "-mno-recip")


def main() -> None:
    """Compile and run, or exit with a reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=work.LIVES)
    parser.add_argument("--updates", type=int, default=work.UPDATES)
    parser.add_argument("--teams", action="store_true", help="lives side by side; a multiple of 4")
    options = parser.parse_args()
    if shutil.which("g++") is None:
        sys.exit("g++ is not installed")
    name, flags = ("native_teams", TEAMS_FLAGS) if options.teams else ("native_limit", FLAGS)
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / name)
        source = Path(__file__).with_name(f"{name}.cpp")
        subprocess.run(["g++", *flags, str(source), "-o", program], check=True)
        subprocess.run([program, "4", "2"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([program, str(options.lives), str(options.updates)], check=True)


if __name__ == "__main__":
    main()
