from __future__ import annotations

from html import unescape
from uuid import uuid4

import msgspec
import pytest
from tests.console.watch.homes import a_home, server
from tests.console.watch.opened import Document, Site, hidden, site

from matinee.console.watch.part import profile_of
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import open_events
from matinee.types import parse_at

__all__ = ["server"]


def row(page: Document, kind: str) -> list[str]:
    """Titles of the row of a kind."""
    numbers = [a["data-row"] for a in page.all("section", data_kind=kind)]
    return [str(a["data-title"]) for a in page.all("li", class_="tile") if a.get("data-row") in numbers]


def logged(site: Site, table: str, member_id: str, columns: str) -> list[tuple[object, ...]]:
    """What the log has of a member, in the order of arrival."""
    with spilling() as con:
        open_events(con, site.services.home, table)
        found = con.execute(f"SELECT {columns} FROM {table} WHERE member_id = ? ORDER BY seq", [member_id])
        return found.fetchall()


def test_a_play_changes_the_next_page(server: Site) -> None:
    browser = server.browser("quiet")
    before = browser.get("/watch")
    tile = before.all("li", class_="tile")[0]
    link = str(before.all("a", class_="tile__link")[0]["href"])
    player = browser.get(str(browser.get(link).all("a", class_="details__play")[0]["href"]))
    assert "simulated" in player.text
    assert browser.last is not None
    html = browser.last.text
    given = {
        name: hidden(html, name) for name in ("title_id", "decision_id", "row", "col", "act", "event_id")
    }
    assert [a["value"] for a in player.all("button", name="watch_s")] == ["6000", "3000", "600"]
    reply = browser.post("/watch/act", **given, watch_s="600", next="/watch")
    assert reply.headers["location"] == "/watch"
    browser.post("/watch/act", **given, watch_s="600", next="/watch")  # sent twice, counts once
    after = browser.get("/watch")
    assert row(after, "continue_watching") == [tile["data-title"]]
    assert after.all("progress", class_="tile__progress")[0]["value"] == "10"
    assert "Resume at 10 min" in browser.get(f"/watch/title/{tile['data-title']}").text
    assert "goes on at 10 min" in browser.get(f"/watch/play/{tile['data-title']}").text
    plays = logged(
        server, "plays", "quiet", "title_id, watch_s, position_s, decision_id, row, col, territory"
    )
    place = (tile["data-decision"], 1, 1)
    assert plays == [(tile["data-title"], 600.0, 600.0, *place, "AT")]


def test_what_is_done_at_once_happens_after_its_decision(server: Site) -> None:
    """An event that seems to come before its decision, if by half a second, is not joined with it."""
    browser = server.browser("quick")
    page = browser.get("/watch")
    (whole,) = page.all("div", id="rows")
    tile = page.all("li", class_="tile")[0]
    place = {"decision_id": tile["data-decision"], "row": 1, "col": 1}
    browser.act("play", str(tile["data-title"]), watch_s="600", **place)
    ((played_us,),) = logged(server, "plays", "quick", "at_us")
    with spilling() as con:
        open_events(con, server.services.home, "decisions")
        ((made_us,),) = con.execute(
            "SELECT at_us FROM decisions WHERE coalesce(decision_id, event_id) = ?", [tile["data-decision"]]
        ).fetchall()
    assert made_us <= parse_at(str(whole["data-now"])) <= played_us


def test_watching_goes_on_where_it_was_left(server: Site) -> None:
    browser = server.browser("resumer")
    for watched, at in (("600", 600.0), ("3000", 3600.0), ("2400", 6000.0)):
        browser.act("play", "t4", watch_s=watched)
        assert logged(server, "plays", "resumer", "position_s")[-1] == (at,)
    assert "It lasts 1 h 40 min" in browser.get("/watch/play/t4").text
    assert row(browser.get("/watch"), "continue_watching") == []


def test_a_thumb_down_takes_the_title_away(server: Site) -> None:
    browser = server.browser("picky")
    title_id = browser.get("/watch").titles[0]
    page = browser.get(f"/watch/title/{title_id}")
    (down,) = page.all("button", value="thumb_down")
    assert (down["aria-pressed"], down["data-off"]) == ("false", "thumb_clear")
    browser.act("thumb_down", title_id)
    assert title_id not in browser.get("/watch").titles
    (pressed,) = browser.get(f"/watch/title/{title_id}").all("button", data_off="thumb_down")
    assert (pressed["aria-pressed"], pressed["value"]) == ("true", "thumb_clear")
    browser.act("thumb_clear", title_id)
    assert title_id in browser.get("/watch").titles
    assert not browser.get(f"/watch/title/{title_id}").all("button", aria_pressed="true")


