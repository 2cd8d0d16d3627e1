# Commands of the project, for people and CI alike. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLED_SPARK := .venv-spark/.installed
LA_HAUTE_BORNE := examples/la_haute_borne/profile.env
PROFILE ?=
export RENEWABLE_PROFILE := $(PROFILE)
export DAGSTER_DISABLE_TELEMETRY := 1

# dbt from its project folder, with what it writes in a directory that is thrown away
DBT := ../../$(BIN)/dbt
DBT_ELSEWHERE = tmp=$$(mktemp -d) && trap "rm -rf $$tmp" EXIT && cd dbt/renewable_dbt && \
	export DBT_TARGET_PATH=$$tmp DBT_LOG_PATH=$$tmp RENEWABLE_WAREHOUSE=$$tmp/lint.duckdb RENEWABLE_DBT_REGISTRY=seeds

.DEFAULT_GOAL := help
.PHONY: help install run test test-spark ui lint judges chaos mutants independence bench docs clean lock

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Create .venv from the hashed lock file

run: $(INSTALLED) ## Run the demo fleet and the real example through the whole pipeline (PROFILE=file: that fleet alone)
ifneq ($(PROFILE),)
	@$(BIN)/renewable run
else
	@echo "== demo: 10 wind and 10 solar assets, the 14 days up to yesterday, simulated"
	@$(BIN)/python -m dagster_project.headless --days 14
ifneq ($(RENEWABLE_DATA_DIR),)
	@echo "== La Haute Borne is left out: RENEWABLE_DATA_DIR is set, and two fleets in one folder would mix"
	@$(BIN)/renewable summary
else
	@echo "== La Haute Borne: 4 real turbines, two weeks of 2014"
	@$(BIN)/python -m dagster_project.headless --profile $(LA_HAUTE_BORNE) --start 2014-03-23 --end 2014-04-06
	@$(BIN)/renewable summary $(LA_HAUTE_BORNE)
endif
endif

test: $(INSTALLED) ## Run unit and integration tests
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-spark: $(INSTALLED_SPARK) ## Build the models on a Spark cluster of this machine: the same marts? Needs Java 17 (SPARK_TEST_DAYS=n)
	@.venv-spark/bin/python -m pytest tests/spark $(SPARK_TESTS)

ui: $(INSTALLED) ## Open the Dagster UI on http://127.0.0.1:3000 (PROFILE=file for another fleet, PORT=n)
	@exec $(BIN)/python -m dagster_project.ui --port $(or $(PORT),3000)

lint: $(INSTALLED) ## Check style, types, import rules and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@$(DBT_ELSEWHERE) && $(DBT) parse --warn-error --quiet
	@$(DBT_ELSEWHERE) && ../../$(BIN)/sqlfluff lint models tests analyses --config ../../pyproject.toml

judges: $(INSTALLED) ## What dbt-score (at least 9.5) and dbt-bouncer say of the dbt project, from an environment of their own
	@test -x .venv-judges/bin/dbt-bouncer || { $(PYTHON) -m venv .venv-judges && .venv-judges/bin/python -m pip install \
		--quiet --disable-pip-version-check "dbt-score>=0.19,<1" "dbt-core>=1.11,<1.12" "dbt-bouncer>=4.3,<5" "duckdb<2"; }
	@$(DBT_ELSEWHERE) && $(DBT) parse --quiet && \
		../../.venv-judges/bin/dbt-score lint --manifest $$tmp/manifest.json --fail-project-under 9.5 --show failing-items && \
		sed "s|^dbt_artifacts_dir: .*|dbt_artifacts_dir: $$tmp|" dbt-bouncer.yml > $$tmp/dbt-bouncer.yml && \
		../../.venv-judges/bin/dbt-bouncer run --config-file $$tmp/dbt-bouncer.yml

chaos: $(INSTALLED) ## Kill loads 120 times, at every stage and at random moments (KILLS=n, SEED=n)
	@$(BIN)/python -m tests.integration.chaos --kills $(or $(KILLS),120) $(if $(SEED),--seed $(SEED))

mutants: $(INSTALLED) ## Break models and seeds one place at a time: do unit tests notice? (MODEL=name, PART=n, SEED=n, JOBS=n)
	@$(BIN)/python -m tests.mutants $(if $(MODEL),--model $(MODEL)) $(if $(PART),--part $(PART)) $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

independence: $(INSTALLED) ## Multiply each constant of simulated worlds by 1.5: does a detection know it? Hours (NAME=constant, PART=n, SEED=n, WORLD=rough)
	@$(BIN)/python -m tests.independence $(if $(NAME),--constant $(NAME)) $(if $(PART),--part $(PART)) $(if $(SEED),--seed $(SEED)) $(if $(WORLD),--world $(WORLD))

bench: $(INSTALLED) ## Measure speed against references timed in the same run
	@$(BIN)/python -m benchmarks

# Not --quiet: that would hide warnings from --strict, too.
docs: $(INSTALLED) ## Build the docs site into build/site; every broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "docs: build/site/index.html (to search in them: $(BIN)/python -m http.server -d build/site 8000)"

clean: ## Remove what can be made again: environment, caches, warehouse, published tables (data/raw stays)
	rm -rf .venv .venv-judges .venv-spark .mypy_cache .ruff_cache .import_linter_cache .hypothesis build src/*.egg-info
	rm -rf dbt/renewable_dbt/target dbt/renewable_dbt/logs
	rm -rf data/warehouse data/work data/published data/report data/quarantine data/dagster data/la_haute_borne data/nrel_rsf_ii data/wide_format
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: $(INSTALLED) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --system-certs pyproject.toml --extra dev --extra postgres --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade -q -o requirements.lock
	@# The same versions but for what Spark's client holds back.
	$(BIN)/uv pip compile --system-certs pyproject.toml --extra dev --extra postgres --extra spark --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade -q -o requirements-spark.lock \
		--constraint <(grep -E '^[a-z]' requirements.lock | sed 's/ *\\$$//' | grep -vE '^(pandas|grpcio|protobuf)')

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "== installing into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@$(BIN)/uv pip sync --system-certs --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src dags
	@touch $@

$(INSTALLED_SPARK): requirements-spark.lock pyproject.toml | $(INSTALLED)
	@echo "== installing into .venv-spark"
	@test -x .venv-spark/bin/python || $(BIN)/python -m venv .venv-spark
	@$(BIN)/uv pip sync --system-certs --quiet --python .venv-spark/bin/python --require-hashes requirements-spark.lock
	@$(BIN)/uv pip install --system-certs --quiet --python .venv-spark/bin/python --no-deps --no-build-isolation --editable .
	@touch $@
