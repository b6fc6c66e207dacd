"""Random events of one or of several members, and what a record of them must be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from matinee.observe.state import record as r
from matinee.observe.state.fold import event_key

TYPES = ("play", "impression", "signal", "search", "membership")


@st.composite
def events(draw: st.DrawFn, member_id: str = "m1", most: int = 60) -> list[dict[str, Any]]:
    """Distinct events in the order in which they arrived; many have equal times."""
    out = []
    for n in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(TYPES))
        event: dict[str, Any] = {"type": kind, "event_id": f"{member_id}-{n}", "member_id": member_id}
        if kind in ("play", "impression", "signal") or (kind == "search" and draw(st.booleans())):
            event["title_id"] = f"t{draw(st.integers(0, 5))}"
        if kind == "play":
            event["watch_s"] = draw(st.sampled_from([None, 10.5, 3600.0]))
            event["rating"] = draw(st.sampled_from([None, 4.0]))
            event["rating_scale"] = None if event["rating"] is None else 5.0
        if kind == "signal":
            event["signal"] = draw(st.sampled_from(["thumb_up", "thumb_down", "list_add", "list_remove"]))
        if kind == "search":
            event["query"] = draw(st.sampled_from(["dune", "ü"]))
        if kind == "membership":
            event["status"] = draw(st.sampled_from(["started", "ended"]))
        event = {key: value for key, value in event.items() if value is not None}
        out.append(event | {"at_us": draw(st.integers(0, 12)), "seen_us": 100 + n, "seq": 100 + n})
    return out


def line(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode(event) + b"\n"


def lines(found: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(map(line, found))


def expected(found: Sequence[dict[str, Any]]) -> r.MemberRecord:
    """The record of distinct events, made in the plainest way. `acted` is left at 0."""

    def of(kind: str) -> list[dict[str, Any]]:
        return [event for event in found if event["type"] == kind]

    def latest(kind: str, most: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        by_time = sorted(of(kind), key=lambda e: (e["at_us"], event_key(e["event_id"])))
        cut = max(0, len(by_time) - most)
        kept = sorted(by_time[cut:], key=lambda e: (e["at_us"], e["seq"]))
        return kept, by_time[:cut]

    def last_words(prefix: str) -> dict[str, r.Said]:
        said = sorted(of("signal"), key=lambda e: (e["at_us"], e["seq"]))
        return {
            e["title_id"]: r.Said(e["at_us"], e["seq"], e["signal"])
            for e in said
            if e["signal"].startswith(prefix)
        }

    def head(event: dict[str, Any]) -> tuple[int, int, int]:
        return event["at_us"], event["seq"], event_key(event["event_id"])

    plays, gone = latest("play", r.PLAYS_KEPT)
    status = max(of("membership"), key=lambda e: (e["at_us"], e["seq"]), default=None)
    return r.MemberRecord(
        plays=[
            r.Played(
                *head(e),
                e["title_id"],
                e.get("watch_s"),
                None,
                e["rating"] / e["rating_scale"] if "rating" in e else None,
            )
            for e in plays
        ],
        older=sorted({e["title_id"] for e in gone}),
        thumbs=last_words("thumb_"),
        listing=last_words("list_"),
        impressions=[r.Shown(*head(e), e["title_id"]) for e in latest("impression", r.IMPRESSIONS_KEPT)[0]],
        searches=[
            r.Searched(*head(e), e["query"], e.get("title_id")) for e in latest("search", r.SEARCHES_KEPT)[0]
        ],
        status=None if status is None else r.Said(status["at_us"], status["seq"], status["status"]),
    )
