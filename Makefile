# `make up` and `make test` set up a new machine. `make` lists the usual targets; docs/dev-cluster.md explains all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
LOCK := requirements-dev.txt
# Whether a variable is on the command line: the environment of a user may have a variable of the same name.
is_set = $(filter command,$(origin $(1)))
CLUSTER_VENV := $(if $(wildcard .seaway/cluster),.venv/.ready)

.PHONY: help up down preview images image clean test test-optional test-unit test-sample check format golden snapshots lock faults soak checkers bench dist compose-config compose-keys compose-table \
        setup able toolchain optional cluster-up cluster-down cluster-status plan

# The description of a usual target begins with ##, of another target with ###.
help: ### list the usual targets; ALL=1: all targets
	@awk 'BEGIN {FS = ":.*##+ "} /^[a-z-]+:.*[^#]$(if $(ALL),##+,##) / {printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@$(if $(ALL),,echo "All targets: make help ALL=1    Their purpose: docs/dev-cluster.md")

##--- use it

up: plan .venv/.ready able toolchain ## set up the toolchain and the one-node cluster, deploy the dev stack, print a table
	@$(PY) -m dev.stack up

preview: setup ## show the changes that `make up` would make
	@$(PY) -m dev.stack preview

images: .venv/.ready ## list the images that the cluster can run, and how to add others
	@$(PY) -m dev.images list

image: .venv/.ready ## add an image: NAME=redis:7, and PACKAGES="redis-server", TAR=file or FROM=registry/image:tag
	@$(PY) -m dev.images add "$(if $(call is_set,NAME),$$NAME)" $(if $(call is_set,PACKAGES),--packages "$$PACKAGES") \
	  $(if $(call is_set,COMMAND),--command "$$COMMAND") $(if $(call is_set,TAR),--tar "$$TAR") \
	  $(if $(call is_set,FROM),--from "$$FROM")

down: $(CLUSTER_VENV) ## delete the dev stack and its data, and stop everything; make cluster-down keeps the data
	@$(if $(CLUSTER_VENV),$(PY) -m dev.stack down,echo "this checkout has no cluster")

clean: ## remove all that make has created, and say how much; ALL=1: also the caches that other checkouts share
	@$(PYTHON) -m dev.clean $(if $(ALL),--all)

##--- develop it

test: .venv/.ready ## run all tests except the optional ones; end-to-end tests require root on Linux, and skip otherwise
	@$(MAKE) test-sample
	@$(MAKE) test-unit
	@if $(PY) -m dev.cluster check >/dev/null 2>&1; then $(MAKE) toolchain; fi
	@$(PY) -m pytest -m "cluster and alone"
	@$(PY) -m pytest -m "cluster and not alone" -n 3 --dist loadfile --no-loadscope-reorder

test-optional: setup ### run the tests of the optional parts: enforced network policies, ingress controller, autoscaling
	@$(MAKE) optional
	@$(PY) -m pytest --optional -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# Keep bytecode: otherwise, each worker and each child process would compile all modules again.
test-unit: .venv/.ready ## run unit and component tests in less than a minute, without root and cluster
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest tests/unit tests/component -n 4 --dist worksteal

test-sample: .venv/.ready ### run the unit tests of the sample application in its own environment
	@if [ -d app/web/tests ]; then .venv/bin/uv run --quiet --isolated --no-project \
	  --with-requirements app/web/requirements.txt --with-requirements app/web/requirements-test.txt \
	  pytest -q app/web/tests; fi

check: .venv/.ready ## check lint, format, types, layers, dependencies and the wheel
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports --no-cache --no-logo
	@.venv/bin/deptry seaway components plugin --extend-exclude seaway/template
	@.venv/bin/deptry dev tests --ignore DEP002,DEP004
	@.venv/bin/pyright
	@$(MAKE) dist

