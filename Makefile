# Thin wrappers; the logic is in local/ and in the tests. For developers: operators use `sandbox`.
SHELL := /bin/bash
# With this set, every process compiles the libraries again.
unexport PYTHONDONTWRITEBYTECODE
# With these set, other modules come before those of the virtual environment.
unexport PYTHONPATH PYTHONSAFEPATH PYTHONHOME
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sandbox-pulumi
UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv),$(CACHE)/uv-$(UV_VERSION)/bin/uv)
INSTALL_UV = @test -x "$(UV)" || { python3 -m venv "$(CACHE)/uv-$(UV_VERSION)" \
	&& "$(CACHE)/uv-$(UV_VERSION)/bin/pip" install --quiet uv==$(UV_VERSION); }
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest --timeout 600
# Tests with the engine mostly wait, so there are more workers than cores.
WORKERS := 4
# One test of a long proof may take half an hour on a busy machine.
PROVE := PROVE_ALL=1 $(PYTEST) --timeout 2400
TESTS := $(PYTEST) -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

# make itself sets AS to the assembler
ifeq ($(origin AS),default)
AS := operator
endif

.DEFAULT_GOAL := help
.PHONY: help venv lock up preview outputs env down reset format check unit test all-tests docs bench \
	prove prove-permissions prove-image prove-machine prove-policies prove-adopt prove-stacks \
	prove-eventual prove-install prove-ministack prove-provider

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/; s/\$$\$$/$$/g' | expand -t 20

venv: .venv/made ## Create the virtual environment from the lock file

.venv/made: uv.lock pyproject.toml sandbox_client/pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "python3 is missing or older than 3.11; install Python 3.11 or newer"; exit 1; }
	$(INSTALL_UV)
	@UV_PROJECT_ENVIRONMENT=.venv "$(UV)" sync --quiet --locked --extra prove --python python3
	@touch $@

lock: ## Write uv.lock from pyproject.toml, and requirements.txt from uv.lock
	$(INSTALL_UV)
	@"$(UV)" lock --quiet
	@"$(UV)" export --quiet --locked --no-dev --no-emit-local --no-annotate \
		--output-file requirements.txt

up: venv ## Create or update the local stack, on the real engine and an emulated AWS
	@$(PYTHON) -m local up

preview: venv ## Show what `make up` would change
	@$(PYTHON) -m local preview

outputs: venv ## Print the local stack's outputs
	@$(PYTHON) -m local outputs

env: venv ## Point a shell at the local stack: eval "$$(make -s env)", or env AS=manager; leave_local ends it
	@$(PYTHON) -m local env $(if $(AS),--as $(AS))

down: venv ## Destroy the local stack and stop the emulated AWS
	@$(PYTHON) -m local down

reset: venv ## Forget the local stack, whatever state it is in
	@$(PYTHON) -m local reset

format: venv ## Format the code and apply safe fixes
	@.venv/bin/ruff format --quiet .
	@.venv/bin/ruff check --quiet --fix .

check: venv ## Check format, lint and types
	@echo "checking the format"
	@.venv/bin/ruff format --check --quiet .
	@echo "checking the code with ruff"
	@.venv/bin/ruff check --quiet .
	@echo "checking the types"
	@.venv/bin/pyrefly check --output-format min-text --min-severity warn

unit: venv ## Run the tests that need no engine, in seconds
	@$(TESTS) -q -m "not engine and not proof and not machine"

test: venv ## Run all checks and tests, with a slice of the long proofs
	@$(MAKE) --no-print-directory --jobs 2 check all-tests

all-tests: venv
	@$(PYTHON) -m local install
	@$(TESTS)

docs: venv ## Write every generated table into README.md and docs/
	@.venv/bin/cog -r -P -I . -p "from docs import tables" README.md docs/*.md
	@.venv/bin/sandbox config schema > docs/sandbox_config.schema.json
	@$(PYTHON) -m sandbox.permissions.documentation > docs/permissions.md

bench: venv ## Measure the program and its guard rails, as ratios
	@$(PYTHON) -m local.bench

prove: prove-permissions prove-image prove-policies prove-adopt prove-stacks prove-provider ## Run the long proofs whole, two hours or so

prove-permissions: venv ## Every "can" and "cannot" of the permissions, executed
	@$(PROVE) -q tests/infra/permissions tests/sandbox/permissions

prove-image: venv ## The image builder under every fault, and on a real machine without a GPU
	@$(PROVE) -q tests/ami tests/machine

prove-machine: venv ## The image builder's scripts on a real machine without a GPU
	@$(PROVE) -q tests/machine

prove-policies: venv ## Every guard rail against mutants, the pipeline's role against its calls
	@$(PROVE) -q tests/policies

prove-adopt: venv ## The Terraform module's environments, adopted
	@$(PROVE) -n 2 --dist loadgroup -q tests/sandbox/adopt

prove-stacks: venv ## Stacks that are killed, half made, changed; every command; the emulated AWS
	@$(PROVE) -n 2 --dist loadgroup -q tests/e2e tests/local tests/infra \
		tests/sandbox/test_engine.py tests/sandbox/fuzz

prove-eventual: venv ## A stack's life in an account that shows late what it made, for 50 seeds; part of prove-stacks
	@$(PROVE) -n 4 --dist loadgroup -q tests/e2e/test_eventual_consistency.py

prove-install: venv ## pulumi install with each Python, with and without uv; part of prove-stacks
	@$(PROVE) -n 2 -q -rs tests/e2e/test_install.py

prove-ministack: venv ## A stack's life in a second emulated AWS, ministack; part of prove-stacks
	@$(PROVE) -q tests/e2e/test_ministack.py

prove-provider: venv ## HashiCorp's own tests of the AWS provider, against the emulated AWS; needs terraform on PATH
	@$(PROVE) -q tests/provider
