"""Sessions, their tokens and the key that signs them."""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.console.config import ConsoleConfig
from matinee.console.look import read as read_look
from matinee.console.origin import is_ours, local
from matinee.console.secret import KEY_FILE, signing_key
from matinee.console.session import LONGEST_COOKIE, Sessions, for_member
from matinee.console.visit import set_cookie
from matinee.errors import ConfigError, StorageError
from matinee.observe.home import Home
from matinee.types import HOUR_US

KEY = bytes(range(32))


def test_a_session_survives_its_cookie_but_not_its_time() -> None:
    now = [1_000_000]
    sessions = Sessions(KEY, 2, now_us=lambda: now[0])
    one = for_member(sessions.new(key_id="abc"), "mémber.1/ü")
    cookie = sessions.cookie(one)
    assert sessions.read(cookie) == one
    now[0] += 2 * HOUR_US - 1
    assert sessions.read(cookie) == one
    now[0] += 1
    assert sessions.read(cookie) is None


def test_a_session_that_is_used_goes_on_but_not_for_ever() -> None:
    now = [1_000_000]
    sessions = Sessions(KEY, 2, 5, now_us=lambda: now[0])
    begun = one = for_member(sessions.new(key_id="abc"), "m1")
    assert sessions.prolonged(one, page=True) is None, "it has just begun"
    now[0] += HOUR_US // 2
    assert sessions.prolonged(one, page=False) is None, "what goes on in the background waits"
    used = 0
    while (found := sessions.read(sessions.cookie(one))) is not None:
        one = sessions.prolonged(found, page=True) or found
        used += 1
        now[0] += HOUR_US
    assert used > 4
    assert one == replace(begun, expires_us=begun.began_us + 5 * HOUR_US), "the same visit, its longest end"
    assert sessions.read(sessions.cookie(one)) is None


def test_what_goes_on_in_the_background_keeps_a_session_too() -> None:
    now = [0]
    sessions = Sessions(KEY, 2, 50, now_us=lambda: now[0])
    one = sessions.new()
    now[0] = HOUR_US
    longer = sessions.prolonged(one, page=False)
    assert longer == replace(one, expires_us=3 * HOUR_US)


def test_a_longest_time_that_was_made_shorter_counts_for_sessions_that_last() -> None:
    now = [0]
    cookie = Sessions(KEY, 20, 50, now_us=lambda: now[0]).cookie(
        Sessions(KEY, 20, 50, now_us=lambda: now[0]).new()
    )
    now[0] = 2 * HOUR_US
    assert Sessions(KEY, 20, 3, now_us=lambda: now[0]).read(cookie) is not None
    assert Sessions(KEY, 20, 2, now_us=lambda: now[0]).read(cookie) is None


def test_that_somebody_is_staff_does_not_stand_in_the_cookie() -> None:
    sessions = Sessions(KEY, 2)
    one = sessions.new(staff=True)
    found = sessions.read(sessions.cookie(one))
    assert found == replace(one, staff=False)


@given(st.integers(min_value=0, max_value=300), st.sampled_from("Aa0-_.=é "))
def test_no_letter_of_a_cookie_can_be_changed(place: int, letter: str) -> None:
    sessions = Sessions(KEY, 2)
    cookie = sessions.cookie(sessions.new(key_id="abc"))
    place %= len(cookie)
    changed = cookie[:place] + letter + cookie[place + 1 :]
    assert changed == cookie or sessions.read(changed) is None


@given(st.text(max_size=400))
def test_whatever_comes_as_a_cookie_is_read_or_refused(text: str) -> None:
    sessions = Sessions(KEY, 2)
    assert sessions.read(text) is None
    assert not sessions.is_token(sessions.new(), text)


def test_a_cookie_of_another_key_or_use_or_size_is_refused() -> None:
    sessions, others = Sessions(KEY, 2), Sessions(bytes(32), 2)
    one = sessions.new()
    assert others.read(sessions.cookie(one)) is None
    assert sessions.read(sessions.cookie(for_member(one, "m" * LONGEST_COOKIE))) is None
    assert sessions.read(None) is None


def test_tokens_differ_each_time_and_are_those_of_one_session() -> None:
    sessions = Sessions(KEY, 2)
    one, other = sessions.new(), sessions.new()
    tokens = {sessions.token(one) for _ in range(20)}
    assert len(tokens) == 20
    assert all(sessions.is_token(one, token) for token in tokens)
    assert not any(sessions.is_token(other, token) for token in tokens)
    assert sessions.is_token(for_member(one, "m1"), tokens.pop()), "the profile changes, the session stays"
    assert not sessions.is_token(one, sessions.token(one)[:-1])
    assert not sessions.is_token(one, "A" * 86), "a mask of zeros with a secret of zeros"


def test_the_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(signing_key(home))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert stat.S_IMODE((home.root / KEY_FILE).stat().st_mode) == 0o600
    assert not list(home.root.glob(f".{KEY_FILE}.*")), "nothing is left of those who came second"


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    (home.root / KEY_FILE).write_bytes(b"short")
    with pytest.raises(StorageError, match=r"console\.key: has 5 bytes, expected 32\. Delete it"):
        signing_key(home)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    home.root.chmod(0o500)
    try:
        with pytest.raises(StorageError, match=r"\[console\] enabled = false"):
            signing_key(home)
    finally:
        home.root.chmod(0o700)


@pytest.mark.parametrize("hours", [0, -1, float("nan"), 1e9])
def test_a_session_has_an_end(hours: float) -> None:
    with pytest.raises(ConfigError, match="session_h"):
        ConsoleConfig(session_h=hours)
    with pytest.raises(ConfigError, match="session_most_h"):
        ConsoleConfig(session_most_h=hours)


@given(st.text())
def test_an_address_to_go_on_to_is_ours(address: str) -> None:
    found = local(address)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isprintable()


def test_without_a_host_nothing_is_the_same_origin() -> None:
    assert not is_ours({"origin": ""})
    assert not is_ours({"origin": "null"})
    assert is_ours({})


@given(st.text(max_size=30))
def test_a_look_holds_only_what_can_stand_in_a_cookie(text: str) -> None:
    look = read_look(text)
    assert look.theme in ("auto", "light", "dark")
    assert set_cookie("a", look.cookie, 1, secure=False).count(";") == 4
