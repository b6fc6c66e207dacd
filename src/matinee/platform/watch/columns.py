"""Which columns of a table of events can drift: numbers, categories, and neither ids nor clocks."""

from __future__ import annotations

from matinee.observe.lake.tables import COMMON, EVENTS

IDS = {*COMMON, "decision_id", "unit_id", "query", "rating_scale", "actions", "context", "slots", "sticky_of"}
"""Ids, clocks, free text and JSON: they differ in every row, or other monitors look at them."""
NUMBERS = {"DOUBLE", "INTEGER"}
CATEGORIES = {"VARCHAR", "BOOLEAN"}


def numbers(table: str) -> list[str]:
    """Columns whose distribution means something.

    Examples
    --------
    >>> numbers("impressions")
    ['dwell_ms', 'row', 'col']
    """
    return [column for column, type_ in EVENTS[table].items() if column not in IDS and type_ in NUMBERS]


def categories(table: str) -> list[str]:
    """Columns with few values.

    Examples
    --------
    >>> categories("signals")
    ['signal', 'territory', 'device']
    """
    return [column for column, type_ in EVENTS[table].items() if column not in IDS and type_ in CATEGORIES]


def optional(table: str) -> list[str]:
    """Columns that may be missing in a row.

    Examples
    --------
    >>> optional("membership")
    ['title_id', 'status', 'territory', 'device']
    """
    always = {*COMMON, "rating_scale"} - {"title_id"}
    return [column for column in EVENTS[table] if column not in always]
