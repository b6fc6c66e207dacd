from __future__ import annotations

from pathlib import Path

import pytest

from matinee.cli.serve import _tell
from matinee.serve.preparing import Ready


def test_the_address_of_a_page_can_be_asked_for_whatever_the_id(capsys: pytest.CaptureFixture[str]) -> None:
    _tell("http://127.0.0.1:1", Path("shop"), 1, Ready(1, {}, False, "a b/ü'?"), pages=False)
    assert "curl 'http://127.0.0.1:1/v1/members/a%20b%2F%C3%BC%27%3F/homepage'" in capsys.readouterr().out
