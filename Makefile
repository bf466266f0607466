# Two commands on a fresh machine: `make run` and `make test`. They need Python >= 3.11 and a
# package index, and make their own `.venv`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# An editable install warns at length of what every such install does.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --quiet --disable-pip-version-check
SOURCES := proxy tests bench scripts deploy
# Two workers: what CI has. Tests share nothing, so more is only faster.
WORKERS ?= 2
PINS := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: run test install sdks check format lint types imports coverage readme bench bench-check bench-light bench-wire crash clean \
	deploy-tools image-test pins sbom

run: install ## serve with the embedded simulated provider
	$(BIN)/paysluice run

test: $(VENV)/.dev ## the whole suite
	$(BIN)/python -m pytest -n $(WORKERS)

install: $(VENV)/.run ## only what the sidecar needs to run

sdks: $(VENV)/.sdks ## vendors' own SDKs, which tests/sdks points at the sidecar

check: $(VENV)/.dev lint types imports coverage readme ## everything that CI asks for

format: $(VENV)/.dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# The suite once, with branch coverage; the pure files must have all of it.
coverage: $(VENV)/.dev
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=
	$(BIN)/python scripts/coverage_gate.py

readme: $(VENV)/.dev ## the commands of the README, of getting started and of the caller's guide, verbatim
	$(BIN)/python scripts/run_readme.py README.md docs/getting-started.md docs/callers.md

bench: bench-light ## what the sidecar costs on this machine
	$(BIN)/python bench/wire.py
	$(BIN)/python -m bench.normalise
	$(BIN)/python -m bench.ledger
	$(BIN)/python -m bench.pacing
	$(BIN)/python bench/paced.py

bench-light: $(VENV)/.bench ## of that, what a request costs beside nginx, HAProxy, Envoy and aiohttp
	$(BIN)/python -m bench.light --keep

bench-check: $(VENV)/.dev ## a short form of it, against bounds; beside Envoy too, where that is installed
	$(BIN)/python -m bench.light --check

bench-wire: $(VENV)/.dev ## of that, what it holds of large bodies, many callers and slow sides
	$(BIN)/python bench/wire.py

crash: $(VENV)/.dev ## the ledger's histories and kills, ten times as many as the suite tries
	PAYSLUICE_EXAMPLES=2000 PAYSLUICE_KILLS=300 $(BIN)/python -m pytest -n $(WORKERS) tests/model

deploy-tools: $(VENV)/.deploy ## what tests/deploy asks of the manifests with, and what sbom and pins need

image-test: $(VENV)/.dev ## builds the image with Docker's own daemon, and runs it
	$(BIN)/python -m pytest -s -rs tests/deploy/image.py

pins: $(VENV)/.deploy ## the newest versions that pyproject.toml allows, with the hashes of each file
	$(BIN)/uv pip compile $(PINS) requirements/build.in --output-file requirements/build.txt
	$(BIN)/uv pip compile $(PINS) pyproject.toml --output-file requirements/run.txt

# Of what the image installs, and nothing else: an environment of its own, by the same pins.
sbom: $(VENV)/.deploy ## build/paysluice.cdx.json, a bill of materials in CycloneDX
	rm -rf build/sbom
	$(PYTHON) -m venv --without-pip build/sbom
	$(PIP) --python build/sbom/bin/python install --require-hashes --requirement requirements/run.txt
	$(PIP) --python build/sbom/bin/python install --no-deps .
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-format JSON --output-file build/paysluice.cdx.json \
		build/sbom/bin/python
	rm -rf build/sbom

clean:
	rm -rf $(VENV) build *.egg-info .coverage* .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python >= 3.11 is needed")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip

$(VENV)/.run: $(BIN)/python pyproject.toml
	$(PIP) install --editable .
	touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(PIP) install --editable '.[dev]'
	touch $@ $(VENV)/.run

$(VENV)/.deploy: $(VENV)/.dev
	$(PIP) install --editable '.[deploy]'
	touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install --editable '.[bench]'
	touch $@

# Two stand apart: PayPal's brings a package `tests`, which would hide ours, and Node has its own.
$(VENV)/.sdks: $(VENV)/.dev
	$(PIP) install --editable '.[sdks]'
	$(PIP) install --upgrade --target $(VENV)/paypal-sdk 'paypal-server-sdk>=2.4,<3'
	npm install --silent --no-audit --no-fund --no-save --prefix $(VENV)/node-sdks \
		'stripe@^23.1' '@adyen/api-library@^32.1'
	touch $@
