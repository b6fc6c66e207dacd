"""Names in the context that callers may not use, since they say how a decision was made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import matinee
from matinee.errors import InputError
from matinee.serve.asking import RESERVED, _check
from matinee.serve.schemas import DecisionRequest

WRITTEN = re.compile(r'\b(?:context|noted)\["([a-z_]+)"\](?=[^\n]*[^=!<>]=[^=])')
GIVEN = {"territory"}
"""Callers give it, and the server puts in its place the one that holds."""


def test_whatever_the_server_writes_into_a_context_is_reserved() -> None:
    root = Path(matinee.__file__).parent
    files = [*(root / "serve").rglob("*.py"), root / "platform" / "answering.py"]
    found = {name for file in files for name in WRITTEN.findall(file.read_text(encoding="utf-8"))}
    assert {"continues", "again_from_row", "again_to_row", "fallback_reason", "artwork_reason"} <= found
    assert found - GIVEN <= RESERVED


@pytest.mark.parametrize("name", ["again_from_row", "again_to_row", "artwork_policy", "shadow_of"])
def test_a_caller_who_uses_such_a_name_is_told(name: str) -> None:
    with pytest.raises(InputError, match=f'"{name}" is written by the server, expected another name'):
        _check(DecisionRequest(unit_id="m1", context={name: 1}))
