# Everything a fresh machine needs: Debian with python3 (3.11 or newer), pip and the package registries.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Tests run in this many processes at once; a file stays in one of them, so that what it fits is fitted once.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=10

.PHONY: demo test test-slow test-postgres check audit format lock benchmark picture clean help

help:            ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# uv comes through pip, into a virtual environment of its own making; versions and hashes come from requirements.lock.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.8'
	$(BIN)/uv pip install --quiet --compile-bytecode --system-certs --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --no-deps --editable .
	touch $(STAMP)

demo: $(STAMP)   ## set up and run the main job: the answer for the shipped protocol, with a report
	$(BIN)/upturn answer six-infusions --out upturn-demo

test: $(STAMP)   ## set up and run the tests
	$(PYTEST)

test-slow: $(STAMP)  ## the long statistical tests as well
	$(PYTEST) -m 'slow or not slow'

test-postgres: $(STAMP)  ## the clinic's tests on a throw-away PostgreSQL (needs Debian's postgresql)
	$(BIN)/python tests/clinic/postgres.py $(PYTEST) tests/clinic $(ONLY)

check: $(STAMP)  ## lint, types, import law
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# In an environment of its own: nothing of it is installed beside the product. Strict: a package nobody knows of fails, too.
audit: $(STAMP)  ## compare requirements.lock with known faults of packages (asks PyPI's service)
	$(BIN)/uv tool run --system-certs --from 'pip-audit==2.10.1' pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict

format: $(STAMP) ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)   ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --system-certs pyproject.toml --extra clinic --group dev --generate-hashes --no-emit-index-url --universal --python-version 3.11 --quiet --output-file requirements.lock

benchmark: $(STAMP)  ## measure the engine beside its peers, as ratios
	$(BIN)/python -m benchmarks

picture: demo    ## renew the README's picture of the report (needs Debian's chromium)
	$(BIN)/python docs/picture.py upturn-demo/report.html docs/report.png

clean:           ## remove what was built
	rm -rf $(VENV) upturn-demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
