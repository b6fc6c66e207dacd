#!/usr/bin/env bash
# Makes .venv from requirements.lock, every file checked against its hash, and installs Matinee into it.
# Does nothing when .venv was already made from this lock and this pyproject.toml (which names the entry points).
# Uses uv if it is there, otherwise venv and pip.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $1"; exit 1; }

made_from=.venv/.made-from.lock # written last, so an interrupted run starts again
cat requirements.lock pyproject.toml | cmp -s - "$made_from" && exit 0

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "make_venv: no Python 3.11 to 3.14 found on PATH. On Debian or Ubuntu: apt-get install python3 python3-venv"
}

with_uv() {
    command -v uv >/dev/null || return 1
    if [ -n "${PIP_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"; fi
    say "Setting up .venv with uv (about 600 MB; once) ..."
    { [ -x .venv/bin/python ] || uv venv --quiet --clear --python "$python" .venv; } &&
        uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock &&
        uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --offline -e .
}

with_pip() {
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        fail "make_venv: $python has no venv module. On Debian or Ubuntu: apt-get install python3-venv"
    fi
    say "Setting up .venv with pip (about 600 MB; once) ..."
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
}

python=$(find_python)
with_uv || with_pip

if ! problem=$(.venv/bin/python -c 'import lightgbm' 2>&1); then
    case $problem in
    *libgomp*) fail "make_venv: LightGBM needs the library libgomp. On Debian or Ubuntu: apt-get install libgomp1" ;;
    *libomp*) fail "make_venv: LightGBM needs the library libomp. On macOS: brew install libomp" ;;
    *) fail "make_venv: LightGBM does not load: $problem" ;;
    esac
fi
cat requirements.lock pyproject.toml >"$made_from"
