# Thin over Python: what a target does stands in local/ and in the tests.
SHELL := /bin/bash
# With it set, every process compiles the libraries anew.
unexport PYTHONDONTWRITEBYTECODE
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sandbox-pulumi
UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv),$(CACHE)/uv-$(UV_VERSION)/bin/uv)
INSTALL_UV = @test -x "$(UV)" || { python3 -m venv "$(CACHE)/uv-$(UV_VERSION)" \
	&& "$(CACHE)/uv-$(UV_VERSION)/bin/pip" install --quiet uv==$(UV_VERSION); }
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest --timeout 600

.DEFAULT_GOAL := help
.PHONY: prove help venv lock up preview down outputs env test unit check bench \
	prove-iam prove-ami prove-policies prove-adopt

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 18

venv: .venv/made ## Make the virtual environment from the lock file

.venv/made: uv.lock pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "python3 3.11 or newer is needed and was not found; install it and try again"; exit 1; }
	$(INSTALL_UV)
	@UV_PROJECT_ENVIRONMENT=.venv "$(UV)" sync --quiet --locked --python python3
	@touch $@

lock: ## Write uv.lock from pyproject.toml, and requirements.txt from uv.lock
	$(INSTALL_UV)
	@"$(UV)" lock --quiet
	@"$(UV)" export --quiet --locked --no-dev --no-emit-project --no-annotate \
		--output-file requirements.txt

up: venv ## Bring the environment up, on the real engine and an emulated AWS
	@$(PYTHON) -m local up

preview: venv ## Show what `make up` would change
	@$(PYTHON) -m local preview

down: venv ## Destroy the local stack and stop the emulated AWS
	@$(PYTHON) -m local down

outputs: venv ## Print the local stack's outputs
	@$(PYTHON) -m local outputs

env: venv ## Shell exports: eval "$$(make -s env)"
	@$(PYTHON) -m local env

check: venv ## Format, lint, types, and the lint of the IAM documents
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/basedpyright
	@$(PYTEST) -q tests/infra/permissions/test_lint.py

unit: venv ## The tests that need no engine and take seconds
	@$(PYTEST) -n 2 --dist loadgroup -q -m "not engine and not proof"

# `check` has run it.
LEFT_OUT := tests/infra/permissions/test_lint.py

test: check ## All tests, with a slice of the long proofs
	@$(PYTHON) -m local install
	@$(PYTEST) -n 2 --dist loadgroup $(LEFT_OUT:%=--ignore %)

prove: prove-iam prove-ami prove-policies prove-adopt ## The long proofs, an hour or so
	@PROVE_ALL=1 $(PYTEST) -q tests/sandbox/test_engine.py

bench: venv ## What the program and its guard rails cost, as ratios
	@$(PYTHON) -m local.bench.program

prove-iam: venv ## Every "can" and "cannot" of the permissions, executed
	@$(PYTEST) -q tests/infra/permissions tests/sandbox/permissions

prove-ami: venv ## The image builder under every fault
	@AMI_FAULTS=all $(PYTEST) -q tests/ami

prove-policies: venv ## Every guard rail against mutants, the CI role against its calls
	@PROVE_ALL=1 $(PYTEST) --timeout 2400 -q tests/policies

prove-adopt: venv ## The Terraform module's environments, adopted
	@PROVE_ALL=1 $(PYTEST) -n 2 --dist loadgroup -q tests/sandbox/adopt
