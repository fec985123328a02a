# The commands of the README. Each one makes the virtual environment first if it is not there or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

# A process per core, with one thread and up to 1.5 GB each. Tests of a file stay together, for what they share; files
# come in the order of tests/conftest.py, the longest first, and not by how many tests they have.
PYTEST := $(foreach library,OMP OPENBLAS MKL,$(library)_NUM_THREADS=1) $(BIN)/python -m pytest
SPREAD := --numprocesses logical --maxprocesses 6 --dist loadfile --no-loadscope-reorder

.PHONY: setup zebra zoo test test-whole test-browser test-cluster lint format docs bench wheel clean

setup: $(VENV)/.ready-base
	@echo "Compiling for a minute or two, once, and then a first life to watch:"
	@$(BIN)/evolearn replay zoo/foal --to $(VENV)/foal.html --force
	@echo "To have the command: source $(VENV)/bin/activate"

zebra: $(VENV)/.ready-base
	$(BIN)/evolearn study configs/studies/zebra.yaml

# Evolves the newborns that come with evolearn again.
zoo: $(VENV)/.ready-base
	$(BIN)/python -m benchmarks.zoo

test: $(VENV)/.ready
	$(PYTEST) $(SPREAD) -m "not whole and not browser and not cluster" $(PYTEST_OPTIONS)

# What `make test` leaves out since it takes long: a wheel in an empty folder, the site, the notebook, an example that
# learns, every claim and replication at toy size, files of users and crashes on Ray, lives for other processors and C
# libraries.
test-whole: $(VENV)/.ready
	$(PYTEST) $(SPREAD) -m "whole and not browser and not cluster" $(PYTEST_OPTIONS)

# Opens pages in headless Chromium, which must be installed: on Debian, apt-get install chromium chromium-driver
test-browser: $(VENV)/.ready
	$(PYTEST) $(SPREAD) -m browser

# Makes hosts of network namespaces and kills them: needs root, and iproute2 on Debian. About ten minutes.
test-cluster: $(VENV)/.ready
	@$(BIN)/python -m tests.hosts.lan
	$(PYTEST) -m cluster $(PYTEST_OPTIONS)

lint: $(VENV)/.ready
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# The documentation as a site in site/, which opens without a server and without a network. A broken link fails.
docs: $(VENV)/.ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks

wheel: $(VENV)/.ready
	$(BIN)/python -m build --wheel

# What the studies need, and nothing for developers.
$(VENV)/.ready-base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evolearn needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; set PYTHON=/path/to/python")'
	@echo "Installing into $(VENV); this takes a few minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.ready: $(VENV)/.ready-base
	@echo "Installing what developers need."
	$(PIP_INSTALL) --editable ".[dev]"
	@touch $@

$(VENV)/.ready-bench: $(VENV)/.ready
	@echo "Installing the peers of the benchmark."
	$(PIP_INSTALL) --editable ".[bench]"
	@touch $@

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
