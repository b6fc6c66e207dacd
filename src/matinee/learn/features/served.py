"""Features of members, kept up to date by a state store and served with the member's last event."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import msgspec

from matinee.errors import InputError
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.online import FactRows, OnlineEvaluator
from matinee.learn.features.sources import lake_source
from matinee.observe.home import Home
from matinee.observe.lake.connection import quoted, spilling
from matinee.observe.lake.reader import open_facts
from matinee.observe.lake.tables import TABLE_OF

_EVENTS = msgspec.json.Decoder()


class HoldsFolds(Protocol):
    """What is needed of a state store; `observe.state.store.OpenedStore` has it."""

    def folded(self, member_id: str, name: str) -> tuple[bytes | None, bytes]: ...


class ServedFeatures:
    """A view as a state store keeps it for each member (`observe.state.folds.Fold`), and its values.

    To choose for features of members from events that clients send. A view over other tables, of another
    entity, or with free-form SQL is computed by `backfill` only: see `servable`.

    Parameters
    ----------
    view : FeatureView
    facts : mapping, optional
        Rows of the tables of facts that features group by, as for `OnlineEvaluator`; `read_facts` reads them.

    Raises
    ------
    InputError
        The view cannot be served, or a table of facts is missing.

    Notes
    -----
    The evaluator counts what it is given, so that an event is counted once is the store's doing: it drops
    repeats within its window. An event that is sent again later counts twice until the state is rebuilt.
    An event that does not fit the declaration of a source is left out; `backfill` refuses a table with one.

    A new declaration has another name: its values are refused until `matinee rebuild-state` has made them.
    """

    def __init__(self, view: FeatureView, facts: FactRows | None = None) -> None:
        if why := servable(view):
            raise InputError(f"ServedFeatures of {view.name}: {why}. Compute them with backfill.")
        self.view = view
        self.name = f"features {view.name} {view.identity}"
        self._facts = facts or {}
        self._mine = threading.local()
        self._evaluator()

    def refresh(self, facts: FactRows) -> None:
        """Group events that arrive from now on by newer facts."""
        self._facts = facts
        self._mine = threading.local()

    def apply(self, member_id: str, value: bytes | None, lines: bytes) -> bytes:
        """What is kept for a member after these lines of the log."""
        online = self._loaded(member_id, value, lines)
        try:
            return online.dump(member_id)
        finally:
            online.drop(member_id)

    def values(self, store: HoldsFolds, member_id: str, at_us: int) -> dict[str, Any]:
        """Features of a member now, the last acknowledged event included; of an unknown one the empty ones.

        Raises
        ------
        StorageError
            The store cannot be reached, or was not rebuilt since the features were declared.
        InputError
            `at_us` lies so far before the last arrival that events of then are in tiles; see
            `OnlineEvaluator.evaluate`.
        """
        value, lines = store.folded(member_id, self.name)
        online = self._loaded(member_id, value, lines)
        try:
            return online.evaluate(member_id, at_us)
        finally:
            online.drop(member_id)

    def _loaded(self, member_id: str, value: bytes | None, lines: bytes) -> OnlineEvaluator:
        """Evaluator of this thread, with one member in it."""
        online = self._evaluator()
        if value is not None:
            online.load(member_id, value)
        for line in lines.splitlines():
            try:
                event = _EVENTS.decode(line)
                online.update(TABLE_OF.get(event["type"], ""), event)
            except (InputError, msgspec.DecodeError, KeyError, TypeError):  # left out, as said above
                continue
        return online

    def _evaluator(self) -> OnlineEvaluator:
        online: OnlineEvaluator | None = getattr(self._mine, "online", None)
        if online is None:
            online = self._mine.online = OnlineEvaluator(self.view, self._facts)
        return online


def servable(view: FeatureView) -> str:
    """Why a view cannot be kept by a state store; empty if it can.

    Examples
    --------
    >>> from matinee.learn.features.aggregates import Count
    >>> from matinee.learn.features.declaration import Feature
    >>> servable(FeatureView("bills", "account", (Feature("n", lake_source("plays"), Count(), "7d"),)))
    'its entity is "account", expected "member"'
    """
    if view.entity != "member":
        return f'its entity is "{view.entity}", expected "member"'
    if view.batch_only:
        return f"{', '.join(view.batch_only)} come from free-form SQL"
    known = {table: lake_source(table) for table in TABLE_OF.values()}
    for feature in view.features:
        source = feature.source
        lake = known.get(source.table)
        if lake is None or source.entity != "member_id" or not lake.columns.items() >= source.columns.items():
            return f'"{source.table}" of {feature.name} is not a table of events of members in the lake'
    return ""


def read_facts(home: Home, view: FeatureView) -> dict[str, dict[str, dict[str, Any]]]:
    """Facts that the features of a view group by, as they are now in the lake.

    Raises
    ------
    StorageError
        The lake cannot be read.
    """
    wanted: dict[str, tuple[str, dict[str, None]]] = {}
    for feature in view.features:
        if feature.by is not None and feature.by.facts is not None:
            facts = feature.by.facts
            wanted.setdefault(facts.table, (facts.key, {}))[1][feature.by.column] = None
    out: dict[str, dict[str, dict[str, Any]]] = {}
    with spilling() as con:
        open_facts(con, home, *sorted(wanted))
        for table, (key, columns) in wanted.items():
            names = [*columns]
            rows = con.execute(
                f"SELECT {', '.join(map(quoted, [key, *names]))} FROM {quoted(table)}"
            ).fetchall()
            out[table] = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
    return out
