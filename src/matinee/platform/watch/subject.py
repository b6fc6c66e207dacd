"""What monitors look at: one initiative's tables in one home at one moment, opened once for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from matinee.learn.features.backfill import open_view
from matinee.learn.features.declaration import FeatureView
from matinee.observe.home import Home
from matinee.observe.lake.connection import literal, spilling
from matinee.observe.lake.reader import Moment, open_events, open_facts
from matinee.observe.lake.tables import EVENTS, FACTS
from matinee.observe.outages import Outages, outages
from matinee.platform.deciding import Surroundings
from matinee.platform.initiative import Initiative
from matinee.platform.watch.config import WatchConfig
from matinee.platform.watch.periods import Periods

DECISIONS, REWARDS, OUTCOMES = "decisions", "rewards", "outcomes"
PREFIX = "seen_"


@dataclass(frozen=True, slots=True)
class Subject:
    """One initiative as monitors see it.

    The connection has a view for each table that the initiative declares, as of `at_us`, and beside it
    `seen_<table>` (see `seen`) without what happened in a declared outage: nobody needs an alarm about what
    is known. `seen_decisions`, `seen_rewards` and `seen_outcomes` are those of the initiative.

    Attributes
    ----------
    initiative : Initiative
    con : DuckDBPyConnection
    at_us : int
        Now, by the home's clock.
    learned_us : int or None
        Moment up to which the model in production has learned; None without one.
    periods : Periods
    config : WatchConfig
    outages : Outages
        Known at `at_us`.
    around : Surroundings
        What the initiative's own code gets.
    reward : str
        Name under which the log is expected to have the reward.
    rows : mapping of str to int
        Table of events -> rows until now, outages left out; `decisions`, `rewards` and `outcomes` of this
        initiative.
    """

    initiative: Initiative
    con: duckdb.DuckDBPyConnection
    at_us: int
    learned_us: int | None
    periods: Periods
    config: WatchConfig
    outages: Outages
    around: Surroundings
    reward: str
    rows: Mapping[str, int]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Declared tables of events that hold any; decisions and rewards are no inputs."""
        declared = (
            t for t in self.initiative.tables if t in EVENTS and t not in (DECISIONS, REWARDS, OUTCOMES)
        )
        return tuple(table for table in declared if self.rows[table])

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.con.execute(sql).fetchall()

    def one(self, sql: str) -> tuple[Any, ...]:
        """The only row of a query."""
        return self.ask(sql)[0]

    @contextmanager
    def with_features(self, view: FeatureView) -> Iterator[Subject]:
        """The same subject with a connection of its own, in which the tables of the features are."""
        with spilling() as con:
            if self.initiative.feature_tables is not None:
                self.initiative.feature_tables(con, self.around)
            else:
                open_view(con, self.around.home, view)
            yield replace(self, con=con)


def seen(table: str) -> str:
    """Name of the view of a table without outages."""
    return PREFIX + table


def person(table: str) -> str:
    """Column: whom a row is about. Rows of one person resemble each other: samples are counted in persons."""
    return "unit_id" if table in (DECISIONS, REWARDS, OUTCOMES) else "member_id"


@contextmanager
def subject_of(
    initiative: Initiative,
    home: Home,
    *,
    at_us: int,
    learned_us: int | None = None,
    config: WatchConfig | None = None,
    own: Any = None,
    log: str | None = None,
    reward: str | None = None,
) -> Iterator[Subject]:
    """Open what monitors look at.

    Parameters
    ----------
    home : Home
        Monitors read of it what the initiative declares, and its decisions and rewards.
    config : WatchConfig, optional
    own : object, optional
        Settings of the initiative, of the class it declares. Default: without any change.
    log, reward : str, optional
        Names under which decisions and reward were logged. Default: the initiative's, and its reward's.

    Raises
    ------
    StorageError
        The lake cannot be read.
    """
    settings = config or WatchConfig()
    events = [table for table in initiative.tables if table in EVENTS]
    events += [table for table in (DECISIONS, REWARDS, OUTCOMES) if table not in events]
    known = outages(home, at_us)
    with spilling() as con:
        limited = home.limited_to((*initiative.tables, DECISIONS, REWARDS, OUTCOMES))
        open_events(con, limited, *events, moment=Moment(at_us, at_us))
        open_facts(con, limited, *(t for t in initiative.tables if t in FACTS), at_us=at_us)
        rows = {}
        for table in events:
            mine = "true"
            if table in (DECISIONS, REWARDS, OUTCOMES):
                mine = f"initiative = {literal(log or initiative.name)}"
            territory = "territory" if "territory" in EVENTS[table] else "NULL"
            inside = known.sql(territory=territory)
            con.execute(
                f"CREATE TEMP VIEW {seen(table)} AS SELECT * FROM {table} WHERE {mine} AND NOT {inside}"
            )
            (rows[table],) = con.execute(f"SELECT count(*) FROM {seen(table)}").fetchall()[0]
        periods = Periods.of(
            at_us,
            learned_us=learned_us,
            period_days=settings.period_days,
            reference_days=settings.reference_days,
        )
        yield Subject(
            initiative=initiative,
            con=con,
            at_us=at_us,
            learned_us=learned_us,
            periods=periods,
            config=settings,
            outages=known,
            around=Surroundings(
                home.limited_to(initiative.tables), at_us, initiative.config() if own is None else own
            ),
            reward=reward or initiative.reward.name,
            rows=rows,
        )
