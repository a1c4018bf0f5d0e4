# `make run` and `make test` set up everything by themselves; PYTHON=... names a Python 3.11+.
.PHONY: run test check bench lock

run: .venv/.run
	.venv/bin/orderlog demo

test: .venv/.dev
	.venv/bin/pytest

check: .venv/.dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/pyright
	.venv/bin/lint-imports --no-logo

bench: .venv/.dev
	.venv/bin/python -m benchmarks

.venv/.run: requirements/run.txt pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup run

.venv/.dev: requirements/dev.txt pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup dev

LOCK = .venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

lock: .venv/.dev
	.venv/bin/python -m pip install --quiet uv
	$(LOCK) --all-extras --group dev --output-file requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/run.txt
	$(LOCK) --extra services --constraint requirements/dev.txt --output-file requirements/services.txt
