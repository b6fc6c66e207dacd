"""What waits for the disk in one process: bounded by events and bytes, and told apart by who waits for it."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Lock

from matinee.errors import MatineeError
from matinee.observe.events.schema import Event

EVENT_BYTES = 256
"""Size of an event whose request's size is not given."""
LONGEST_RETRY_S = 60
FIRST_RATE = 5_000.0
"""Events per second that are assumed until some were written."""


class FullError(MatineeError):
    """More events wait for the disk than may: the client sends them again later.

    Attributes
    ----------
    status : int
        429.
    headers : dict
        Retry-After, in whole seconds.
    """

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, waiting: int, retry_s: int) -> None:
        super().__init__(
            f"events: {waiting} wait for the disk, expected fewer. Send them again in {retry_s} s, with the "
            "same event_id."
        )
        self.retry_s = retry_s
        self.headers = {"Retry-After": str(retry_s)}


@dataclass(slots=True)
class Offer:
    """What one request brings, and who waits for what becomes of it.

    Attributes
    ----------
    events : sequence of (Event, at_us)
    n_bytes : int
    future : Future
        Is given what is new of the events.
    loop : AbstractEventLoop, optional
        That of the future, if it is one of a coroutine.
    records : sequence of bytes
        Lines of the service about itself that somebody waits for.
    """

    events: Sequence[tuple[Event, int]]
    n_bytes: int
    future: Future[list[bool]] | asyncio.Future[list[bool]]
    loop: asyncio.AbstractEventLoop | None = None
    records: Sequence[bytes] = ()

    @property
    def lines(self) -> int:
        """How many lines of the log it makes."""
        return len(self.events) + len(self.records)


@dataclass(frozen=True, slots=True)
class Mark:
    """How much was handed over up to a moment: offers, and items that nobody waits for."""

    offers: int
    aside: int


@dataclass(frozen=True, slots=True)
class Value:
    """A value for the state store that nobody waits for."""

    kind: str
    key: str
    value: bytes
    expires_us: int | None


@dataclass(slots=True)
class Group:
    """What is written together; `first` is the number of its oldest record or value."""

    offers: list[Offer] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    first: int | None = None

    def __bool__(self) -> bool:
        return bool(self.offers or self.records or self.values)


