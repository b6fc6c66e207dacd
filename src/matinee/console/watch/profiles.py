"""The profiles of a home to choose from: the accounts that were active last come first."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import duckdb

from matinee.console.watch.words import plain
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.manifest import DataFile, parquet, read_manifest
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.observe.lake.tables import filled
from matinee.observe.members import MATURITY_MAX, Member
from matinee.observe.state.store import OpenedStore
from matinee.serve.services import Services
from matinee.types import ALWAYS_US

PAGE = 24
MOST = 20_000
"""Profiles that are listed; of more, those who were active last. Any other is opened by its id."""
MOST_ROWS = 5_000_000
"""Rows of the lake, the latest of each table, in which it is looked up who was active."""
ACTIVE = ("plays", "signals")
AGAIN_S = 20.0
SHARE = 30.0
"""The list is read again after this many times as long as it took, if that is more than `AGAIN_S`."""
QUICK_S = 1.0
"""A list that took longer is read again in the background, while the one before is shown."""
BATCH = 1_000
SHORT = 4
"""Characters of an id that stands on its profile as it is."""
_DIGITS = re.compile(r"\d{1,3}$")


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

    @property
    def face(self) -> str:
        """What stands large on the profile: the id, or of a long one the part that tells it from others."""
        return face_of(self.member.member_id)


def face_of(member_id: str) -> str:
    """A few characters that tell an id from others: all of a short one, its last digits, its first letters.

    Examples
    --------
    >>> face_of("729"), face_of("member-000415"), face_of("guest-9af1c")
    ('729', '415', 'GU')
    """
    if len(member_id) <= SHORT:
        return member_id
    digits = _DIGITS.search(member_id)
    return digits[0] if digits else member_id[:2].upper()


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
    cut : bool
        The home has more than are listed.
    """

    households: list[Household]
    n: int
    page: int
    n_pages: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """The profiles of a moment, and by what words each is found."""

    profiles: list[Profile]
    texts: list[str]
    cut: bool


class Profiles:
    """The profiles of a server, for one process.

    The list is read when it is asked for and the one before is older than `again_s`; that of a large home
    less often, and in the background.

    Parameters
    ----------
    services : Services
    again_s : float
    """

    def __init__(self, services: Services, *, again_s: float = AGAIN_S) -> None:
        self.services, self.again_s = services, again_s
        self._listed: Listed | None = None
        self._read_s = self._took_s = 0.0
        self._reading: asyncio.Task[Listed] | None = None

    async def choice(self, who: str = "", page: int = 1) -> Choice:
        """One page of those whose id, account or territory has the text; whose id it is come first.

        Raises
        ------
        StorageError
            The lake, the log or the state cannot be read.
        """
        listed = await self._now()
        found = await asyncio.to_thread(self._found, listed, plain(who.strip()))
        n_pages = max(1, -(-len(found) // PAGE))
        page = min(max(page, 1), n_pages)
        shown = households(found[(page - 1) * PAGE : page * PAGE])
        return Choice(shown, len(found), page, n_pages, listed.cut)

    def _found(self, listed: Listed, wanted: str) -> list[Profile]:
        refuses = self.services.erased.refuses
        found = [
            one
            for one, text in zip(listed.profiles, listed.texts, strict=True)
            if wanted in text and not refuses(one.member.member_id)
        ]
        named = {_household(one) for one in found if wanted and plain(one.member.member_id) == wanted}
        return sorted(found, key=lambda one: _household(one) not in named) if named else found

    async def _now(self) -> Listed:
        listed = self._listed
        again_s = max(self.again_s, SHARE * self._took_s)
        if listed is not None and time.monotonic() - self._read_s < again_s:
            return listed
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(_heard)
        if listed is not None and self._took_s > QUICK_S:
            return listed
        return await asyncio.shield(self._reading)

    async def _read(self) -> Listed:
        began_s, services = time.monotonic(), self.services
        try:
            self._listed = await asyncio.to_thread(
                _list, services.home, services.store, services.clock.now_us
            )
        finally:
            self._read_s = time.monotonic()
            self._took_s, self._reading = self._read_s - began_s, None
        return self._listed


def read(home: Home, store: OpenedStore, at_us: int, *, most: int = MOST) -> list[Profile]:
    """Profiles that did something lately, were imported, or are in the state, in the order of `ordered`.

    Parameters
    ----------
    most : int
        So many at most, those who did something last before the others.

    Raises
    ------
    StorageError
        The lake, the log or the state cannot be read.

    Notes
    -----
    Cost: at most `MOST_ROWS` rows of each table of `ACTIVE`, two columns of them, the open log, and the table
    of members; by one thread. An event that stands in the log and the lake counts as well as one.
    """
    with spilling() as con:
        con.execute("SET threads = 1")
        open_facts(con, home, "members", at_us=at_us)
        _find_active(con, home, at_us, most)
        rows = con.execute(
            "SELECT coalesce(a.member_id, m.member_id) AS id, account_id, territory, "
            f"coalesce(maturity_max, {MATURITY_MAX}), coalesce(kids, false), coalesce(languages, []), "
            f"coalesce(last_us, {ALWAYS_US}) AS last FROM active AS a "
            "FULL JOIN members AS m ON m.member_id = a.member_id ORDER BY last DESC, id LIMIT ?",
            [most],
        ).fetchall()
    found = {
        member_id: Profile(Member(member_id, account, territory, maturity, kids, tuple(languages)), last_us)
        for member_id, account, territory, maturity, kids, languages, last_us in rows
    }
    for member_id in _stored(store, most) if len(found) < most else ():
        found.setdefault(member_id, Profile(Member(member_id)))
    return ordered(found.values())[:most]


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


def _list(home: Home, store: OpenedStore, at_us: int) -> Listed:
    found = read(home, store, at_us, most=MOST + 1)
    profiles = found[:MOST]
    return Listed(profiles, [_text(one.member) for one in profiles], len(found) > MOST)


def _find_active(con: duckdb.DuckDBPyConnection, home: Home, at_us: int, most: int) -> None:
    """Make the table `active` of those who did something last: member_id, last_us."""
    open_events(con, home, moment=Moment(at_us, at_us))  # the log alone, before the manifest
    manifest = read_manifest(home.lake)
    parts = []
    for table in ACTIVE:
        parts.append(f"SELECT member_id, at_us, seen_us FROM log_{table}")
        files = _latest(manifest.of(table))
        if files:
            lake = filled(table, parquet(home.lake, files))
            parts.append(f"SELECT member_id, at_us, seen_us FROM ({lake})")
    con.execute(
        "CREATE TEMP TABLE active AS SELECT member_id, max(at_us) AS last_us "
        f"FROM ({' UNION ALL '.join(parts)}) WHERE member_id IS NOT NULL AND at_us <= {at_us} "
        f"AND coalesce(seen_us, at_us) <= {at_us} GROUP BY member_id ORDER BY last_us DESC, member_id "
        f"LIMIT {most}"
    )


def _latest(files: Iterable[DataFile]) -> list[DataFile]:
    """Files with the latest events, up to `MOST_ROWS` rows; at least one."""
    found: list[DataFile] = []
    n_rows = 0
    for one in sorted(files, key=lambda file: -file.max_at_us):
        n_rows += one.rows
        if found and n_rows > MOST_ROWS:
            break
        found.append(one)
    return found


def _heard(reading: asyncio.Task[Listed]) -> None:
    """Whoever waited was told what went wrong."""
    if not reading.cancelled():
        reading.exception()
