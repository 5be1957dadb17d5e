# `make help` lists the targets. Plain pip; GNU make 3.81 is enough. Another Python: `make demo PYTHON=python3.13`.
PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
READY := .venv/.ready
SOURCES := $(wildcard src tests tools benchmarks validation)
# Arguments for pytest: `make test ARGS="-k resume -x"`. In CI the coverage floor counts too; laws and slow tests are not measured.
ARGS ?=
COVER := $(if $(CI),--cov -p tests.support.unmeasured)
# Tests side by side, as many as there are cores, four at most; `make test JOBS=0`: one after the other, as for a debugger.
JOBS ?= logical
SIDES := --numprocesses $(JOBS) --maxprocesses 4 --dist worksteal
# What `make compiled-test` runs: all that the compiled modules take part in.
CORE := tests/laws tests/contracts tests/docs $(addprefix tests/unit/,domain kernel engine eventlog backends study api test_compiled.py)

.DEFAULT_GOAL := help
.PHONY: help demo test check setup format lint types imports coverage validate bench compiled compiled-test kill chaos lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## set up, then a real conversation on the embedded model
	@$(BIN)/gss run examples/rare-earths/study.yaml --again

test: $(READY) ## set up, then the tests
	@$(PY) -m pytest $(SIDES) $(COVER) $(ARGS)

check: lint types imports coverage ## format, lint, types, import contract, tests with coverage: the whole truth

setup: $(READY) ## the virtual environment in .venv, with locked dependencies

$(READY): requirements.lock pyproject.toml tools/set_up.py
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) tools/set_up.py

format: $(READY) ## rewrite the code in the house format
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lint: $(READY) ## format and lint, changing nothing
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .

types: $(READY) ## mypy, strict
	@$(PY) -m mypy $(SOURCES)

imports: $(READY) ## the import contract
	@$(BIN)/lint-imports --no-logo

coverage: $(READY) ## tests with coverage: 90 everywhere, 100 in domain and kernel
	@$(PY) -m pytest $(SIDES) --cov $(ARGS)
	@$(PY) -m coverage report --include='*/domain/*,*/kernel/*' --fail-under=100

validate: $(READY) ## rule-based agents against answers that theory gives, in a table; an hour or two, ARGS=--quick a minute
	@$(PY) -m validation $(ARGS)

bench: $(READY) ## the named workloads, each beside a bare loop with SQLite
	@$(PY) -m benchmarks $(ARGS)

compiled: $(READY) ## a wheel whose hot path is compiled (needs a C compiler), and .compiled, an environment that has it
	@$(PY) tools/compiled.py

compiled-test: ## the tests of the core over the compiled package
	@test -x .compiled/bin/python || { echo "There is no compiled package here yet: make compiled" >&2; exit 1; }
	@.compiled/bin/python -m pytest $(SIDES) $(CORE) $(ARGS)

kill: $(READY) ## the long kill -9 script
	@$(PY) -m tests.scenarios.kill_loop $(ARGS)

chaos: $(READY) ## random kills and stops of coordinator, workers and brokers, for minutes; prints its seed
	@$(PY) -m tests.scenarios.chaos $(ARGS)

lock: ## resolve requirements.lock anew
	@test -x .lock-venv/bin/uv || { $(PYTHON) -m venv .lock-venv && .lock-venv/bin/python -m pip install --quiet uv; }
	@.lock-venv/bin/python tools/lock.py

clean: ## remove what the targets made, run records apart
	rm -rf .venv .lock-venv .compiled build dist htmlcov .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests tools $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +
