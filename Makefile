# What the platform does is a line over `python -m spacex_assets`, what its developers do over their tools, what the
# deployed stack does over docker compose; `make help` explains every target.
SHELL := /bin/sh
PYTHON ?= python3
SOURCE ?=
VENV := .venv
BIN := $(VENV)/bin
CLI := $(BIN)/python -m spacex_assets $(if $(SOURCE),--source "$(SOURCE)")
READY := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run status upkeep backup restore test test-stack test-kubernetes test-image lint check audit ui metrics psql db-url shell stop bench \
	migration dictionary lock up down logs clean

help: ## Explain every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  SOURCE=...          an http(s) URL, a folder of recorded responses, or simulated (the default)'

$(READY): requirements.lock pyproject.toml
	@echo 'Building $(VENV) from requirements.lock.' >&2
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11 to 3.13 is needed; set PYTHON=")' >&2
	@$(PYTHON) -m venv $(VENV) >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $@

run: $(READY) ## Load every endpoint of SOURCE into PostgreSQL
	@$(CLI) run

status: $(READY) ## Show how the data of SOURCE stands
	@$(CLI) status

upkeep: $(READY) ## Delete what is older than the settings keep: make upkeep DRY=1 only says what
	@$(CLI) upkeep $(if $(DRY),--dry-run)

backup: $(READY) ## Write the warehouse of SOURCE to a file: make backup [FILE=...]
	@$(CLI) backup $(if $(FILE),"$(FILE)")

restore: $(READY) ## Make the warehouse what it was: make restore FILE=... [REPLACE=1]
	@$(CLI) restore "$(FILE)" $(if $(REPLACE),--replace)

test: $(READY) ## Run the tests, with branch coverage
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered

lint: $(READY) ## Lint and check the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint ## Lint, check the types, run the tests
	$(MAKE) test

test-stack: $(READY) ## Run the tests of the image and of the deployed stack (docker; as root all of them)
	$(BIN)/python -m pytest spacex_assets_tests/deploy

test-kubernetes: $(READY) ## Run the tests of the files for Kubernetes with the packages of its image
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r deploy/kubernetes/requirements.lock
	$(BIN)/python -m pytest spacex_assets_tests/deploy/test_kubernetes.py

test-image: ## Run the tests inside the image's test stage: make test-image ARGUMENTS="spacex_assets_tests/load" (docker)
	docker compose run --rm --build test $(if $(ARGUMENTS),python -m pytest -p no:cacheprovider $(ARGUMENTS))

audit: ## Look every locked dependency up in the database of known vulnerabilities
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(VENV)-audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock \
		--requirement deploy/kubernetes/requirements.lock

ui: $(READY) ## Serve the Dagster UI and daemon on 127.0.0.1:3000 until Ctrl-C
	@exec $(CLI) ui

metrics: $(READY) ## Serve the metrics of SOURCE for Prometheus on 127.0.0.1:9464 until Ctrl-C
	@exec $(CLI) metrics

psql: $(READY) ## Open psql on the warehouse of SOURCE
	@exec $(CLI) psql

db-url: $(READY) ## Print the URL of the warehouse of SOURCE
	@$(CLI) db-url

shell: $(READY) ## Open a shell in which every dagster command works
	@exec $(CLI) shell

stop: $(READY) ## Stop the embedded PostgreSQL
	@$(CLI) stop

bench: $(READY) ## Measure speed and memory against named references
	$(BIN)/python -m benchmarks

migration: $(READY) ## Write the migration to the declared schema: make migration MESSAGE="Add a column"
	@$(CLI) migration "$(MESSAGE)"

dictionary: $(READY) ## Write docs/data-dictionary.md from the declarations
	@$(CLI) dictionary

lock: $(READY) ## Pin and hash every dependency anew
	$(BIN)/pip install --quiet --target $(VENV)/uv uv
	$(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-annotate \
		--python-version 3.11 --extra dev --extra embedded --custom-compile-command 'make lock' \
		-o requirements.lock pyproject.toml
	$(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-annotate \
		--python-version 3.11 --extra object-store --extra kubernetes --constraint requirements.lock \
		--custom-compile-command 'make lock' -o deploy/kubernetes/requirements.lock pyproject.toml

up: ## Build and start the deployed stack, and wait until it is healthy (docker)
	@deploy/secrets.sh "$$(docker compose config --format json | sed -n 's|.*"file": "\(.*\)/owner_password".*|\1|p')"
	docker compose up --detach --build --wait

down: ## Stop the deployed stack, with every profile; its data stays
	docker compose --profile '*' down

logs: ## Follow the deployed stack's logs
	docker compose --profile '*' logs --follow --tail 100

clean: ## Stop everything local and forget it
	@if [ -x $(BIN)/python ]; then $(CLI) stop --remove; fi
	rm -rf .local
