"""How a server that is told to stop leaves."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.serve.running import make_home, play, serving

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_and_says_nothing_that_is_not_meant_for_people(tmp_path: Path, how: int) -> None:
    with serving(make_home(tmp_path / "shop")) as server:
        server.send(play("e1", "m1", "t5"))
        assert server.page("m1")["rows"]
        server.process.send_signal(how)
        assert server.process.wait(timeout=60) == 0
    told = server.log.read_text(encoding="utf-8")
    assert "nanobind" not in told
    assert all(line.startswith("{") for line in told.splitlines()), told
