# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PACKAGING := setup.cfg pyproject.toml constraints.txt
# One thread per test process: two processes with two threads each wait for one another.
JOBS ?= 2

.PHONY: demo test lint docs clean

demo: $(VENV)/.installed
	$(BIN)/python examples/plot_quickstart.py --save figures $(if $(DATA),--data "$(DATA)")

test: $(VENV)/.installed-test lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet

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

clean:
	rm -rf $(VENV) build *.egg-info docs/_build docs/auto_examples docs/generated figures
