# `make tour` and `make test` do everything from a fresh clone; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help tour test lint browser smoke docs docs-check bench native native-strict sanitize clean

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

tour: .venv/tour.stamp  ## walk through the lesson; pictures and an index page go to ./tour
	$(BIN)/wengert tour tour

test: .venv/dev.stamp browser lint docs-check native-strict  ## lint, types, docs, and the whole suite on both engines
	WENGERT_PURE=1 $(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered --cov-fail-under=95
	WENGERT_BROWSER=1 $(BIN)/python -m pytest -n auto

native: .venv/native.stamp  ## build the native engine in place

native-strict: .venv/dev.stamp  ## the same with warnings as errors, by every compiler there is
	@for compiler in gcc clang; do if command -v $$compiler >/dev/null; then \
	  echo "$$compiler -Wall -Wextra -Werror"; \
	  $(BUILD) CC=$$compiler WENGERT_CFLAGS="-Wall -Wextra -Werror" \
	    $(BIN)/python setup.py --quiet build_ext --build-lib build/$$compiler --build-temp build/$$compiler || exit 1; \
	fi; done
	$(BUILD) $(BIN)/python setup.py --quiet build_ext --inplace

# The suite and random programs under the address and undefined-behaviour sanitizers, on a copy.
SANITIZED = build/sanitized
PRELOADED = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc PYTHONPATH=src

sanitize: .venv/dev.stamp  ## run the suite and random programs under the sanitizers (gcc, Linux)
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED)
	cp -R src native tests tools docs examples bench *.toml *.py *.md LICENSE Makefile $(SANITIZED)
	rm -f $(SANITIZED)/src/wengert/_native*.so
	cd $(SANITIZED) && $(BUILD) CC=gcc \
	  WENGERT_CFLAGS="-O1 -g -fno-omit-frame-pointer -DWENGERT_SANITIZE $(SANITIZERS)" \
	  WENGERT_LDFLAGS="$(SANITIZERS)" $(CURDIR)/$(BIN)/python setup.py --quiet build_ext --inplace
	cd $(SANITIZED) && $(PRELOADED) $(CURDIR)/$(BIN)/python -m pytest -q -n auto -k "not limited"
	cd $(SANITIZED) && $(PRELOADED) $(CURDIR)/$(BIN)/python tools/soak.py --seconds 60
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=undefined
BUILD = WENGERT_NATIVE=1

lint: .venv/dev.stamp tools/js/node_modules/.stamp  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(JS)/tsc --project tools/js
	$(JS)/eslint --config tools/js/eslint.config.js src/wengert/show/explorer/js

JS = tools/js/node_modules/.bin

# Debian's packages, where they are missing and may be installed.
browser: tools/js/node_modules/.stamp  ## install what the tests of the explorer's page need
	@sh tools/js/need.sh chromium chromium chromium-browser google-chrome chrome

tools/js/node_modules/.stamp: tools/js/package.json tools/js/package-lock.json
	@sh tools/js/need.sh nodejs node nodejs
	@sh tools/js/need.sh npm npm
	cd tools/js && npm ci --silent
	@touch $@

docs: .venv/dev.stamp  ## write the generated pages of docs/ again
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python tools/notebooks.py

docs-check: .venv/dev.stamp  ## run every example, and see that the generated pages are current
	$(BIN)/python tools/generate_docs.py --check
	$(BIN)/python tools/minimax.py --check
	$(BIN)/python -m pytest -q --doctest-modules README.md docs src
	$(BIN)/python tools/notebooks.py --check

bench: .venv/bench.stamp  ## time the engine, programs, the interpreter, derivatives and compiled functions beside their peers, and the pictures
	$(BIN)/python bench/eager.py
	$(BIN)/python bench/layout.py
	$(BIN)/python bench/programs.py
	$(BIN)/python bench/interpreter.py
	$(BIN)/python bench/derivatives.py
	$(BIN)/python bench/vector_math.py
	$(BIN)/python bench/native.py
	$(BIN)/python bench/scaling.py

smoke: .venv/smoke.stamp browser  ## the explorer in JupyterLab and marimo: frame and live widget
	$(BIN)/python tools/notebook_smoke.py

clean:  ## remove everything that was built
	rm -rf .venv tools/js/node_modules build dist tour *.egg-info src/*.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Wengert needs Python 3.11 or newer. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/%.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

# An editable install does not notice that the table, or the C, has changed.
.venv/native.stamp: .venv/dev.stamp setup.py $(wildcard native/*) $(wildcard src/wengert/c/*) src/wengert/primitives.py src/wengert/special.py
	$(BUILD) $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

.venv/tour.stamp: EXTRAS = plot
.venv/dev.stamp: EXTRAS = plot,dev
.venv/bench.stamp: EXTRAS = bench
.venv/smoke.stamp: EXTRAS = plot,dev,smoke
