"""What a column of an input file may hold: how SQL parses it, what is refused, and what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from matinee.observe.catalogue.artwork import ASPECTS
from matinee.observe.events.schema import EARLIEST_US, LONGEST_TEXT, SIGNALS, STATUSES
from matinee.observe.lake.tables import TABLE_OF
from matinee.types import LAST_S, SECOND_US, parse_at

Parse = Callable[[str, str], str]
"""From a value expression and its SQL type to the SQL of the parsed value; NULL when it cannot be parsed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Attributes
    ----------
    parse : Parse
    sql_type : str
        Type of the parsed value.
    valid : str
        SQL condition on the parsed value `{p}`.
    expected : str
        The words of the error message.
    """

    parse: Parse
    sql_type: str
    valid: str
    expected: str


def _is_text(sql_type: str) -> bool:
    return sql_type in ("VARCHAR", "JSON")


def _text(v: str, sql_type: str) -> str:
    return v if sql_type == "VARCHAR" else f"CAST({v} AS VARCHAR)"


def _double(v: str, _: str) -> str:
    return f"TRY_CAST({v} AS DOUBLE)"


def _whole(v: str, _: str) -> str:
    number = f"TRY_CAST({v} AS DOUBLE)"
    return f"CASE WHEN {number} = round({number}) AND abs({number}) < 2e9 THEN CAST({number} AS INTEGER) END"


def _seconds_to_us(v: str) -> str:
    return f"TRY_CAST(round(TRY_CAST({v} AS DOUBLE) * 1e6) AS BIGINT)"


def _time(v: str, sql_type: str) -> str:
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return f"CASE WHEN isfinite({v}) THEN epoch_us(CAST({v} AS TIMESTAMPTZ)) END"
    if not _is_text(sql_type):
        return _seconds_to_us(v)
    # ISO-8601 without separators is a date: as seconds it would be a day of 1970.
    date = f"epoch_us(TRY_STRPTIME({v}, '%Y%m%d')::TIMESTAMP)"
    plain = f"length({v}) = 8 AND {v} BETWEEN '19000101' AND '20991231'"
    # One cast only: DuckDB would compute an expression that stands twice for every row, needed or not.
    moment = f"CASE WHEN {v} NOT ILIKE '%infinity%' THEN epoch_us(TRY_CAST({v} AS TIMESTAMPTZ)) END"
    other = f"coalesce({_seconds_to_us(v)}, {moment})"
    return f"CASE WHEN {plain} THEN coalesce({date}, {other}) ELSE {other} END"


def _day(v: str, sql_type: str) -> str:
    """Like a time, but four digits are a year."""
    if not _is_text(sql_type):
        if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
            return _time(v, sql_type)
        v = f"CAST({v} AS VARCHAR)"
    year = f"epoch_us(make_date(TRY_CAST(substr({v}, 1, 4) AS INTEGER), 1, 1)::TIMESTAMP)"
    return f"CASE WHEN regexp_full_match({v}, '\\d{{4}}(\\.0)?') THEN {year} ELSE {_time(v, 'VARCHAR')} END"


def _flag(v: str, _: str) -> str:
    return f"CASE WHEN lower({v}::VARCHAR) IN ('yes', 'y') THEN true " + (
        f"WHEN lower({v}::VARCHAR) IN ('no', 'n') THEN false ELSE TRY_CAST({v} AS BOOLEAN) END"
    )


def _labels(v: str, sql_type: str) -> str:
    if sql_type.endswith("[]"):
        found = f"CAST({v} AS VARCHAR[])"
    else:
        text = f"CAST({v} AS VARCHAR)"
        found = (
            f"CASE WHEN {text} LIKE '[%]' AND json_valid({text}) THEN TRY_CAST({text}::JSON AS VARCHAR[]) "
            f"ELSE string_split({text}, '|') END"
        )
    return f"list_filter(list_transform({found}, lambda x: trim(x)), lambda x: x <> '')"


def _numbers(v: str, sql_type: str) -> str:
    if sql_type.endswith("]"):
        return f"TRY_CAST({v} AS FLOAT[])"
    text = f"CAST({v} AS VARCHAR)"
    listed = f"'[' || replace(replace({text}, '|', ','), ';', ',') || ']'"
    return f"TRY_CAST(CASE WHEN {text} LIKE '[%]' THEN {text} ELSE {listed} END AS FLOAT[])"


def _micros(v: str, _: str) -> str:
    return f"TRY_CAST({v} AS BIGINT)"


ID = Kind(
    _text,
    "VARCHAR",
    f"length({{p}}) BETWEEN 1 AND {LONGEST_TEXT}",
    f"an id of 1 to {LONGEST_TEXT} characters",
)
TEXT = Kind(_text, "VARCHAR", "true", "text")
EARLIEST_DAY_US, LATEST_TIME_US = parse_at("1800-01-01"), LAST_S * SECOND_US
"""Films are older than events. Windows without an end are often said to end in 9999."""
TIME = Kind(
    _time,
    "BIGINT",
    f"{{p}} >= {EARLIEST_US} AND {{p}} < {LATEST_TIME_US}",
    "ISO-8601 (2024-12-31T20:15:00Z) or epoch seconds, not milliseconds, of the years 1900 to 9999",
)
DAY = Kind(
    _day,
    "BIGINT",
    f"{{p}} >= {EARLIEST_DAY_US} AND {{p}} < {LATEST_TIME_US}",
    "a date (2024-12-31) or a year (2024) of 1800 to 9999",
)
NUMBER = Kind(_double, "DOUBLE", "isfinite({p})", "a number (not NaN)")
SECONDS = Kind(_double, "DOUBLE", "isfinite({p}) AND {p} >= 0", "a number of seconds, 0 or more (not NaN)")
WHOLE = Kind(_whole, "INTEGER", "true", "a whole number")
POSITION = Kind(_whole, "INTEGER", "{p} >= 1", "a whole number, 1 or more")
AGE = Kind(_whole, "INTEGER", "{p} BETWEEN 0 AND 18", "an age in years, 0 to 18")
FLAG = Kind(_flag, "BOOLEAN", "true", "true or false")
LABELS = Kind(_labels, "VARCHAR[]", "true", 'labels separated by "|", or a list')
MICROS = Kind(_micros, "BIGINT", "{p} >= 0", "a whole number of microseconds, 0 or more")
VECTOR = Kind(
    _numbers,
    "FLOAT[]",
    "len({p}) BETWEEN 1 AND 4096 "
    "AND list_bool_and(list_transform({p}, lambda x: coalesce(isfinite(x), false)))",
    'up to 4096 numbers separated by "|", or a list',
)


@dataclass(frozen=True, slots=True)
class Field:
    """One column that an importer knows.

    Attributes
    ----------
    name : str
        Name in the file.
    kind : Kind
    required : bool
        The column must exist and no row may leave it empty.
    column : str
        Name of the parsed value; the same as `name` if empty.
    not_future : bool
        Refuse times later than now plus 24 hours.
    one_of : tuple of str
        When not empty, the only values allowed.
    required_if : str
        SQL condition over the columns `raw_<name>`: no row that meets it may leave the field empty.
    after : str
        Another time of the row; where both are given this one must be later.
    """

    name: str
    kind: Kind
    required: bool = False
    column: str = ""
    not_future: bool = False
    one_of: tuple[str, ...] = ()
    required_if: str = ""
    after: str = ""

    @property
    def output(self) -> str:
        """Name of the parsed column."""
        return self.column or self.name

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        return "one of " + ", ".join(self.one_of) if self.one_of else self.kind.expected

    def parsed(self, value: str, sql_type: str) -> str:
        """SQL of the parsed value."""
        return self.kind.parse(value, sql_type)

    def bad(self, raw: str, parsed: str) -> str:
        """SQL condition that is true when the value is refused; both arguments are column names."""
        valid = self.kind.valid.format(p=parsed)
        if self.one_of:
            valid += f" AND {parsed} IN ({', '.join(repr(x) for x in self.one_of)})"
        wrong = f"{parsed} IS NULL" if valid == "true" else f"({parsed} IS NULL OR NOT ({valid}))"
        if self.required:
            return wrong
        missing = f" OR ({raw} IS NULL AND {self.required_if})" if self.required_if else ""
        return f"(({raw} IS NOT NULL AND {wrong}){missing})"


def event_fields(columns: Iterable[str]) -> tuple[Field, ...]:
    """Fields of a file of events with these columns; without `event` every row is a play."""
    types = "event" in set(columns)
    return (
        Field("member_id", ID, required=True),
        Field("title_id", ID, required=not types, required_if=WITH_TITLE if types else ""),
        Field("at", TIME, required=True, column="at_us", not_future=True),
        Field("event", TEXT, one_of=tuple(TABLE_OF)),
        Field("event_id", TEXT),
        Field("seen", TIME, column="seen_us"),
        Field("watch_s", SECONDS),
        Field("position_s", SECONDS),
        Field("rating", NUMBER),
        Field("dwell_ms", SECONDS),
        Field("signal", TEXT, one_of=SIGNALS, required_if="raw_event = 'signal'" if types else ""),
        Field("query", TEXT),
        Field("status", TEXT, one_of=STATUSES),
        Field("territory", TEXT),
        Field("device", TEXT),
        Field("decision_id", TEXT),
        Field("row", POSITION),
        Field("col", POSITION),
        Field("surface", TEXT),
    )


WITH_TITLE = "coalesce(raw_event, 'play') NOT IN ('search', 'membership')"
NOT_WATCHING = ("impression", "signal", "search", "membership")


def interaction_fields(columns: Iterable[str]) -> tuple[Field, ...]:
    """Fields of a viewing log without a home; only rows of watching must name a title."""
    types = "event" in set(columns)
    watching = f"coalesce(raw_event, 'play') NOT IN {NOT_WATCHING}"
    return (
        Field("member_id", ID, required=True),
        Field("title_id", ID, required=not types, required_if=watching if types else ""),
        Field("at", TIME, required=True, column="at_us", not_future=True),
        Field("rating", NUMBER),
        Field("watch_s", SECONDS),
        Field("territory", TEXT),
        Field("event", TEXT),
    )


TITLE = (
    Field("title_id", ID, required=True),
    Field("name", TEXT),
    Field("kind", TEXT),
    Field("series_id", TEXT),
    Field("season", WHOLE),
    Field("episode", WHOLE),
    Field("release_date", DAY, column="release_us"),
    Field("runtime_s", SECONDS),
    Field("genres", LABELS),
    Field("languages", LABELS),
    Field("countries", LABELS),
    Field("maturity", AGE),
    Field("synopsis", TEXT),
    Field("cast", LABELS),
    Field("directors", LABELS),
)
MEMBER = (
    Field("member_id", ID, required=True),
    Field("account_id", TEXT),
    Field("territory", TEXT),
    Field("maturity_max", AGE),
    Field("kids", FLAG),
    Field("languages", LABELS),
)
AVAILABILITY = (
    Field("title_id", ID, required=True),
    Field("territory", ID, required=True),
    Field("from", TIME, column="start_us"),
    Field("until", TIME, column="end_us", after="from"),
)
PIN = (
    Field("row", POSITION, required=True),
    Field("col", POSITION),
    Field("title_id", TEXT),
    Field("row_kind", TEXT, required_if="raw_title_id IS NULL"),
    Field("territory", TEXT),
    Field("from", TIME, column="start_us"),
    Field("until", TIME, column="end_us", after="from"),
)
ARTWORK = (
    Field("artwork_id", ID, required=True),
    Field("title_id", ID, required=True),
    Field("file", TEXT),
    Field("format", TEXT),
    Field("width_px", POSITION),
    Field("height_px", POSITION),
    Field("aspect", TEXT, one_of=tuple(ASPECTS)),
    Field("language", TEXT),
    Field("tags", LABELS),
    Field("embedding", VECTOR),
    Field("source_frame_us", MICROS),
    Field("is_default", FLAG),
    Field("approved_by", TEXT, required_if="raw_approved_at IS NOT NULL"),
    Field("approved_at", TIME, column="approved_us"),
    Field("likeness", LABELS),
    Field("territories", LABELS),
    Field("from", TIME, column="start_us"),
    Field("until", TIME, column="end_us"),
    Field("withdrawn_at", TIME, column="withdrawn_us"),
    Field("withdrawn_by", TEXT),
    Field("withdrawn_why", TEXT),
)
MEMBER_ONLY = (Field("member_id", ID, required=True),)
