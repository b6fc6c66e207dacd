"""The profiles of a home to choose from: the accounts that were active last come first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from matinee.console.watch.words import plain
from matinee.learn.reading import load_members
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.observe.members import Member
from matinee.observe.state.store import OpenedStore
from matinee.serve.services import Services
from matinee.types import ALWAYS_US

PAGE = 24
MOST = 200_000
"""Profiles that are listed; of more, those who were active last. Any other is opened by its id."""
AGAIN_S = 20.0
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile.

    Attributes
    ----------
    member : Member
    last_us : int
        When they did something last; ALWAYS_US: never, or it is not known.
    """

    member: Member
    last_us: int = ALWAYS_US

    @property
    def is_active(self) -> bool:
        """Whether it is known when they did something last."""
        return self.last_us > ALWAYS_US


@dataclass(frozen=True, slots=True)
class Household:
    """Profiles of one account; one without an account stands alone."""

    account_id: str | None
    profiles: list[Profile]


@dataclass(frozen=True, slots=True)
class Choice:
    """One page of profiles.

    Attributes
    ----------
    households : list of Household
    n : int
        Profiles that were found in all.
    page, n_pages : int
        From 1.
    """

    households: list[Household]
    n: int
    page: int
    n_pages: int


class Profiles:
    """The profiles of a server; the list is read again when it is asked for and is older than `again_s`.

    Parameters
    ----------
    services : Services
    again_s : float
    """

    def __init__(self, services: Services, *, again_s: float = AGAIN_S) -> None:
        self.services, self.again_s = services, again_s
        self._profiles: list[Profile] = []
        self._read_s = -again_s
        self._reading = asyncio.Lock()

    async def choice(self, who: str = "", page: int = 1) -> Choice:
        """One page of those whose id, account or territory has the text.

        Raises
        ------
        StorageError
            The lake, the log or the state cannot be read.
        """
        refuses = self.services.erased.refuses
        wanted = plain(who.strip())
        found = [
            one
            for one in await self._all()
            if (not wanted or wanted in _text(one.member)) and not refuses(one.member.member_id)
        ]
        n_pages = max(1, -(-len(found) // PAGE))
        page = min(max(page, 1), n_pages)
        return Choice(households(found[(page - 1) * PAGE : page * PAGE]), len(found), page, n_pages)

    async def _all(self) -> list[Profile]:
        async with self._reading:
            if time.monotonic() - self._read_s >= self.again_s:
                services = self.services
                self._profiles = await asyncio.to_thread(
                    read, services.home, services.store, services.clock.now_us
                )
                self._read_s = time.monotonic()
            return self._profiles


def read(home: Home, store: OpenedStore, at_us: int) -> list[Profile]:
    """All profiles that were imported, or did something, or are in the state, in the order of `ordered`.

    Raises
    ------
    StorageError
        The lake, the log or the state cannot be read.
    """
    found = {one.member_id: Profile(one) for one in load_members(home, at_us).values()}
    with spilling() as con:
        open_events(con, home, "plays", "signals", moment=Moment(at_us, at_us))
        active = con.execute(
            "SELECT member_id, max(at_us) AS last_us FROM (SELECT member_id, at_us FROM plays UNION ALL "
            "SELECT member_id, at_us FROM signals) WHERE member_id IS NOT NULL "
            f"GROUP BY member_id ORDER BY last_us DESC LIMIT {MOST}"
        ).fetchall()
    for member_id, last_us in active:
        known = found.get(member_id) or Profile(Member(member_id))
        found[member_id] = replace(known, last_us=last_us)
    for member_id in _stored(store, MOST):
        found.setdefault(member_id, Profile(Member(member_id)))
    return ordered(found.values())[:MOST]


def ordered(profiles: Iterable[Profile]) -> list[Profile]:
    """Accounts with the latest activity first, and in them the profiles with the latest.

    Examples
    --------
    >>> some = [Profile(Member("a", "x"), 1), Profile(Member("b", "y"), 2), Profile(Member("c", "x"), 3)]
    >>> [one.member.member_id for one in ordered(some)]
    ['c', 'a', 'b']
    """
    every = list(profiles)
    latest: dict[str, int] = {}
    for one in every:
        key = _household(one)
        latest[key] = max(latest.get(key, ALWAYS_US), one.last_us)
    return sorted(
        every,
        key=lambda one: (-latest[_household(one)], _household(one), -one.last_us, one.member.member_id),
    )


def households(profiles: Iterable[Profile]) -> list[Household]:
    """Neighbours of one account together."""
    return [
        Household(group[0].member.account_id, group)
        for _, found in groupby(profiles, key=_household)
        for group in [list(found)]
    ]


def _household(profile: Profile) -> str:
    member = profile.member
    return f"a{member.account_id}" if member.account_id is not None else f"m{member.member_id}"


def _stored(store: OpenedStore, most: int) -> Iterator[str]:
    after, n = "", 0
    while n < most:
        found = store.member_ids(after, BATCH)
        if not found:
            return
        yield from found
        after, n = found[-1], n + len(found)


def _text(member: Member) -> str:
    return plain(" ".join(filter(None, (member.member_id, member.account_id, member.territory))))
