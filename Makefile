# Tally's commands. `make` lists them. All they need is Python 3, make and a package index.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# What a person may set: make up PORT=4577, make up DEMO=0, make build ARCH=x86_64
PORT ?= 4566
DEMO ?= 1
ARCH ?= arm64

# The uv of the machine, or else our own (installed by ops/bootstrap.sh).
OWN_UV := .local/uv/bin/uv
UV := $(shell command -v uv 2>/dev/null || echo $(OWN_UV))
BIN := .venv/bin

# Python 3.13's real interpreter comes before any shim, and uv is found by the layer's Makefile.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.local/uv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# Settings of the caller's that would lead the tools astray, or have them compile all again each time.
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

LAYER_PLATFORM_arm64 := aarch64-manylinux_2_28
LAYER_PLATFORM_x86_64 := x86_64-manylinux_2_28
REQUIREMENTS := layers/tally/requirements.txt
EXPORT := export --frozen --quiet --no-dev --no-emit-project --no-annotate --no-header

NO_PYTHON := "Tally needs Python 3.13 (the Lambda runtime that it is for). There is none on the PATH, \
and uv could not fetch one: install it (pyenv, uv, your system) and try again."

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: setup ## Start Tally on this machine with demo data (DEMO=0: empty; PORT=4566)
	@$(BIN)/python -m ops.up --port $(PORT) $(if $(filter 0 no false,$(DEMO)),--no-demo)

.PHONY: down
down: ## Stop it
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m ops.up --down; else echo "Nothing is installed or running."; fi

.PHONY: logs
logs: setup ## Follow the functions' logs of the local stack
	@$(BIN)/python -m ops.up --logs

.PHONY: test
test: setup ## Run all tests, those on the embedded AWS too
	$(BIN)/pytest -n auto

.PHONY: check
check: setup lint typecheck test ## All that CI runs: lock, style, types, layers, templates, tests

.PHONY: lint
lint: setup ## Check the lock, the style, the layering and the template
	$(UV) lock --check --quiet
	@$(UV) $(EXPORT) | cmp -s - $(REQUIREMENTS) || { echo "$(REQUIREMENTS) is not what uv.lock says: make lock" >&2; exit 1; }
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml
	$(BIN)/sam validate --lint

.PHONY: typecheck
typecheck: setup ## Check the types
	$(BIN)/mypy

.PHONY: fmt
fmt: setup ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure the local stack
	$(BIN)/python -m ops.bench

.PHONY: load
load: setup ## Load the local stack from many clients, then check every number (LOAD="--seed 7")
	$(BIN)/python -m ops.load $(LOAD)

.PHONY: build
build: setup ## Build for AWS (ARCH=arm64 or x86_64); then: sam deploy
	LAYER_PLATFORM=$(or $(LAYER_PLATFORM_$(ARCH)),$(error ARCH is arm64 or x86_64)) \
	  $(BIN)/sam build --parameter-overrides Architecture=$(ARCH)

.PHONY: lock
lock: $(UV) ## Update uv.lock to pyproject.toml, and the layer's requirements to uv.lock
	$(UV) lock
	$(UV) $(EXPORT) --output-file $(REQUIREMENTS)

.PHONY: clean
clean: down ## Stop the local stack and remove all that was installed and built
	rm -rf .local .venv .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.PHONY: setup
setup: $(UV) ## Install the tools and the embedded AWS
	@[ -d .venv ] && [ -d .local/emulator ] || echo "Installing the tools into .venv and .local (once)"
	@$(UV) sync --frozen --quiet || { $(UV) python find 3.13 >/dev/null 2>&1 || echo $(NO_PYTHON) >&2; exit 1; }
	@UV_PROJECT_ENVIRONMENT=.local/emulator $(UV) sync --frozen --quiet --only-group emulator

$(OWN_UV):
	@sh ops/bootstrap.sh
