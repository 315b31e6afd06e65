# `make demo` runs the main job, `make test` passes the tests; each does all its own set-up.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
ARGS ?=

.PHONY: demo test setup lint types floors unit format bench clean

demo: setup  ## the practice room with a sample task; ARGS="--once" ends with it
	$(BIN)/legwork demo $(ARGS)

test: setup-tests lint types floors unit  ## the gate

setup: $(VENV)/.installed
	@scripts/system-packages run

setup-tests: $(VENV)/.installed
	@scripts/system-packages run test

$(VENV)/.installed: pyproject.toml uv.lock
	@scripts/make-venv $(PYTHON) $(VENV)
	@touch $@

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy
	$(BIN)/mypy bench

floors:
	$(BIN)/lint-imports

unit:
	$(BIN)/pytest $(ARGS)

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/legwork bench $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
