from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from matinee.errors import ConfigError, StorageError
from matinee.observe.home import Home
from matinee.observe.state.open import open_store
from matinee.observe.state.redis import RedisStore
from matinee.observe.state.redis_client import shown
from matinee.observe.state.store import Position
from matinee.testing.state_stores import NOW, Ids, Opening, StateStoreContract, listed, opened, play

if TYPE_CHECKING:
    from conftest import Server


class TestRedisStore(StateStoreContract):
    @pytest.fixture(autouse=True)
    def server(self, redis_server: Server) -> None:
        self.url = redis_server.url

    def opening(self, tmp_path: Path) -> Opening:
        return Opening(
            "matinee.observe.state.redis:RedisStore", (self.url,), {"prefix": f"{uuid.uuid4().hex}:"}
        )

    def test_it_works_again_after_the_server_was_stopped(self, how: Opening, redis_server: Server) -> None:
        with opened(how, folds=[Ids()]) as store:
            store.take([play(n) for n in range(20)], Position("a", 20), NOW)
            redis_server.stop()
            began = time.monotonic()
            for call in (lambda: store.record("m1"), lambda: store.take([play(30)], None, NOW)):
                with pytest.raises(StorageError, match="Check that it runs"):
                    call()
            assert time.monotonic() - began < 5
            redis_server.start()
            assert store.take([play(19), play(30)], None, NOW) == [False, True]
            assert len(store.record("m1").plays) == 21
            assert store.positions() == {"a": 20}
            assert listed(store, "m1") == [f"e{n}" for n in [*range(20), 30]]

    def test_a_value_that_is_put_anew_while_old_ones_expire_stays(self, how: Opening) -> None:
        with opened(how) as store, opened(how) as other:
            store.put("stick", [("m1", b"old")], expires_us=10)
            expire = store._expire

            def late(**given: object) -> object:
                other.put("stick", [("m1", b"new")], expires_us=NOW)
                return expire(**given)

            store._expire = late
            store.maintain(20)
            assert store.get("stick", "m1") == b"new"


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("redis://:p%40ss@h:1/2?password=other") == "redis://:***@h:1/2"
    assert shown("redis://ana:a/b?c@d@h:1/2") == "redis://ana:***@h:1/2"
    assert shown("unix:///run/redis.sock?password=secret") == "unix:///run/redis.sock"
    assert "secret" not in shown("secret")


@pytest.mark.parametrize(
    "url",
    [
        "http://u:secret@h/1",
        "redis://u:secret@h:port/1",
        "secret@h",
        "redis://u:secret@h:1/1?socket_timeout=x",
    ],
)
def test_an_address_of_something_else_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"expected redis://HOST:PORT/DB") as caught:
        open_store(Home(tmp_path), url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_an_error_without_its_password(tmp_path: Path) -> None:
    store = open_store(Home(tmp_path), "redis://ana:secret@127.0.0.1:1/0")
    with pytest.raises(StorageError, match=r"redis://ana:\*\*\*@127.0.0.1:1/0: the state server") as caught:
        store.record("m1")
    assert "secret" not in str(caught.value)


def test_ids_are_forgotten_after_the_window(redis_server: Server) -> None:
    store = RedisStore(redis_server.url, 0.2 / 3_600, prefix=f"{uuid.uuid4().hex}:")
    assert store.take([play(1)], None, NOW) == [True]
    assert store.known(["e1"]) == [True]
    time.sleep(0.3)
    assert store.take([play(1)], None, NOW) == [True]
    assert len(store.record("m1").plays) == 1
    store.close()
