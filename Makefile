# Everything sets itself up: a fresh clone needs Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev
VENV_EXPORT := .venv-export-ci
STAMP_EXPORT := $(VENV_EXPORT)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-export chaos chaos-posting completeness lint format bench lock docs clean

help: ## shows this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Parley needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing Parley into $(VENV) (about a minute the first time) ..."
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP_DEV): requirements-dev.lock $(STAMP)
	@echo "Installing the development tools ..."
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(STAMP_EXPORT): requirements-export.lock pyproject.toml
	@echo "Installing torch and its kin into $(VENV_EXPORT) (some minutes the first time) ..."
	$(PYTHON) -m venv $(VENV_EXPORT)
	$(VENV_EXPORT)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-export.lock
	$(VENV_EXPORT)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## streams comments through the whole pipeline and shows them live
	$(BIN)/parley demo $(ARGS)

test: $(STAMP_DEV) lint ## lint, types, import rules, all tests on a real broker and a real Postgres
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m "not chaos" $(ARGS)
	@# alone: what is killed comes up again on its own port, which nobody else may take meanwhile
	$(BIN)/python -m pytest -m chaos $(ARGS) || [ $$? -eq 5 ]

test-export: $(STAMP_EXPORT) ## tests that turn other people's models into ours; an environment of its own with torch (6 GB)
	HF_HUB_OFFLINE=1 $(VENV_EXPORT)/bin/python -m pytest tests/models/export $(ARGS)

chaos: $(STAMP_DEV) ## 50,000 comments while processes and servers are killed; counts what is lost or done twice
	$(BIN)/python -m tests.chaos $(ARGS)

chaos-posting: $(STAMP_DEV) ## 5,000 replies of uncertain outcome while posters are killed and stopped; counts what is posted twice
	$(BIN)/python -m tests.chaos.posting $(ARGS)

completeness: $(STAMP_DEV) ## 10,000 comments of each platform, dropped, repeated, killed; counts what is lost
	$(BIN)/python -m tests.integration.completeness $(ARGS)

lint: $(STAMP_DEV) ## ruff, mypy --strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(STAMP_DEV) ## formats the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(STAMP) ## measures speed, as ratios taken in one run
	$(BIN)/parley bench $(ARGS)

docs: $(STAMP) ## writes the table of settings into the README
	$(BIN)/parley settings --write README.md

lock: $(STAMP_DEV) ## resolves the dependencies anew: versions and hashes, no addresses
	$(PIP) install uv
	$(BIN)/uv pip compile pyproject.toml requirements-build.in --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --upgrade --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml requirements-build.in --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --quiet --constraint requirements.lock \
		--output-file requirements-dev.lock
	@# optimum-onnx holds transformers at 4, which holds these back
	grep -vE '^(tokenizers|huggingface-hub|typer|hf-xet)==|--hash' requirements-dev.lock | tr -d '\\' > .constraints.txt
	$(BIN)/uv pip compile pyproject.toml requirements-build.in --extra dev --extra export --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --quiet --constraint .constraints.txt \
		--output-file requirements-export.lock
	rm .constraints.txt

clean: ## removes what make made
	rm -rf $(VENV) $(VENV_EXPORT) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
