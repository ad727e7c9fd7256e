# Two targets set everything up on a fresh machine: `make up` and `make test`. `make` alone lists them all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
LOCK := requirements-dev.txt

.PHONY: help up down preview test test-optional test-unit test-sample check format golden snapshots lock faults checkers bench compose-config compose-keys compose-table \
        setup able toolchain optional cluster-up cluster-down cluster-status plan

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##--- use it

up: plan .venv/.ready able toolchain ## from source to running: toolchain, one-node cluster, `pulumi up` of the dev stack, a table
	@$(PY) -m dev.stack up

preview: setup ## what `make up` would change
	@$(PY) -m dev.stack preview

down: .venv/.ready ## delete the dev stack and its data, and stop everything; to keep the data: make cluster-down
	@$(PY) -m dev.stack down

##--- develop it

test: .venv/.ready ## every test but the optional ones; the end-to-end ones need root on Linux and say so where they cannot run
	@$(MAKE) test-sample
	@$(MAKE) test-unit
	@if $(PY) -m dev.cluster check >/dev/null 2>&1; then $(MAKE) toolchain; fi
	@$(PY) -m pytest -m "cluster and alone"
	@$(PY) -m pytest -m "cluster and not alone" -n 3 --dist loadfile --no-loadscope-reorder

test-optional: setup ## what needs the optional parts: enforced network policies, an ingress controller, autoscaling
	@$(MAKE) optional
	@$(PY) -m pytest --optional -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# Bytecode is kept whatever the environment says: each worker and each started program would compile everything again.
test-unit: .venv/.ready ## unit and component tests: no root, no cluster, less than a minute
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest tests/unit tests/component -n 4 --dist worksteal

test-sample: .venv/.ready ## the sample application's own unit tests, in its own environment
	@if [ -d app/web/tests ]; then .venv/bin/uv run --quiet --isolated --no-project \
	  --with-requirements app/web/requirements.txt --with-requirements app/web/requirements-test.txt \
	  pytest -q app/web/tests; fi

check: .venv/.ready ## lint, format, types, layers and dependencies
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports --no-cache --no-logo
	@.venv/bin/deptry seaway components plugin
	@.venv/bin/deptry dev tests --ignore DEP002,DEP004
	@.venv/bin/pyright

format: .venv/.ready ## put the code into its form
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

golden: .venv/.ready ## write the golden manifests anew, to be read in the diff
	@$(PY) -m tests.golden

snapshots: .venv/.ready ## write the snapshots of messages, to be read in the diff; ARGS=tests/unit/model: of one folder
	@$(PY) -m pytest $(or $(ARGS),tests/unit tests/component -n 4 --dist worksteal) --snapshot-update --snapshot-details

lock: .venv/.ready ## renew requirements*.txt from pyproject.toml
	@.venv/bin/uv pip compile -q --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements.txt
	@.venv/bin/uv pip compile -q --generate-hashes --no-header --python-version 3.11 --extra dev -c requirements.txt \
	  pyproject.toml -o requirements-dev.txt

faults: cluster-up ## inject every cause of a failed rollout, under load, and write docs/failures.md
	@$(PY) -m dev.faults $(ARGS)

checkers: .venv/.ready ## kube-score, kubeconform and checkov over every example; writes docs/checkers.md
	@$(PY) -m dev.checkers $(ARGS)

compose-config: .venv/.ready ## our reading of compose files beside `docker compose config`; writes docs/compose-config.md
	@$(PY) -m dev.compose_comparison config

compose-table: cluster-up ## our conversion of compose files beside kompose's, half an hour; writes docs/kompose.md
	@$(PY) -m dev.compose_comparison table $(ARGS)
	@$(PY) -m dev.compose_comparison runs $(ARGS)

compose-keys: .venv/.ready ## what becomes of each key of a compose file; writes the table of docs/compose.md
	@$(PY) -m dev.compose_comparison.keys

bench: cluster-up ## up and preview beside a plain Pulumi program; rollouts beside kubectl; rendering beside kustomize
	@$(PY) -m dev.bench $(ARGS)
	@$(PY) -m dev.bench.rollout $(ARGS)
	@$(PY) -m dev.bench.render $(ARGS)

##--- parts

plan: ## what is found on this machine, what will be installed and compiled, in minutes
	@$(PYTHON) -m dev.cluster.toolchain plan

setup: .venv/.ready toolchain ## the Python environment and the toolchain

able: .venv/.ready ## say whether this machine can run the one-node cluster
	@$(PY) -m dev.cluster check

toolchain: ## compile what is missing, once, into the user's cache
	@$(PYTHON) -m dev.cluster.toolchain build

optional: ## compile the optional parts too: enforced network policies, an ingress controller, metrics, checkers
	@$(PYTHON) -m dev.cluster.toolchain build --all

cluster-up: setup ## start the one-node cluster
	@$(PY) -m dev.cluster up

cluster-down: .venv/.ready ## stop it, keep the data: the next make up goes on with it
	@$(PY) -m dev.cluster down

cluster-status: .venv/.ready ## what runs
	@$(PY) -m dev.cluster status

# The environment is made in one go: a half-made one has no .ready and is made again.
.venv/.ready: $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seaway: needs Python 3.11 or later; name one: make PYTHON=/path/to/python3 ...")'
	@echo "Python environment: .venv"
	@$(PYTHON) -m venv --clear .venv || { echo "seaway: python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
