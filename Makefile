# Everything this project can do. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8000
STANDIN_PORT ?= 12111
BIN := .venv/bin
# Two at a time: more only wait for each other on a small machine. They are handed out in order, so
# that tests which commit, and empty their database when they end, come last in every process.
JOBS ?= 2

export PORT STANDIN_PORT

.PHONY: help demo demo-reset test test-postgres outside prove coverage check format bench lock
.PHONY: demo-environment dev-environment

help: ## list what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Looked at each time, and built again where a lock file has changed.
demo-environment:
	@$(PYTHON) -m devtools.environment demo

dev-environment:
	@$(PYTHON) -m devtools.environment dev

demo: demo-environment ## start the site with the practice's content on port 8000 (or PORT=8123)
	@$(BIN)/python -m devtools.demo

demo-reset: demo-environment ## forget the demo's data and start over
	@$(BIN)/python -m devtools.demo --reset

test: dev-environment ## run the tests, the browser's too (DATABASE_URL switches the database)
	@$(BIN)/python -m devtools.chromium
	@$(BIN)/python -m pytest -n $(JOBS) -m "not proof and not outside"

test-postgres: dev-environment ## run what a database can change on PostgreSQL, and short proofs
	@$(BIN)/python -m devtools.postgres -m pytest -n $(JOBS) -m "not browser and not outside" \
		--ignore tests/stripe_standin

outside: dev-environment ## run what needs other programs, installed by themselves on Debian as root
	@$(BIN)/python -m devtools.programs
	@$(BIN)/python -m pytest -m outside

# Half an hour and more on a small machine; each run looks at other sequences than the last.
prove: dev-environment ## prove money and seats at length: PROOF_EXAMPLES=2000, see tests/proof
	@PROOF_EXAMPLES=$${PROOF_EXAMPLES:-500} PROOF_STEPS=$${PROOF_STEPS:-50} \
		PROOF_WEBHOOKS=$${PROOF_WEBHOOKS:-10000} PROOF_SEAT_ROUNDS=$${PROOF_SEAT_ROUNDS:-100} \
		$(BIN)/python -m devtools.postgres -m pytest -n $(JOBS) -m proof -rP

coverage: dev-environment ## run the tests and say which lines none has reached
	@$(BIN)/python -m devtools.chromium
	@$(BIN)/python -m pytest -n $(JOBS) -m "not proof and not outside" --cov --cov-report=term

check: dev-environment ## lint, types, import layers, templates, migrations, deployment settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/curlylint --quiet templates
	$(BIN)/djhtml --check templates
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m devtools.deploy_check
	@! grep -nEi 'https?:|file:|find-links|index-url|^-' requirements/*.txt \
		|| { echo "A lock file names a host or a path."; exit 1; }

format: dev-environment ## put everything in its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djhtml templates

bench: dev-environment ## measure, as ratios of one run, into docs/benchmarks.md
	@$(BIN)/python -m bench

# Asked like this, uv leaves no host and no path in the files.
# A full Python version: 3.11 alone would mean 3.11.0, for which some packages have no release.
# Extras stay: an old pip refuses a requirement with an extra that the lock names without it.
lock: dev-environment ## resolve requirements/*.in again, with hashes
	@cd requirements && for name in uv runtime ses demo dev; do \
		../$(BIN)/uv pip compile --quiet --generate-hashes --no-strip-extras --python-version 3.11.7 \
			--no-header --no-emit-index-url --no-emit-find-links -o $$name.txt $$name.in; \
	done
