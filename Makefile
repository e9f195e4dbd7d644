# Two commands on a fresh machine with Python 3.11 or newer and make:  make demo  ·  make test
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

DURATION ?= 60
RATE ?=
LONDONS ?=
SEED ?= 1
REGIME ?=
DEMO = $(BIN)/ringfence demo --duration $(DURATION) --seed $(SEED) \
	$(if $(RATE),--rate $(RATE)) $(if $(LONDONS),--londons $(LONDONS)) $(if $(REGIME),--regime $(REGIME))

REGIMES ?=
SAMPLE ?= 0.01
SEEDS ?= 5
COMPARE = $(BIN)/ringfence compare --sample $(SAMPLE) --seeds $(SEEDS) --seed $(SEED) \
	$(if $(REGIMES),--regimes $(REGIMES))

PROFILE ?= constant
FRAMES ?=
BOOTSTRAP ?=
# DURATION has a default for the demo; each profile of the load test has its own.
LOAD = $(BIN)/ringfence load --profile $(PROFILE) --seed $(SEED) \
	$(if $(RATE),--rate $(RATE)) $(if $(LONDONS),--londons $(LONDONS)) $(if $(REGIME),--regime $(REGIME)) \
	$(if $(FRAMES),--frames $(FRAMES)) $(if $(BOOTSTRAP),--bootstrap $(BOOTSTRAP)) \
	$(if $(filter-out file,$(origin DURATION)),--duration $(DURATION))

.PHONY: help demo compare load test check lint bench asyncapi registry model clean

help: ## Show this help
	@grep -hE '^[a-z.]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: .venv ## Run everything for DURATION=60 s (also RATE= LONDONS= SEED= REGIME=)
	@exec $(DEMO)

test: .venv ## Run all tests, those on a real embedded Kafka included
	$(BIN)/python -m pytest

check: lint test ## Lint, types, import rules, then all tests

lint: .venv ## Lint, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

compare: .venv ## Compare the regimes on one simulated day (also REGIMES= SAMPLE= SEEDS=)
	@exec $(COMPARE)

load: .venv ## Load test (PROFILE=constant|ramp|day|burst|soak|find RATE= LONDONS= DURATION= FRAMES= BOOTSTRAP=)
	@exec $(LOAD)

bench: .venv ## Measure the hot path, the decision and how soon orders take effect, on a real embedded Kafka
	$(BIN)/python -m benchmarks.hot_path
	$(BIN)/python -m benchmarks.policy
	$(BIN)/python -m benchmarks.swap

ASYNCAPI := out/asyncapi
asyncapi: ## Put docs/asyncapi.yaml to AsyncAPI's own parser (needs Node.js and npm)
	@mkdir -p $(ASYNCAPI)
	npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix $(ASYNCAPI) \
		@asyncapi/parser@3.6.6 @asyncapi/avro-schema-parser@3.1.0 @asyncapi/specs@6.11.1
	node tests/docs/check_asyncapi.mjs $(ASYNCAPI) docs/asyncapi.yaml

APICURIO := .ringfence/apicurio
registry: .venv ## Test against a real schema registry, Apicurio (needs Maven; fetches 150 MB)
	@test -d $(APICURIO)/app || { mkdir -p $(APICURIO) && mvn --batch-mode --quiet dependency:copy \
		-Dartifact=io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all -DoutputDirectory=$(APICURIO) && \
		tar -xzf $(APICURIO)/*.tar.gz -C $(APICURIO) && rm $(APICURIO)/*.tar.gz; }
	APICURIO=$(APICURIO) $(BIN)/python -m pytest tests/registry

model: ## Train the plate model again (an environment of its own, 3 GB, about an hour)
	models/train.sh

.venv: $(VENV)/ready ## Make the virtual environment alone
$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Ringfence needs Python 3.11 or newer: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean: ## Remove what the demo and the tests made, but not the environment
	rm -rf out .ringfence .mypy_cache .ruff_cache .pytest_cache
