"""A member's homepage over HTTP: new, the same again while nothing happened, or the rows below."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from itertools import groupby

import msgspec

from matinee.errors import StorageError
from matinee.observe.decision_log import new_decision_id
from matinee.observe.decisions import DecisionRecord, RowNote, Slot
from matinee.platform.deciding import Request
from matinee.serve.asked import Asked, Cursor
from matinee.serve.attempt import NO_MODEL, in_short
from matinee.serve.deciding import decide_for
from matinee.serve.known import Known, look
from matinee.serve.problems import ProblemError
from matinee.serve.recording import Repeated
from matinee.serve.schemas import PageReply, RowReply, TileReply
from matinee.serve.services import Services
from matinee.serve.trials import Place
from matinee.types import SECOND_US, format_at

INITIATIVE = "homepage"
ROUTE = "homepage"
KIND, MADE = "shown", f"page:{INITIATIVE}"
WAIT_S, WAIT_TRIES = 0.02, 10
"""How long a request for further rows waits for another process to put the page where all can see it."""
KEEP_S = 6 * 3_600
"""Seconds for which a page that was given out can go on, after its session too."""


class Shown(msgspec.Struct, array_like=True):
    """What a member has in front of them.

    Attributes
    ----------
    question : str
        What was asked, and under which circumstances; another question gets another page. Empty where the
        fallback had to step in: the next request asks the model again.
    acted : int
        What the member had done by then (`MemberRecord.acted`).
    made_us, valid_until_us : int or None
    given : list of int
        Number of rows that had been given out after each request.
    stands : tuple of (str, str, bool) or None
        Experiment, arm and whether it is kept out: the rows below belong to what the page began with.
    """

    decision_id: str
    question: str
    acted: int
    made_us: int
    valid_until_us: int | None
    policy: str
    model: str
    fallback: bool
    rows: list[RowNote]
    slots: list[Slot]
    unmet: list[str]
    more: bool
    given: list[int]
    reason: str | None = None
    stands: tuple[str, str, bool] | None = None


class Pages:
    """Answers requests for homepages.

    Parameters
    ----------
    services : Services
        Of this process.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._decode = msgspec.msgpack.Decoder(Shown)
        self._encode = msgspec.msgpack.Encoder()
        self._computing_ms = 0.0

    async def page(
        self, member_id: str, asked: Asked, *, budget_ms: float | None = None, cursor: str | None = None
    ) -> PageReply:
        """The page of a member, or the rows after those that `cursor` names.

        Raises
        ------
        InputError
            The cursor is not one of ours.
        ProblemError
            410: the page of the cursor is gone, or was replaced by another one.
        """
        began = time.perf_counter()
        at_us = self.services.clock.now_us
        known, shown = await self._look(member_id)
        self.services.metrics.stages.labels(ROUTE, "state").observe(time.perf_counter() - began)
        if cursor is not None:
            return await self._further(member_id, asked, Cursor.parse(cursor), budget_ms, known, at_us, shown)
        place = self.services.place(INITIATIVE, member_id, known, asked.context())
        answering = self.services.answering(INITIATIVE, place)
        question = asked.digest(known.member, known.territory, answering)
        if (
            shown is not None
            and known.reached
            and self._still_good(shown, question, known.acted, at_us)
            and not self._forbidden(shown.slots, known, asked, at_us)
        ):
            return self._again(member_id, shown, asked, known, at_us, place)
        record, why = await self._decide(member_id, asked, budget_ms, known, at_us, place)
        shown = Shown(
            decision_id=record.decision_id,
            question=question if why in (None, NO_MODEL) else "",
            acted=known.acted,
            made_us=at_us,
            valid_until_us=record.valid_until_us,
            policy=record.policy,
            model=record.model,
            fallback=record.fallback,
            rows=record.rows,
            slots=record.slots,
            unmet=record.unmet,
            more=record.more,
            given=[len(record.rows)],
            reason=_text(record, "reason"),
            stands=_stands(place),
        )
        self._keep(member_id, shown)
        return self._reply(record, shown, record.rows, record.slots)

    async def _further(
        self,
        member_id: str,
        asked: Asked,
        cursor: Cursor,
        budget_ms: float | None,
        known: Known,
        at_us: int,
        shown: Shown | None,
    ) -> PageReply:
        """Rows below those that were given out; the same ones again if they were given out before.

        They are of the arm in which the page began, also if the unit has come to stand elsewhere since.
        """
        shown = await self._shown_at(member_id, cursor, shown)
        place = self._began(shown)
        after = [note for note in shown.rows if note.row <= cursor.rows]
        above = [slot for slot in shown.slots if (slot.row or 0) <= cursor.rows]
        later = [n for n in shown.given if n > cursor.rows]
        if later:
            rows = [note for note in shown.rows if cursor.rows < note.row <= later[0]]
            slots = [slot for slot in shown.slots if cursor.rows < (slot.row or 0) <= later[0]]
            if not self._forbidden(slots, known, asked, at_us):
                return self._repeat(
                    member_id, replace_given(shown, later[0]), rows, slots, asked, known, at_us, place
                )
        if not shown.more and not later:
            return self._repeat(member_id, shown, [], [], asked, known, at_us, place)
        record, _ = await self._decide(member_id, asked, budget_ms, known, at_us, place, above, after, cursor)
        shown = msgspec.structs.replace(
            shown,
            rows=[*after, *record.rows],
            slots=[*above, *record.slots],
            unmet=record.unmet,
            more=record.more,
            given=[*(n for n in shown.given if n <= cursor.rows), cursor.rows + len(record.rows)],
        )
        self._keep(member_id, shown)
        return self._reply(record, shown, record.rows, record.slots)

    async def _shown_at(self, member_id: str, cursor: Cursor, shown: Shown | None) -> Shown:
        for _ in range(WAIT_TRIES):
            if shown is not None and shown.decision_id == cursor.decision_id and cursor.rows in shown.given:
                return shown
            await asyncio.sleep(WAIT_S)
            _, shown = await self._look(member_id)
        raise ProblemError(
            410,
            f'cursor is "{cursor}", expected the next_cursor of the member\'s latest page. The page was '
            "replaced by a newer one: ask for it without a cursor.",
        )

    async def _decide(
        self,
        member_id: str,
        asked: Asked,
        budget_ms: float | None,
        known: Known,
        at_us: int,
        place: Place | None,
        above: list[Slot] | None = None,
        after: list[RowNote] | None = None,
        cursor: Cursor | None = None,
    ) -> tuple[DecisionRecord, str | None]:
        """Ask the initiative, look at its answer once more, log it; the reason if it is the fallback's."""
        services = self.services
        began = time.perf_counter()
        budget = min(budget_ms or services.config.budget_ms, services.config.budget_ms)
        context = asked.context()
        if cursor is not None:
            context["continues"] = cursor.decision_id
        request = Request(
            member_id,
            at_us,
            context=context,
            after=tuple(above or ()),
            after_rows=tuple(after or ()),
            made=None if above or _stands(place) else await self._made(member_id, budget),
        )
        record, why = await decide_for(
            services, INITIATIVE, request, known, new_decision_id(at_us), budget, place
        )
        if request.made is None and not record.fallback:
            self._computing_ms += 0.1 * (1e3 * (time.perf_counter() - began) - self._computing_ms)
        if not record.slots and not above:
            services.metrics.empty.labels(INITIATIVE).inc()
        took = time.perf_counter() - began
        services.metrics.stages.labels(ROUTE, "decide").observe(took)
        record = msgspec.structs.replace(record, latency_ms=round(1e3 * took, 3))
        services.recorder.log(record, member_id)
        return record, why

    async def _made(self, member_id: str, budget_ms: float) -> bytes | None:
        """The page that was made ahead, where the mode and the time ask for it.

        Not for members in an experiment: all its arms are computed when they are asked for, so that they
        differ in nothing but their versions.
        """
        mode = self.services.config.mode
        if mode == "request" or (mode == "hybrid" and 2 * self._computing_ms < budget_ms):
            return None
        try:
            return await self.services.off_loop(self.services.store.get, MADE, member_id)
        except StorageError:
            return None

    async def _look(self, member_id: str) -> tuple[Known, Shown | None]:
        """What is known about a member, and what they have in front of them."""
        return await self.services.off_loop(self._read, member_id)

    def _read(self, member_id: str) -> tuple[Known, Shown | None]:
        blob = self.services.kept(KIND, member_id)
        return look(self.services, member_id), None if blob is None else self._decode.decode(blob)

    def _still_good(self, shown: Shown, question: str, acted: int, at_us: int) -> bool:
        """Whether a page may be given out again: asked the same, nothing done, nothing begun or ended."""
        age_us = at_us - shown.made_us
        return (
            shown.question == question
            and shown.acted == acted
            and 0 <= age_us < self.services.config.session_s * SECOND_US
            and (shown.valid_until_us is None or at_us < shown.valid_until_us)
        )

    def _began(self, shown: Shown) -> Place | None:
        """Where the member stood when the page began, while the experiment runs."""
        if shown.stands is None:
            return None
        experiment, arm, kept_out = shown.stands
        return self.services.released[INITIATIVE].place_again(experiment, arm, kept_out=kept_out)

    def _again(
        self,
        member_id: str,
        shown: Shown,
        asked: Asked,
        known: Known,
        at_us: int,
        place: Place | None,
    ) -> PageReply:
        rows = [note for note in shown.rows if note.row <= shown.given[0]]
        slots = [slot for slot in shown.slots if (slot.row or 0) <= shown.given[0]]
        shown = replace_given(shown, shown.given[0])
        return self._repeat(member_id, shown, rows, slots, asked, known, at_us, place)

    def _repeat(
        self,
        member_id: str,
        shown: Shown,
        rows: list[RowNote],
        slots: list[Slot],
        asked: Asked,
        known: Known,
        at_us: int,
        place: Place | None,
    ) -> PageReply:
        """Give rows out again, without images that may not be shown any more, and log that."""
        first = Repeated(shown.decision_id, shown.policy, shown.model, shown.fallback, place=place)
        request = Request(member_id, at_us, context=asked.context())
        looked = self.services.artwork.last_look(self.services, slots, request, known)
        territory = known.limits(request.context).territory
        record = self.services.recorder.log_again(
            INITIATIVE, member_id, at_us, first, looked.slots if looked.replaced else (), territory,
            _further(rows),
        )  # fmt: skip
        return self._reply(record, shown, rows, looked.slots)

    def _keep(self, member_id: str, shown: Shown) -> None:
        self.services.keep(KIND, member_id, self._encode.encode(shown), KEEP_S)

    def _forbidden(self, slots: list[Slot], known: Known, asked: Asked, at_us: int) -> list[Slot]:
        return self.services.guard.forbidden(slots, known.limits(asked.context()), at_us)

    def _reply(
        self, record: DecisionRecord, shown: Shown, rows: list[RowNote], slots: list[Slot]
    ) -> PageReply:
        given = shown.given[-1]
        more = shown.more or any(note.row > given for note in shown.rows)
        erased = self.services.erased
        if len(erased) and erased.refuses(record.unit_id):
            more = False  # nothing is kept about them, so nothing can go on
        return PageReply(
            decision_id=record.decision_id,
            at=format_at(record.at_us),
            policy=record.policy,
            model=record.model,
            fallback=record.fallback,
            rows=page_rows(rows, slots, self.services.artwork.pictures.url_of),
            next_cursor=str(Cursor(shown.decision_id, given)) if more and slots else None,
            unmet=shown.unmet,
            reason=_text(record, "reason") or (None if shown.slots else shown.reason),
            fallback_reason=in_short(_text(record, "fallback_reason")),
            sticky_of=record.sticky_of,
        )


