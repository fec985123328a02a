"""`python -m evolearn` is the command `evolearn`."""

import runpy

if __name__ == "__main__":
    runpy.run_module("evolearn.cli.app", run_name="__main__")
