# Needs Python 3.11 to 3.13, pip, git and make. Everything else is installed into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Byte code is what makes every run after the first one fast; some environments switch it off.
export PYTHONDONTWRITEBYTECODE =

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
STAMP := $(VENV)/.installed
# The sample's past, so that a fresh clone shows trends: one run per month.
BACKFILL := 2025-10-31..2025-12-12

.PHONY: help report test lab site check bench golden lock

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | grep -v '^help' | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

$(STAMP): requirements.lock pyproject.toml
	@python=$$(tools/python); \
	[ -x $(BIN)/python ] || "$$python" -m venv $(VENV)
	@echo "installing requirements.lock into $(VENV); the first time this takes a few minutes"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

report: $(STAMP)  ## run every notebook on the sample company and build the site
	@status=0; $(BIN)/salesops run --all --as-of $(BACKFILL) --every month --jobs 2 || status=$$?; \
	$(BIN)/salesops site; echo "search needs a server: .venv/bin/salesops site --serve"; exit $$status

test: $(STAMP)  ## the whole suite: library, linters, notebooks, golden notebooks
	@$(BIN)/pytest -n 2 --dist loadscope

lab: $(STAMP)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

site: $(STAMP)  ## rebuild reports/site from the reports that stand
	@$(BIN)/salesops site

check: $(STAMP)  ## check the company folder in DATA (default: the sample) and say which notebooks can run
	@$(BIN)/salesops check $(or $(DATA),data/sample)

bench: $(STAMP)  ## measure speed as ratios, write bench/results.json, fail beyond a bound
	@$(BIN)/python bench/run.py

golden: $(STAMP)  ## run the golden notebooks anew and show what changed in their outputs
	@$(BIN)/python tests/golden/regenerate.py
	@git --no-pager diff --stat -- tests/golden
	@git --no-pager diff -U0 -- tests/golden

lock: $(STAMP)  ## resolve pyproject.toml into requirements.lock and environment.yml (UPGRADE=1: newest)
	@$(BIN)/python -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip -qq --disable-pip-version-check install uv
	@$(VENV)/lock/bin/uv pip compile --quiet $(if $(UPGRADE),--upgrade) pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	@$(BIN)/python tools/environment.py > environment.yml
