from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest

from matinee.errors import ConfigError, StorageError
from matinee.platform.registry.api_keys import ApiKeyRow
from matinee.serve import keys as module
from matinee.serve.keys import CHALLENGE, OPEN, Keys, check_bind, from_elsewhere
from matinee.serve.problems import ProblemError
from matinee.serve.tokens import Token
from matinee.types import DAY_US


class Store:
    """Keys in a list, with a registry that can be switched off."""

    def __init__(self) -> None:
        self.rows: list[ApiKeyRow] = []
        self.down = False
        self.noted: list[dict[str, int]] = []

    def add(self, **values: Any) -> Token:
        token = Token.make()
        given = {"name": "app", "scopes": ["decide"], "rate": 10.0, "created_us": 0, **values}
        self.rows.append(ApiKeyRow(key_id=token.key_id, secret_hash=token.hash, **given))
        return token

    def all(self) -> list[ApiKeyRow]:
        if self.down:
            raise StorageError("the registry is down")
        return list(self.rows)

    def used(self, days: dict[str, int]) -> None:
        self.noted.append(days)


def keys_of(store: Store, host: str = "127.0.0.1", now_us: Callable[[], int] = lambda: 10) -> Keys:
    found = Keys(store, host, now_us=now_us)  # type: ignore[arg-type]
    found.load()
    return found


def bearer(token: Token) -> str:
    return f"Bearer {token.text}"


def refused(keys: Keys, header: str | None, scope: str = "decide") -> ProblemError:
    with pytest.raises(ProblemError) as told:
        keys.check(header, scope)
    return told.value


def test_a_key_opens_what_it_is_for() -> None:
    store = Store()
    token = store.add(scopes=["decide", "ingest"])
    keys = keys_of(store)
    found = keys.check(bearer(token), "ingest")
    assert (found.key_id, found.name, found.rate) == (token.key_id, "app", 10.0)
    assert keys.check(f"bearer {token.text}", "decide") == found
    no = refused(keys, bearer(token), "admin")
    assert no.status == 403
    assert f"key {token.key_id}: has the scopes decide, ingest, expected admin" in str(no)


def test_every_other_key_is_refused_in_the_same_words() -> None:
    store = Store()
    token, expired, revoked = store.add(), store.add(expires_us=10), store.add(revoked_us=5)
    keys = keys_of(store)
    headers = [
        None, "", "Bearer", "Bearer ", "Basic dXNlcg==", token.text, f"Basic {token.text}",
        f"Bearer {token.text}x", f"Bearer {token.text[:-1]}", f"Bearer xyz_{token.key_id}_{token.secret}",
        f"Bearer mtn_{token.key_id}_", f"Bearer mtn__{token.secret}", bearer(Token.make()),
        f"Bearer mtn_{expired.key_id}_{token.secret}", bearer(expired), bearer(revoked),
        "Bearer mtn_\u00e9\u00e9_\udcff", "Bearer " + "a" * 100_000, f"Bearer  {token.text}",
    ]  # fmt: skip
    told = [refused(keys, header) for header in headers]
    assert {(one.status, str(one), str(one.headers)) for one in told} == {
        (401, module.REFUSED, str(CHALLENGE))
    }