def test_the_list_is_a_row(server: Site) -> None:
    browser = server.browser("lister")
    browser.act("list_add", "t8")
    page = browser.get("/watch")
    assert row(page, "my_list") == ["t8"]
    assert "On my list" in page.text
    browser.act("list_remove", "t8")
    assert row(browser.get("/watch"), "my_list") == []


def test_a_series_plays_the_next_episode(server: Site) -> None:
    browser = server.browser("binger")
    page = browser.get("/watch/title/s")
    assert [t for t in page.texts if t.startswith("S1 E")] == ["S1 E1", "S1 E1", "S1 E2", "S1 E3"]
    assert browser.get("/watch/play/s").all("section", class_="player")[0]["data-title"] == "s1e1"
    browser.act("play", "s", watch_s="3000")
    assert logged(server, "plays", "binger", "title_id") == [("s1e1",)]
    page = browser.get("/watch/title/s")
    assert [t for t in page.texts if t.startswith("S1 E")] == ["S1 E2", "S1 E2", "S1 E3", "S1 E1"]
    after = browser.get("/watch")
    assert row(after, "continue_watching") == ["s1e2"]
    assert "Harbour Lights" in after.text
    player = browser.get("/watch/play/s1e2")
    assert "/watch/play/s1e3" in str(player.all("section", class_="player")[0]["data-next"])
    browser.act("play", "s1e3", watch_s="3000")
    assert browser.get("/watch/play/s").all("section", class_="player")[0]["data-title"] == "s1e1"


def test_forms_answer_modules_too(server: Site) -> None:
    browser = server.browser("module")
    headers = {"Accept": "application/json", "X-CSRF-Token": browser.csrf}
    data = {"act": "list_add", "title_id": "t12", "csrf": browser.csrf}
    reply = browser.http.post("/watch/act", data=data, headers=headers)
    assert reply.json() == {
        "accepted": 1, "duplicate": 0, "rejected": [], "act": "list_add", "title_id": "t12",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"act": "dance", "title_id": "t4"}, "act is"),
        ({"act": "play", "title_id": "t4"}, "watch_s is missing"),
        ({"act": "play", "title_id": "t4", "watch_s": "nan"}, "watch_s is"),
        ({"act": "play", "title_id": "t4", "watch_s": "-1"}, "watch_s is"),
        ({"act": "play", "title_id": "t4", "watch_s": "1e9"}, "watch_s is"),
        ({"act": "play", "title_id": "t4", "watch_s": "60", "position_s": "x"}, "position_s is"),
    ],
)
def test_a_form_that_is_wrong_is_told(server: Site, fields: dict[str, str], said: str) -> None:
    browser = server.browser("m1")
    assert said in browser.post("/watch/act", status=400, **fields).text


