"""What members have begun, put on their lists and thumbed down, as it was known at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import ref

import duckdb
import numpy as np
from numpy.typing import NDArray

from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.observe.state.record import MemberRecord, Said
from matinee.types import DAY_US, Ids, Index, Scores

Number = TypeVar("Number", bound=np.generic)
BEGUN_SHARE = 0.05
"""Share of the runtime from which a play counts as watching; below it the title was only looked at."""
FINISHED_SHARE = 0.9
"""Share of the runtime from which a title is finished: what is left is mostly credits."""
BEGUN, FINISHED = np.float32(BEGUN_SHARE), np.float32(FINISHED_SHARE)
RESUMED_WITHIN_DAYS = 60
"""Days after its last play in which a title may still be taken up again."""


_TABLES: list[ref[TitleTable]] = []
"""Tables that are in use."""


@dataclass(frozen=True, slots=True)
class MemberMarks:
    """What one member has left open or said. Positions are those of the catalogue it was read for.

    No rule of the page is applied: a title may be unavailable here, or on the list though it was watched.

    Attributes
    ----------
    in_progress : ndarray of int32
        Titles begun and not finished, latest play first, each once. A series stands here with one episode:
        the one that was watched last if it is unfinished, otherwise the one after it.
    in_progress_share : ndarray of float32
        Share of the runtime already watched, 0 to 1; 0 for the next episode of a series.
    my_list : ndarray of int32
        Titles on the list, latest addition first; the series for an episode.
    disliked : ndarray of int32
        Titles thumbed down and not thumbed up since, latest first.

    Examples
    --------
    >>> MemberMarks().my_list.tolist()
    []
    """

    in_progress: Index = field(default_factory=lambda: np.zeros(0, np.int32))
    in_progress_share: Scores = field(default_factory=lambda: np.zeros(0, np.float32))
    my_list: Index = field(default_factory=lambda: np.zeros(0, np.int32))
    disliked: Index = field(default_factory=lambda: np.zeros(0, np.int32))


@dataclass(frozen=True, slots=True, weakref_slot=True)
class TitleTable:
    """What reading one member's record asks of the catalogue, as plain lists: no array per look-up.

    Catalogues that say the same have one table in a process: what one decider looked up for a member is in
    the processor's cache when the next one asks.

    Attributes
    ----------
    position : dict of str to int
        Title id -> position.
    unit : list of int
        Series of each title, or the title itself.
    runtime_s : list of float
        0 where unknown.
    following : list of int
        Episode after each one; -1 where there is none.
    """

    position: Mapping[str, int]
    unit: list[int]
    runtime_s: list[float]
    following: list[int]

    @staticmethod
    def of(catalogue: Catalogue) -> TitleTable:
        """Of all titles of a catalogue."""
        runtime_s = np.where(catalogue.runtime_s > 0, catalogue.runtime_s, 0.0)
        made = TitleTable(
            {str(title_id): i for i, title_id in enumerate(catalogue.title_ids)},
            catalogue.unit().tolist(),
            runtime_s.tolist(),
            next_episodes(catalogue).tolist(),
        )
        living = [one for one in _TABLES if one() is not None]
        same = next((table for one in living if (table := one()) == made), None)
        _TABLES[:] = living if same is not None else [*living, ref(made)]
        return made if same is None else same


def marks_of(record: MemberRecord, titles: TitleTable, at_us: int) -> MemberMarks:
    """What `read_marks` reads from the lake, from a member's record.

    Events that carry a time after `at_us` count too: they have happened, by a clock that is fast.
    """
    going, shares = _left_open(record, titles, at_us)
    thumbs = _last_words(record.thumbs, titles.position)
    listing = _last_words(record.listing, titles.position, titles.unit)
    return MemberMarks(
        np.array(going, np.int32),
        np.array(shares, np.float32),
        np.array([t for t, word in listing if word == "list_add"], np.int32),
        np.array([t for t, word in thumbs if word == "thumb_down"], np.int32),
    )


def _left_open(record: MemberRecord, titles: TitleTable, at_us: int) -> tuple[list[int], list[float]]:
    """Titles in progress and how far each came, latest play first."""
    since_us = at_us - RESUMED_WITHIN_DAYS * DAY_US
    position, unit, runtime_s = titles.position, titles.unit, titles.runtime_s
    going: list[int] = []
    shares: list[float] = []
    seen: set[int] = set()
    for play in reversed(record.plays):
        if play.at_us < since_us:
            break
        title = position.get(play.title_id, -1)
        if title < 0 or unit[title] in seen or not runtime_s[title]:
            continue
        watched_s = max(play.watch_s or 0.0, play.position_s or 0.0)
        share = np.float32(watched_s / runtime_s[title])
        if share < BEGUN:
            continue
        seen.add(unit[title])
        unfinished = share < FINISHED
        goes_on = title if unfinished else titles.following[title]
        if goes_on >= 0:
            going.append(goes_on)
            shares.append(float(share) if unfinished else 0.0)
    return going, shares


def _last_words(
    words: Mapping[str, Said], position: Mapping[str, int], unit: list[int] | None = None
) -> list[tuple[int, str]]:
    """Position and last word on each title (or series, with `unit`), latest first."""
    last: dict[int, Said] = {}
    for title_id, said in words.items():
        title = position.get(title_id, -1)
        if title < 0:
            continue
        about = title if unit is None else unit[title]
        before = last.get(about)
        if before is None or (said.at_us, said.seq) > (before.at_us, before.seq):
            last[about] = said
    in_order = sorted(last.items(), key=lambda pair: (-pair[1].at_us, -pair[1].seq))
    return [(about, said.signal) for about, said in in_order]


def read_marks(
    home: Home, catalogue: Catalogue, moment: Moment, *, member_ids: Iterable[str] | None = None
) -> dict[str, MemberMarks]:
    """Read the lake and the open log once for many members.

    Parameters
    ----------
    catalogue : Catalogue
        Gives positions, runtimes and the order of episodes. Events of other titles are left out.
    moment : Moment
        What had happened, and had arrived. `at_us` must be a real time, not the default of `Moment`.
    member_ids : iterable of str, optional
        Only these members; all by default.

    Returns
    -------
    dict of str to MemberMarks
        In the order of the ids. A member with no mark is not in it.

    Raises
    ------
    StorageError
        The lake or the log cannot be read, or there is no room for temporary files.

    Notes
    -----
    How far a play came is the larger of `position_s` and `watch_s`, by the runtime. The last play that
    reached `BEGUN_SHARE` decides; a play without either time, or of a title without a known runtime, says
    nothing. So a log of ratings leaves nothing in progress.

    One query per table. Plays older than `RESUMED_WITHIN_DAYS` are not sorted, so the cost follows the
    plays of those days and the signals of all time.
    """
    with spilling() as con:
        open_events(con, home, "plays", "signals", moment=moment)
        load_titles(con, catalogue)
        only = "true"
        if member_ids is not None:
            con.execute(
                "CREATE TEMP TABLE asked AS SELECT unnest(?::VARCHAR[]) AS member_id", [[*member_ids]]
            )
            only = "member_id IN (SELECT member_id FROM asked)"
        watching, title, share = _last_plays(con, only, moment.at_us)
        speaking, about, said = _last_signals(con, only)
    unfinished = share < FINISHED_SHARE
    goes_on = np.where(unfinished, title, next_episodes(catalogue)[title])
    left_open, listed, down = goes_on >= 0, said == "list_add", said == "thumb_down"
    in_progress = _by_member(watching[left_open], goes_on[left_open])
    shares = _by_member(watching[left_open], np.where(unfinished, share, np.float32(0))[left_open])
    my_list = _by_member(speaking[listed], about[listed])
    disliked = _by_member(speaking[down], about[down])
    none = MemberMarks()
    return {
        member: MemberMarks(
            in_progress.get(member, none.in_progress),
            shares.get(member, none.in_progress_share),
            my_list.get(member, none.my_list),
            disliked.get(member, none.disliked),
        )
        for member in sorted({*in_progress, *my_list, *disliked})
    }


def next_episodes(catalogue: Catalogue) -> Index:
    """Episode after each one by (season, episode), int32, shape (n_titles,); -1 where there is none.

    Only titles with a series and an episode number are in the order; copies of an episode (equal numbers)
    share their next one.

    Examples
    --------
    >>> rows = [{"title_id": f"e{n}", "series_id": "s", "season": 1, "episode": n} for n in (2, 1, 4)]
    >>> next_episodes(Catalogue.from_rows([*rows, {"title_id": "s"}])).tolist()
    [2, 0, -1, -1]
    """
    out = np.full(len(catalogue), -1, np.int32)
    episodes = np.flatnonzero((catalogue.series >= 0) & (catalogue.episode >= 0))
    if not len(episodes):
        return out
    number = np.stack([catalogue.series, catalogue.season, catalogue.episode])[:, episodes]
    order = np.lexsort(number[::-1])
    number, episodes = number[:, order], episodes[order]
    begins = np.concatenate([[True], (number[:, 1:] != number[:, :-1]).any(axis=0)])
    first = np.append(np.flatnonzero(begins), -1)  # place of the first copy of each episode
    following = first[np.cumsum(begins)]
    same_series = (following >= 0) & (number[0][following] == number[0])
    out[episodes[same_series]] = episodes[following[same_series]]
    return out


def load_titles(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Make the table `titles`: title_id, position t, unit, whether an episode follows, and runtime_s."""
    given = {
        "title_id": catalogue.title_ids,
        "t": np.arange(len(catalogue), dtype=np.int32),
        "unit": catalogue.unit(),
        "goes_on": next_episodes(catalogue) >= 0,
        "runtime_s": np.nan_to_num(catalogue.runtime_s),  # NaN would compare as the largest number
    }
    con.register("given", given)
    con.execute(
        "CREATE TEMP TABLE titles AS SELECT title_id::VARCHAR AS title_id, t, unit, goes_on, "
        "CASE WHEN runtime_s > 0 THEN runtime_s END AS runtime_s FROM given"
    )
    con.unregister("given")