def test_an_unknown_key_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = module.hmac.compare_digest

    def watched(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr(module.hmac, "compare_digest", watched)
    store = Store()
    known = store.add()
    keys = keys_of(store)
    for token in (known, Token(known.key_id, "wrong"), Token.make()):
        with contextlib.suppress(ProblemError):
            keys.check(bearer(token), "decide")
    assert [len(a) == len(b) == 32 for a, b in compared] == [True] * 3


def test_revocation_and_expiry_take_effect() -> None:
    store, now = Store(), 10
    token, short = store.add(), store.add(expires_us=20)
    keys = keys_of(store, now_us=lambda: now)
    assert keys.check(bearer(short), "decide").key_id == short.key_id
    now = 20
    assert refused(keys, bearer(short)).status == 401
    store.rows[0] = ApiKeyRow(
        **{
            name: getattr(store.rows[0], name) for name in ApiKeyRow.__struct_fields__ if name != "revoked_us"
        },
        revoked_us=15,
    )
    assert keys.refresh()
    assert refused(keys, bearer(token)).status == 401


def test_known_keys_go_on_while_the_registry_is_down(caplog: pytest.LogCaptureFixture) -> None:
    store, now = Store(), 10
    token = store.add(expires_us=100)
    keys = keys_of(store, now_us=lambda: now)
    store.down = True
    assert [keys.refresh(), keys.refresh()] == [False, False]
    assert keys.failures == 2
    assert keys.check(bearer(token), "decide").key_id == token.key_id
    now = 100
    assert refused(keys, bearer(token)).status == 401
    store.down = False
    assert keys.refresh()
    assert keys.failures == 0
    said = [record.getMessage() for record in caplog.records]
    assert [text.split(";")[0] for text in said] == [
        "The registry cannot be read",
        "The registry can be read again.",
    ]


def test_nobody_is_let_in_before_the_keys_were_read() -> None:
    store = Store()
    keys = Keys(store, "127.0.0.1")  # type: ignore[arg-type]
    assert refused(keys, None).status == 401


def test_without_keys_loopback_is_open_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    with caplog.at_level(logging.WARNING):
        keys = keys_of(store)
        keys.refresh()
    assert caplog.text.count("No key exists") == 1
    assert keys.check(None, "admin") is OPEN
    assert keys.check("Bearer whatever", "admin") is OPEN
    with pytest.raises(ProblemError):
        keys.check(None, "admin", elsewhere=True)
    store.add(revoked_us=1)
    keys.refresh()
    assert not keys.is_open, "ending the last key must not open the server"
    assert refused(keys, None).status == 401


def test_a_public_server_is_never_open() -> None:
    keys = keys_of(Store(), "0.0.0.0")
    assert refused(keys, None).status == 401
    store = Store()
    check_bind("127.0.0.1", [], 1)
    with pytest.raises(ConfigError, match=r'host is "0\.0\.0\.0".*no API key is valid.*matinee key create'):
        check_bind("0.0.0.0", [], 1)
    store.add(expires_us=5)
    check_bind("0.0.0.0", store.rows, 4)
    with pytest.raises(ConfigError, match="no API key is valid"):
        check_bind("::", store.rows, 5)


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ([(b"host", b"127.0.0.1:8080")], False),
        ([(b"host", b"localhost"), (b"origin", b"http://localhost:8080")], False),
        ([(b"host", b"[::1]:8080")], False),
        ([(b"host", b"shop.example")], True),
        ([(b"host", b"[::1%" + b"a" * 80 + b".evil.example]")], True),
        ([(b"host", b"localhost"), (b"origin", b"https://evil.example")], True),
        ([(b"host", b"localhost"), (b"origin", b"null")], True),
        ([(b"host", b"localhost"), (b"x-forwarded-for", b"192.0.2.1")], True),
    ],
)
def test_requests_of_others_are_told_from_our_own(
    headers: list[tuple[bytes, bytes]], elsewhere: bool
) -> None:
    assert from_elsewhere(headers) is elsewhere


def test_the_day_of_use_is_noted_once_a_day() -> None:
    store, now = Store(), 3 * DAY_US + 7
    token = store.add()
    idle = store.add()
    keys = keys_of(store, now_us=lambda: now)
    keys.check(bearer(token), "decide")
    keys.refresh()
    assert store.noted == [{token.key_id: 3 * DAY_US}]
    store.rows[0] = ApiKeyRow(
        **{name: getattr(store.rows[0], name) for name in ApiKeyRow.__struct_fields__ if name != "used_us"},
        used_us=3 * DAY_US,
    )
    keys.refresh()
    keys.check(bearer(token), "decide")
    keys.refresh()
    assert len(store.noted) == 1
    assert idle.key_id not in store.noted[0]


def test_the_background_follows_the_registry() -> None:
    store = Store()
    store.add()
    keys = keys_of(store)
    keys.start(every_s=0.005)
    try:
        late = store.add()
        for _ in range(1_000):
            try:
                assert keys.check(bearer(late), "decide").key_id == late.key_id
                break
            except ProblemError:
                module.threading.Event().wait(0.005)
        else:
            pytest.fail("the new key was not seen")
    finally:
        keys.stop()


def test_secrets_are_long_and_hidden() -> None:
    tokens = {Token.make().secret for _ in range(200)}
    assert len(tokens) == 200
    assert all(len(secret) == 43 and secret.isalnum() for secret in tokens)
    token = Token.make()
    assert token.secret not in repr(token)
