# Two commands: `make run` serves Ieum with its demo institute, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test setup setup-dev lint unit catalogues vendor-check clean

run: $(VENV)/.run
	@$(BIN)/lms up

test: setup-dev
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/check_all.py

setup: $(VENV)/.run
setup-dev: $(VENV)/.dev

# uv is asked for by version: it installs the locked set in seconds where pip takes minutes.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Ieum needs Python 3.11 or newer.") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

$(VENV)/.run: requirements/run.lock setup.cfg pyproject.toml | $(BIN)/uv
	@echo "Setting up .venv from requirements/run.lock …"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet -r requirements/run.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock setup.cfg pyproject.toml | $(BIN)/uv
	@echo "Setting up .venv from requirements/dev.lock …"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet -r requirements/dev.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(VENV)/.run $@

catalogues: setup-dev
	@$(BIN)/python tools/catalogues.py

clean:
	rm -rf $(VENV) var
