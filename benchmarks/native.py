"""Hand-written C++, `native_limit.cpp`, compiled for this very processor with what a compiler may do at most."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import work

SOURCE = Path(__file__).with_name("native_limit.cpp")
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp")


def main() -> None:
    """Compile and run, or exit with a reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=work.LIVES)
    parser.add_argument("--updates", type=int, default=work.UPDATES)
    options = parser.parse_args()
    if shutil.which("g++") is None:
        sys.exit("g++ is not installed")
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "native_limit")
        subprocess.run(["g++", *FLAGS, str(SOURCE), "-o", program], check=True)
        subprocess.run([program, "2", "2"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([program, str(options.lives), str(options.updates)], check=True)


if __name__ == "__main__":
    main()
