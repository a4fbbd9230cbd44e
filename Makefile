# Everything runs in .venv, which the first command makes. Needs make and Python 3.10 or newer; nothing else.
# `make book` installs what the site needs, which is no torch; the first command that computes installs the rest.
PYTHON ?= python3
BIN := .venv/bin
NOTEBOOKS = $(shell $(BIN)/python book/notebooks.py list)
INSTALL := -m pip install --quiet --disable-pip-version-check
PIP := $(BIN)/python $(INSTALL) --constraint requirements.lock
NEWER_PIP := "pip>=25.1" # the first that knows pyproject's dependency groups
export PYTHONHASHSEED = 0

.DEFAULT_GOAL := help
.PHONY: help book pdf sphinx linkcheck test check execute lab bench coordinates cones clouds seeds tasks coursework release lock clean browser .seen .package .outputs .assignments

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 20

.venv/.python .venv-sphinx/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "mindgap needs Python 3.10 or newer; $(PYTHON) is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(@D) || { echo "$(PYTHON) cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

.venv/.book: .venv/.python requirements.lock pyproject.toml
	@echo "Installing what the site needs into .venv (90 MB to download, 0.4 GB on disk; about a minute the first time) ..."
	@$(BIN)/python $(INSTALL) $(NEWER_PIP)
	@$(PIP) --group book
	@touch $@

.venv/.package: .venv/.book
	@echo "Installing the package and what it computes with into .venv (3.3 GB to download, 7 GB on disk, most of it torch with CUDA; some minutes the first time) ..."
	@$(PIP) --editable ".[all]"
	@touch $@

.venv/.pdf: .venv/.book
	@$(PIP) --group pdf
	@touch $@

.venv/.lab: .venv/.package book/lab.json
	@$(PIP) --group lab
	@mkdir -p .venv/share/jupyter/lab/settings && cp book/lab.json .venv/share/jupyter/lab/settings/overrides.json
	@touch $@

.venv/.coursework: .venv/.package
	@$(PIP) --group coursework
	@touch $@

.venv/.test: .venv/.package
	@echo "Installing what the tests need into .venv (0.3 GB, less than a minute the first time) ..."
	@$(PIP) --group test
	@touch $@

.venv-sphinx/.site: .venv-sphinx/.python pyproject.toml
	@echo "Installing the newest Sphinx into .venv-sphinx (90 MB to download, 0.4 GB on disk; about a minute the first time) ..."
	@.venv-sphinx/bin/python $(INSTALL) $(NEWER_PIP)
	@.venv-sphinx/bin/python $(INSTALL) --upgrade --group sphinx
	@touch $@

book: .venv/.book  ## build the site from the stored outputs
	$(BIN)/jupyter-book build . -W --keep-going -n --all
	@echo "The book is built. Open: file://$(CURDIR)/_build/html/book/index.html"

pdf: .venv/.pdf browser  ## print the whole book into _build/pdf/mind-the-gap.pdf; `make book` then links it
	$(BIN)/python book/pdf.py

sphinx: .venv/.book .venv-sphinx/.site  ## build the same site with the newest Sphinx, without Jupyter Book
	@if [ -e conf.py ]; then echo "conf.py is in the way: this command writes one and removes it"; exit 1; fi
	trap 'rm -f conf.py' EXIT INT TERM; \
	$(BIN)/jupyter-book config sphinx . >/dev/null && \
	printf 'import sys\nsys.path.append("book/_ext")\nextensions = [name for name in extensions if "jupyter" not in name]\n' >>conf.py && \
	.venv-sphinx/bin/sphinx-build -b html -W --keep-going -n -E . _build/sphinx

linkcheck: .venv/.book  ## ask every address outside of the book whether it is there; needs a network
	$(BIN)/jupyter-book build . --builder linkcheck --path-output _build/linkcheck

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing Debian's chromium for the browser tests ..."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null \
			|| echo "chromium could not be installed; the browser tests will be skipped"; \
	else echo "no chromium, and no apt or no root to install it; the browser tests will be skipped"; fi
	@command -v chromium-headless-shell >/dev/null || ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ] || { \
		echo "Installing Debian's chromium-headless-shell, in which the browser tests take half of the time ..."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-upgrade chromium-headless-shell; } >/dev/null 2>&1 \
			|| echo "it could not be installed; they are run in chromium"; }

