.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
KERNELS := $(wildcard src/heapsleuth/kernels/[a-z]*.py)
# -n 2: the suite is sized for two cores.
PYTEST := $(PY) -m pytest -n 2

.PHONY: FORCE help setup build demo demo-watch test test-slow lint format fuzz bench eval eval-trends calibrate docs \
  docs-check clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: build  ## Make .venv with heapsleuth and all development tools (quick when nothing changed)

build: .venv/.heapsleuth-built  ## Compile the kernels that changed

.venv/.heapsleuth-built: .venv/.heapsleuth-ready setup.py $(KERNELS)
	@$(PY) setup.py --quiet build_ext --inplace
	@$(PY) tools/check_kernels.py
	@touch $@

# Always asked; the script itself sees whether something changed, and leaves the file alone if not.
.venv/.heapsleuth-ready: FORCE
	@tools/setup

FORCE:

demo: build  ## Start a leaking HTTP service, take three snapshots of it, name its leaks
	@$(PY) examples/demo.py

demo-watch: build  ## Watch a leaking and a healthy service with the collector, days in two minutes
	@PYTHONPATH=examples $(PY) examples/demo_watch.py

test: build  ## Run the test suite (without the slow ones)
	$(PYTEST) -m "not slow"

test-slow: build  ## Run the tests that take minutes or gigabytes
	$(PY) -m pytest -m slow

lint: build  ## Run every static check
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	$(PY) tools/docs.py --check

format: .venv/.heapsleuth-ready  ## Format the code and apply safe fixes
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

fuzz: build  ## Feed mutated snapshots to the reader for long (HEAPSLEUTH_FUZZ_EXAMPLES=20000)
	HYPOTHESIS_PROFILE=fuzz $(PY) -m pytest tests/fuzz

bench: build  ## Measure against memlab and the DevTools engine; writes benchmarks/results.md (BENCH=--large for 1.67 GB)
	PYTHONPATH=tools $(PY) benchmarks/run.py $(BENCH)

eval: build  ## Judge programs whose leaks are known; writes docs/evaluation.md (resumes; EVAL="--jobs 2")
	$(PY) tools/eval_leakserver.py
	$(PY) tools/eval_corpus.py $(EVAL)

eval-trends: build  ## Judge simulated services and recordings; writes docs/concepts/trends-evaluation.md (EVAL=--quick)
	@$(PY) -c 'import numba' 2>/dev/null || HEAPSLEUTH_SKIP_KERNELS=1 $(PY) -m pip install --quiet --editable '.[eval]'
	$(PY) tools/eval_trends.py $(EVAL)

calibrate: build  ## Train the confidence model; writes its weights and docs/concepts/calibration.md (CALIBRATE=--rows)
	$(PY) tools/calibrate.py $(CALIBRATE)

docs: build  ## Write the generated parts of docs/
	$(PY) tools/docs.py

docs-check: build  ## Fail when a generated part of docs/ is stale
	$(PY) tools/docs.py --check

clean:  ## Remove what was built (not .venv)
	rm -rf build dist demo-output .work src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src -name '*.so' -delete -o -name __pycache__ -type d -prune -exec rm -rf {} +
