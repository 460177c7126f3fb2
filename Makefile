# The targets stand in the order of the pipeline. `make` alone lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
# torch's default wheel brings gigabytes of CUDA; a plain machine needs the CPU build only.
TORCH  ?= torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help install sample demo pipeline loadtest test check format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.serving: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpu]'
	@touch $@

$(VENV)/.dev: $(VENV)/.serving
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpu,feeds,postgres,training,render,loadtest,dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fonts]' || echo 'the fonts are not to be had: simulated screenshots are in the letters of this machine' >&2
	@touch $@

install: $(VENV)/.serving ## virtual environment with what serving needs

sample: $(VENV)/.dev ## render the sample catalog again, and a screenshot of one of its products
	@$(BIN)/visionseek catalog render --products 300 --views 3 --seed 7 --size 256 --out build/sample $(ARGS)
	@$(BIN)/python -m training.sample_screenshot build/sample
	@rm -rf catalog/sample && mv build/sample catalog/sample

demo: $(VENV)/.serving ## start everything on the sample catalog, search once, keep serving (ARGS="--once --json")
	@$(BIN)/visionseek demo $(ARGS)

$(VENV)/.training: $(VENV)/.serving
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpu,training]'
	@touch $@

pipeline: $(VENV)/.training ## every stage on the sample catalog, from the feed to a served query (ARGS="--steps 100")
	@$(BIN)/visionseek pipeline --json $(ARGS)

$(VENV)/.loadtest: $(VENV)/.serving
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpu,loadtest]'
	@touch $@

loadtest: $(VENV)/.loadtest ## load the local stack for a minute and judge it (ARGS="--duration 30 --json")
	@$(BIN)/python -m loadtests $(ARGS)

test: $(VENV)/.dev ## set up and run every test
	@tests/integration/setup.sh
	@$(BIN)/python -m pytest tests $(ARGS)

check: $(VENV)/.dev ## lint, format, types, import contracts, unused dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry .

format: $(VENV)/.dev ## mend what lint and format can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove the environment, caches and local state
	@rm -rf $(VENV) .visionseek .visionseek-pipeline .mypy_cache .ruff_cache .pytest_cache *.egg-info