@pytest.mark.parametrize("where", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_a_form_never_leads_elsewhere(server: Site, where: str) -> None:
    browser = server.browser("led")
    assert browser.act("list_add", "t4", next=where).headers["location"] == "/watch"


def test_changes_need_the_token_and_our_own_page(server: Site) -> None:
    browser = server.browser("careful")
    other = server.browser("other").csrf
    for path in ("/watch/act", "/watch/profile", "/watch/leave", "/watch/events"):
        data = {"csrf": browser.csrf, "act": "list_add", "title_id": "t4", "member_id": "m1"}
        for token in ("", "wrong", other):
            assert browser.http.post(path, data={**data, "csrf": token}).status_code == 403
        for origin in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            reply = browser.http.post(path, data=data, headers=origin)
            assert reply.status_code == 403 or reply.headers["location"].startswith("/console/enter")
    assert "careful" in browser.get("/watch").text
    assert logged(server, "signals", "careful", "signal") == []


def test_reported_events_are_the_sessions(server: Site) -> None:
    browser = server.browser("m4")
    one = {"event_id": str(uuid4()), "type": "impression", "title_id": "t4", "decision_id": "d", "row": 1,
           "col": 2, "dwell_ms": 900}  # fmt: skip
    forged = {**one, "event_id": str(uuid4()), "member_id": "m1", "territory": "DE"}
    assert browser.send(one, forged) == {"accepted": 2, "duplicate": 0, "rejected": []}
    assert browser.send(one)["duplicate"] == 1
    found = logged(server, "impressions", "m4", "title_id, decision_id, row, col, dwell_ms, device")
    assert found == [("t4", "d", 1, 2, 900.0, "laptop")] * 2
    assert logged(server, "impressions", "m1", "title_id") == []


def test_reported_events_are_limited(server: Site) -> None:
    browser = server.browser("m4")
    bad = [{"type": "membership", "status": "ended"}, {"type": "decision"}, {"title_id": "t4"}, {}]
    good = {"type": "signal", "title_id": "t4", "signal": "thumb_up"}
    reply = browser.send(*bad, good, {**good, "signal": "shout"})
    assert reply["accepted"] == 1
    assert [one["index"] for one in reply["rejected"]] == [0, 1, 2, 3, 5]
    assert "expected one of impression" in reply["rejected"][0]["error"]
    told = {"X-CSRF-Token": browser.csrf, "Content-Type": "application/json"}
    for body, status in (
        (b"{}", 400), (b"[", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b"[1, null]", 200),
        (msgspec.json.encode([good] * 1_001), 413), (b"[" + b" " * 5_000_000 + b"]", 413),
    ):  # fmt: skip
        assert browser.http.post("/watch/events", content=body, headers=told).status_code == status, body[:9]


def test_events_of_another_profiles_page_are_refused(server: Site) -> None:
    browser = server.browser("m4")
    event = {"type": "signal", "title_id": "t4", "signal": "thumb_up"}
    browser.send(event, status=409, **{"X-Profile": profile_of("m5")})
    assert browser.send(event, **{"X-Profile": profile_of("m4")})["accepted"] == 1
    assert browser.get("/watch").all("meta", content=profile_of("m4"))


def test_two_sessions_do_not_meet(server: Site) -> None:
    one, other = server.browser("left"), server.browser("right")
    one.act("list_add", "t4")
    assert row(one.get("/watch"), "my_list") == ["t4"]
    assert row(other.get("/watch"), "my_list") == []
    again = server.browser("left")
    assert row(again.get("/watch"), "my_list") == ["t4"]
    one.post("/watch/leave")
    assert one.get("/watch").all("body", data_page="profiles")
    assert again.get("/watch").all("body", data_page="watch")


def test_without_a_profile_nothing_can_be_done(server: Site) -> None:
    browser = server.browser()
    browser.get("/watch")
    browser.send({"type": "signal", "title_id": "t4", "signal": "thumb_up"}, status=409)
    assert browser.get("/watch/title/t4").all("body", data_page="profiles")


def test_an_erased_member_has_no_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    with site(a_home(tmp_path_factory)) as found:
        browser = found.browser("m7")
        browser.act("list_add", "t4")
        assert browser.http.delete("/v1/members/m7").status_code == 200
        assert browser.get("/watch").all("body", data_page="profiles")
        browser.send({"type": "signal", "title_id": "t4", "signal": "thumb_up"}, status=409)
        reply = browser.post("/watch/profile", member_id="m7")
        assert reply.headers["location"] == "/watch?gone=1"
        page = browser.get("/watch?gone=1")
        assert "was erased" in page.text
        assert "m7" not in [a["value"] for a in page.all("button", class_="profile")]
        assert logged(found, "signals", "m7", "signal") == []


@pytest.mark.parametrize("member_id", ["a/b", "%2F", "..", "a?b#c", " a", "äöü/ß"])
def test_any_id_that_can_be_printed_is_a_profile(server: Site, member_id: str) -> None:
    page = server.browser().choose(member_id)
    assert page.all("body", data_page="watch")
    assert member_id in unescape(server.browsers[-1].get("/watch").text)


@pytest.mark.parametrize("member_id", ["", " ", "x" * 257, "a\nb", "a\0b"])
def test_a_profile_has_a_plain_name(server: Site, member_id: str) -> None:
    browser = server.browser()
    browser.get("/watch")
    browser.post("/watch/profile", status=400, member_id=member_id)
