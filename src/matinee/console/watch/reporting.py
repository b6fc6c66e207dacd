"""What a member does on the pages, as events: on the same way as those of `POST /v1/events`.

The session says whose they are, the server where they are, and, where the client does not, when they happened
and on which device. An event counts once however often it is sent, and is on disk before the reply.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from matinee.console.watch.places import Place
from matinee.console.watch.viewing import Viewer
from matinee.errors import InputError
from matinee.observe.events.schema import SIGNALS
from matinee.serve.bodies import BodyError, TooLargeError, measure
from matinee.serve.receiving import Receiver
from matinee.serve.schemas import EventsReply, RejectedEvent
from matinee.serve.services import Services
from matinee.types import HOUR_US, format_exact

TYPES = ("impression", "play", "search", "signal")
"""Events that a page may report."""
JSON = "application/json"
OURS = ("member_id", "territory")
"""Fields that the session fills in, whatever the client sends."""
_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_ITEM = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TYPE = msgspec.json.Decoder(str)


class Reports:
    """Takes in what the pages report, for one process.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self.services, self.receiver = services, Receiver(services)

    async def batch(self, body: bytes, viewer: Viewer, device: str) -> EventsReply:
        """Take in a JSON list of events without `member_id`.

        Returns
        -------
        EventsReply
            As `POST /v1/events` answers. An event of another type is among the rejected ones.

        Raises
        ------
        BodyError
            The body as a whole cannot be read, is too large or too deep.
        StorageError
            They could not be written; none of them counts.
        """
        items = self._items(body)
        refused = {i: why for i, item in enumerate(items) if (why := _refusal(item)) is not None}
        kept = [i for i in range(len(items)) if i not in refused]
        filled = [self._filled(items[i], viewer, device) for i in kept]
        reply = EventsReply(0, 0, [])
        if filled:
            reply = await self.receiver.receive(b"[" + b",".join(filled) + b"]", JSON, "")
        rejected = [RejectedEvent(kept[one.index], one.error) for one in reply.rejected]
        rejected += [RejectedEvent(i, why) for i, why in refused.items()]
        return EventsReply(reply.accepted, reply.duplicate, sorted(rejected, key=lambda one: one.index))

    async def one(self, event: Mapping[str, Any], viewer: Viewer, device: str) -> EventsReply:
        """Take in one event that the server made of a form.

        Raises
        ------
        InputError
            It was refused; the text says why.
        StorageError
            It could not be written.
        """
        reply = await self.batch(msgspec.json.encode([event]), viewer, device)
        if reply.rejected:
            raise InputError(reply.rejected[0].error)
        return reply

    def _items(self, body: bytes) -> list[msgspec.Raw]:
        limits = self.receiver.limits
        if len(body) > limits.n_bytes:
            raise TooLargeError(f"body: has {len(body)} bytes, expected at most {limits.n_bytes}. Send less.")
        depth, _ = measure(body)
        if depth > limits.depth:
            raise BodyError(f"body: is nested {depth} deep, expected at most {limits.depth}.")
        try:
            items = _RAW.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise BodyError(
                "body: is no JSON list, expected a list of events. See watch/README.md."
            ) from None
        if len(items) > limits.events:
            raise TooLargeError(
                f"body: has {len(items)} events, expected at most {limits.events}. Send them in parts."
            )
        return items

    def _filled(self, item: msgspec.Raw, viewer: Viewer, device: str) -> bytes:
        """An event with what the session knows."""
        fields: dict[str, Any] = {k: v for k, v in _ITEM.decode(item).items() if k not in OURS}
        fields["member_id"] = viewer.member_id
        if viewer.seen.limits.territory:
            fields["territory"] = viewer.seen.limits.territory
        fields.setdefault("device", device)
        fields.setdefault("at", format_exact(self.services.clock.now_us))
        fields.setdefault("event_id", secrets.token_hex(16))
        return msgspec.json.encode(fields)


def play(title_id: str, watch_s: float, position_s: float, place: Place | None) -> dict[str, Any]:
    """A play."""
    return {"type": "play", "title_id": title_id, "watch_s": watch_s, "position_s": position_s} | _at(place)


def signal(title_id: str, said: str, place: Place | None) -> dict[str, Any]:
    """A thumb, or a change of the list.

    Raises
    ------
    InputError
        No such signal.
    """
    if said not in SIGNALS:
        raise InputError(f'act is "{said[:40]}", expected play or one of {", ".join(SIGNALS)}.')
    return {"type": "signal", "title_id": title_id, "signal": said} | _at(place)


def search(query: str, viewer: Viewer) -> dict[str, Any]:
    """A search; the same words within an hour are one."""
    said = "\x1f".join([viewer.member_id, query, str(viewer.at_us // HOUR_US)])
    event_id = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
    return {"type": "search", "query": query, "event_id": event_id}


def _at(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {}
    return {"decision_id": place.decision_id, "row": place.row, "col": place.col}


def _refusal(item: msgspec.Raw) -> str | None:
    """Why an item is no event of a page; None if it may be one."""
    try:
        said = _TYPE.decode(_ITEM.decode(item).get("type", msgspec.Raw(b'""')))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "event: is no JSON object with a type, expected one."
    if said not in TYPES:
        return f'event: type is "{said[:40]}", expected one of {", ".join(TYPES)}.'
    return None