def _further(rows: list[RowNote]) -> tuple[int, int] | None:
    """First and last of the rows, if they are not those that a page begins with."""
    if rows and rows[0].row == 1:
        return None
    return (rows[0].row, rows[-1].row) if rows else (1, 0)


def page_rows(rows: list[RowNote], slots: list[Slot], url_of: Mapping[str, str]) -> list[RowReply]:
    """Rows with their tiles; slots stand row by row.

    Parameters
    ----------
    url_of : mapping of str to str
        Where the file of an image is.
    """
    notes = {note.row: note for note in rows}
    out = []
    for number, tiles in groupby(slots, key=lambda slot: slot.row or 0):
        note = notes[number]
        out.append(
            RowReply(
                number,
                note.kind,
                note.reason,
                [_tile(slot, url_of) for slot in tiles],
            )
        )
    return out


def _tile(slot: Slot, url_of: Mapping[str, str]) -> TileReply:
    image = slot.artwork_id
    if image is None:
        return TileReply(slot.col or 0, slot.action, slot.reason, None, slot.propensity)
    return TileReply(
        slot.col or 0,
        slot.action,
        slot.reason,
        image,
        slot.propensity,
        slot.artwork_propensity,
        url_of.get(image),
    )


def replace_given(shown: Shown, rows: int) -> Shown:
    """The same page, of which so many rows are being given out."""
    return msgspec.structs.replace(shown, given=[rows])


def _stands(place: Place | None) -> tuple[str, str, bool] | None:
    if place is None or place.experiment is None or place.arm is None:
        return None
    return place.experiment, place.arm, place.kept_out


def _text(record: DecisionRecord, key: str) -> str | None:
    value = record.context.get(key)
    return None if value is None else str(value)
