# Two commands matter: `make report` and `make test`. `make help` lists the others.
# Needs Python 3.11 or newer and make; everything else goes into .venv, at the versions of requirements.lock.

PYTHON ?= python3
JOBS   ?= 2
STUDY  ?= reports/riverside/study.toml
OUT    ?= reports/_output/$(notdir $(patsubst %/,%,$(dir $(STUDY))))

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.installed

NOTEBOOKS  := $(sort $(wildcard notebooks/*.ipynb))
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

# One thread for linear algebra. Sums split over threads are added in another order, so the last digits of a result
# would depend on the number of cores; and the matrices here are small, so that threads cost more than they give.
export OPENBLAS_NUM_THREADS   := 1
export OMP_NUM_THREADS        := 1
export MKL_NUM_THREADS        := 1
export VECLIB_MAXIMUM_THREADS := 1
# PYTHONHASHSEED is left alone: a number that depends on the order of a set is a defect, and a fixed seed would hide it.

# Tests and reports open no window. Notebooks keep the inline backend, which MPLBACKEND=Agg would switch off.
HEADLESS := MPLBACKEND=Agg
INLINE   := MPLBACKEND= JUPYTER_PREFER_ENV_PATH=1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help report reports test check lint fasttest nbtest slowtest engines truth worlds notebooks bench data lock environment stub clean distclean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

report: $(READY) ## run a study and write its report (STUDY=reports/riverside/study.toml)
	@$(HEADLESS) $(BIN)/mentoreval run $(STUDY) --out $(OUT)

reports: $(READY) ## all studies whose data are here, with a page that lists them (reports/_output/index.html)
	@$(HEADLESS) $(BIN)/mentoreval report reports --formats html,pdf,docx

test: fasttest nbtest ## run the tests, the examples in docstrings and the notebooks

check: lint fasttest ## what to run before a commit: style, types, imports and the tests

lint: $(READY) ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fasttest: $(READY)
	$(HEADLESS) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

nbtest: $(READY)
ifeq ($(NOTEBOOKS),)
	@echo "There is no notebook to test."
else
	$(INLINE) $(BIN)/python -m pytest --nbval --nbval-current-env $(NOTEBOOKS)
endif

slowtest: $(READY) ## the simulations: bias, coverage and power in every world (long)
	$(HEADLESS) $(BIN)/python -m pytest -n $(JOBS) -m slow

truth: $(READY) ## the truth table: bias, coverage and power of every estimator where the truth is known (minutes)
	$(BIN)/python scripts/truth_table.py --jobs $(JOBS)

worlds: $(READY) ## the table of worlds: what simple and right analyses find where the truth is known (minutes)
	$(BIN)/python scripts/world_table.py

engines: $(READY) ## the same answers of pandas, Polars, Arrow, DuckDB and Spark (installs Spark; needs Java 17)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[spark]'
	$(BIN)/python -m pytest tests/engines

notebooks: $(READY) ## run the notebooks, store their outputs, and test them
ifneq ($(NOTEBOOKS),)
	$(INLINE) $(BIN)/jupyter nbconvert --to notebook --execute --inplace $(NOTEBOOKS)
endif
	@$(MAKE) nbtest

bench: $(READY) ## the benchmarks, one after the other
ifeq ($(BENCHMARKS),)
	@echo "There is no benchmark to run."
else
	$(foreach file,$(BENCHMARKS),$(BIN)/python $(file) &&) true
endif

data: $(READY) ## draw the made-up districts of data/synthetic again
	$(BIN)/python scripts/make_data.py

lock: $(READY) ## requirements.lock from pyproject.toml (LOCK=--upgrade takes the newest versions)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --custom-compile-command "make lock" --quiet $(LOCK) --output-file requirements.lock

environment: $(READY) ## environment.yml from pyproject.toml
	$(BIN)/python scripts/make_environment.py

stub: $(READY) ## mentoreval/__init__.pyi from the public names
	$(BIN)/python scripts/make_stub.py

clean: ## remove built reports and caches
	rm -rf reports/_output build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## remove the virtual environment too
	rm -rf $(VENV)

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no '$(PYTHON)'. Install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old: mentoreval needs Python 3.11 or newer. Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo "This Python has no venv module. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Installing the locked packages into $(VENV); the first time takes one to three minutes."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