dist: .venv/.ready ### build the wheel and the source distribution in dist/, and check their description, in 5 s
	@rm -rf dist
	@.venv/bin/uv build --quiet --no-build-isolation --python $(PY) --out-dir dist
	@.venv/bin/twine check --strict dist/*.whl dist/*.tar.gz

format: .venv/.ready ## format the code
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

golden: .venv/.ready ### write the golden manifests; review the diff
	@$(PY) -m tests.golden

snapshots: .venv/.ready ### write the snapshots of messages; review the diff; ARGS=tests/unit/model: only one folder
	@$(PY) -m pytest $(or $(ARGS),tests/unit tests/component -n 4 --dist worksteal) --snapshot-update --snapshot-details

lock: .venv/.ready ### update requirements*.txt from pyproject.toml
	@.venv/bin/uv pip compile -q --generate-hashes --no-header --python-version 3.11 --group build pyproject.toml \
	  -o requirements.txt
	@.venv/bin/uv pip compile -q --generate-hashes --no-header --python-version 3.11 --extra dev -c requirements.txt \
	  pyproject.toml -o requirements-dev.txt

faults: cluster-up ### inject every cause of a failed build and of a failed rollout, and write docs/failures.md
	@$(PY) -m dev.faults $(ARGS)

soak: cluster-up ### run 100 rollouts, deleted pods and evictions under load, in half an hour, and write docs/reliability.md
	@$(PY) -m dev.soak $(ARGS)

checkers: .venv/.ready ### run kube-score, kubeconform and checkov on every example, and write docs/checkers.md
	@$(PY) -m dev.checkers $(ARGS)

compose-config: .venv/.ready ### compare the reading of compose files with Docker Compose, and write docs/compose-config.md
	@$(PY) -m dev.compose_comparison config

compose-table: cluster-up ### compare the conversion of compose files with kompose, in half an hour, and write docs/kompose.md
	@$(PY) -m dev.compose_comparison table $(ARGS)
	@$(PY) -m dev.compose_comparison runs $(ARGS)

compose-keys: .venv/.ready ### write the table of compose keys in docs/compose.md
	@$(PY) -m dev.compose_comparison.keys

bench: cluster-up ### measure up, preview, rollouts and rendering beside Pulumi, kubectl and kustomize
	@$(PY) -m dev.bench $(ARGS)
	@$(PY) -m dev.bench.rollout $(ARGS)
	@$(PY) -m dev.bench.render $(ARGS)

##--- parts

plan: ### show available parts, and parts to install and compile, with minutes
	@$(PYTHON) -m dev.cluster.toolchain plan

setup: .venv/.ready toolchain ### set up the Python environment and the toolchain

able: .venv/.ready ### report whether this machine can run the one-node cluster
	@$(PY) -m dev.cluster check

toolchain: ### compile missing parts once, into the user's cache
	@$(PYTHON) -m dev.cluster.toolchain build

optional: ### compile the optional parts too: network policies, ingress controller, metrics, checkers
	@$(PYTHON) -m dev.cluster.toolchain build --all

cluster-up: setup ## start the one-node cluster with its base images, for an application of your own
	@$(PY) -m dev.cluster up
	@$(PY) -m dev.images ensure
	@$(PY) -m dev.environment

# After `make clean` nothing needs a new Python environment.
cluster-down: $(CLUSTER_VENV) ## stop the cluster and keep its data for the next make up
	@$(if $(CLUSTER_VENV),$(PY) -m dev.cluster down,echo "this checkout has no cluster")

cluster-status: .venv/.ready ## show the status of the components
	@$(PY) -m dev.cluster status

# An incomplete environment has no .ready, and is created again.
.venv/.ready: $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seaway: requires Python 3.11 or later; set it: make PYTHON=/path/to/python3 ...")'
	@echo "Python environment: .venv"
	@[ ! -L .venv ] || rm .venv # never clear the environment of another checkout
	@$(PYTHON) -m venv --clear .venv || { echo "seaway: python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $(LOCK)
	@$(PY) -m pip install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@
