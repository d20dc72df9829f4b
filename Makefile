# Every target sets up by itself. `make run` shows the main job, `make test` proves it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
# Jobs and commands start hundreds of processes: none of them is to compile all of newsflow anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run demo test coverage test-slow test-sinks test-faults test-attacks test-deploy test-docs test-sweeps test-prism test-flink test-flink-short test-api soak nightly check bench docs site clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v[:2] <= (3, 13) else f"newsflow needs Python 3.11 to 3.13, this is {v[0]}.{v[1]}; name another with: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@tools/progress.sh 'Fetching and installing Python packages into $(VENV) (355 MB, once)' \
	  $(BIN)/python -m pip install --progress-bar off --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

setup: $(STAMP) ## Make .venv with everything newsflow and its tests need

run: $(STAMP) ## Poll a feed, run both jobs on the bundled sample and show what came of it
	@$(BIN)/newsflow demo

demo: $(STAMP) ## The same, and keep the page up: http://127.0.0.1:8080/, until Ctrl-C
	@$(BIN)/newsflow demo --serve

TESTS = $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --ignore tests/deploy
APART = not faults and not attacks and not flink and not prism and not docs and not sweeps
SUITE = $(TESTS) -m 'not slow and $(APART)'

test: $(STAMP) ## Pass the tests, on a real Kafka broker and a real PostgreSQL
	$(SUITE) --durations 20

test-slow: $(STAMP) ## Pass those that take longest: copies of whole runs, kills, time limits, simulated weeks
	$(TESTS) -m 'slow and $(APART)'

coverage: $(STAMP) ## The same, measured: the pieces that tests cover least
	$(SUITE) --cov newsflow --cov-report=
	@$(BIN)/coverage report | sed -n '1,12p;$$p'

test-sinks: $(STAMP) ## Stores and alerts against the real things, kills among them; one line a sink
	$(BIN)/python -m pytest -q -p tests.sink_table tests/stores tests/alerts tests/ledger/test_outbox_lines.py \
	  tests/cli/test_alerts_command.py tests/cli/test_store_command.py tests/cli/test_doctor_command.py \
	  $(wildcard tests/e2e/test_deliver*.py)

test-faults: $(STAMP) ## Kill and restart what can die; print what was lost (nothing)
	$(BIN)/python -m pytest -m faults

test-attacks: $(STAMP) ## Hostile input, hanging partners, dying machines, upgrades; one line an attack
	$(BIN)/python -m pytest -q -p tests.attack_table -n auto --dist loadfile

test-deploy: $(STAMP) ## Render deploy/ and check all of it against the published schemas
	$(BIN)/python -m pytest tests/deploy tests/kafka/test_strimzi.py

test-sweeps: $(STAMP) ## Every common word and every country's name through the shipped rules; write the table of quality
	$(BIN)/python -m pytest -m sweeps tests/tagging/test_sweeps.py
	$(BIN)/python -m benchmarks.quality.sweeps --write

API := $(VENV)/.api

$(API): $(STAMP)
	@$(PYTHON) -m venv $(API)
	@tools/progress.sh 'Installing Schemathesis into $(API) (once)' \
	  $(API)/bin/python -m pip install --progress-bar off --disable-pip-version-check 'schemathesis==4.32.5'
	@touch $(API)

test-api: $(API) ## Ask the API 10,000 times at random; every answer is as declared
	NEWSFLOW_TEST_SCHEMATHESIS=$(API)/bin/schemathesis NEWSFLOW_TEST_REQUESTS=10000 \
	  $(BIN)/python -m pytest -q -s tests/web/test_by_schemathesis.py

test-docs: $(STAMP) ## Type every page of the documentation as it stands; run the consumers of the how-to
	$(BIN)/python -m pytest -m docs tests/docs

test-prism: $(STAMP) ## Run jobs on Beam's own runner, built from source; and kill it
	$(BIN)/python -m pytest -m prism tests/e2e

FLINK := $(VENV)/.flink

$(FLINK): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,flink]'
	@touch $(FLINK)

test-flink: $(FLINK) ## Run the main job on a real Flink cluster, and kill what can die there
	$(BIN)/python -m pytest -m flink

test-flink-short: $(FLINK) ## One job on Flink under every fault, with few events
	NEWSFLOW_FLINK_EVENTS=1400 $(BIN)/python -m pytest -m flink tests/flink/test_flink_faults.py

soak: $(FLINK) ## Run the main job on Flink for five minutes and see that nothing grows
	$(BIN)/python benchmarks/soak.py --minutes 5

nightly: export NEWSFLOW_TEST_ATTACKS := full
nightly: coverage test-slow test-deploy test-faults test-attacks test-docs test-sweeps test-prism test-flink test-api soak ## What takes too long for every change
	$(BIN)/python -m pytest -q tests/model/test_parameters.py

check: $(STAMP) ## Lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## Print the figures of the README beside their baselines
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/dedup.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/topics.py
	$(BIN)/python benchmarks/sinks.py
	$(BIN)/python benchmarks/normalise.py
	$(BIN)/python benchmarks/trends.py

docs: $(STAMP) ## Write the generated pages of docs/reference, the topics for Kubernetes and Dataflow's metadata anew
	$(BIN)/python docs/generate.py
	PYTHONPATH=. $(BIN)/python tools/dataflow_template.py
	cd deploy/kubernetes/topics && $(CURDIR)/$(BIN)/newsflow kafka render --cluster newsflow > kafka-topics.yaml

SITE := $(VENV)/.site

$(SITE): docs/requirements.txt
	@$(PYTHON) -m venv $(SITE)
	@tools/progress.sh 'Installing MkDocs into $(SITE) (once)' \
	  $(SITE)/bin/python -m pip install --progress-bar off --disable-pip-version-check --requirement docs/requirements.txt
	@touch $(SITE)

site: $(SITE) ## Build the documentation as a site in build/site; a link that leads nowhere fails
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --strict --quiet
	@echo "build/site/index.html"

clean: ## Remove .venv and local state
	rm -rf $(VENV) .newsflow
