# `make demo` and `make test` need Python 3.11 or newer and make; everything else they install into .venv themselves.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip -qq --disable-pip-version-check install
READY  := $(VENV)/.ready
EXTRAS ?= test,lint,movie,plot,cluster,web,docs

# Where torch comes from is the user's choice: make setup TORCH="torch --index-url <an index of CPU builds>"
TORCH ?= torch

OUT        ?= runs/demo
DEMO_FLAGS ?=
WORKERS    ?= 2
PYTEST     ?=
GALLERY    ?= small

# Threads that spin while they wait slow their neighbours down; a demo uses the whole machine, tests one thread per worker.
export OMP_WAIT_POLICY ?= passive
# -P keeps the root of the repository off sys.path. A worker takes whole files, so that the kernels of a file are compiled once;
# the workers share Warp's cache, which is safe: each builds in a folder of its own and renames it.
RUN_TESTS := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	$(BIN)/python -P -m pytest --timeout 900 -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast lint format verify docs gpu clean

help:  ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## create .venv with the tested versions of everything

# torch before the rest: a CPU build that pip finds is taken whole, and nothing after it asks for another one.
$(READY): pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scenegrad needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "this Python cannot make environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo 'setting up $(VENV): torch, Warp, VTK and the rest; some minutes where they must be downloaded'
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt setuptools
	$(PIP) -c constraints.txt $(TORCH)
	$(PIP) -c constraints.txt --no-build-isolation -e '.[$(EXTRAS)]'
	@touch $@

demo: $(READY)  ## simulate, differentiate, learn and look: pictures and numbers in runs/demo (OUT=, DEMO_FLAGS=)
	$(BIN)/scenegrad demo --out $(OUT) $(DEMO_FLAGS)

test: lint  ## lint, types and the tests (not the slow ones)
	$(RUN_TESTS) $(PYTEST)

test-fast: $(READY)  ## the tests alone, first failure stops (PYTEST="-k name")
	$(RUN_TESTS) -x $(PYTEST)

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python .ci/link_tree.py
	$(BIN)/mypy

format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

verify: $(READY)  ## every test, the slow comparisons with published results too; makes docs/verification.md
	$(BIN)/scenegrad verify --workers $(WORKERS)

docs: $(READY)  ## build the site into docs/_build/html, warnings are errors (GALLERY=stored, small or full)
	SCENEGRAD_GALLERY=$(GALLERY) $(BIN)/python -P -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

gpu: $(READY)  ## the tests that need a CUDA device
	$(BIN)/python -P -m pytest -m gpu $(PYTEST)

clean:  ## remove the environment and what tools left behind; runs/ and data/ stay
	rm -rf $(VENV) .types build dist docs/_build docs/gallery docs/reference *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
