# The two commands a newcomer needs are `make demo` and `make test`; each sets up all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard fastpath/*.pyx fastpath/*.pxd sip/*.pyx sip/*.pxd) setup.py pyproject.toml
PACKAGES := dialerd fastpath sip gsm admin_http

.DEFAULT_GOAL := help
.PHONY: help build test lint types
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/.deps: lock/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r lock/dev.txt
	touch $@

$(VENV)/.built: $(VENV)/.deps $(SOURCES)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

build: $(VENV)/.built ## virtual environment, locked dependencies, compiled extensions

test: build ## every test
	$(BIN)/python -m pytest
