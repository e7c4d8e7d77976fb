# The one command surface. `make` alone prints this help.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

# The first Python on this machine that is new enough; `make PYTHON=/path/to/python …` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

MEMBERS := libs/servicekit libs/extractor libs/media services/auth services/catalog services/rewards services/isin-worker gateway web deploy/local
BIN := .venv/bin
STAMP := .venv/.installed
TESTS ?=
COMPOSE := docker compose --file deploy/compose.yaml

.PHONY: help run setup test test-unit schedulers-test schedulers-faults bench chaos chaos-quick contract fuzz mutation security scan minimum \
	secrets images up down roll backup compose-test upgrade-drill pods-test valkey-test deploy-check k8s-check check fmt lint types \
	contracts openapi lock clean migration

help: ## this list
	@echo "Appraise: rewarded app tasks, a points ledger, a daily ISIN service"; echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

run: setup ## start the whole platform on this machine (Ctrl-C stops it)
	@$(BIN)/local-stack run

test: setup ## run every test, from nothing, on real servers (TESTS="path -k word" narrows it)
	@$(BIN)/python -m pytest --numprocesses auto --dist loadgroup $(TESTS)

test-unit: setup ## only the tests that need no server: seconds
	@$(BIN)/python -m pytest -m "not integration and not e2e" $(TESTS)

schedulers-test: setup ## run every bell of deploy/schedulers for real (installs Celery, APScheduler and Airflow, each apart)
	@$(BIN)/python bench/environments.py deploy/schedulers/*/requirements.txt
	@$(BIN)/python -m pytest deploy/schedulers

chaos: setup ## attack the running platform for an hour and a quarter, or go on with that; writes docs/reliability.md
	@$(BIN)/python chaos/report.py

chaos-quick: setup ## each fault once, and two planted defects that must be found: about two minutes
	@$(BIN)/python chaos/report.py --quick

mutation: setup ## plant small defects into ledger, tokens, extractor and ISIN checks: does a test notice? (an hour, in pieces)
	@$(BIN)/python chaos/mutation_tests.py

security: setup ## run the tests that docs/security.md names, and print each demand with its result
	@$(BIN)/python tests/security/demands.py --quiet --numprocesses auto --dist loadgroup

scan: setup ## scan code, files and history for what is dangerous, and show that each scanner sees its canaries
	@$(BIN)/python tests/security/scanners/scan.py

contract: setup ## Schemathesis over the whole contract of a running platform: 10,000 cases in both roles (QUICK=1: 1,000)
	@$(BIN)/python chaos/contract_fuzz.py $(if $(QUICK),--quick)

fuzz: setup ## hostile bytes, evolved by atheris, against what reads bytes of strangers: nine minutes
	@$(BIN)/python chaos/fuzz.py

minimum: setup ## install the oldest packages that we say will do, and run tests on them
	@$(BIN)/python tests/architecture/minimum_versions.py

schedulers-faults: setup ## what schedulers lose when they are killed: ten minutes, and the table of all trials
	@$(BIN)/python bench/environments.py chaos/schedulers/*.txt
	@$(BIN)/python chaos/scheduler_faults.py

bench: setup ## measure against the peers and write docs/benchmarks.md (minutes; FULL=1 for the long one)
	@$(BIN)/python bench/report.py $(if $(FULL),--full)

secrets: ## the secrets of an installation, one file each, in deploy/secrets (makes only what is missing)
	@python3 deploy/make_secrets.py

images: ## build the image of every service (CA_BUNDLE=/path/to/bundle.crt behind a proxy that signs by itself)
	@$(COMPOSE) build

up: secrets ## start the whole platform in containers and wait until it is ready (docs/deployment.md)
	@$(COMPOSE) up --detach --wait

down: ## stop the containers; the data stays
	@$(COMPOSE) down

roll: ## replace every container, one after the other, without a failed request
	@python3 deploy/roll.py

backup: ## write a backup of databases and pictures into deploy/backups
	@mkdir -p deploy/backups && $(COMPOSE) run --rm backup

compose-test: setup ## build, start, use, roll, kill, back up and restore the stack of containers, for real
	@$(BIN)/python -m pytest -s deploy/trials/test_compose.py deploy/trials/test_images.py

upgrade-drill: setup ## put a newer release in and take it out again under load, in containers, for real
	@$(BIN)/python -m pytest -s -p no:randomly deploy/trials/test_upgrade.py

pods-test: setup ## run a pod of every workload of deploy/k8s as a container (`make images` before)
	@$(BIN)/python -m pytest -s -p no:randomly deploy/trials/test_pods.py

valkey-test: setup ## take the primary from the Valkey of deploy/k8s, in containers, for real
	@$(BIN)/python -m pytest -s -p no:randomly deploy/trials/test_valkey_failover.py

deploy-check: setup ## lint Dockerfile, workflows and alert rules with their own tools, each in an environment of its own
	@$(BIN)/python deploy/check.py
	@$(MAKE) k8s-check

k8s-check: setup ## build the manifests of Kubernetes, validate and cross-check them
	@$(BIN)/python deploy/k8s/check.py

check: lint types contracts test ## what CI runs: format, lint, types, import contracts, every test

fmt: setup ## format and fix what can be fixed
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

lint: setup ## format check and lint
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q . && echo "lint: clean"

types: setup ## mypy --strict over every distribution
	@$(BIN)/mypy

contracts: setup ## who may import what
	@found=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$found"; exit 1; }; echo "$$found" | tail -n 1

openapi: setup ## write the openapi.json of every service and of the gateway
	@$(BIN)/python tests/architecture/openapi_files.py

migration: setup ## a new migration: make migration s=rewards m="add appeals"
	@$(BIN)/$(s) new-migration "$(m)"

lock: setup ## resolve the dependencies anew into requirements.lock (hashes, no addresses)
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-package servicekit --no-emit-package extractor --no-emit-package media \
		--group dev $(addsuffix /pyproject.toml,$(MEMBERS)) --quiet --upgrade -o requirements.lock

clean: ## remove the virtual environment and caches; var/ (the data) stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

setup: $(STAMP)

$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	@test -n "$(PYTHON)" || { echo "Appraise needs Python 3.11 or newer; python3 here is $$(python3 -V 2>/dev/null || echo missing)." \
		"Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Appraise needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks the venv module (on Debian and Ubuntu: the package python3-venv)." >&2; exit 1; }
	@echo "Installing into .venv ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ,$(addprefix ./,$(MEMBERS)))
	@touch $(STAMP)