class Backlog:
    """Offers, records and values that wait for the writer; any thread adds, one takes.

    Parameters
    ----------
    most_events, most_bytes : int
        Bounds of the offers that wait; beyond them `offer` refuses. One that is larger than the bound alone
        is taken when nothing else waits.
    most_aside_bytes : int
        Bound of records and values together; beyond it the oldest are dropped and counted.
    group_events : int
        Events from which a group is full.

    Notes
    -----
    Everything is numbered as it is handed over, so that it can be told when all that was there at some
    moment is settled, however much came since.
    """

    def __init__(
        self, *, most_events: int, most_bytes: int, most_aside_bytes: int, group_events: int
    ) -> None:
        self.most_events, self.most_bytes = most_events, most_bytes
        self.most_aside_bytes = most_aside_bytes
        self.group_events = group_events
        self.events = self.bytes = self.aside_bytes = 0
        self.dropped = self.refused = 0
        self._offers: deque[Offer] = deque()
        self._aside: deque[tuple[int, bytes | Value]] = deque()
        self._offers_in = self._offers_out = self._aside_in = 0
        self._in_hand: int | None = None
        self._lock = Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._sleeping = self._lingering = self._closed = False
        self._rate = FIRST_RATE

    def offer(self, offer: Offer, *, wake: bool = True) -> bool:
        """Add the events of a request; False when it is closed.

        Raises
        ------
        FullError
            There is no room.
        """
        with self._lock:
            if self._closed:
                return False
            if self.events and (
                self.events + offer.lines > self.most_events or self.bytes + offer.n_bytes > self.most_bytes
            ):
                self.refused += offer.lines
                raise FullError(self.events, self._retry_s())
            self.events += offer.lines
            self.bytes += offer.n_bytes
            self._offers.append(offer)
            self._offers_in += 1
        if wake:
            self.wake()
        return True

    def aside(self, items: Sequence[bytes | Value]) -> None:
        """Add what nobody waits for; never blocks. After the end it is only counted as dropped."""
        with self._lock:
            if self._closed:
                self.dropped += len(items)
                return
            self._aside.extend(enumerate(items, self._aside_in))
            self._aside_in += len(items)
            self.aside_bytes += sum(map(_size, items))
            self._bound_aside()
        if not self._lingering:
            self.wake()

    def put_back(self, group: Group) -> None:
        """Records and values of a group that could not be written wait again, before the others."""
        with self._lock:
            items: list[bytes | Value] = [*group.records, *group.values]
            first = self._aside_in if group.first is None else group.first
            self._aside.extendleft((first, item) for item in reversed(items))
            self.aside_bytes += sum(map(_size, items))
            self._bound_aside()

    def take(self, timeout_s: float, *, aside: bool = True, into: Group | None = None) -> Group:
        """Wait for something and take what is there; nothing after `timeout_s` or a `nudge`.

        Parameters
        ----------
        aside : bool
            Whether records and values are taken too.
        into : Group, optional
            What was taken before, to which this is added.
        """
        group = into or Group()
        self._sleeping = True  # before looking, so that nothing is added unseen
        if not self.waits(aside=aside):
            with suppress(Empty):
                self._wake.get(timeout=timeout_s)
        self._sleeping = False
        n_events = 0
        with self._lock:
            while self._offers and n_events < self.group_events:
                offer = self._offers.popleft()
                n_events += offer.lines
                group.offers.append(offer)
            if aside and self._aside:
                if group.first is None:
                    self._in_hand = group.first = self._aside[0][0]
                for _, item in self._aside:
                    if isinstance(item, bytes):
                        group.records.append(item)
                    else:
                        group.values.append(item)
                self._aside.clear()
                self.aside_bytes = 0
        return group

    def linger(self, timeout_s: float) -> None:
        """Wait for more of what nobody waits for; an offer or a `nudge` ends it."""
        self._lingering = self._sleeping = True  # before looking, so that no offer is added unseen
        if not self._offers:
            with suppress(Empty):
                self._wake.get(timeout=timeout_s)
        self._sleeping = self._lingering = False

    def waits(self, *, aside: bool = True) -> bool:
        """Whether there is something to take."""
        return bool(self._offers or (aside and self._aside))

    def mark(self) -> Mark:
        """All that was handed over until now."""
        with self._lock:
            return Mark(self._offers_in, self._aside_in)

    def settled(self, mark: Mark) -> bool:
        """Whether all up to a mark was written, failed or was dropped."""
        with self._lock:
            if self._in_hand is not None:
                oldest = self._in_hand
            else:
                oldest = self._aside[0][0] if self._aside else self._aside_in
            return self._offers_out >= mark.offers and oldest >= mark.aside

    def close_if_empty(self) -> bool:
        """Take nothing more, if nothing waits."""
        with self._lock:
            self._closed = not self._offers and not self._aside
            return self._closed

    def give_up(self) -> list[Offer]:
        """Take nothing more; returns the offers that wait, and counts what nobody waits for as dropped."""
        with self._lock:
            self._closed = True
            left = list(self._offers)
            self._offers.clear()
            self._offers_out = self._offers_in
            self.events = self.bytes = self.aside_bytes = 0
            self.dropped += len(self._aside)
            self._aside.clear()
            self._in_hand = None
            return left

    def done(self, group: Group, took_s: float) -> None:
        """Count a group out, of which nothing is under way any more; it took this long."""
        n_events = sum(offer.lines for offer in group.offers)
        with self._lock:
            self._offers_out += len(group.offers)
            self._in_hand = None
            self.events -= n_events
            self.bytes -= sum(offer.n_bytes for offer in group.offers)
            if n_events and took_s > 0:
                weight = min(0.5, n_events / self.group_events)
                self._rate += weight * (n_events / took_s - self._rate)

    def nudge(self) -> None:
        """Wake the writer although nothing waits."""
        self._wake.put(None)

    def wake(self) -> None:
        """Wake the writer, if it sleeps, since something waits."""
        if self._sleeping:
            self._sleeping = False
            self._wake.put(None)

    def _bound_aside(self) -> None:
        while self.aside_bytes > self.most_aside_bytes and self._aside:
            self.aside_bytes -= _size(self._aside.popleft()[1])
            self.dropped += 1

    def _retry_s(self) -> int:
        """Seconds until what waits should be written."""
        return max(1, min(LONGEST_RETRY_S, math.ceil(self.events / max(self._rate, 1.0))))


def settle(group: Sequence[tuple[Offer, list[bool]]], error: BaseException | None = None) -> None:
    """Tell those who wait; each event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Offer, list[bool]]]] = {}
    for offer, result in group:
        if offer.loop is not None:
            by_loop.setdefault(offer.loop, []).append((offer, result))
        elif not offer.future.done() and offer.future.set_running_or_notify_cancel():  # type: ignore[union-attr]
            _resolve(offer, result, error)
    for loop, offers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve_all, offers, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _resolve_all(offers: Sequence[tuple[Offer, list[bool]]], error: BaseException | None) -> None:
    for offer, result in offers:
        if not offer.future.done():  # whoever waited may have gone
            _resolve(offer, result, error)


def _resolve(offer: Offer, result: list[bool], error: BaseException | None) -> None:
    if error is None:
        offer.future.set_result(result)
    else:
        offer.future.set_exception(error)


def _size(item: bytes | Value) -> int:
    return len(item) if isinstance(item, bytes) else len(item.value) + len(item.key)
