# BitBrat. A fresh machine needs make and Python 3.11, 3.12 or 3.13; everything else goes into .venv.
# `make help` lists the targets. PYTHON=/path/to/python chooses the interpreter, ARGS="…" is passed on.

PYTHON ?=
ARGS ?=
WORKERS ?= auto
BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo dev test check sim-ci docs bench mutate tools lock clean venv-run venv-dev

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## /  make \1	/'

demo: venv-run ## play a recorded chat through a local server and answer it; needs no account
	@$(BIN)/bitbrat demo $(ARGS)

dev: venv-run ## run everything in one process, kept in .bitbrat/
	@$(BIN)/bitbrat dev $(ARGS)

test: venv-dev ## every test that can run here, and a table of what was real and what was absent
	@$(BIN)/pytest -n $(WORKERS) --maxprocesses 4 $(ARGS)

check: venv-dev ## format, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python tools/sizes.py

sim-ci: venv-dev ## simulate 1,200 seeds, find every planted bug, replay under three hash seeds
	@$(BIN)/bitbrat sim --seeds 0:600 --retention workqueue
	@$(BIN)/bitbrat sim --seeds 0:600 --retention limits
	@$(BIN)/bitbrat sim --plant all
	@$(BIN)/pytest tests/sim/test_determinism.py -q -p no:cacheprovider

bench: venv-dev ## measure hops, buses and rules on this machine
	@for bench in bench/[a-z]*.py; do echo "== $$bench"; $(BIN)/python "$$bench" $(ARGS) || exit 1; done

mutate: venv-dev ## change slip.py in every small way; the tests must notice
	@$(BIN)/python tools/mutate.py $(ARGS)

docs: venv-dev ## write the reference pages that are made from the code
	@$(BIN)/python tools/docs.py

tools: ## install the servers that tests use (Debian, as root), or say what to install
	@sh tools/servers.sh

lock: ## maintainers: resolve the dependencies again (needs uv)
	@sh tools/lock.sh

clean: ## remove what make and the tests have made, but not .bitbrat/
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find bitbrat services tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

venv-run:
	@sh tools/venv.sh run

venv-dev:
	@sh tools/venv.sh dev
