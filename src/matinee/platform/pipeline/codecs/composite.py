"""Values made of others: records of arrays (a log, a catalogue), named arrays, and what may be absent."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matinee.errors import InputError, StorageError
from matinee.platform.pipeline.annotations import plain
from matinee.platform.pipeline.codecs.base import Codec
from matinee.platform.pipeline.codecs.plain import field_types

NAMES, ABSENT = "names.json", "absent"
Inner = Callable[[object], Codec | None]
"""Finds the codec of a part."""


@dataclass(frozen=True, slots=True)
class RecordCodec:
    """A dataclass: one sub-folder per field, each stored as its type says."""

    kind: Any
    fields: Mapping[str, Codec]
    name: str = "record"
    in_memory: bool = True

    def save(self, value: Any, folder: Path) -> None:
        """Write every field."""
        if type(value) is not self.kind:
            raise InputError(
                f"result is a {type(value).__name__}, expected exactly {self.kind.__name__} as annotated."
            )
        for field, codec in self.fields.items():
            _save_part(codec, getattr(value, field), folder, field, f"field {field}")

    def load(self, folder: Path) -> Any:
        """Build the dataclass from its fields."""
        return self.kind(**{field: codec.load(folder / field) for field, codec in self.fields.items()})


@dataclass(frozen=True, slots=True)
class MappingCodec:
    """`dict[str, X]`: numbered sub-folders, and their names in `names.json`."""

    item: Codec
    name: str = "mapping"
    in_memory: bool = True

    def save(self, value: Any, folder: Path) -> None:
        """Write every item, in the order of the mapping."""
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise InputError(f"result is a {type(value).__name__}, expected a dict with texts as keys.")
        (folder / NAMES).write_text(json.dumps(list(value), ensure_ascii=False), encoding="utf-8")
        for number, (key, item) in enumerate(value.items()):
            _save_part(self.item, item, folder, f"{number:04d}", f"item {key!r}")

    def load(self, folder: Path) -> dict[str, Any]:
        """Read every item."""
        try:
            names = json.loads((folder / NAMES).read_bytes())
        except (OSError, ValueError) as problem:
            raise StorageError(
                f"{folder / NAMES}: cannot be read ({problem}). Run the step again."
            ) from problem
        return {key: self.item.load(folder / f"{number:04d}") for number, key in enumerate(names)}


@dataclass(frozen=True, slots=True)
class OptionalCodec:
    """`X | None`: what `X` writes, or an empty file named `absent`."""

    present: Codec
    in_memory: bool = True

    @property
    def name(self) -> str:
        """Name of the codec of `X`, with a question mark."""
        return f"{self.present.name}?"

    def save(self, value: Any, folder: Path) -> None:
        """Write the value, or that there is none."""
        if value is None:
            (folder / ABSENT).touch()
        else:
            self.present.save(value, folder)

    def load(self, folder: Path) -> Any:
        """Read the value, or None."""
        return None if (folder / ABSENT).exists() else self.present.load(folder)


def record_codec(annotation: object, inner: Inner) -> RecordCodec | None:
    """Codec of a dataclass all of whose fields can be stored, else None."""
    kind = plain(annotation)
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        return None
    found = {name: inner(one) for name, one in field_types(kind).items()}
    fields = {name: codec for name, codec in found.items() if codec is not None}
    return RecordCodec(kind, fields) if len(fields) == len(found) else None


def mapping_codec(annotation: object, inner: Inner) -> MappingCodec | None:
    """Codec of `dict[str, X]`, else None."""
    kind = plain(annotation)
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is not dict or arguments[0] is not str:
        return None
    item = inner(arguments[1])
    return None if item is None else MappingCodec(item)


def optional_codec(annotation: object, inner: Inner) -> OptionalCodec | None:
    """Codec of `X | None`, else None."""
    kind = plain(annotation)
    arms = [one for one in typing.get_args(kind) if one is not type(None)]
    if typing.get_origin(kind) not in (typing.Union, types.UnionType) or len(arms) != 1:
        return None
    present = inner(arms[0])
    return None if present is None else OptionalCodec(present, present.in_memory)


def _save_part(codec: Codec, value: Any, folder: Path, name: str, label: str) -> None:
    part = folder / name
    part.mkdir()
    try:
        codec.save(value, part)
    except InputError as problem:
        raise InputError(f"{label}: {problem}") from problem
