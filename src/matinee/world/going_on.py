"""Let the world of a home go on against a running server: its members ask for their pages and send events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from matinee.errors import InputError, StorageError
from matinee.observe.home import Home
from matinee.observe.locks import Leader
from matinee.types import HOUR_US, format_at, parse_at
from matinee.world.client import Client, batches, first_line
from matinee.world.day_events import Event, day_events
from matinee.world.kept import PAGES, folder_of, keep_world, kept_world, read_columns, write_columns
from matinee.world.pages import Slates, Visits
from matinee.world.record import Column, Record
from matinee.world.run import Run
from matinee.world.served_pages import ServedPages, Shown

MORNING_US = 5 * HOUR_US
"""When all pages of a day are asked for: an hour before the first visit, when yesterday is over for all."""
FIRST_VISIT_US = 6 * HOUR_US
LOOK_S, FOLLOW_S = 0.1, 30.0
"""How often the server is asked what time it is, and for how long, after its clock was moved."""
AGREE = 6
"""So many answers in a row must say that it is another day, since every process follows on its own."""


class _Rejected(msgspec.Struct):
    index: int
    error: str


class _Taken(msgspec.Struct):
    accepted: int
    duplicate: int
    rejected: list[_Rejected]


@dataclass(slots=True)
class WentOn:
    """What happened in some days.

    Attributes
    ----------
    days : int
        That are over.
    until_us : int
        Their end.
    visits, pages : int
        Members who came on a day, and those of them who looked at their page.
    fallbacks, empty, unreadable : int
        Pages that no model made; pages without a tile; tiles that their members could not use.
    plays, quality_plays : int
    events, duplicates : int
        That the server took, and that it had before.
    seconds : float
    """

    days: int = 0
    until_us: int = 0
    visits: int = 0
    pages: int = 0
    fallbacks: int = 0
    empty: int = 0
    unreadable: int = 0
    plays: int = 0
    quality_plays: int = 0
    events: int = 0
    duplicates: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Going:
    """One day after the other.

    Parameters
    ----------
    home : Home
        With a world (`keep_world`), on this machine.
    client : Client
        Of the home's server.
    move_clock : callable
        Moves the clock of the home's servers forward to a moment, in microseconds.
    batch : int
        Events in one request.
    progress : callable, optional
        Called with what is being done and the share that is done.

    Notes
    -----
    A day in which something fails is lived again by the next call, from its beginning: with the pages that
    the server gave, if it gave them all, and with events of the same ids, so that nothing counts twice.
    """

    home: Home
    client: Client
    move_clock: Callable[[int], None]
    batch: int = 500
    progress: Callable[[str, float], None] = lambda _what, _share: None
    done: WentOn = field(default_factory=WentOn)

    def go(self, days: int) -> WentOn:
        """Live some days.

        Raises
        ------
        InputError
            There are no such days, the server refuses something, or its clock is ahead of the world.
        NotFoundError
            The home has no world.
        StorageError
            The server does not answer, or the disk is full. Days that are over stay so.
        """
        began = time.perf_counter()
        lock = Leader(folder_of(self.home) / "lock") if folder_of(self.home).is_dir() else None
        try:
            if lock is not None and not lock.lead():
                raise StorageError(
                    f"{folder_of(self.home)}: another process lets this world go on, expected none. Wait "
                    "until it is done."
                )
            run = kept_world(self.home)
            self._check_days(run, days)
            for n in range(days):
                self._day(run, n / days, 1 / days)
                self.done.days += 1
                self.done.until_us = run.world.day_us(run.day)
            if parse_at(self.client.now()) < self.done.until_us:
                self._move(self.done.until_us)
        finally:
            self.done.seconds = time.perf_counter() - began
            if lock is not None:
                lock.close()
        return self.done

    def _check_days(self, run: Run, days: int) -> None:
        left = run.world.config.horizon_days - run.day
        if not 1 <= days <= left:
            raise InputError(
                f"{self.home.root}: go on for {days} days, expected 1 to {left}: this world has "
                f"{run.world.config.horizon_days} days, {run.day} of them over. More are reserved when it is "
                "made: matinee simulate --future DAYS."
            )

    def _day(self, run: Run, share: float, step: float) -> None:
        world, day = run.world, run.day
        path = folder_of(self.home) / PAGES
        self.progress(f"day {day + 1}", share)
        pages = KeptPages(
            path,
            ServedPages(
                self.client,
                world.titles,
                not_before_us=world.day_us(day),
                progress=lambda part: self.progress(f"day {day + 1}: pages", share + 0.5 * step * part),
            ),
        )
        if pages.kept_day != day:
            self._begin_day(world.day_us(day))
        before = run.totals
        run.record = Record()
        run.step(pages=pages)
        shown = pages.shown
        decisions = (
            {} if shown is None else dict(zip(shown.member.tolist(), shown.decision_id.tolist(), strict=True))
        )
        events = day_events(run.record, world.people, day, decisions)
        self._send(
            events, lambda part: self.progress(f"day {day + 1}: events", share + step * (0.5 + 0.5 * part))
        )
        keep_world(self.home, run)
        path.unlink(missing_ok=True)
        since = run.totals.since(before)
        done = self.done
        done.visits += int(since.visits.sum())
        done.plays += int(since.plays.sum())
        done.quality_plays += int(since.quality_plays.sum())
        if shown is not None:
            done.pages += len(shown.member)
            done.fallbacks += shown.fallbacks
            done.empty += shown.empty
            done.unreadable += shown.unreadable

    def _begin_day(self, midnight_us: int) -> None:
        """Bring the server to the morning, if it is not there."""
        now_us = parse_at(self.client.now())
        if now_us >= midnight_us + FIRST_VISIT_US:
            raise InputError(
                f"--server {self.client.address}: its clock says {format_at(now_us)}, expected one before "
                f"{format_at(midnight_us + FIRST_VISIT_US)}, when the first members of the next day come: it "
                "ran on while nobody was there. Stop the server, delete "
                f"{self.home.work / 'serve' / 'clock.json'}, start it and go on."
            )
        if now_us < midnight_us + MORNING_US:
            self._move(midnight_us + MORNING_US)

    def _move(self, to_us: int) -> None:
        """Move the clock, and wait until all processes of the server have noticed."""
        self.move_clock(to_us)
        until, agree = time.monotonic() + FOLLOW_S, 0
        while agree < AGREE:
            if parse_at(self.client.now()) >= to_us:
                agree += 1
                continue
            agree = 0
            if time.monotonic() > until:
                raise InputError(
                    f"--server {self.client.address}: its clock does not follow that of {self.home.root} "
                    f"(now {self.client.now()}, expected {format_at(to_us)}). Is it the server of this home?"
                )
            self.client.wait(LOOK_S)

    def _send(self, events: list[Event], progress: Callable[[float], None]) -> None:
        """Send events in their order."""
        parts = batches(events, self.batch)
        for n, part in enumerate(parts):
            said = msgspec.json.decode(self.client.post("/v1/events", part), type=_Taken)
            self.done.events += said.accepted
            self.done.duplicates += said.duplicate
            if said.rejected:
                first = said.rejected[0]
                raise InputError(
                    f"--server {self.client.address}: {len(said.rejected)} of {len(part)} events were "
                    f"rejected, expected none. The first one: {first_line(first.error)}"
                )
            progress((n + 1) / len(parts))


@dataclass(slots=True)
class KeptPages:
    """A `PagePolicy` that keeps what another one answered, and answers the same when the day is lived again.

    Attributes
    ----------
    shown : Shown or None
        The pages of the last call.
    """

    path: Path
    ask: ServedPages
    shown: Shown | None = field(default=None, init=False)

    def __call__(self, visits: Visits) -> Slates:
        """The kept pages if they are those of these visits, else new ones."""
        self.shown = self._kept(visits)
        if self.shown is None:
            self.ask(visits)
            self.shown = self.ask.shown
            assert self.shown is not None
            self._keep(self.shown, visits.day)
        return self.shown.slates

    @property
    def kept_day(self) -> int | None:
        """Day whose pages are kept."""
        found = self._read()
        return None if found is None else int(found["day"])

    def _read(self) -> dict[str, Column] | None:
        """What is kept; what cannot be read is asked for again."""
        try:
            return read_columns(self.path)
        except (OSError, ValueError):
            return None

    def _kept(self, visits: Visits) -> Shown | None:
        found = self._read()
        if found is None or int(found["day"]) != visits.day:
            return None
        if not np.array_equal(found["member"], visits.member):
            return None
        slates = Slates(found["title"], found["propensity"], found["artwork"], resumes=found["resumes"])
        return Shown(visits.member, slates, found["decision_id"], *found["counts"].tolist())

    def _keep(self, shown: Shown, day: int) -> None:
        slates = shown.slates
        assert slates.artwork is not None
        assert slates.propensity is not None
        assert slates.resumes is not None
        write_columns(
            self.path,
            {
                "day": np.asarray(day),
                "member": shown.member,
                "title": slates.title,
                "propensity": slates.propensity,
                "artwork": slates.artwork,
                "resumes": slates.resumes,
                "decision_id": shown.decision_id,
                "counts": np.array([shown.fallbacks, shown.empty, shown.unreadable]),
            },
        )
