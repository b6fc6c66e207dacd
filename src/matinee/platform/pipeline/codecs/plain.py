"""Plain data as JSON: numbers, texts, lists, mappings, dataclasses and msgspec structs of them."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import types
import typing
import uuid
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from matinee.errors import InputError, StorageError
from matinee.platform.pipeline.annotations import plain, spell

FILE = "value.json"
ATOMS = (
    bool, int, float, str, bytes, type(None), datetime.datetime, datetime.date, datetime.timedelta,
    decimal.Decimal, uuid.UUID,
)  # fmt: skip
CONTAINERS = (list, tuple, set, frozenset, dict)


@dataclasses.dataclass(frozen=True, slots=True)
class PlainCodec:
    """One JSON file. NaN and infinity are written as Python's json does: a figure that is not known stays so.

    Attributes
    ----------
    annotation : type
        What is read back: JSON alone does not tell a tuple from a list, or a number as key from its text.
    """

    annotation: Any
    name: str = "json"
    in_memory: bool = False

    def save(self, value: Any, folder: Path) -> None:
        """Write `value.json`."""
        try:
            built = msgspec.to_builtins(value, str_keys=True, enc_hook=_number)
            text = json.dumps(built, ensure_ascii=False, indent=1)
            msgspec.convert(json.loads(text), self.annotation, str_keys=True)
        except (TypeError, ValueError, msgspec.ValidationError) as problem:
            raise InputError(
                f"result is a {type(value).__name__} that does not fit {spell(self.annotation)} ({problem}), "
                "expected a value of the annotated type made of plain data."
            ) from problem
        (folder / FILE).write_text(text + "\n", encoding="utf-8")

    def load(self, folder: Path) -> Any:
        """Read `value.json`."""
        try:
            built = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return msgspec.convert(built, self.annotation, str_keys=True)
        except (OSError, ValueError, msgspec.ValidationError) as problem:
            raise StorageError(
                f"{folder / FILE}: cannot be read as {spell(self.annotation)} ({problem}). Delete the "
                "folder; the step is then run again."
            ) from problem


def plain_codec(annotation: object) -> PlainCodec | None:
    """Codec of an annotation that is plain data all through, else None."""
    return PlainCodec(annotation) if is_plain(annotation) else None


def is_plain(annotation: object, seen: frozenset[object] = frozenset()) -> bool:
    """Whether values of an annotation consist of plain data only.

    Examples
    --------
    >>> is_plain(dict[str, list[float]]), is_plain(np.ndarray), is_plain(int | None)
    (True, False, True)
    """
    kind = plain(annotation)
    origin = typing.get_origin(kind)
    if kind is Any or kind in ATOMS or kind in CONTAINERS or kind in seen:
        return kind is not Any or bool(seen)  # Any inside a container or record, not alone
    inside = seen | {kind}
    if origin is typing.Literal:
        return True
    if origin in (typing.Union, types.UnionType) or origin in CONTAINERS:
        return all(one is Ellipsis or is_plain(one, inside) for one in typing.get_args(kind))
    if not isinstance(kind, type):
        return False
    if issubclass(kind, enum.Enum):
        return True
    if callable(getattr(kind, "load", None)) and callable(getattr(kind, "save", None)):
        return False
    if dataclasses.is_dataclass(kind):
        return all(is_plain(one, inside) for one in field_types(kind).values())
    return issubclass(kind, msgspec.Struct)


def field_types(kind: type) -> dict[str, object]:
    """Types of the fields of a dataclass that its constructor takes."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind) if one.init}


def _number(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not plain data")
