# `make run` and `make test` need Python 3.11 or later and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: run test docs reference bench bench-coverage bench-intervals bench-models bench-reasons screenshots ui help clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: $(STAMP)  ## run the main job on the built-in world
	$(BIN)/forecast run jobs=-1

test: $(STAMP)  ## ruff, mypy --strict, import-linter and pytest (CI=true adds the slow ones)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n auto --dist loadfile $(if $(filter true,$(CI)),,-m "not slow")

docs: $(STAMP)  ## write docs/features.md, the page of all features, from the code
	$(BIN)/python -m forecast.commands.codebook > docs/features.md

reference: $(STAMP)  ## fit the model that comes with the package again, on DATA=PATH
	@test -n "$(DATA)" || { echo "make reference DATA=PATH, see data/reference/README.md"; exit 2; }
	out=outputs/reference/$$(date +%Y-%m-%d_%H-%M-%S) && \
	$(BIN)/forecast run experiments=reference data_root=$(DATA) out=$$out && \
	cp $$out/model.json data/reference/model.json

bench: $(STAMP) .venv/.bench  ## time features against peers, and loaders on DATA=PATH
	$(BIN)/python benchmarks/windows.py
	@test ! -e $(or $(DATA),../shared/data) || $(BIN)/python benchmarks/load.py $(or $(DATA),../shared/data)/ucdp_ged/ged_global.csv.gz

bench-coverage: $(STAMP)  ## how often intervals hold the true skill, in simulated studies
	$(BIN)/python benchmarks/coverage.py

bench-intervals: $(STAMP)  ## how often refit intervals hold the true risk, in simulated worlds
	mkdir -p outputs/intervals
	$(BIN)/python benchmarks/intervals.py outputs/intervals/held.csv --table forecast/report/interval_coverage.csv

bench-models: $(STAMP)  ## time every family of models at 3 and at 300 thousand origins
	$(BIN)/python benchmarks/models.py

bench-reasons: $(STAMP)  ## time reasons and intervals of a thousand risk scores
	$(BIN)/python benchmarks/reasons.py

screenshots: $(STAMP)  ## take the pictures of MLflow and of the founding case anew, in Chromium
	$(BIN)/python tests/screenshots.py

ui: $(STAMP)  ## open MLflow on the project's runs
	$(BIN)/forecast ui

clean:  ## remove the environment, not the runs
	rm -rf .venv

.venv/.bench: $(STAMP) requirements-bench.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	touch $@

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)
