"""The clock is set back an hour, and forward again, while the server runs: in this process, by the clock."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from litestar.testing import TestClient

sys.path.insert(0, str(Path(__file__).parent))

from killing import event, read
from running import make_home, play, titles_on
from test_survive import settle

from matinee.observe.lake.compaction import compact
from matinee.serve.app import create
from matinee.serve.config import ServeConfig
from matinee.serve.services import Services
from matinee.types import format_at, parse_at

HOUR_NS = 3_600_000_000_000
OFFSETS = (0, -HOUR_NS, 0, HOUR_NS, -HOUR_NS)
BATCH = 20


@pytest.mark.parametrize("compacting", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_clock_that_goes_back_an_hour_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compacting: bool
) -> None:
    real, offset_ns = time.time_ns, 0
    monkeypatch.setattr(time, "time_ns", lambda: real() + offset_ns)
    home = make_home(tmp_path / "home")
    home.settings.write_text('[clock]\nnow = "wall"\n', encoding="utf-8")
    services = Services.open(home, ServeConfig(compact_s=3600, rotate_mb=0.002))
    sent: list[str] = []
    with TestClient(create(services), base_url="http://127.0.0.1") as http:
        for turn, offset in enumerate(OFFSETS):
            offset_ns = offset
            names = [f"clock{turn}-{n}" for n in range(BATCH)]
            batch = [event(name, n) for n, name in enumerate(names)]
            assert http.post("/v1/events", json=batch).json()["accepted"] == BATCH
            assert http.post("/v1/events", json=batch).json()["duplicate"] == BATCH
            sent += names
            member = f"late{turn}"
            page = http.get(f"/v1/members/{member}/homepage").json()
            assert abs(parse_at(page["at"]) - (real() + offset) // 1_000) < 60_000_000
            title = titles_on(page)[0]
            seen = play(f"seen{turn}", member, title, at=format_at(real() // 1_000))
            assert http.post("/v1/events", json=[seen]).json()["accepted"] == 1
            after = http.get(f"/v1/members/{member}/homepage").json()
            assert title not in titles_on(after, but=("watch_again", "continue_watching"))
            if compacting:
                services.ingestor.rotate()
                compact(home)
        assert http.get("/readyz").json()["details"]["troubles"] == []
    settle(home).close()
    found = read(home)
    for name in sent:
        assert found.logged[f"e-{name}"] == 1
        assert found.state[f"t-{name}"] == 1
    assert max(found.logged.values()) == 1
    print(f"clock set back and forth 4 times: {len(sent)} of {len(sent)} events kept, 0 lost, 0 doubled")
