"""The server as its clients see it: one process on a small home, asked over HTTP."""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running import N_TITLES, NOW, Running, make_home, play, serving, titles_on

from matinee.observe.importers.run import run_import

NUMBER = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(make_home(tmp_path_factory.mktemp("serve") / "home")) as running:
        yield running


@pytest.fixture
def member() -> str:
    """A member whom no other test knows."""
    return f"new{next(NUMBER)}"


def fresh_id() -> str:
    return f"e{next(NUMBER)}"


def problem(reply: httpx.Response, status: int) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith("application/problem+json")
    body = reply.json()
    assert body["status"] == status
    assert body["detail"]
    return dict(body)


def test_a_play_changes_the_next_page_of_its_member(server: Running, member: str) -> None:
    before = server.page(member)
    title = titles_on(before)[0]
    assert server.send(play(fresh_id(), member, title)) == {"accepted": 1, "duplicate": 0, "rejected": []}
    after = server.page(member)
    assert after["decision_id"] != before["decision_id"]
    assert title not in titles_on(after, but=("watch_again", "continue_watching"))


def test_a_title_that_was_begun_can_be_continued(server: Running, member: str) -> None:
    server.send(play(fresh_id(), member, "t6", watch_s=1500, position_s=1500))
    page = server.page(member)
    assert [t["title_id"] for r in page["rows"] if r["kind"] == "continue_watching" for t in r["tiles"]] == [
        "t6"
    ]


def test_the_page_stays_while_nothing_happens(server: Running, member: str) -> None:
    first = server.page(member)
    again = server.page(member)
    assert again["rows"] == first["rows"]
    assert again["sticky_of"] == first["decision_id"]
    assert again["decision_id"] != first["decision_id"]
    assert server.page(member, rows=2)["sticky_of"] is None  # another question


def test_impressions_alone_change_nothing(server: Running, member: str) -> None:
    first = server.page(member)
    server.send(
        {
            "event_id": fresh_id(),
            "type": "impression",
            "member_id": member,
            "title_id": titles_on(first)[0],
            "at": NOW,
            "row": 1,
            "col": 1,
            "dwell_ms": 1200,
            "decision_id": first["decision_id"],
        }
    )
    assert server.page(member)["sticky_of"] == first["decision_id"]


def test_further_rows_go_on_where_the_page_ended(server: Running, member: str) -> None:
    first = server.page(member, rows=3, cols=4)
    assert [row["row"] for row in first["rows"]] == [1, 2, 3]
    further = server.page(member, rows=3, cols=4, cursor=first["next_cursor"])
    assert [row["row"] for row in further["rows"]] == list(range(4, 4 + len(further["rows"])))
    assert further["rows"]
    near = {t["title_id"] for row in first["rows"][1:] for t in row["tiles"]}
    assert not near & {t["title_id"] for t in further["rows"][0]["tiles"]}
    twice = server.page(member, rows=3, cols=4, cursor=first["next_cursor"])
    assert twice["rows"] == further["rows"]


def test_a_cursor_of_a_page_that_is_gone_is_told_so(server: Running, member: str) -> None:
    cursor = server.page(member, rows=2)["next_cursor"]
    server.send(play(fresh_id(), member, "t9"))
    server.page(member, rows=2)
    reply = server.http.get(f"/v1/members/{member}/homepage", params={"cursor": cursor})
    assert "replaced" in problem(reply, 410)["detail"]
    assert "next_cursor" in problem(server.http.get(f"/v1/members/{member}/homepage?cursor=x"), 400)["detail"]


def test_parameters_narrow_and_never_widen(server: Running) -> None:
    maturity = {f"t{i}": (0, 6, 12, 18)[i % 4] for i in range(N_TITLES)}
    for query in ({}, {"maturity": 18}, {"kids": False}, {"maturity": 18, "kids": False}):
        shown = titles_on(server.page("kid", rows=20, **query))
        assert shown
        assert max(maturity.get(t, 12) for t in shown) <= 6
    narrowed = titles_on(server.page("m1", rows=20, maturity=6))
    assert max(maturity.get(t, 12) for t in narrowed) <= 6
    assert "t1" not in titles_on(server.page("m1", rows=20))  # m1 is in AT, the title in DE
    moved = server.page("m1", rows=20, territory="DE")
    assert "t1" not in titles_on(moved)
    assert "t0" not in titles_on(server.page("m1", rows=20))  # over since the fifth
    assert "t1" in titles_on(server.page("nobody", rows=20, cols=60, territory="DE"))


