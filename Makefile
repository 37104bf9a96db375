# Two commands do everything: `make demo` and `make test`. Each sets up what it needs first.
.PHONY: demo test setup setup-test lint types unit clean
.DEFAULT_GOAL := demo
BIN := .venv/bin
# Where the demo keeps its objects: `file` (a directory) or `s3` (a real S3 server on this machine).
STORE ?= file

demo: setup
	$(BIN)/avtech demo --store-kind $(STORE)

test: lint types unit

setup:
	@ci/setup

setup-test:
	@ci/setup test

lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup-test
	$(BIN)/mypy schema/src controller/src player/src tests
	$(BIN)/basedpyright

unit: setup-test
	$(BIN)/pytest -n 2 --dist worksteal

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis
