.DEFAULT_GOAL := help
.PHONY: help setup demo test seeds check audit sbom format up bench bench-many soak-money soak-http load-http explore histories screenshot docs docs-tables catalogues mails \
	migration lock clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Newer than a lock once its packages are installed: what the system needs, that with what its development needs,
# in the same versions, and what makes a site of the documentation.
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
DOCS := $(VENV)/.docs
ARGS ?=
# Tests start a hundred processes: each would compile all of its modules.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEVELOPMENT) ## the virtual environment in .venv, with everything the other targets need
	@:

$(RUN):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.x ...")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@$(RUN) -m pip uninstall -qq --yes setuptools

$(RUNTIME): requirements.lock | $(RUN)
	@echo "Installing what Unbuy needs into $(VENV)"
	@$(RUN) deploy/install.py requirements.lock
	@touch $@

$(DEVELOPMENT): requirements-dev.lock | $(RUN)
	@echo "Installing what Unbuy and its development need into $(VENV)"
	@$(RUN) deploy/install.py requirements-dev.lock
	@touch $(RUNTIME) $@

$(DOCS): requirements-docs.lock | $(RUN)
	@echo "Installing what makes a site of the documentation into $(VENV)"
	@$(RUN) deploy/install.py requirements-docs.lock
	@touch $@

demo: $(RUNTIME) ## live through every ending of an order in virtual time (ARGS=...)
	@$(RUN) starter.py demo $(ARGS)

test: $(DEVELOPMENT) ## all tests but the seeds, on all cores (ARGS=... for pytest)
	@$(RUN) -m pytest --quiet --numprocesses=auto --dist=loadfile --no-loadscope-reorder --ignore=tests/bench $(ARGS)

seeds: $(DEVELOPMENT) ## a short run of each bench and soak, as tests (ARGS=... for pytest)
	@$(RUN) -m pytest --quiet --numprocesses=auto --dist=loadfile tests/bench $(ARGS)

check: $(DEVELOPMENT) ## lint, format and types
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet || { echo "Run 'make format':"; $(RUN) -m ruff format --check; }
	@$(RUN) -m mypy --no-error-summary

audit: $(DEVELOPMENT) ## judge the locked dependencies by known vulnerabilities, from an installed database
	@$(RUN) .ci/audit.py

sbom: $(DEVELOPMENT) ## what the system needs at run time as a CycloneDX bill of materials, in var/sbom.json
	@mkdir -p var
	@$(RUN) -m uv --quiet tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.lock \
		--output-reproducible --output-file var/sbom.json

format: $(DEVELOPMENT) ## sort imports, apply safe fixes and format
	@$(RUN) -m ruff check --fix --quiet
	@$(RUN) -m ruff format --quiet

up: $(RUNTIME) ## the system, running until stopped
	@$(RUN) starter.py up $(ARGS)

bench: $(DEVELOPMENT) ## what an order costs beside a skeleton that does nothing (ARGS=--quick)
	@$(RUN) -m bench bench $(ARGS)

bench-many: $(DEVELOPMENT) ## what an order costs among 100,000 open ones, in hours (ARGS='--levels 100 1000')
	@$(RUN) -m bench bench-many $(ARGS)

soak-money: $(DEVELOPMENT) ## refunds among faults and dying workers, each counted (ARGS='--refunds 2000 --seed 1')
	@$(RUN) -m bench soak-money $(ARGS)

soak-http: $(DEVELOPMENT) ## 10,000 requests that schemathesis makes of the HTTP API (ARGS='--requests 500 --seed 2')
	@$(RUN) -m bench soak-http $(ARGS)

load-http: $(DEVELOPMENT) ## what HTTP costs beside Temporal's own client (ARGS='--operations 1000 --levels 1 16')
	@$(RUN) -m bench load-http $(ARGS)

explore: $(DEVELOPMENT) ## every state that the rules can come to, and every order of arrival (ARGS='--model people')
	@$(RUN) -m tests.explore $(ARGS)

histories: $(DEVELOPMENT) ## record the histories of the replay tests again
	@$(RUN) -m tests.replay.record $(ARGS)

screenshot: $(DEVELOPMENT) ## take the pictures of the documentation again (needs a browser)
	@$(RUN) -m docs.screenshot

docs: $(DOCS) ## the documentation as a site, in var/site; fails on a dead link
	@$(RUN) -m docs.site

docs-tables: $(DEVELOPMENT) ## write the generated tables of the documentation again
	@$(RUN) -m docs.generate $(ARGS)

catalogues: $(DEVELOPMENT) ## bring the catalogues to what the sources say, and list what is untranslated
	@$(RUN) -m i18n.extraction

mails: $(DEVELOPMENT) ## every mail as people get it, in var/mails.html
	@$(RUN) -m docs.gallery

migration: $(DEVELOPMENT) ## draft a migration from database/tables.py (ARGS='-m "What it changes"')
	@$(RUN) -m database.migrations.draft $(ARGS)
	@$(MAKE) --no-print-directory format

# Locks for all platforms and Python versions at once, and without index addresses.
# Versions stay as locked unless pyproject.toml moves them: ARGS=--upgrade takes the newest.
LOCK = $(RUN) -m uv --no-config --quiet pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(ARGS)

lock: $(DEVELOPMENT) ## make all requirements*.lock from pyproject.toml (ARGS=--upgrade)
	@$(LOCK) pyproject.toml --extra embedded --group install --output-file requirements.lock
	@$(LOCK) pyproject.toml --all-extras --group dev --group bench --group install --constraint requirements.lock \
		--output-file requirements-dev.lock
	@$(LOCK) --group docs --constraint requirements-dev.lock --output-file requirements-docs.lock
	@if grep -nE '(https?|file):|--(extra-)?index-url|--find-links' requirements*.lock || \
		grep -nF '$(CURDIR)' requirements*.lock; then \
		echo "A lock names an address or a path of this machine."; exit 1; fi

clean: ## remove the virtual environment, caches and local data
	@rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist var
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
