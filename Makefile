PORT ?= 8501
PY := .venv/bin/python

.PHONY: help install app stop test lint bench clean
.DEFAULT_GOAL := help
# Each recipe speaks for itself: make need not echo it.
.SILENT:

help:
	echo 'make app       open the laboratory on http://127.0.0.1:$(PORT), after installing what is missing (PORT=8502 for another port)'
	echo 'make stop      close the page and end the jobs in the background; unfinished ones go on the next time'
	echo 'make install   only install, into .venv (PYTHON=/path/to/python3.12 and DEVICE=cpu or cuda choose for it)'
	echo 'make test      lint, then run all tests, in a browser too'
	echo 'make lint      check style, format and the direction of imports'
	echo 'make bench     run the benchmarks'
	echo 'make clean     delete .venv and caches; artifacts/ stays'

install:
	.ci/install requirements.txt

app: install
	$(PY) -m allcore app --port $(PORT)

stop:
	if [ -x $(PY) ]; then $(PY) -m allcore stop; else echo 'Nothing is installed here, so nothing is running.'; fi

test: lint
	.ci/browser || echo 'No browser could be installed: the tests that need one will say so.'
	$(PY) -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile

lint: install
	.ci/install requirements-dev.txt
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) .venv/bin/lint-imports --no-logo

bench: install
	for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(PY) -m benchmarks.$$(basename $$file .py) || exit 1; done

# What still runs would run on without its files.
clean:
	if [ -x $(PY) ]; then $(PY) -m allcore stop || true; fi
	rm -rf .venv build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
