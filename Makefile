# Foreign Press Desk. `make help` lists everything.
PY := .venv/bin/python
PORT ?= 8080
LOCALITY ?= can-tho
export FPD_PORT := $(PORT)

.PHONY: help setup run demo test check fix bench soak charts db worker lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@echo "Foreign Press Desk"
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

.venv/pip:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed / cần Python 3.11 trở lên"; exit 1; }
	python3 -m venv .venv
	.venv/bin/python -m pip install -q -U 'pip>=25.1'
	@touch $@

.venv/ok-run: .venv/pip requirements.lock pyproject.toml
	.venv/bin/pip install -q --require-hashes -r requirements.lock
	.venv/bin/pip install -q --no-deps -e .
	@touch $@

.venv/ok-dev: .venv/pip requirements-dev.lock pyproject.toml
	.venv/bin/pip install -q --require-hashes -r requirements-dev.lock
	.venv/bin/pip install -q --no-deps -e .
	@touch $@

setup: .venv/ok-dev ## set up for development

run: .venv/ok-run ## serve http://127.0.0.1:8080 with the demo (PORT=, FPD_DATABASE_URL=)
	@.venv/bin/fpd serve

demo: .venv/ok-run ## a narrated walk of a visit and an interview, in a throw-away database (LOCALITY=cao-bang …)
	@FPD_LOCALITY=$(LOCALITY) .venv/bin/fpd demo walk

worker: .venv/ok-run ## deliver the outbox on its own
	@.venv/bin/fpd worker

test: .venv/ok-dev ## the whole suite: SQLite, PostgreSQL, HTTP, pages, browser
	$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/ok-dev ## format, lint, types, import contracts, generated documents
	.venv/bin/ruff format --check -q .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/fpd flows check
	.venv/bin/fpd flows charts --check

fix: .venv/ok-dev ## mend what the linter can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format -q .

bench: .venv/ok-dev ## ratios against the limits, with gates (DB=sqlite,pg ROUNDS=7 GATES=1)
	$(PY) -m benchmarks

soak: .venv/ok-dev ## full figures of races, kills, deliveries, fuzzing (ONLY=race|kill|outbox|fuzz|browser)
	$(PY) -m tests.soak

charts: .venv/ok-run ## write docs/flows from the kinds
	.venv/bin/fpd flows charts

db: .venv/ok-dev ## a new migration from the models: make db m="what changes"
	$(PY) -c "from workflow.db import _alembic; from alembic import command; command.revision(_alembic('sqlite:///var/fpd.sqlite3'), message='$(m)', autogenerate=True)"

lock: ## write the locks (needs uv on the PATH)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --extra postgres --extra production --group dev -q -o requirements-dev.lock

clean: ## remove the virtual environment and caches (never var/)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
