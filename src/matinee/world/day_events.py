"""What members did on a day, as the events that a client sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from matinee.types import SECOND_US
from matinee.world.accounts import STATUSES
from matinee.world.catalogue_rows import title_name
from matinee.world.people import DEVICES, People
from matinee.world.plays import SIGNALS
from matinee.world.record import Record
from matinee.world.titles import TERRITORIES

Event = dict[str, Any]


def day_events(record: Record, people: People, day: int, decisions: Mapping[int, str]) -> list[Event]:
    """Every event of a day, in the order of time; the same whenever it is asked for.

    Parameters
    ----------
    record : Record
        Of that day alone.
    decisions : mapping of int to str
        Decision that made the page of each member. What began on a page names it.

    Returns
    -------
    list of dict
        As POST /v1/events takes them. Ids follow from the day and the place in the record, so what is sent
        again is known again.
    """
    events: list[Event] = []
    for table, fill in _FILL.items():
        columns = {name: column.tolist() for name, column in record.table(table).items() if column.ndim == 1}
        for i in range(len(columns["at_us"])):
            one = {name: values[i] for name, values in columns.items()}
            for n, (member, more) in enumerate(fill(one, people)):
                event_id = f"w{day:05d}-{table}-{i:06d}" + (f"-{n}" if n else "")
                events.append(_event(event_id, table, one, member, people) | more | _on_page(one, decisions))
    return sorted(events, key=lambda event: float(event["at"]))


def _event(event_id: str, table: str, one: Event, member: int, people: People) -> Event:
    event: Event = {
        "event_id": event_id,
        "type": _TYPE[table],
        "member_id": f"m{member:06d}",
        "at": one["at_us"] / SECOND_US,
        "territory": TERRITORIES[people.territory[member]],
    }
    if "device" in one:
        event["device"] = DEVICES[one["device"]]
    return event


def _on_page(one: Event, decisions: Mapping[int, str]) -> Event:
    """Where on which page it was; nothing where it did not begin on a page."""
    decision_id = decisions.get(one.get("member", -1))
    if one.get("row", 0) <= 0 or decision_id is None:
        return {}
    return {"decision_id": decision_id, "row": one["row"], "col": one["col"]}


Filled = Iterator[tuple[int, Event]]
"""Members whom a row is about, and what the event says beside who and when."""


def _play(one: Event, _people: People) -> Filled:
    title_id = f"t{one['title']:05d}" + (f"-e{one['episode']:02d}" if one["episode"] else "")
    watch_s = round(one["watch_s"], 1)
    yield one["member"], {"title_id": title_id, "watch_s": watch_s, "position_s": watch_s}


def _impression(one: Event, _people: People) -> Filled:
    yield one["member"], {"title_id": f"t{one['title']:05d}", "dwell_ms": one["dwell_ms"]}


def _signal(one: Event, _people: People) -> Filled:
    yield one["member"], {"title_id": f"t{one['title']:05d}", "signal": SIGNALS[one["signal"]]}


def _search(one: Event, _people: People) -> Filled:
    found = {"title_id": f"t{one['title']:05d}"} if one["found"] else {}
    yield one["member"], {"query": title_name(one["title"])} | found


def _membership(one: Event, people: People) -> Filled:
    for member in (people.account == one["account"]).nonzero()[0].tolist():
        yield member, {"status": STATUSES[one["status"]]}


_TYPE = {
    "membership": "membership",
    "impressions": "impression",
    "plays": "play",
    "signals": "signal",
    "searches": "search",
}
_FILL: dict[str, Callable[[Event, People], Filled]] = {
    "membership": _membership,
    "impressions": _impression,
    "plays": _play,
    "signals": _signal,
    "searches": _search,
}
