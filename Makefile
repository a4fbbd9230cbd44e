# Everything runs in .venv, which the first command makes. Needs make and Python 3.10 or newer; nothing else.
PYTHON ?= python3
BIN := .venv/bin
NOTEBOOKS = $(shell $(BIN)/python book/notebooks.py list)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock
export PYTHONHASHSEED = 0

.DEFAULT_GOAL := help
.PHONY: help book test check execute lab bench coordinates cones clouds coursework lock clean browser

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 20

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "mindgap needs Python 3.10 or newer; $(PYTHON) is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

.venv/.book: .venv/.python requirements.lock pyproject.toml
	@echo "Installing the book's packages into .venv (about 7 GB with torch; a few minutes the first time) ..."
	@$(PIP) --editable ".[book]"
	@touch $@

.venv/.lab: .venv/.book
	@$(PIP) --editable ".[book,lab]"
	@touch $@

.venv/.coursework: .venv/.lab
	@$(PIP) --editable ".[book,lab,coursework]"
	@touch $@

.venv/.test: .venv/.coursework
	@$(PIP) --editable ".[book,lab,coursework,test]"
	@touch $@

.venv/.umap: .venv/.book
	@$(PIP) --editable ".[book,umap]"
	@touch $@

book: .venv/.book  ## build the site from the stored outputs
	$(BIN)/jupyter-book build . -W --keep-going -n --all
	@echo "The book is built. Open: file://$(CURDIR)/_build/html/book/index.html"

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing Debian's chromium for the browser tests ..."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null \
			|| echo "chromium could not be installed; the browser tests will be skipped"; \
	else echo "no chromium, and no apt or no root to install it; the browser tests will be skipped"; fi

test: .venv/.test browser check book  ## prove everything: style, types, package, stored outputs, site
	$(BIN)/python -m pytest
	$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=120 $(NOTEBOOKS)
	$(BIN)/python coursework/build.py $(if $(SEED),--seed $(SEED))

check: .venv/.test  ## lint, format and types, notebooks included
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

coursework: .venv/.coursework  ## build and self-test the assignments; SEED=… changes the hidden tests
	$(BIN)/python coursework/build.py $(if $(SEED),--seed $(SEED))

execute: .venv/.test  ## run every notebook again, in place
	$(BIN)/python book/notebooks.py execute

lab: .venv/.lab  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab book

bench: .venv/.book  ## measure what is fast against the obvious way
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

coordinates: .venv/.umap  ## compute the UMAP coordinates of chapter 1 again
	$(BIN)/python book/data/umap_coordinates.py

cones: .venv/.umap  ## embed with 25 untrained networks again, for chapters 2 and 3 (about 7 minutes)
	$(BIN)/mindgap cones --out book/data/cones.json --umap --force

clouds: .venv/.book  ## train the small CLIP at six temperatures again, for the clouds of chapter 5 (about 4 minutes)
	$(BIN)/python book/data/training_clouds.py

lock: .venv/.python  ## resolve every dependency again into requirements.lock
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.10 --all-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --upgrade --output-file requirements.lock pyproject.toml

clean:  ## remove what was built and the environment
	rm -rf _build .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
