# `make tour` and `make test` do everything from a fresh clone; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help tour test lint docs docs-check bench clean

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

tour: .venv/tour.stamp  ## walk through the lesson; pictures and an index page go to ./tour
	$(BIN)/wengert tour tour

test: .venv/dev.stamp lint docs-check  ## lint, types, docs and the whole suite
	$(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered --cov-fail-under=95

lint: .venv/dev.stamp  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/dev.stamp  ## write the generated pages of docs/ again
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python tools/notebooks.py

docs-check: .venv/dev.stamp  ## run every example, and see that the generated pages are current
	$(BIN)/python tools/generate_docs.py --check
	$(BIN)/python -m pytest -q --doctest-modules README.md docs src
	$(BIN)/python tools/notebooks.py --check

bench: .venv/bench.stamp  ## time the engine beside its peers, and the pictures
	$(BIN)/python bench/eager.py
	$(BIN)/python bench/layout.py

clean:  ## remove everything that was built
	rm -rf .venv build dist tour *.egg-info src/*.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Wengert needs Python 3.11 or newer. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/%.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

.venv/tour.stamp: EXTRAS = plot
.venv/dev.stamp: EXTRAS = plot,dev
.venv/bench.stamp: EXTRAS = bench
