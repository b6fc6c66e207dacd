"""What a metric is: data that says which events of a unit count, and how units are compared."""

from __future__ import annotations

from typing import Literal

import msgspec

from matinee.errors import InputError, unknown_name
from matinee.learn.features.predicates import OPERATORS, AllOf, Predicate, is_null, not_, where
from matinee.observe.lake.tables import EVENTS
from matinee.observe.quality_plays import FromPlays

TABLES = (
    "plays",
    "impressions",
    "signals",
    "searches",
    "membership",
    "decisions",
    "rewards",
    "outcomes",
)
"""Tables whose events a metric may count."""
NUMBERS = ("DOUBLE", "INTEGER", "BIGINT")
NEEDS_NUMBER, NEEDS_COLUMN = ("sum", "mean", "max"), ("sum", "mean", "max", "distinct")
RETAINED_DAYS = 7
"""Length of the window in which a retained unit is seen again, in days."""

MetricKind = Literal["mean", "proportion", "ratio", "quantile", "returning"]
Counting = Literal["events", "sum", "mean", "max", "distinct", "days", "delay_h"]
Good = Literal["up", "down"]


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column compared with a value; a missing value never passes.

    Attributes
    ----------
    column : str
    op : str
        ==, !=, <, <=, >, >=, in, missing or present.
    value : str, int, float, bool or list of them
        Not given for missing and present.
    """

    column: str
    op: str
    value: str | int | float | bool | tuple[str | int | float | bool, ...] | None = None

    def predicate(self) -> Predicate:
        """The condition as the tree that becomes SQL.

        Raises
        ------
        InputError
            The operator is unknown, or the value does not suit it.
        """
        if self.op in ("missing", "present"):
            if self.value is not None:
                raise InputError(f'{self.column}: value is {self.value!r}, expected none with "{self.op}".')
            return is_null(self.column) if self.op == "missing" else not_(is_null(self.column))
        if self.op not in OPERATORS:
            raise InputError(unknown_name(self.column, "op", self.op, [*OPERATORS, "missing", "present"]))
        if self.value is None:
            raise InputError(f'{self.column}: value is missing, expected one for "{self.op}".')
        return where(self.column, self.op, self.value)


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which plays show that a title was liked, see `FromPlays`."""

    min_s: float = 120.0
    share: float = 0.7
    rating_share: float = 0.7

    def rule(self) -> FromPlays:
        """The rule that knows its SQL."""
        return FromPlays(self.min_s, self.share, self.rating_share)


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is counted for a unit over its events.

    Attributes
    ----------
    table : str
        One of `TABLES`.
    count : {"events", "sum", "mean", "max", "distinct", "days", "delay_h"}
        The number of events; the sum, mean or greatest value of `column`; the number of its distinct values;
        the number of different days (from the unit's first exposure on) with an event; the hours from the
        first exposure to the first event.
    column : str
        For sum, mean, max and distinct.
    times : float
        What the result is multiplied with, to give it another measure: 1/3600 makes hours of seconds.
    where : tuple of Condition
        Events that count pass all of them.
    quality : bool or Quality
        Only quality plays count (table plays).
    own : bool
        Only events of the experiment's initiative count (tables decisions, rewards and outcomes).
    """

    table: str
    count: Counting = "events"
    column: str = ""
    times: float = 1.0
    where: tuple[Condition, ...] = ()
    quality: bool | Quality = False
    own: bool = True

    @property
    def rule(self) -> FromPlays | None:
        """Rule of a quality play, if only those count."""
        if self.quality is False:
            return None
        return FromPlays() if self.quality is True else self.quality.rule()

    @property
    def has_initiative(self) -> bool:
        """Whether an event of the table belongs to an initiative."""
        return "initiative" in EVENTS[self.table]

    def condition(self) -> AllOf | None:
        """The conditions as one; None: every event counts."""
        return AllOf(tuple(one.predicate() for one in self.where)) if self.where else None

    def check(self, name: str) -> None:
        """Refuse what the lake does not have.

        Raises
        ------
        InputError
            `name` begins the message.
        """
        if self.table not in TABLES:
            raise InputError(unknown_name(name, "table", self.table, TABLES))
        columns = EVENTS[self.table]
        for column in [*(one.column for one in self.where), *([self.column] if self.column else [])]:
            if column not in columns or column == "copy":
                raise InputError(unknown_name(name, f"column of {self.table}", column, columns))
        if (self.count in NEEDS_COLUMN) != bool(self.column):
            expected = "a column" if self.count in NEEDS_COLUMN else "none"
            raise InputError(f'{name}: column is "{self.column}", expected {expected} for "{self.count}".')
        if self.count in NEEDS_NUMBER and columns[self.column] not in NUMBERS:
            raise InputError(
                f'{name}: column is "{self.column}", expected one of numbers for "{self.count}".'
            )
        if not (self.times > 0 and self.times < float("inf")):
            raise InputError(f"{name}: times is {self.times}, expected a number above 0.")
        if self.quality is not False and self.table != "plays":
            raise InputError(f'{name}: quality is set for "{self.table}", expected it for plays only.')
        if self.rule is not None:
            self.rule.sql("e", "runtime_s")
        try:
            self.condition()
        except InputError as problem:
            raise InputError(f"{name}: where: {problem}") from None


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A figure of units that an experiment compares between its arms.

    Attributes
    ----------
    name : str
        The key of its table in the file; filled in by the catalogue.
    title : str
        What people call it.
    kind : {"mean", "proportion", "ratio", "quantile", "returning"}
        "mean": of the units' values. "proportion": share of units with any counted event. "ratio": sum of
        `of` over all units divided by that of `per`. "quantile": a quantile of the units' values.
        "returning": share of units that are seen again `RETAINED_DAYS` days from a day on; the curve over
        `days`, of which the last one is tested.
    of : Counted
    per : Counted, optional
        What a ratio is divided by.
    level : float, 0 to 1
        Of a quantile: 0.95 for the value that 95 % of units stay below.
    days : tuple of int
        Days after the first exposure at which returns are measured.
    window_days : int, 0 or more
        Days after a unit's first exposure in which its events count; only units whose window has closed are
        compared. 0: all events until the read, of all units.
    good : {"up", "down"}
        Which direction is wanted.
    unit : str
        In which the value is measured, such as "hours"; shown beside it.
    """

    name: str = ""
    title: str
    kind: MetricKind
    of: Counted
    per: Counted | None = None
    level: float = 0.5
    days: tuple[int, ...] = ()
    window_days: int = 0
    good: Good = "up"
    unit: str = ""

    @property
    def parts(self) -> tuple[Counted, ...]:
        """Everything that it counts."""
        return (self.of,) if self.per is None else (self.of, self.per)

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that it reads."""
        return tuple(dict.fromkeys(part.table for part in self.parts))

    @property
    def matures_days(self) -> int:
        """Days after its first exposure until a unit's value is known; 0: it grows until the read."""
        return self.days[-1] + RETAINED_DAYS if self.kind == "returning" else self.window_days

    def checked(self, where_: str) -> Metric:
        """Itself, if it can be computed.

        Parameters
        ----------
        where_ : str
            Begins the message: file and key.

        Raises
        ------
        InputError
            Naming the first thing that is wrong.
        """
        self.of.check(f"{where_}.of")
        if (self.per is not None) != (self.kind == "ratio"):
            raise InputError(
                f'{where_}: per is {"given" if self.per else "missing"}, expected it for kind "ratio" and '
                f'for no other; kind is "{self.kind}".'
            )
        if self.per is not None:
            self.per.check(f"{where_}.per")
        if any(part.count in ("mean", "max", "delay_h") for part in self.parts) and self.kind != "quantile":
            raise InputError(
                f'{where_}: count is "{self.of.count}", expected events, sum, distinct or days for kind '
                f'"{self.kind}": units without an event have no value. Use "quantile", or a ratio of sums.'
            )
        if not 0 < self.level < 1:
            raise InputError(f"{where_}: level is {self.level}, expected between 0 and 1.")
        if self.window_days < 0:
            raise InputError(f"{where_}: window_days is {self.window_days}, expected 0 or more.")
        if (self.kind == "returning") != bool(self.days):
            raise InputError(
                f'{where_}: days is {list(self.days)}, expected days for kind "returning" and none for '
                f'others; kind is "{self.kind}".'
            )
        if self.days and (list(self.days) != sorted(set(self.days)) or self.days[0] < 1):
            raise InputError(f"{where_}: days is {list(self.days)}, expected growing days from 1 on.")
        if self.of.count == "delay_h" and not self.window_days:
            raise InputError(
                f'{where_}: window_days is 0, expected days for "delay_h": units without an event count as '
                "having waited that long."
            )
        return self
