# Tally's commands; `make` lists them. They need only Python 3, make and a package index.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Settings: make up PORT=4577, make up DEMO=0, make build ARCH=x86_64, make simulate SEEDS=10000
PORT ?= 4566
DEMO ?= 1
PORT_API ?= 3000
ARCH ?= arm64
SEEDS ?= 200
FROM ?= 1

# The machine's uv if there is one; otherwise the one that dev/bootstrap.sh installs.
OWN_UV := .local/uv/bin/uv
UV := $(shell command -v uv 2>/dev/null || echo $(OWN_UV))
BIN := .venv/bin

# Our Python comes before any shim, and the layer's Makefile finds uv.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.local/uv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# Variables of the caller that mislead the tools, or make them compile everything each time.
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

LAYER_PLATFORM_arm64 := aarch64-manylinux_2_28
LAYER_PLATFORM_x86_64 := x86_64-manylinux_2_28
REQUIREMENTS := layers/tally/requirements.txt
EXPORT := export --frozen --quiet --no-dev --group layer --no-emit-project --no-annotate --no-header

NO_PYTHON := "Tally needs Python 3.13, the version of its Lambda runtime. It is not on the PATH, and uv \
could not download it. Install it (with pyenv, uv or your system) and try again."

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: setup ## Start Tally on this machine with demo data (DEMO=0: empty; PORT=4566)
	@$(BIN)/python -m dev.up --port $(PORT) $(if $(filter 0 no false,$(DEMO)),--no-demo)

.PHONY: down
down: ## Stop it
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m dev.up --down; else echo "Nothing is installed, so nothing is running."; fi

.PHONY: logs
logs: setup ## Follow the functions' logs of the local stack
	@$(BIN)/python -m dev.up --logs

.PHONY: invoke
invoke: setup ## Run a function in Lambda's container (FUNCTION=ProviderDashboard, EVENT=file)
	@$(BIN)/python -m dev.sam_local invoke $(or $(FUNCTION),$(error Name the function: make invoke FUNCTION=ProviderDashboard)) $(if $(EVENT),--event '$(EVENT)')

.PHONY: api
api: setup ## Serve the API from Lambda's containers on port 3000 (PORT_API=3000)
	@$(BIN)/python -m dev.sam_local api --port $(PORT_API)

.PHONY: test
test: setup ## Run all tests, also those on the embedded AWS
	$(BIN)/pytest -n auto --cov --cov-report=

.PHONY: test-fast
test-fast: setup ## Run the tests that take less than a minute: no embedded AWS, no long histories
	$(BIN)/pytest -n auto -m "not stack and not slow"

.PHONY: simulate
simulate: setup ## Run histories with faults against a model of DynamoDB (SEEDS=200, FROM=1)
	@$(BIN)/python -m tests.simulation --from $(FROM) --seeds $(SEEDS)

.PHONY: coverage
coverage: setup ## List the lines that the last `make test` did not run
	@$(BIN)/coverage report

.PHONY: check
check: setup lint typecheck test ## Run everything that CI runs

.PHONY: lint
lint: setup ## Check the lock file, style, imports, the template and the workflows
	$(UV) lock --check --quiet
	@$(UV) $(EXPORT) | cmp -s - $(REQUIREMENTS) || { echo "$(REQUIREMENTS) does not match uv.lock. Run: make lock" >&2; exit 1; }
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml
	$(BIN)/sam validate --lint
	@UV_PROJECT_ENVIRONMENT=.local/checkov $(UV) sync --frozen --quiet --only-group checkov
	$(BIN)/python -m dev.checkov
	$(BIN)/zizmor --offline --quiet --persona pedantic .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yaml

.PHONY: typecheck
typecheck: setup ## Check the types
	$(BIN)/mypy

.PHONY: fmt
fmt: setup ## Format the code and fix what can be fixed automatically
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure the local stack
	$(BIN)/python -m dev.bench

.PHONY: bench-docs
bench-docs: setup ## Write docs/benchmarks.md and docs/costs.md from docs/benchmarks.json
	$(BIN)/python -m dev.bench.report docs/benchmarks.json > .local/benchmarks.md
	$(BIN)/python -m dev.costs docs/benchmarks.json > .local/costs.md
	mv .local/benchmarks.md .local/costs.md docs/

.PHONY: screenshots
screenshots: setup ## Take pictures of the console's pages on the stack of `make up` (needs Chromium)
	@$(BIN)/python -m dev.screenshots

.PHONY: load
load: setup ## Send load from many clients, then check every number (LOAD="--seed 7")
	$(BIN)/python -m dev.load $(LOAD)

.PHONY: build
build: setup ## Build for AWS (ARCH=arm64 or x86_64)
	@rm -rf .local/building && mkdir -p .local/building  # SAM leaves its folders in TMPDIR
	TMPDIR=$(CURDIR)/.local/building LAYER_PLATFORM=$(or $(LAYER_PLATFORM_$(ARCH)),$(error ARCH is arm64 or x86_64)) \
	  $(BIN)/sam build --parameter-overrides Architecture=$(ARCH); done=$$?; rm -rf .local/building; exit $$done

.PHONY: deploy
deploy: ## Build, check, deploy and try out (ENV=dev or prod, ARCH=arm64, CONFIRM=no)
	@case "$(ENV)" in dev|prod) ;; *) echo "Name the environment: make deploy ENV=dev or ENV=prod" >&2; exit 1;; esac
	@$(MAKE) --no-print-directory lint build
	$(BIN)/python -m ops.deploying --env $(ENV) --arch $(ARCH) $(if $(filter no 0 false,$(CONFIRM)),--no-confirm)

.PHONY: lock
lock: $(UV) ## Update uv.lock and the layer's requirements after a change of pyproject.toml
	$(UV) lock
	$(UV) $(EXPORT) --output-file $(REQUIREMENTS)

.PHONY: clean
clean: down ## Stop the local stack and remove everything that was installed or built
	rm -rf .local .venv .aws-sam .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	  .import_linter_cache

.PHONY: setup
setup: $(UV) ## Install the tools and the embedded AWS
	@[ -d .venv ] && [ -d .local/emulator ] || echo "Installing the tools into .venv and .local. This happens once."
	@$(UV) sync --frozen --quiet || { $(UV) python find 3.13 >/dev/null 2>&1 || echo $(NO_PYTHON) >&2; exit 1; }
	@UV_PROJECT_ENVIRONMENT=.local/emulator $(UV) sync --frozen --quiet --only-group emulator

$(OWN_UV):
	@sh dev/bootstrap.sh
