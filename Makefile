PORT ?= 8501
PYTHON_IN_VENV := .venv/bin/python

.PHONY: help install app stop test lint bench clean
.DEFAULT_GOAL := help
# Each recipe speaks for itself; make need not echo it.
.SILENT:

help:
	echo 'make app       install what is missing, open the laboratory on http://127.0.0.1:$(PORT) (PORT=8502 for another port)'
	echo 'make stop      close the page and end the training that runs in the background'
	echo 'make install   only install, into .venv (PYTHON=/path/to/python3.12 and DEVICE=cpu or cuda choose for it)'
	echo 'make test      lint, then run all tests, those in a browser too'
	echo 'make lint      check style, format and the direction of imports'
	echo 'make bench     run the benchmarks'
	echo 'make clean     delete .venv and caches; artifacts/ stays'

install:
	.ci/install requirements.txt

app: install
	$(PYTHON_IN_VENV) -m allcore app --port $(PORT)

stop:
	$(PYTHON_IN_VENV) -m allcore stop

test: install
	.ci/install requirements-dev.txt
	.ci/browser || echo 'No browser could be installed: the tests that need one will say so.'
	$(MAKE) lint
	$(PYTHON_IN_VENV) -m pytest

lint: install
	.ci/install requirements-dev.txt
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) .venv/bin/lint-imports --no-logo

bench: install
	$(PYTHON_IN_VENV) -m benchmarks

clean:
	rm -rf .venv build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