test: export MINDGAP_SKIPS := $(CURDIR)/_build/skips.jsonl
test: export MINDGAP_WHOLE := $(WHOLE)
test: .venv/.test browser check book  ## prove everything: style, types, package, stored outputs, site; WHOLE=1 also runs each chapter in JupyterLab
	@rm -f $(MINDGAP_SKIPS)
	@echo "The browser's tests; those of the package, the stored outputs and the coursework run beside them, and are shown in the end."
	@rm -f $(BESIDE)
	@$(MAKE) --no-print-directory --jobs=2 --keep-going .seen .package .outputs .assignments; found=$$?; cat $(BESIDE); exit $$found
	@$(BIN)/python -m tests.skips $(MINDGAP_SKIPS)

# Two at a time, the longest first, and each whatever becomes of the others.
BESIDE := _build/package.log _build/outputs.log _build/assignments.log

.seen:
	$(BIN)/python -m pytest tests/browser --durations=10

.package:
	$(BIN)/python -m pytest --ignore tests/browser --durations=10 >_build/package.log 2>&1

.outputs:
	$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=900 --nbval-kernel-startup-timeout=600 $(NOTEBOOKS) \
		>_build/outputs.log 2>&1

.assignments:
	$(BIN)/python coursework/build.py selftest --brief $(if $(SEED),--seed $(SEED)) >_build/assignments.log 2>&1

check: .venv/.test  ## lint, format and types, notebooks included
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

coursework: .venv/.coursework  ## build and self-test the assignments; SEED=… changes the hidden tests
	$(BIN)/python coursework/build.py $(if $(SEED),--seed $(SEED))

execute: .venv/.test  ## run every notebook again, in place
	$(BIN)/python book/notebooks.py execute

lab: .venv/.lab  ## open the chapters in JupyterLab, in the folder lab/, where your own changes stay
	@$(BIN)/python book/notebooks.py lab
	JUPYTER_CONFIG_PATH=$(CURDIR)/book/jupyter $(BIN)/jupyter lab lab/index.ipynb

bench: .venv/.test browser book  ## measure what is fast against the obvious way
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

coordinates: .venv/.package  ## compute the UMAP coordinates of chapter 1 again
	$(BIN)/python book/results/umap_coordinates.py

cones: .venv/.package  ## embed with 25 untrained networks again, for chapters 2 and 3 (about 7 minutes)
	$(BIN)/mindgap cones --out mindgap/results/cones.json --umap --force

clouds: .venv/.package  ## train the small CLIP at six temperatures again, for the clouds of chapter 5 (about 4 minutes)
	$(BIN)/python book/results/training_clouds.py

seeds: .venv/.package  ## train the small CLIP from six seeds again, for chapter 3 (about 4 minutes)
	$(BIN)/python book/results/trained_seeds.py

tasks: .venv/.package  ## train the small CLIP at six temperatures from three seeds again, for chapter 7 (about 20 minutes)
	$(BIN)/python book/results/tasks.py

release: .venv/.python  ## build the package into dist/, if CHANGELOG has its version: VERSION=…
	@grep -qxF 'version = "$(VERSION)"' pyproject.toml || { echo "pyproject.toml has another version than $(or $(VERSION),VERSION=…)"; exit 1; }
	@grep -qxF '## $(VERSION)' CHANGELOG.md || { echo "CHANGELOG.md has no section '## $(VERSION)'"; exit 1; }
	@$(BIN)/python $(INSTALL) build
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	@awk '/^## /{here = ($$0 == "## $(VERSION)"); next} here' CHANGELOG.md >dist/notes.md

lock: .venv/.python  ## resolve dependencies again into requirements.lock; UPGRADE=1 takes the newest versions
	@$(BIN)/python $(INSTALL) uv
	$(BIN)/uv pip compile --universal --python-version 3.10 --all-extras --group book --group test --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml

clean:  ## remove what was built and the environments
	rm -rf _build .venv .venv-sphinx build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis book/appendix/api tests/javascript/node_modules
