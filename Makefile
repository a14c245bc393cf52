.DEFAULT_GOAL := help
.PHONY: help setup demo test check format up soak-money soak-http load-http histories screenshot docs-tables catalogues mails \
	migration lock clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Newer than requirements.lock once its packages are installed.
STAMP := $(VENV)/.installed
ARGS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## the virtual environment in .venv, with everything the other targets need
	@:

$(STAMP): requirements.lock
	@echo "Installing the locked packages into $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.x ...")'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@touch $@

demo: $(STAMP) ## live through every ending of an order in virtual time (ARGS=...)
	@$(RUN) starter.py demo $(ARGS)

test: $(STAMP) ## all tests, on all cores (ARGS=... for pytest)
	@$(RUN) -m pytest --quiet --numprocesses=auto --dist=loadfile $(ARGS)

check: $(STAMP) ## lint, format and types
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet || { echo "Run 'make format':"; $(RUN) -m ruff format --check; }
	@$(RUN) -m mypy --no-error-summary

format: $(STAMP) ## sort imports, apply safe fixes and format
	@$(RUN) -m ruff check --fix --quiet
	@$(RUN) -m ruff format --quiet

up: $(STAMP) ## the system, running until stopped
	@$(RUN) -m deploy.local $(ARGS)

soak-money: $(STAMP) ## refunds among faults and dying workers, each counted (ARGS='--refunds 2000 --seed 1')
	@$(RUN) -m bench.soak_money $(ARGS)

soak-http: $(STAMP) ## 10,000 requests that schemathesis makes of the HTTP API (ARGS='--requests 500 --seed 2')
	@$(RUN) -m bench.soak_http $(ARGS)

load-http: $(STAMP) ## what HTTP costs beside Temporal's own client (ARGS='--operations 1000 --levels 1 16')
	@$(RUN) -m bench.load_http $(ARGS)

histories: $(STAMP) ## record the histories of the replay tests again
	@$(RUN) -m tests.replay.record $(ARGS)

screenshot: $(STAMP) ## take the pictures of the documentation again (needs chromium)
	@$(RUN) -m docs.screenshot

docs-tables: $(STAMP) ## write the generated tables of the documentation again
	@$(RUN) -m docs.generate $(ARGS)

catalogues: $(STAMP) ## bring the catalogues to what the sources say, and list what is untranslated
	@$(RUN) -m i18n.extraction

mails: $(STAMP) ## every mail as people get it, in var/mails.html
	@$(RUN) -m docs.gallery

migration: $(STAMP) ## draft a migration from database/tables.py (ARGS='-m "What it changes"')
	@$(RUN) -m database.migrations.draft $(ARGS)
	@$(MAKE) --no-print-directory format

# Locks for all platforms and Python versions at once, and without index addresses.
# Versions stay as locked unless pyproject.toml moves them: ARGS=--upgrade takes the newest.
lock: $(STAMP) ## make requirements.lock from pyproject.toml (ARGS=--upgrade)
	@$(RUN) -m uv --no-config --quiet pip compile pyproject.toml --extra embedded --extra easypost --group dev \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --output-file requirements.lock $(ARGS)
	@if grep -nE '(https?|file):|--(extra-)?index-url|--find-links' requirements.lock || \
		grep -nF '$(CURDIR)' requirements.lock; then \
		echo "requirements.lock names an address or a path of this machine."; exit 1; fi

clean: ## remove the virtual environment, caches and local data
	@rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist var
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