def _last_plays(con: duckdb.DuckDBPyConnection, only: str, at_us: int) -> tuple[Ids, Index, Scores]:
    """Member, title and share of the last play of each film or series, latest first in each member."""
    found = con.execute(
        "SELECT member_id, t, share FROM (SELECT member_id, t, unit, at_us, seq, "
        "CAST(greatest(position_s, watch_s) / runtime_s AS FLOAT) AS share "
        f"FROM plays JOIN titles USING (title_id) WHERE at_us >= {at_us - RESUMED_WITHIN_DAYS * DAY_US} "
        f"AND {only}) WHERE share >= {BEGUN_SHARE} "
        "QUALIFY row_number() OVER (PARTITION BY member_id, unit ORDER BY at_us DESC, seq DESC) = 1 "
        "ORDER BY member_id, at_us DESC, seq DESC"
    ).fetchnumpy()
    member, title, share = (np.ma.getdata(found[name]) for name in ("member_id", "t", "share"))
    return member, title, share


def _last_signals(con: duckdb.DuckDBPyConnection, only: str) -> tuple[Ids, Index, Ids]:
    """Member, title and signal: the last word on each title's thumb and place on the list, latest first."""
    found = con.execute(
        "SELECT member_id, about AS t, signal FROM (SELECT member_id, at_us, seq, signal, "
        "signal LIKE 'list%' AS listing, CASE WHEN listing THEN unit ELSE t END AS about "
        f"FROM signals JOIN titles USING (title_id) WHERE {only}) QUALIFY row_number() OVER "
        "(PARTITION BY member_id, listing, about ORDER BY at_us DESC, seq DESC) = 1 "
        "ORDER BY member_id, at_us DESC, seq DESC"
    ).fetchnumpy()
    member, title, signal = (np.ma.getdata(found[name]) for name in ("member_id", "t", "signal"))
    return member, title, signal


def _by_member(members: Ids, values: NDArray[Number]) -> dict[str, NDArray[Number]]:
    """Values of each member; equal members stand together."""
    starts = np.flatnonzero(np.append(True, members[1:] != members[:-1])[: len(members)])
    parts = np.split(values, starts[1:])
    return {str(members[start]): part for start, part in zip(starts, parts, strict=False)}
