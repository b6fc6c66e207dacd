"""A client that is patient with a busy server and plain about everything else."""

from __future__ import annotations

import pytest
from tests.world.fake_server import Fake, served

from matinee.errors import InputError, StorageError
from matinee.world.client import Client


def test_it_waits_as_long_as_a_busy_server_says_and_no_longer_than_its_patience() -> None:
    left, waited = [2], list[float]()

    def busy(_method: str, path: str) -> tuple[int, dict[str, str]] | None:
        left[0] -= 1
        return (429 if left[0] else 503, {"Retry-After": "3"}) if left[0] >= 0 and path != "/readyz" else None

    with served(Fake(before=busy)) as address:
        client = Client(address, connections=1, wait=waited.append)
        assert b"accepted" in client.post("/v1/events", [])
        assert waited == [3.0, 3.0]
        client.close()
        left[0] = 1_000
        client = Client(address, connections=1, patience_s=10, wait=waited.append)
        with pytest.raises(
            StorageError, match=r"has answered 429 for 9 s \(status 429 it is\), expected room"
        ):
            client.post("/v1/events", [])
        client.close()


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (401, InputError, "answers 401 (status 401 it is), expected 200. Give a key with the scopes"),
        (404, InputError, "answers 404 (status 404 it is), expected 200. Is it the decision server"),
        (500, StorageError, "answers 500 (status 500 it is), expected 200. The server's log says why"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_server(status: int, kind: type[Exception], text: str) -> None:
    with served(Fake(before=lambda _method, _path: (status, {}))) as address:
        client = Client(address, "the-key")
        with pytest.raises(kind) as caught:
            client.get("/v1/members/m000001/homepage?rows=4")
        assert text in str(caught.value)
        assert "?rows" not in str(caught.value)
        client.close()


def test_it_sends_its_key_and_opens_a_closed_connection_again() -> None:
    fake = Fake()
    closing = Fake(before=lambda _method, _path: (200, {"Connection": "close"}))
    with served(fake) as address:
        client = Client(address, "the-key", connections=2)
        client.each(lambda _i: client.get("/readyz"), 5)
        client.close()
    assert fake.keys == {"Bearer the-key"}
    with served(closing) as address:
        client = Client(address, connections=1)
        assert client.get("/a") == client.get("/b")
        client.close()


def test_a_server_that_is_gone_is_named() -> None:
    with served(Fake(before=lambda _method, _path: (200, {"Connection": "close"}))) as address:
        client = Client(address, connections=1)
        client.get("/readyz")
    with pytest.raises(StorageError, match=r"does not answer .*expected a running server\. Start it"):
        client.get("/readyz")
    client.close()


def test_what_is_no_address_or_no_decision_server_is_refused() -> None:
    for address in ("localhost:80", "ftp://x", "http://x/path"):
        with pytest.raises(InputError, match="expected an address such as"):
            Client(address)
    with served(Fake(at="")) as address, pytest.raises(InputError, match="does not say what time it is"):
        Client(address).now()
