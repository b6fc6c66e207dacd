"""Who comes in, and what a visitor may change: over HTTP, as browsers and their attackers ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from tests.console.door import Door, opened

from matinee.console.config import ConsoleConfig
from matinee.console.session import COOKIE, Session, Sessions
from matinee.observe.clock import wall_us
from matinee.serve.limits import STRANGER_BURST
from matinee.types import HOUR_US

STAFF = "/console/style"


@pytest.fixture(scope="module")
def free_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(tmp_path_factory.mktemp("open")) as door:
        yield door


@pytest.fixture(scope="module")
def keyed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(tmp_path_factory.mktemp("keyed"), keys=True) as door:
        yield door


@pytest.fixture
def free(free_server: Door) -> Door:
    free_server.fresh()
    return free_server


@pytest.fixture
def keyed(keyed_server: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    keyed_server.fresh()
    monkeypatch.setattr(
        keyed_server.services.admission, "strangers", type(keyed_server.services.admission.strangers)()
    )
    return keyed_server


def sign_in(door: Door, key: str, after: str = STAFF) -> httpx.Response:
    token = door.token("/console/enter")
    return door.post("/console/enter", {"csrf": token, "key": key, "next": after})


def cookie_of(reply: httpx.Response) -> str:
    return next(line for line in reply.headers.get_list("set-cookie") if line.startswith(COOKIE))


def session_of(door: Door, reply: httpx.Response) -> Session:
    """The session that a reply has the browser keep."""
    found = door.sessions.read(cookie_of(reply).partition("=")[2].partition(";")[0])
    assert found is not None
    return found


def test_on_this_machine_a_server_without_keys_is_open(free: Door) -> None:
    assert free.get("/").headers["location"] == "/watch"
    assert free.get(STAFF).status_code == 200
    assert free.get("/console/enter").headers["location"] == "/watch"
    assert free.get("/console").headers["location"].startswith("/console/")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},  # a name of theirs that points at this machine
        {"host": "127.0.0.1.evil.example"},
        {"x-forwarded-for": "192.0.2.1"},
        {"forwarded": "for=192.0.2.1"},
        {"origin": "https://evil.example"},
    ],
)
def test_an_open_server_is_open_to_this_machine_only(free: Door, headers: dict[str, str]) -> None:
    reply = free.get(STAFF, **headers)
    assert reply.status_code == 303
    assert reply.headers["location"] == "/console/enter?next=%2Fconsole%2Fstyle"


def test_a_session_of_the_open_server_is_nothing_to_another_name(free: Door) -> None:
    free.get(STAFF)
    assert free.sessions.name in free.http.cookies
    assert free.get(STAFF, host="evil.example").status_code == 303


def test_whoever_shows_an_admin_key_is_let_in(keyed: Door) -> None:
    assert keyed.get(STAFF).headers["location"] == "/console/enter?next=%2Fconsole%2Fstyle"
    key = keyed.key("admin")
    reply = sign_in(keyed, key)
    assert (reply.status_code, reply.headers["location"]) == (303, STAFF)
    assert keyed.get(STAFF).status_code == 200
    secret = key.rpartition("_")[2]
    assert secret not in cookie_of(reply)
    assert secret not in keyed.get(STAFF).text


def test_cookies_are_not_for_scripts_nor_for_other_sites(keyed: Door) -> None:
    plain = cookie_of(keyed.get("/console/enter"))
    assert re.search(r"; Path=/; Max-Age=43\d{3}; HttpOnly; SameSite=Lax$", plain)
    assert "Secure" not in plain
    keyed.fresh()
    assert cookie_of(keyed.get("https://127.0.0.1/console/enter")).endswith("; Secure")
    look = keyed.get("/console/enter?lang=de").headers.get_list("set-cookie")
    assert all("HttpOnly; SameSite=Lax" in line for line in look)


def test_a_login_begins_another_session(keyed: Door) -> None:
    keyed.get("/console/enter")
    planted = keyed.http.cookies[keyed.sessions.name]
    sign_in(keyed, keyed.key("admin"))
    own = keyed.http.cookies[keyed.sessions.name]
    assert keyed.sessions.read(own).nonce != keyed.sessions.read(planted).nonce  # type: ignore[union-attr]
    keyed.http.cookies.set(keyed.sessions.name, planted)
    assert keyed.get(STAFF).status_code == 303


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("", 401, "no valid key"),
        ("mtn_0000000000_wrong", 401, "no valid key"),
        ("<script>alert(1)</script>", 401, "no valid key"),
        ("decide", 403, "has not the scope admin"),
    ],
)
def test_a_wrong_key_is_told_and_not_repeated(keyed: Door, key: str, status: int, words: str) -> None:
    reply = sign_in(keyed, keyed.key("decide") if key == "decide" else key)
    assert reply.status_code == status
    assert words in reply.text
    assert "www-authenticate" not in reply.headers
    assert "<script>alert" not in reply.text
    assert "mtn_0000000000" not in reply.text
    assert keyed.get(STAFF).status_code == 303


def test_guessing_is_slowed_down_and_a_valid_key_is_not(keyed: Door) -> None:
    key = keyed.key("admin")
    statuses = {sign_in(keyed, f"mtn_guess_{i}").status_code for i in range(STRANGER_BURST + 3)}
    assert statuses == {401, 429}
    late = sign_in(keyed, "mtn_guess_late")
    assert int(late.headers["retry-after"]) >= 1
    assert "too many wrong keys" in late.text.lower()
    assert sign_in(keyed, key).status_code == 303


def test_a_session_ends_with_its_key(keyed: Door) -> None:
    key = keyed.key("admin")
    sign_in(keyed, key)
    assert keyed.get(STAFF).status_code == 200
    key_id = key.split("_")[1]
    keyed.services.registry.api_keys.revoke(f"key{key_id}", revoked_us=wall_us())
    keyed.services.admission.keys.load()
    assert keyed.get(STAFF).status_code == 303


def test_a_session_ends_with_its_time(keyed: Door) -> None:
    key_id = keyed.key("admin").split("_")[1]
    now = keyed.sessions.new(key_id=key_id)
    keyed.wear(now)
    assert keyed.get(STAFF).status_code == 200
    keyed.wear(replace(now, expires_us=wall_us() - 1))
    assert keyed.get(STAFF).status_code == 303


def test_a_session_goes_on_while_it_is_used(keyed: Door) -> None:
    key_id = keyed.key("admin").split("_")[1]
    used = replace(keyed.sessions.new(key_id=key_id), expires_us=wall_us() + HOUR_US)
    keyed.wear(used)
    later = session_of(keyed, keyed.get(STAFF))
    assert later == replace(used, staff=False, expires_us=later.expires_us), "the same visit"
    assert later.expires_us > wall_us() + 11 * HOUR_US
    keyed.wear(later)
    assert "set-cookie" not in keyed.get(STAFF).headers, "not again at each request"
    in_use = replace(used, expires_us=wall_us() + 8 * HOUR_US)
    keyed.wear(in_use)
    background = {"sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}
    assert "set-cookie" not in keyed.get(STAFF, **background).headers
    assert "set-cookie" in keyed.get(STAFF, **background | {"sec-fetch-mode": "navigate"}).headers


def test_no_use_puts_off_the_longest_end(keyed: Door) -> None:
    key_id = keyed.key("admin").split("_")[1]
    now_us = wall_us()
    old = replace(
        keyed.sessions.new(key_id=key_id), began_us=now_us - 167 * HOUR_US, expires_us=now_us + HOUR_US // 2
    )
    keyed.wear(old)
    later = session_of(keyed, keyed.get(STAFF))
    assert later.expires_us == old.began_us + 168 * HOUR_US
    keyed.wear(replace(old, began_us=now_us - 169 * HOUR_US))
    assert keyed.get(STAFF).status_code == 303


def test_a_changed_or_foreign_cookie_is_no_session(keyed: Door) -> None:
    key_id = keyed.key("admin").split("_")[1]
    good = keyed.sessions.cookie(keyed.sessions.new(key_id=key_id))
    said, _, signature = good.partition(".")
    other = Sessions(bytes(32), 12).cookie(keyed.sessions.new(key_id=key_id))
    later = keyed.sessions.cookie(replace(keyed.sessions.new(), expires_us=wall_us() + HOUR_US))
    wrong = [
        "", ".", "x", said, f"{said}.", f".{signature}", f"{said}.{signature[:-2]}", good + "A",
        f"{later.partition('.')[0]}.{signature}", other, "A" * 5_000, "é.ü",
        f"{said}.{signature}.{signature}",
    ]  # fmt: skip
    for cookie in wrong:
        keyed.fresh()
        reply = keyed.http.get(
            STAFF, headers={"cookie": f"{keyed.sessions.name}={cookie}".encode()}, follow_redirects=False
        )
        assert reply.status_code == 303, cookie[:100]
    keyed.http.cookies.set(keyed.sessions.name, good)
    assert keyed.get(STAFF).status_code == 200


def test_two_homes_on_one_host_do_not_end_each_others_sessions() -> None:
    one, other = Sessions(bytes(32), 12), Sessions(bytes(range(32)), 12)
    assert one.name == Sessions(bytes(32), 1).name
    assert one.name != other.name


@pytest.mark.parametrize("path", ["/console/enter", "/console/look", "/watch/act"])
def test_a_huge_form_is_refused_before_it_is_read(keyed: Door, path: str) -> None:
    keyed.wear(keyed.sessions.new(key_id=keyed.key("admin").split("_")[1]))
    form = {"content-type": "application/x-www-form-urlencoded"}
    reply = keyed.http.post(path, content=b"a=1&" * 50_000, headers=form)
    assert reply.status_code == 413
    assert keyed.http.post(path, content=b"a=1&" * 10, headers=form).status_code == 403


def test_who_leaves_has_to_show_the_key_again(keyed: Door) -> None:
    sign_in(keyed, keyed.key("admin"))
    keyed.post("/console/leave", {"csrf": keyed.token(STAFF)})
    assert keyed.get(STAFF).status_code == 303


@pytest.mark.parametrize(
    "after",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "\\\\x",
        "",
    ],
)
def test_nobody_is_led_away_from_here(keyed: Door, after: str) -> None:
    assert sign_in(keyed, keyed.key("admin"), after).headers["location"] == "/watch"
    assert keyed.http.get(
        "/console/enter", params={"next": after}, follow_redirects=False
    ).headers["location"] == "/watch"  # fmt: skip


@pytest.mark.parametrize("token", [None, "", "x", "A" * 86, "é" * 86])
def test_a_change_without_the_token_of_the_session_is_refused(free: Door, token: str | None) -> None:
    free.get(STAFF)
    form = {"theme": "dark"} if token is None else {"theme": "dark", "csrf": token}
    reply = free.post("/console/look", form)
    assert reply.status_code == 403
    assert "matinee_look" not in reply.headers.get("set-cookie", "")


def test_the_token_of_another_session_is_refused(free: Door) -> None:
    foreign = free.token()
    free.fresh()
    free.get(STAFF)
    assert free.post("/console/look", {"theme": "dark", "csrf": foreign}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 303),
        ({"origin": "http://127.0.0.1"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1"}, 403),
        ({"origin": "http://localhost:9999"}, 403),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_a_change_must_come_from_our_own_page(free: Door, headers: dict[str, str], status: int) -> None:
    token = free.token()
    assert free.post("/console/look", {"theme": "dark", "csrf": token}, **headers).status_code == status


def test_the_token_may_come_in_a_header(free: Door) -> None:
    token = free.token()
    assert free.post("/console/look", {"theme": "dark"}, **{"x-csrf-token": token}).status_code == 303
    assert free.post("/console/look", {"theme": "dark"}, **{"x-csrf-token": token[:-1]}).status_code == 403


def test_look_is_kept_and_only_what_is_known(free: Door) -> None:
    token = free.token()
    free.post("/console/look", {"csrf": token, "theme": "dark", "language": "de", "next": STAFF})
    page = free.get(STAFF).text
    assert '<html lang="de" data-theme="dark"' in page
    assert free.get(f"{STAFF}?lang=en").text.startswith('<!doctype html>\n<html lang="en"')
    assert '<html lang="en" data-theme="dark"' in free.get(STAFF).text
    free.post("/console/look", {"csrf": token, "theme": '"><script>', "language": "xx"})
    page = free.get(STAFF, **{"accept-language": "fr, de;q=0.5"}).text
    assert '<html lang="de" data-theme="auto"' in page


def test_an_erased_member_is_nobody_in_a_session(free: Door) -> None:
    session = replace(free.sessions.new(), member_id="m2")
    free.wear(session)
    free.get(STAFF)
    seen = []
    free.services.erased.refuses = lambda one: seen.append(one) or one == "m2"  # type: ignore
    try:
        reply = free.get("/watch/title/t1", accept="application/json")
    finally:
        del free.services.erased.refuses
    assert seen[:1] == ["m2"]
    assert reply.status_code != 200


def test_off_means_the_api_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    with opened(tmp_path_factory.mktemp("off"), ConsoleConfig(enabled=False)) as door:
        assert door.get("/watch").status_code == 404
        assert door.get("/healthz").status_code == 200
        assert not (door.services.home.root / "console.key").exists()
