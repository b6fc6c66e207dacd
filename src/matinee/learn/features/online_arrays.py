"""Arrays that grow: the recent events of an entity, sorted by time, and its tiles, sorted by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_CAPACITY = 8
_NATIVE = {name: np.dtype(name) for name in ("i8", "f8", "i4", "?", "O")}
_LITTLE = {name: type_.newbyteorder("<") for name, type_ in _NATIVE.items()}


class Rows:
    """Rows of named columns in packed arrays, appended in place, or inserted where they belong.

    Parameters
    ----------
    types : mapping of str to str
        Column -> "i8", "f8", "i4", "?" or "O" (any object).

    Examples
    --------
    >>> rows = Rows({"at_us": "i8", "worth": "f8"})
    >>> rows.insert(0, {"at_us": 5, "worth": 1.0})
    >>> rows.insert(0, {"at_us": 3, "worth": 2.0})
    >>> rows.column("at_us").tolist(), rows.n
    ([3, 5], 2)
    """

    __slots__ = ("_capacity", "_columns", "n", "types")

    def __init__(self, types: Mapping[str, str]) -> None:
        self.types = types
        self.n = 0
        self._capacity = FIRST_CAPACITY
        self._columns = {name: np.empty(FIRST_CAPACITY, type_) for name, type_ in types.items()}

    def column(self, name: str) -> NDArray[Any]:
        """Values of a column, a view of length `n`."""
        return self._columns[name][: self.n]

    def slice(self, name: str, low: int, high: int) -> NDArray[Any]:
        """Values of the rows from `low` to before `high`, a view."""
        return self._columns[name][low:high]

    def set(self, row: int, name: str, value: Any) -> None:
        """Change one value."""
        self._columns[name][row] = value

    def get(self, row: int, name: str) -> Any:
        """One value."""
        return self._columns[name][row]

    def insert(self, row: int, values: Mapping[str, Any]) -> None:
        """Put a row before row `row`; `n` appends."""
        if self.n == self._capacity:
            self._resize(max(2 * self._capacity, FIRST_CAPACITY))
        for name, array in self._columns.items():
            if row < self.n:
                array[row + 1 : self.n + 1] = array[row : self.n].copy()
            array[row] = values[name]
        self.n += 1

    def drop_first(self, count: int) -> None:
        """Remove the first rows."""
        if count:
            kept = {name: self.column(name)[count:].copy() for name in self._columns}
            self.n -= count
            self._columns = kept
            self._capacity = self.n
            self._resize(max(FIRST_CAPACITY, self.n + self.n // 2))

    def packed(self) -> list[Any]:
        """Columns for MessagePack: bytes, little-endian, or lists of objects."""
        out: list[Any] = [self.n]
        for name, type_ in self.types.items():
            values = self._columns[name][: self.n]
            out.append(
                values.tolist() if type_ == "O" else values.astype(_LITTLE[type_], copy=False).tobytes()
            )
        return out

    @staticmethod
    def unpacked(types: Mapping[str, str], packed: Iterable[Any]) -> Rows:
        """Rows from what `packed` gave."""
        n, *columns = packed
        rows = Rows.__new__(Rows)
        rows.types, rows.n, rows._capacity = types, n, n
        rows._columns = {
            name: np.fromiter(values, _NATIVE["O"], n)
            if type_ == "O"
            else np.frombuffer(values, _LITTLE[type_], n).astype(_NATIVE[type_])
            for (name, type_), values in zip(types.items(), columns, strict=True)
        }
        return rows

    def _resize(self, capacity: int) -> None:
        for name, array in self._columns.items():
            larger = np.empty(capacity, self.types[name])
            larger[: self.n] = array[: self.n]
            self._columns[name] = larger
        self._capacity = capacity
