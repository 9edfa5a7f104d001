# Everything here works with Python >= 3.11, pip and make. `make PYTHON=python3.12 test` picks another interpreter.

PYTHON  ?= python3
VENV    ?= .venv
# With TensorFlow Probability beside this package, to compare the two.
PARITY  ?= .venv-parity
# Processes that run the tests side by side.
WORKERS ?= 2
# More arguments for pytest, e.g. `make test PYTEST_ARGS="-k spline -x"`.
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Stamps: what has been installed since pyproject.toml last changed.
RUN  := $(VENV)/.installed
DEV  := $(VENV)/.installed-dev
DOCS := $(VENV)/.installed-docs

say = @printf '\n== %s\n' "$(1)"

.DEFAULT_GOAL := help
.PHONY: help venv demo examples test lint format typecheck test-slow test-parity acceptance bench bench-bijectors bench-fits \
	bench-all docs build clean distclean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

# ------------------------------------------------------------------------------------------------ installing

venv: $(DEV)  ## Create .venv and install the package with the development tools
	@echo "Ready: . $(BIN)/activate"

$(BIN)/python:
	@command -v "$(PYTHON)" > /dev/null || { echo "No '$(PYTHON)' here. Name an interpreter: make PYTHON=python3.12 ..."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "pushforward needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) -V)"
	@"$(PYTHON)" -m venv "$(VENV)"

$(RUN): pyproject.toml | $(BIN)/python
	@echo "Installing pushforward into $(VENV) (once; a minute or so)"
	@$(PIP) install -qq --editable .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@echo "Installing pushforward and its development tools into $(VENV) (once; a minute or so)"
	@$(PIP) install -qq --editable '.[dev]'
	@touch $(RUN) $@

$(DOCS): pyproject.toml | $(BIN)/python
	@echo "Installing what the documentation is built with into $(VENV)"
	@$(PIP) install -qq --editable '.[docs]'
	@touch $(RUN) $@

$(PARITY)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing pushforward and TensorFlow Probability into $(PARITY) (once; a minute or so)"
	@"$(BIN)/python" -m venv "$(PARITY)"
	@$(PARITY)/bin/python -m pip --disable-pip-version-check install -qq --editable '.[test]' tfp-nightly
	@touch $@

# --------------------------------------------------------------------------------------------------- running

demo: $(RUN)  ## Train two moons with the tool: report, samples and scores in demo/
	@$(BIN)/pushforward demo moons --out demo --overwrite

examples: $(RUN)  ## Run every script in examples/, which write their pictures to pictures/
	@for page in $(filter-out examples/helpers.py,$(wildcard examples/*.py)); do $(BIN)/python "$$page" --out pictures && echo || exit 1; done

# -------------------------------------------------------------------------------------------------- checking

test: lint typecheck  ## Every check a change must pass: lint, layers, types, the fast tests
	$(call say,tests)
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not acceptance" $(PYTEST_ARGS)

lint: $(DEV)  ## Style, format and import layers
	$(call say,ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	$(call say,import layers)
	@$(BIN)/lint-imports --no-logo

format: $(DEV)  ## Format the code and apply the safe fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

typecheck: $(DEV)  ## Static types
	$(call say,mypy)
	@$(BIN)/mypy

test-slow: $(DEV)  ## The slow tests, marked so or named in tests/slow.txt, compiled as users compile
	@XLA_FLAGS= $(BIN)/python -m pytest -n $(WORKERS) -m "slow and not acceptance" $(PYTEST_ARGS)

test-parity: $(PARITY)/.installed  ## Every bijector of TensorFlow Probability beside ours, in an environment of its own
	@$(PARITY)/bin/python -m pytest -n $(WORKERS) tests/parity $(PYTEST_ARGS)

acceptance: $(DEV)  ## Train on the real data in $PUSHFORWARD_DATA and hold the promised figures
	@test -d "$${PUSHFORWARD_DATA:-}" || { echo "Set PUSHFORWARD_DATA to the folder with the data sets and their load.py."; exit 1; }
	@$(BIN)/python -m pytest -m acceptance $(PYTEST_ARGS)

bench: $(DEV)  ## Timings; leave the machine alone meanwhile
	@$(BIN)/python -m benchmarks.compare $(BENCH_ARGS)

bench-bijectors: $(PARITY)/.installed  ## Timings of every bijector beside TensorFlow Probability's; leave the machine alone
	@$(PARITY)/bin/python -m benchmarks.bijectors $(BENCH_ARGS)

bench-fits: $(DEV)  ## Fits of the tables in $PUSHFORWARD_DATA beside other libraries; some two hours
	@$(BIN)/python benchmarks/envs.py torch flowjax
	@$(BIN)/python -m benchmarks.fits $(BENCH_ARGS)

bench-all: $(DEV) $(PARITY)/.installed  ## Every table of benchmarks/RESULTS.md, made again; some six hours
	@$(BIN)/python benchmarks/envs.py
	@$(BIN)/python -m benchmarks.everything $(BENCH_ARGS)

# -------------------------------------------------------------------------------------------------- building

docs: $(DOCS)  ## Build the documentation into docs/_build/html
	@$(BIN)/python -m sphinx -W --keep-going --quiet -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

build: $(DEV)  ## Build the source archive and the wheel into dist/
	@$(BIN)/python -m build

clean:  ## Remove caches and everything the targets above wrote, but the environment
	@rm -rf build dist demo pictures docs/_build .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find src tests examples benchmarks docs -name .envs -prune -o -name __pycache__ -type d -exec rm -rf {} + 2> /dev/null || true

distclean: clean  ## The same, and the environments
	@rm -rf "$(VENV)" "$(PARITY)"
