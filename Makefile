# Two commands are enough: `make chaos` and `make test`. Each installs what it needs first; a second call starts at once.
SYSTEM ?= hardened
ARGS ?=
PYTHON := .venv/bin/python
DEPLOYDRILL := .venv/bin/deploydrill
READY := .venv/.ready
READY_TEST := .venv/.ready-test
LOCKED := $(wildcard .ci/*.txt)
# Those that mostly wait, and those that rehearse, each of which keeps a processor busy.
WAITING_TESTS := $(wildcard tests/contract tests/integration tests/golden)
# The longest files first: each is one worker's.
REHEARSING_TESTS := $(wildcard tests/systems tests/sabotage tests/e2e)
# One session of pytest. With ARGS, such as '-k word', it may hold none of the tests asked for (pytest says 5).
pytest = $(PYTHON) -m pytest $(1) $(ARGS)$(if $(ARGS), || [ $$? -eq 5 ])

.DEFAULT_GOAL := help
.PHONY: setup lock check test golden golden-accept deaths systems lint chaos chaos-full discriminate report docs bench doctor heal clean-reports clean help
MAKEFLAGS += --no-print-directory
# set -e also in recipes of several lines: a failing step fails the target.
.SHELLFLAGS := -ec

help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  SYSTEM=NAME|PATH picks the system (default: hardened), ARGS='...' adds options of deploydrill."
	@echo "  make ends with 2 when anything failed; the last line on stdout says outcome=pass|fail|unknown."

setup: ## install what is needed below .venv and .tools (done by the others when stale)
	@.ci/setup test

lock: $(READY) ## lock the packages again that set-up installs (ARGS=--upgrade: to the newest)
	@.ci/lock $(ARGS)

$(READY): pyproject.toml .ci/setup $(LOCKED)
	@.ci/setup

$(READY_TEST): pyproject.toml .ci/setup $(LOCKED)
	@.ci/setup test

chaos: $(READY) ## rehearse the quick tier of every scenario, and report
	@$(DEPLOYDRILL) run --system "$(SYSTEM)" --tier quick $(ARGS)

chaos-full: $(READY) ## rehearse every scenario in full
	@$(DEPLOYDRILL) run --system "$(SYSTEM)" --tier full $(ARGS)

discriminate: $(READY) ## switch every known flaw on, and see each caught
	@$(DEPLOYDRILL) discriminate --system "$(SYSTEM)" $(ARGS)

report: $(READY) ## render the last report again from its recording
	@$(DEPLOYDRILL) report $(ARGS)

check: lint ## lint and the unit tests: under a minute, at every change
	@$(call pytest,-n 2 --dist loadfile tests/unit)

test: check ## all of check, then every other test; at the end, alone, those that measure time
	@$(call pytest,-n auto --dist worksteal -m "not calm" $(WAITING_TESTS))
	@$(call pytest,-n 2 --dist loadfile --no-loadscope-reorder -m "not calm" $(REHEARSING_TESTS))
	@$(call pytest,-n 0 -m calm $(WAITING_TESTS) $(REHEARSING_TESTS))

golden: $(READY_TEST) ## make the golden recordings anew, and what they are judged and rendered as
	@$(PYTHON) -m tests.golden.make

golden-accept: $(READY_TEST) ## take what the golden recordings are judged and rendered as now for what is expected
	@$(PYTHON) -m tests.golden.accept

deaths: $(READY_TEST) ## kill the harness after every record of a run of each scenario (an hour; ARGS='--points 60')
	@$(PYTHON) -m tests.deaths $(ARGS)

systems: $(READY_TEST) ## rehearse systems with habits of others, row by row (two hours; ARGS='b1 etcd')
	@$(PYTHON) -m tests.systems.rehearse $(ARGS)

lint: $(READY_TEST) ## ruff, mypy --strict, and the arrows between the packages
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-cache

docs: $(READY) ## write the generated pages of the documentation again
	@for page in harness.config.page harness.recording.reference harness.cli.reference harness.report.documents.schema harness.report.text.explanation tests.cells tests.shown; do $(PYTHON) -m $$page; done

bench: $(READY) ## how exact and how heavy our own instruments are
	@for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(PYTHON) "$$bench"; done

doctor: $(READY) ## what this host can do, and how to get what it cannot
	@$(DEPLOYDRILL) doctor $(ARGS)

heal: $(READY) ## undo what a crashed run left outside its island
	@$(DEPLOYDRILL) heal $(ARGS)

clean-reports: $(READY) ## remove the oldest reports but ten (ARGS='--keep N', ARGS=--dry-run)
	@$(DEPLOYDRILL) clean $(ARGS)

clean: ## remove .venv, .tools and caches; reports stay
	@rm -rf .venv .tools build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find harness scenarios tests -name __pycache__ -type d -prune -exec rm -rf {} +
