"""What happened, as columns that grow day by day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Column = NDArray[Any]

TYPES: dict[str, dict[str, Any]] = {
    "plays": {
        "member": np.int32, "title": np.int32, "episode": np.int16, "at_us": np.int64, "seen_us": np.int64,
        "watch_s": np.float32, "row": np.int16, "col": np.int16, "device": np.int8, "page": np.int64,
        "liked": np.bool_,
    },
    "impressions": {
        "member": np.int32, "title": np.int32, "at_us": np.int64, "seen_us": np.int64,
        "dwell_ms": np.float32, "row": np.int16, "col": np.int16, "device": np.int8, "page": np.int64,
    },
    "signals": {
        "member": np.int32, "title": np.int32, "at_us": np.int64, "seen_us": np.int64, "signal": np.int8,
        "device": np.int8,
    },
    "searches": {
        "member": np.int32, "title": np.int32, "at_us": np.int64, "seen_us": np.int64, "found": np.bool_,
        "device": np.int8,
    },
    "membership": {"account": np.int32, "at_us": np.int64, "status": np.int8},
    "pages": {
        "page": np.int64, "member": np.int32, "at_us": np.int64, "device": np.int8, "shuffled": np.bool_,
        "shelf": np.int16, "title": np.int32, "artwork": np.int8, "n_artworks": np.int8,
        "propensity": np.float64,
    },
    "notices": {
        "notice": np.int64, "account": np.int32, "day": np.int32, "at_us": np.int64, "action": np.int8,
        "probability": np.float64, "tenure_days": np.int32, "plays_28d": np.int32,
        "quality_plays_28d": np.int32, "days_since_play": np.int32, "searches_28d": np.int32,
        "p_leave": np.float64,
    },
    "outcomes": {
        "notice": np.int64, "at_us": np.int64, "stayed": np.bool_, "cost_minor": np.float64,
        "net_minor": np.float64,
    },
    "invoices": {
        "invoice": np.int64, "account": np.int32, "at_us": np.int64, "amount_minor": np.int64,
    },
    "charges": {
        "invoice": np.int64, "attempt": np.int8, "at_us": np.int64, "approved": np.bool_, "reason": np.int8,
    },
}  # fmt: skip
"""Table -> column -> type. Positions stand for ids; -1 for none."""


@dataclass(slots=True)
class Record:
    """Growing tables; `table` gives the columns of one, in the order in which things were added.

    Examples
    --------
    >>> record = Record()
    >>> record.add("membership", account=[3, 4], at_us=0, status=1)
    >>> record.table("membership")["status"].tolist()
    [1, 1]
    """

    _parts: dict[str, list[dict[str, Column]]] = field(default_factory=lambda: {name: [] for name in TYPES})

    def add(self, table: str, /, **columns: ArrayLike) -> None:
        """Add rows; a column of one value is repeated. All columns of the table must be given."""
        types = TYPES[table]
        arrays = {name: np.asarray(columns[name], types[name]) for name in types}
        n = max((len(a) for a in arrays.values() if a.ndim), default=1)
        if n:
            self._parts[table].append(
                {name: a if a.ndim else np.full(n, a, a.dtype) for name, a in arrays.items()}
            )

    def table(self, name: str) -> dict[str, Column]:
        """All rows of a table, one array per column."""
        parts = self._parts[name]
        if not parts:
            return {column: np.zeros(0, kind) for column, kind in TYPES[name].items()}
        return {column: np.concatenate([part[column] for part in parts]) for column in TYPES[name]}

    def branch(self) -> Record:
        """A copy that grows on its own; what is there already is shared."""
        return Record({name: list(parts) for name, parts in self._parts.items()})
