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
.PHONY: doctor up down down-all logs ps wheelhouse test-compose dashboards test-monitoring dashboard-pictures

help: ## Show this help
	@grep -hE '^[a-z.-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

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

ifneq (,$(filter load,$(LAYERS)))
load: ## With LAYERS=load: the load test against the compose demo, its report in out/load (PROFILE= RATE= DURATION=)
	@$(if $(filter-out file,$(origin PROFILE)),LOAD_PROFILE=$(PROFILE)) $(if $(RATE),LOAD_RATE=$(RATE)) \
		$(if $(filter-out file,$(origin DURATION)),LOAD_DURATION=$(DURATION)) docker/load.sh "$(COMPOSE)"
else
load: .venv ## Load test (PROFILE=constant|ramp|day|burst|soak|find RATE= LONDONS= DURATION= FRAMES= BOOTSTRAP=)
	@exec $(LOAD)
endif

bench: .venv ## Measure the hot path, the decision, how soon orders take effect (on a real embedded Kafka), and reading
	$(BIN)/python -m benchmarks.hot_path
	$(BIN)/python -m benchmarks.policy
	$(BIN)/python -m benchmarks.swap
	$(BIN)/python -m benchmarks.ocr

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
	APICURIO=$(APICURIO) $(BIN)/python -m pytest tests/registry/apicurio.py

COMPOSE = docker compose -f docker/compose.yaml $(foreach layer,$(LAYERS),-f docker/compose.$(layer).yaml) $(EXTRA)
LAYERS ?=
EXTRA ?=
export LAYERS
ifneq (,$(filter scale,$(LAYERS)))
export BROKERS = kafka,kafka-2,kafka-3
export RINGFENCE_BOOTSTRAP = kafka:19092,kafka-2:19092,kafka-3:19092
endif
TAGS = manylinux1 manylinux2014 manylinux_2_5 manylinux_2_12 manylinux_2_17 manylinux_2_24 manylinux_2_26 manylinux_2_27 \
	manylinux_2_28 manylinux_2_31 manylinux_2_34

doctor: ## Check that the compose demo can start: Docker, memory, ports, volumes, certificates
	@docker/doctor.sh

up: doctor ## Start the compose demo (LAYERS="scale load replay" for more), wait until it is healthy, say where to look
	@docker/up.sh "$(COMPOSE)"

down: ## Stop the compose demo; its volumes stay
	@$(COMPOSE) --profile tools down --remove-orphans

down-all: ## Stop the compose demo and remove its volumes: topics, evidence, secrets and all
	@$(COMPOSE) --profile tools down --remove-orphans --volumes

logs: ## Follow what the compose demo says
	@$(COMPOSE) logs --follow --tail 50

ps: ## Show the containers of the compose demo
	@$(COMPOSE) ps

test-compose: .venv ## Really run the compose demo, or with LAYERS=scale three brokers (COMPOSE_EXTRA="-f FILE" for stand-ins)
	$(BIN)/python -m pytest -v -s -p no:cacheprovider --timeout 900 tests/compose/$(if $(filter scale,$(LAYERS)),scale,whole).py

wheelhouse: .venv ## Fetch all that the image is built from into docker/wheels, for builds without a network
	@mkdir -p docker/wheels
	arch=$$(docker version --format '{{.Server.Arch}}' | sed 's/amd64/x86_64/; s/arm64/aarch64/'); \
	for lock in requirements tools load; do $(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
		--only-binary=:all: --python-version 3.12 $(foreach tag,$(TAGS),--platform $(tag)_$$arch) --platform any \
		--dest docker/wheels -r docker/$$lock.lock || exit 1; done
	$(BIN)/python -c "import pathlib, shutil; from ringfence.jars import agent; shutil.copy(agent(pathlib.Path('.ringfence/kafka')), 'docker/wheels')"

dashboards: .venv ## Write the JSON of the Grafana dashboards anew, from ringfence/dashboards
	$(BIN)/python -W ignore -m ringfence.dashboards

test-monitoring: .venv ## Put every panel and alert to a real Prometheus on the running pipeline (needs prometheus, promtool)
	@for tool in prometheus promtool; do command -v $$tool > /dev/null || \
		{ echo "$$tool is not installed: on Debian, apt-get install prometheus; or prometheus.io/download" >&2; exit 2; }; done
	$(BIN)/python -m pytest -m monitoring tests/monitoring

dashboard-pictures: .venv ## Check the dashboards against Grafana's types, draw them (needs prometheus, node, npm, chromium)
	@for tool in prometheus node npm $${CHROMIUM:-chromium}; do command -v $$tool > /dev/null || \
		{ echo "$$tool is not installed" >&2; exit 2; }; done
	$(BIN)/python -m tests.monitoring.pipeline
	cd docker/grafana/render && npm ci --silent && npm run --silent check && npm run --silent draw
	$(BIN)/python -m tests.monitoring.pictures

model: .venv ## Train both models again (an environment of its own, 3 GB, some hours)
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