def imported(server: Running, kind: str, text: str) -> None:
    """Import a table while the server runs, and wait until it has noticed."""
    file = server.home.root.parent / f"{kind}-{next(NUMBER)}.csv"
    file.write_text(text, encoding="utf-8")
    run_import(server.home, kind, file)
    time.sleep(4)


def test_a_play_that_does_not_say_where_leaves_the_member_where_they_were(
    server: Running, member: str
) -> None:
    def violations() -> float:
        text = server.http.get("/metrics").text
        return sum(
            float(line.split()[-1])
            for line in text.splitlines()
            if line.startswith("matinee_constraint_violations_total")
        )

    before = violations()
    server.send(play(fresh_id(), member, "t5", territory="DE"))
    assert "t1" in titles_on(server.page(member, rows=20, cols=60))  # only to be shown in DE
    server.send(play(fresh_id(), member, "t9"))
    assert "t1" in titles_on(server.page(member, rows=20, cols=60))
    assert violations() == before


def test_what_became_forbidden_is_not_served_again(server: Running) -> None:
    """A page or an answer that was kept is looked at again: windows end, members become children."""
    ask = {"unit_id": "m2", "sticky_s": 3600, "context": {"rows": 2, "cols": 4}}
    page, kept = server.page("m2"), server.http.post("/v1/decisions/homepage", json=ask).json()
    assert server.http.post("/v1/decisions/homepage", json=ask).json()["sticky_of"] == kept["decision_id"]
    gone = titles_on(page)[0]
    imported(server, "availability", f"title_id,territory,from,until\n{gone},DE,2020-01-01,2024-01-01\n")
    assert gone not in titles_on(server.page("m2"))
    again = server.http.post("/v1/decisions/homepage", json=ask).json()
    assert gone not in [slot["action"] for slot in again["slots"]]
    members = "member_id,account_id,territory,maturity_max,kids\nm2,a2,DE,0,true\n"
    imported(server, "members", members)
    maturity = {f"t{i}": (0, 6, 12, 18)[i % 4] for i in range(N_TITLES)}
    assert {maturity[title] for title in titles_on(server.page("m2"))} == {0}
    child = server.http.post("/v1/decisions/homepage", json=ask).json()
    assert {maturity[slot["action"]] for slot in child["slots"]} == {0}
    assert "matinee_constraint_violations_total{" not in server.http.get("/metrics").text


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"maturity": "PG-13"}, "an age, 0 to 18"),
        ({"maturity": True}, "an age, 0 to 18"),
        ({"kids": 1}, "true or false"),
        ({"territory": " "}, "text that is not empty"),
        ({"rows": "many"}, "a whole number, 1 to 100"),
        ({"cols": 0}, "a whole number, 1 to 100"),
    ],
)
def test_a_limit_or_a_size_of_a_wrong_kind_is_the_callers_mistake(
    server: Running, context: dict[str, Any], expected: str
) -> None:
    reply = server.http.post("/v1/decisions/homepage", json={"unit_id": "m1", "context": context})
    assert expected in problem(reply, 400)["detail"]


def test_a_context_cannot_say_how_a_decision_was_made(server: Running) -> None:
    for name in ("made", "shadow", "canary", "fallback_reason"):
        reply = server.http.post("/v1/decisions/homepage", json={"unit_id": "u", "context": {name: "x"}})
        assert name in problem(reply, 400)["detail"]
    many = {f"k{n}": n for n in range(200)}
    problem(server.http.post("/v1/decisions/homepage", json={"unit_id": "u", "context": many}), 400)


