"""What members who searched for the same words went on to watch: for titles that the catalogue lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matinee.console.watch.words import same_words
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.reader import Moment, open_events
from matinee.types import DAY_US, HOUR_US

WINDOW_DAYS = 90
WITHIN_H = 24
"""A play counts for a search that came so long before it, at most."""
LEAST_WATCH_S = 120.0
FEWEST = 3
"""Members besides whoever asks, so that nobody is told apart."""
MOST_QUERIES, MOST_TITLES = 10_000, 20
MOST_SPELLINGS = 100_000
"""Different queries, as they were typed, that are looked at: those that were typed most often."""


@dataclass(frozen=True, slots=True)
class WatchedAfter:
    """A title that members watched after a search.

    Attributes
    ----------
    title_id : str
        As it was played: of a series an episode.
    n_members : int
    members : frozenset of str
        Who they are, where it are just enough: to leave out whoever asks. Empty otherwise.
    """

    title_id: str
    n_members: int
    members: frozenset[str] = frozenset()


class Searched:
    """Queries and what followed, as of a moment. Use `load`.

    Parameters
    ----------
    found : mapping of str to list of WatchedAfter
        By `words.same_words` of the query, the title with the most members first.
    """

    def __init__(self, found: Mapping[str, list[WatchedAfter]]) -> None:
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    @staticmethod
    def load(home: Home, at_us: int) -> Searched:
        """Read the searches of the last `WINDOW_DAYS`, and the plays that followed within `WITHIN_H`.

        Only what at least `FEWEST` members did is kept; of more than `MOST_SPELLINGS` texts those that were
        typed most often are looked at, and of more than `MOST_QUERIES` queries those with the
        most members, with `MOST_TITLES` titles each.

        Raises
        ------
        StorageError
            The lake or the log cannot be read.
        """
        since_us = at_us - WINDOW_DAYS * DAY_US
        with spilling() as con:
            con.execute("SET threads = 1")  # whoever asks for pages goes first
            open_events(con, home, "searches", "plays", moment=Moment(at_us, at_us))
            asked = [
                row[0]
                for row in con.execute(
                    f"SELECT query FROM searches WHERE at_us >= {since_us} AND query IS NOT NULL "
                    f"GROUP BY query ORDER BY count(*) DESC, query LIMIT {MOST_SPELLINGS}"
                ).fetchall()
            ]
            same = [same_words(query) for query in asked]
            con.execute(
                "CREATE TEMP TABLE asked AS SELECT unnest(?::VARCHAR[]) AS query, "
                "unnest(?::VARCHAR[]) AS same",
                [asked, same],
            )
            rows = con.execute(
                "SELECT same, p.title_id, count(DISTINCT p.member_id) AS n, "
                f"CASE WHEN n <= {FEWEST} THEN list(DISTINCT p.member_id) ELSE [] END "
                "FROM searches AS s JOIN asked USING (query) "
                "JOIN plays AS p ON p.member_id = s.member_id AND p.at_us >= s.at_us "
                f"AND p.at_us <= s.at_us + {WITHIN_H * HOUR_US} "
                f"WHERE s.at_us >= {since_us} AND p.at_us >= {since_us} AND same <> '' "
                f"AND coalesce(p.watch_s, {LEAST_WATCH_S}) >= {LEAST_WATCH_S} "
                f"GROUP BY same, p.title_id HAVING count(DISTINCT p.member_id) >= {FEWEST} "
                "ORDER BY n DESC, p.title_id"
            ).fetchall()
        found: dict[str, list[WatchedAfter]] = {}
        for same_query, title_id, n, members in rows:
            if same_query not in found and len(found) == MOST_QUERIES:
                continue
            kept = found.setdefault(same_query, [])
            if len(kept) < MOST_TITLES:
                kept.append(WatchedAfter(title_id, n, frozenset(members)))
        return Searched(found)

    def after(self, query: str, member_id: str) -> list[str]:
        """Titles that at least `FEWEST` other members watched after the same words, most members first."""
        return [
            one.title_id for one in self._found.get(same_words(query), ()) if member_id not in one.members
        ]
