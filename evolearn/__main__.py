"""`python -m evolearn` is the command `evolearn`."""

import runpy

runpy.run_module("evolearn.cli.app", run_name="__main__")