def test_each_event_is_judged_on_its_own(server: Running, member: str) -> None:
    good, twice = fresh_id(), fresh_id()
    body = [
        play(good, member, "t2"),
        play(twice, member, "t3"),
        play(twice, member, "t3"),
        play(fresh_id(), member, "t4", watch_s=-1),
        {"type": "dance", "event_id": "x", "member_id": member, "at": NOW},
        play(fresh_id(), member, "t5", at="2031-01-01T00:00:00Z"),
    ]
    reply = server.send(*body)
    assert (reply["accepted"], reply["duplicate"]) == (2, 1)
    assert [r["index"] for r in reply["rejected"]] == [3, 4, 5]
    assert "watch_s is -1" in reply["rejected"][0]["error"]
    assert server.send(body[0])["duplicate"] == 1


@pytest.mark.parametrize("form", ["ndjson", "gzip", "single"])
def test_bodies_of_other_forms(server: Running, member: str, form: str) -> None:
    events = [play(fresh_id(), member, f"t{i}") for i in range(3)]
    headers = {"content-type": "application/json"}
    if form == "ndjson":
        body = b"\n".join(json.dumps(e).encode() for e in events) + b"\n"
        headers["content-type"] = "application/x-ndjson"
    elif form == "gzip":
        body = gzip.compress(json.dumps(events).encode())
        headers["content-encoding"] = "gzip"
    else:
        events = events[:1]
        body = json.dumps(events[0]).encode()
    reply = server.http.post("/v1/events", content=body, headers=headers)
    assert reply.json()["accepted"] == len(events), reply.text


def test_a_decision_is_explained(server: Running, member: str) -> None:
    page = server.page(member, rows=3)
    told = server.http.get(f"/v1/decisions/{page['decision_id']}").json()
    assert told.get("unit_id") == member, told
    assert told["reproduced"] is True
    assert told["stages"][0]["candidates"] == N_TITLES + 3
    assert "not available here and now" in told["stages"][0]["removed"]
    assert len(told["stages"]) >= 1 + len(page["rows"])
    assert len(told["scores"]) == len(told["slots"])
    again = server.page(member, rows=3)
    assert server.http.get(f"/v1/decisions/{again['decision_id']}").status_code == 200
    problem(server.http.get("/v1/decisions/d0000000000000000000000000000"), 404)


def test_an_initiative_is_asked_by_its_name(server: Running, member: str) -> None:
    reply = server.http.post("/v1/decisions/retention", json={"unit_id": "a1", "context": {"device": "tv"}})
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert [slot["action"] for slot in body["slots"]] == ["none"]
    assert body["fallback"] is True  # nothing is in production here
    assert (
        "retention"
        in problem(server.http.post("/v1/decisions/retentoin", json={"unit_id": "a"}), 404)["detail"]
    )


def test_a_unit_may_get_the_same_answer_again(server: Running) -> None:
    ask = {"unit_id": "a2", "sticky_s": 600}
    first = server.http.post("/v1/decisions/retention", json=ask).json()
    again = server.http.post("/v1/decisions/retention", json=ask).json()
    assert again["sticky_of"] == first["decision_id"]
    assert again["slots"] == first["slots"]


def test_what_came_of_a_decision_is_taken_in_once(server: Running) -> None:
    made = server.http.post("/v1/decisions/retention", json={"unit_id": "a3"}).json()
    address = f"/v1/decisions/{made['decision_id']}/reward"
    assert server.http.post(address, json={"value": 900, "reward_id": "r1"}).json()["accepted"] is True
    assert server.http.post(address, json={"value": 900, "reward_id": "r1"}).json()["duplicate"] is True
    problem(server.http.post(address, json={"value": 1, "at": "1999-01-01"}), 400)
    problem(server.http.post("/v1/decisions/d0000000000000000000000000000/reward", json={"value": 1}), 404)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/members/m1/homepage?rows=0", 400),
        ("/v1/members/m1/homepage?rows=x", 400),
        ("/v1/members/m1/homepage?maturity=99", 400),
        ("/v1/nothing", 404),
        ("/v1/events", 405),
    ],
)
def test_bad_requests_are_told_what_was_expected(server: Running, path: str, status: int) -> None:
    problem(server.http.get(path), status)


