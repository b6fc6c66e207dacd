"""A report about a decision is acknowledged when it is on disk, and not before."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from matinee.errors import StorageError
from matinee.observe import log as log_file
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.log import segments
from matinee.observe.state.sqlite import SqliteStore
from matinee.serve import rewarding
from matinee.serve.ingest import IngestConfig, Ingestor
from matinee.serve.schemas import RewardRequest

LINE = b'{"type":"reward","event_id":"r1","at_us":5}'


def test_a_report_fails_while_the_disk_is_full_and_can_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    home = Home.create(tmp_path)
    store = SqliteStore(home.state_db)
    ingestor = Ingestor(home, store, Clock.wall(), IngestConfig(retry_s=60))
    services: Any = SimpleNamespace(ingestor=ingestor, erased=(), home=home)
    found = SimpleNamespace(duplicate=False, counts=True, why_not="", member_id="m1", line=lambda _copy: LINE)
    monkeypatch.setattr(rewarding, "_report", lambda *_: found)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(log_file, "_sync", full)
            ingestor.record([b'{"type":"decision","event_id":"d1","at_us":5}'])
            assert not ingestor.drain(0.2)  # what nobody waits for is tried again in a minute
            with pytest.raises(StorageError, match="Free space"):
                asyncio.run(rewarding.take_reward(services, "d1", RewardRequest(value=1.0)))
            assert ingestor.stuck
        reply = asyncio.run(rewarding.take_reward(services, "d1", RewardRequest(value=1.0)))
        assert reply.accepted
        written = b"".join(path.read_bytes() for path in segments(home.log))
        assert written.count(b'"r1"') == 1
    finally:
        assert ingestor.close()
        store.close()
    assert ingestor.counters().records == 2
    assert ingestor.counters().dropped == 0
