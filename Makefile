# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
# The environment of the oldest dependencies.
VENV_MIN ?= .venv-min
PYTHON_MIN ?= python3.11
BIN := $(VENV)/bin
BIN_MIN := $(VENV_MIN)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check
PIP := $(BIN)/python $(INSTALL) --constraint constraints.txt
PACKAGING := setup.cfg pyproject.toml constraints.txt
# Two test processes with two threads each would wait for each other: one thread per process.
JOBS ?= 2
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
PYTEST_MIN := OMP_NUM_THREADS=1 $(BIN_MIN)/python -m pytest

# Seconds for all targets of `make fuzz` together.
FUZZ_SECONDS ?= 300

.PHONY: demo test test-long test-fast test-min fuzz fuzz-models test-properties wheel-test lint docs clean

demo: $(VENV)/.installed
	$(BIN)/python examples/plot_quickstart.py --save figures $(if $(DATA),--data "$(DATA)")

# All tests but the long ones, with the coverage of lines and branches.
test: $(VENV)/.installed-test lint
	$(PYTEST) -n $(JOBS) -m "not long" --cov --cov-report=term --cov-fail-under=95

# Every tool with every container, examples, exports, threads and kills: some minutes on two cores.
test-long: $(VENV)/.installed-test
	$(PYTEST) -n $(JOBS) -m long tests

# The tests to run while writing code.
test-fast: $(VENV)/.installed-test
	$(PYTEST) -n $(JOBS) -m "not slow" tests

# The fast tests with the oldest dependencies that setup.cfg allows.
test-min: $(VENV_MIN)/.installed-test
	$(PYTEST_MIN) -n $(JOBS) -m "not slow and not newest" tests

# Load thousands of damaged files with fixed seeds; a short run is one of the tests.
fuzz: $(VENV)/.installed-test
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS)

# Load 25,000 damaged model files.
fuzz-models: $(VENV)/.installed-test
	$(BIN)/python tests/fuzz/fuzz.py models hostile_models --count 12500 --seconds 3600

# Properties of every public function with sixty times as many examples as in the tests.
test-properties: $(VENV)/.installed-test
	SKLEARN_ECG_PROPERTIES=long $(PYTEST) -n $(JOBS) tests/properties

# Build the wheel and the sdist, and use the wheel in a new environment.
wheel-test: $(VENV)/.installed-test
	$(PYTEST) tests/test_packaging.py

lint: $(VENV)/.installed-test
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/codespell
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python $(PACKAGING)
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) --editable ".[test]"
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) --editable ".[docs]"
	touch $@

$(VENV_MIN)/.installed-test: setup.cfg pyproject.toml constraints-min.txt
	$(PYTHON_MIN) -m venv $(VENV_MIN)
	$(BIN_MIN)/python $(INSTALL) --constraint constraints-min.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) $(VENV_MIN) build dist *.egg-info .coverage* docs/_build docs/auto_examples docs/generated figures
