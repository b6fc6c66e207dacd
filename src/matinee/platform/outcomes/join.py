"""Join decisions with what came of them: the table `outcomes`, one row for each slot."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from matinee.observe.erasure.erased import Erased
from matinee.observe.erasure.refusing import drop_refused
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.manifest import DataFile, parquet
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.observe.lake.tables import SMALL_ROWS_DEFAULT, filled
from matinee.observe.lake.writer import LakeWriter, writing
from matinee.platform.initiative import Initiative, Reward
from matinee.platform.outcomes import queries
from matinee.types import DAY_US

TABLE = "outcomes"
READS = ("decisions", "plays", "impressions", "rewards")
PART = 5_000
"""Decisions that are joined and written at a time: a kill loses no more, and memory stays bounded."""
MEMORY = "600MB"
"""Of a join; what needs more spills to the disk. It runs in the process of a server."""
SLACK_US = 7 * DAY_US
"""A join that goes on from an earlier one looks at what is this much older too: it may have arrived since."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What a join did.

    Attributes
    ----------
    decisions, slots : int
        Added to `outcomes`.
    rewarded : int
        Of these slots, those for which a reward came.
    late : int
        Reports and events that came after the outcome was final, or told of what came after the window. They
        are in the lake and change no outcome.
    unknown : int
        Reports and events that name a decision which was never logged.
    """

    decisions: int = 0
    slots: int = 0
    rewarded: int = 0
    late: int = 0
    unknown: int = 0


def join(home: Home, initiative: Initiative, *, now_us: int, since_us: int | None = None) -> Joined:
    """Write the outcomes of all decisions whose outcome is final and not written yet.

    An outcome is final `Reward.final_us` after its decision, and follows from what had arrived by then: it is
    the same whether it is joined today or next year, at once or in portions.

    Parameters
    ----------
    now_us : int
        By the home's clock.
    since_us : int, optional
        Moment of a join that is known to be complete: only what became final since is looked at (with a week
        of slack), and `late` and `unknown` count what arrived since. None: everything, as after a restart or
        an import of old decisions.

    Returns
    -------
    Joined

    Raises
    ------
    StorageError
        The lake cannot be read or written. What was joined before stays.

    Notes
    -----
    - An event goes to the decision that it names. A page that was served again (`sticky_of`) shares the
      outcome of the first: events that name it go there, and its own rows are marked and have no value. An
      event without a decision goes to the unit's latest decision that held the title.
    - A decision made in the shadow of another has no outcome: nobody saw it.
    - `value` of a slot is the reported reward of that name, if there is one; else 1 or 0 where the reward
      follows from events; else NULL: no reward is known, which is not 0.
    """
    reward = initiative.reward
    with spilling() as con:
        con.execute(f"SET threads = 1; SET memory_limit = '{MEMORY}'")
        open_events(con, home, *READS, TABLE, moment=Moment(now_us, now_us))
        open_facts(con, home, "titles", at_us=now_us)
        n_due = _due(con, initiative.name, reward, now_us, since_us)
        decisions = slots = rewarded = 0
        for first in range(0, n_due, PART):
            added = _part(con, home, initiative.name, reward, first)
            decisions, slots, rewarded = decisions + added[0], slots + added[1], rewarded + added[2]
        fresh = "true"
        if since_us is not None:
            oldest = _oldest(reward, since_us)
            fresh = f"e.seen_us > {int(since_us)} AND e.at_us > {oldest}"
        (late,) = con.execute(queries.late(initiative.name, reward, fresh)).fetchall()[0]
        (unknown,) = con.execute(queries.unknown(initiative.name, reward, fresh)).fetchall()[0]
    return Joined(decisions, slots, rewarded, late, unknown)


def waiting(home: Home, initiative: Initiative, *, now_us: int) -> int:
    """How many decisions `join` would join; nothing is written.

    Raises
    ------
    StorageError
        The lake or the log cannot be read.
    """
    with spilling() as con:
        open_events(con, home, "decisions", TABLE, moment=Moment(now_us, now_us))
        return _due(con, initiative.name, initiative.reward, now_us, None)


def _due(con: duckdb.DuckDBPyConnection, name: str, reward: Reward, now_us: int, since_us: int | None) -> int:
    """Table `due`: decisions that are final and not joined, numbered in the order of time."""
    times = f"at_us <= {int(now_us) - reward.final_us}"
    if since_us is not None:
        times += f" AND at_us > {_oldest(reward, since_us)}"
    con.execute(
        "CREATE TEMP TABLE due AS SELECT d.decision_id, d.at_us, "
        "row_number() OVER (ORDER BY d.at_us, d.decision_id) - 1 AS n "
        f"FROM (SELECT * FROM {queries.of_initiative(name, reward)} WHERE {times} "
        "AND (slots IS NOT NULL OR action IS NOT NULL)) AS d "
        f"ANTI JOIN (SELECT decision_id FROM {TABLE} WHERE slot = 1 AND {times}) AS o "
        "ON o.decision_id = d.decision_id"
    )
    return int(con.execute("SELECT count(*) FROM due").fetchall()[0][0])


def _oldest(reward: Reward, since_us: int) -> int:
    """Time from which a join that goes on from an earlier one looks."""
    return int(since_us) - reward.final_us - SLACK_US


def _part(
    con: duckdb.DuckDBPyConnection, home: Home, name: str, reward: Reward, first: int
) -> tuple[int, int, int]:
    """Join and write the decisions from number `first`; returns decisions, slots and slots with a reward."""
    part = f"SELECT decision_id, at_us FROM due WHERE n >= {first} AND n < {first + PART}"
    low_us, high_us = con.execute(f"SELECT min(at_us), max(at_us) FROM ({part})").fetchall()[0]
    steps = (
        ("part", part),
        ("made", queries.made(name, reward, low_us, high_us)),
        ("made_slots", queries.slots("made")),
        ("aliases", queries.aliases(name, low_us)),
        ("happened", queries.happened(reward, low_us, high_us)),
        ("named", queries.named()),
        ("unnamed", queries.unnamed()),
        ("rivals", queries.rivals(name, reward)),
        ("rival_slots", queries.slots("rivals")),
        ("beaten", queries.BEATEN),
        ("matched", queries.MATCHED),
        ("facts", queries.FACTS),
        ("reported", queries.reported()),
        ("joined", queries.outcomes(reward)),
    )
    for table, sql in steps:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql}")
    with writing(home.lake) as write:  # an erasure waits for it, or is known by now
        drop_refused(con, Erased.of(home), ["joined"])
        _add(con, write)
    decisions, slots, rewarded = con.execute(
        "SELECT count(DISTINCT decision_id), count(*), count(reward_at_us) FROM joined"
    ).fetchall()[0]
    return int(decisions), int(slots), int(rewarded)


def _add(con: duckdb.DuckDBPyConnection, write: LakeWriter) -> None:
    """Add the table `joined` to the lake; what another process has joined meanwhile is left out."""
    low, high = con.execute("SELECT min(at_us), max(at_us) FROM joined").fetchall()[0]
    if low is None:
        return
    near = [f for f in write.before.of(TABLE) if f.min_at_us <= high and f.max_at_us >= low]
    if near:
        con.execute(
            "DELETE FROM joined WHERE decision_id IN (SELECT decision_id FROM "
            f"({filled(TABLE, parquet(write.lake, near))}) WHERE slot = 1)"
        )
    if not con.execute("SELECT count(*) FROM joined").fetchall()[0][0]:
        return
    merged = [f for f in write.before.of(TABLE) if _same_days(f, low, high) and f.rows < SMALL_ROWS_DEFAULT]
    rows = "SELECT * FROM joined"
    if merged:
        rows += f" UNION ALL BY NAME SELECT * FROM {parquet(write.lake, merged)}"
    write.add(con, TABLE, rows)
    write.replace(merged)


def _same_days(file: DataFile, low_us: int, high_us: int) -> bool:
    return file.min_at_us // DAY_US <= high_us // DAY_US and file.max_at_us // DAY_US >= low_us // DAY_US
