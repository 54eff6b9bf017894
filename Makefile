# Everything this project can do. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8000
STANDIN_PORT ?= 12111
BIN := .venv/bin
LOCKS := requirements/runtime.txt requirements/dev.txt
# Two at a time: more only wait for each other on a small machine. They are handed out in order, so
# that tests which commit, and empty their database when they end, come last in every process.
JOBS ?= 2

export PORT STANDIN_PORT

.PHONY: help demo demo-reset test test-postgres prove coverage check format bench lock

help: ## list what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# The environment is built again whenever a lock file has another content.
.venv/installed: $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed. Name it like this: make demo PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 2; }
	@if ! cksum $(LOCKS) | cmp -s - .venv/locks; then \
		echo "Installing what the project needs; this takes a minute or two."; \
		rm -rf .venv; \
		$(PYTHON) -m venv .venv; \
		$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes \
			--only-binary :all: $(addprefix -r ,$(LOCKS)); \
		cksum $(LOCKS) > .venv/locks; \
	fi
	@touch $@

demo: .venv/installed ## start the site with the practice's content on port 8000 (or PORT=8123)
	@$(BIN)/python -m devtools.demo

demo-reset: .venv/installed ## forget the demo's data and start over
	@$(BIN)/python -m devtools.demo --reset

test: .venv/installed ## run the tests, the browser's too (DATABASE_URL switches the database)
	@$(BIN)/python -m devtools.chromium
	@$(BIN)/python -m pytest -n $(JOBS) -m "not proof"

test-postgres: .venv/installed ## run what a database can change on PostgreSQL, and short proofs
	@$(BIN)/python -m devtools.postgres -m pytest -n $(JOBS) -m "not browser" \
		--ignore tests/stripe_standin

# Half an hour and more on a small machine; each run looks at other sequences than the last.
prove: .venv/installed ## prove money and seats at length: PROOF_EXAMPLES=2000, see tests/proof
	@PROOF_EXAMPLES=$${PROOF_EXAMPLES:-500} PROOF_STEPS=$${PROOF_STEPS:-50} \
		PROOF_WEBHOOKS=$${PROOF_WEBHOOKS:-10000} PROOF_SEAT_ROUNDS=$${PROOF_SEAT_ROUNDS:-100} \
		$(BIN)/python -m devtools.postgres -m pytest -n $(JOBS) -m proof -rP

coverage: .venv/installed ## run the tests and say which lines none has reached
	@$(BIN)/python -m devtools.chromium
	@$(BIN)/python -m pytest -n $(JOBS) -m "not proof" --cov --cov-report=term

check: .venv/installed ## lint, types, import layers, templates, migrations, deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/curlylint --quiet templates
	$(BIN)/djhtml --check templates
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m devtools.deploy_check
	@! grep -nEi 'https?:|file:|find-links|index-url|^-' $(LOCKS) \
		|| { echo "A lock file names a host or a path."; exit 1; }

format: .venv/installed ## put everything in its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djhtml templates

bench: .venv/installed ## measure, as ratios of one run, into docs/benchmarks.md
	@$(BIN)/python -m bench

# uv resolves in a moment and, asked like this, leaves no host and no path in the files.
# A full Python version: 3.11 alone would mean 3.11.0, for which some packages have no release.
lock: ## resolve requirements/*.in again, with hashes
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet --quiet --disable-pip-version-check uv
	@cd requirements && for name in runtime dev; do \
		../.venv-lock/bin/uv pip compile --quiet --generate-hashes --python-version 3.11.7 --no-header \
			--no-emit-index-url --no-emit-find-links -o $$name.txt $$name.in; \
	done
	@rm -rf .venv-lock