def test_a_text_that_ends_inside_a_character_loses_no_other_event(server: Running, member: str) -> None:
    good = json.dumps(play(fresh_id(), member, "t3"))
    bad = json.dumps({"type": "search", "event_id": fresh_id(), "member_id": member, "at": NOW})
    body = f'[{good},{bad[:-1]},"query":"caf\\ud83d"}}]'.encode()
    reply = server.http.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 200, reply.text
    assert (reply.json()["accepted"], [one["index"] for one in reply.json()["rejected"]]) == (1, [1])


def test_head_is_answered_as_get_without_a_body(server: Running) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json"):
        reply = server.http.head(path)
        assert (reply.status_code, reply.content) == (200, b"")
    assert server.http.head("/v1/events").status_code == 405


@pytest.mark.parametrize("body", [b"", b"[1,2", b"\xff\xfe", b"nul", b'"text"'])
def test_bodies_that_are_not_events_are_refused(server: Running, body: bytes) -> None:
    reply = server.http.post("/v1/events", content=body, headers={"content-type": "application/json"})
    problem(reply, 400)


def test_the_routes_are_described(server: Running) -> None:
    found = server.http.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert set(found["paths"]) == {
        "/v1/events",
        "/v1/members/{member_id}/homepage",
        "/v1/members/{member_id}",
        "/v1/decisions/{initiative}",
        "/v1/decisions/{decision_id}",
        "/v1/decisions/{decision_id}/reward",
        "/artwork/{file}",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    body = found["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "application/x-ndjson"}


def test_the_server_tells_how_it_is(server: Running) -> None:
    assert server.http.get("/healthz").json() == {"status": "ok"}
    ready = server.http.get("/readyz").json()
    assert ready["status"] == "ready"
    assert set(ready["initiatives"]) >= {"homepage", "retention"}
    assert set(ready["initiatives"]["homepage"]) == {"version", "troubles"}
    assert (
        ready["details"]["initiatives"]["homepage"]["version"] == ready["initiatives"]["homepage"]["version"]
    )
    forwarded = {"X-Forwarded-For": "192.0.2.1"}
    assert "details" not in server.http.get("/readyz", headers=forwarded).json()
    text = server.http.get("/metrics").text
    assert 'matinee_events_total{outcome="accepted"}' in text
    assert "matinee_request_seconds_bucket" in text
    assert "matinee_fsync_seconds" in text
    violations = [
        line for line in text.splitlines() if line.startswith("matinee_constraint_violations_total")
    ]
    assert all(line.endswith(" 0.0") for line in violations)


def test_replies_have_strict_headers(server: Running) -> None:
    headers = server.http.get("/v1/members/m1/homepage").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "no-store" in headers["cache-control"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


@pytest.mark.parametrize("more", ["", "/ü%2F?"])
def test_a_member_can_be_forgotten(server: Running, member: str, more: str) -> None:
    member += more
    segment = quote(member, safe="")
    server.send(play(fresh_id(), member, "t6", watch_s=1500, position_s=1500))
    assert "continue_watching" in {row["kind"] for row in server.page(segment)["rows"]}
    receipt = server.http.delete(f"/v1/members/{segment}")
    assert receipt.status_code == 200, receipt.text
    assert receipt.json()["removed"]["state"]["values"] == 1
    assert member not in receipt.text
    late = server.send(play(fresh_id(), member, "t8"))
    assert late["accepted"] == 0
    assert "erased" in late["rejected"][0]["error"]
    assert "continue_watching" not in {row["kind"] for row in server.page(segment)["rows"]}


def test_a_page_of_somebody_who_was_erased_goes_nowhere(server: Running, member: str) -> None:
    assert server.page(member, rows=1)["next_cursor"]
    assert server.http.delete(f"/v1/members/{member}").status_code == 200
    page = server.page(member, rows=1)
    assert page["rows"]
    assert page["next_cursor"] is None


def test_no_page_is_larger_than_the_settings_say(server: Running, member: str) -> None:
    page = server.page(member, rows=100, cols=100)
    assert len(page["rows"]) <= 40
    assert max(len(row["tiles"]) for row in page["rows"]) <= 40
