# Each target is one line to its tool. `make demo` and `make test` do all the set-up.
.PHONY: setup demo test check bench bench-serve docs screenshots lock
PYTHON := .venv/bin/python

setup: ; @bash scripts/make_venv.sh
demo: setup ; @$(PYTHON) -m matinee demo --dir demo-home
test: setup ; @OMP_WAIT_POLICY=passive $(PYTHON) -m pytest -n 2
check: setup ; @.venv/bin/ruff check && .venv/bin/ruff format --check && .venv/bin/mypy
bench: setup ; @$(PYTHON) -m benchmarks
bench-serve: setup ; @$(PYTHON) -m benchmarks serve
docs: setup ; @$(PYTHON) scripts/write_reference.py && $(PYTHON) -m pytest tests/test_docs.py -m ""
screenshots: setup ; @$(PYTHON) scripts/screenshots.py --out screenshots
lock: ; uv pip compile pyproject.toml --group dev --extra als --extra postgres --extra redis --universal --python-version 3.11 --generate-hashes -o requirements.lock
