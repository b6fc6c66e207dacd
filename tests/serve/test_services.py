"""What one process holds about members, beside the state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee.errors import StorageError
from matinee.observe.erasure.erased import mark
from matinee.observe.home import Home
from matinee.serve import services as serving
from matinee.serve.config import ServeConfig
from matinee.serve.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    home = Home.create(tmp_path / "home")
    home.settings.write_text("", encoding="utf-8")
    opened = Services.open(home, ServeConfig())
    yield opened
    opened._close()


def test_no_process_holds_what_it_kept_about_a_member_who_was_erased_elsewhere(services: Services) -> None:
    for member_id in ("m1", "m2"):
        services.keep("page", member_id, b"their page", 60)
    mark(services.home, "m1")
    services.close_segment()
    services.store.erase(["m1"])
    assert services.kept("page", "m1") is None
    assert services.kept("page", "m2") == b"their page"
    services.keep("page", "m1", b"once more", 60)
    assert services.ingestor.drain(5)
    assert services.kept("page", "m1") is None


def test_a_segment_stays_open_for_an_erasure_while_something_waits(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated: list[bool] = []
    monkeypatch.setattr(services.ingestor, "drain", lambda _timeout_s: False)
    monkeypatch.setattr(services.ingestor, "rotate", lambda: rotated.append(True))
    services.close_segment()
    mark(services.home, "m1")
    with pytest.raises(StorageError, match="an erasure cannot be sure of it"):
        services.close_segment()
    assert rotated == [True]


def test_what_was_kept_is_held_for_a_minute(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    services.keep("page", "m1", b"their page", 60)
    monkeypatch.setattr(serving, "HELD_S", 0.0)
    services.keep("page", "m2", b"their page", 60)
    assert list(services._on_their_way) in ([("page", "m2")], [])


def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.create(tmp_path / "home")
    home.settings.write_text("", encoding="utf-8")
    before = set(threading.enumerate())

    def fails(*_: object) -> None:
        raise StorageError("the catalogue cannot be read")

    monkeypatch.setattr(serving.Guard, "of", fails)
    with pytest.raises(StorageError, match="the catalogue"):
        Services.open(home, ServeConfig())
    assert set(threading.enumerate()) <= before
