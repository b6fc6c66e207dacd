"""Digest of a value that a run is given: the same in every process and on every machine."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import PurePath

import msgspec
import numpy as np

from matinee.errors import InputError


def digest(value: object, what: str = "value") -> str:
    """SHA-256 of a plain value, dataclass, msgspec struct or array; 64 hexadecimal digits.

    Raises
    ------
    InputError
        It holds something whose content cannot be told, such as a function or an open file.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}), digest(1) == digest(True)
    (True, False)
    """
    total = hashlib.sha256()
    for part in _parts(value, what):
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def _parts(value: object, what: str) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    if value is None:
        return
    if isinstance(value, enum.Enum):
        yield value.name.encode()
    elif isinstance(value, bool | int | float | complex):
        yield repr(value).encode()
    elif isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, PurePath):
        yield value.as_posix().encode()
    elif isinstance(value, np.ndarray | np.generic):
        yield from _array(np.asarray(value), what)
    elif isinstance(value, Mapping):
        items = sorted((digest(key, what), digest(one, f"{what}[{key!r}]")) for key, one in value.items())
        yield "".join(key + one for key, one in items).encode()
    elif isinstance(value, set | frozenset):
        yield "".join(sorted(digest(one, what) for one in value)).encode()
    elif isinstance(value, list | tuple):
        yield "".join(digest(one, f"{what}[{i}]") for i, one in enumerate(value)).encode()
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield field.name.encode()
            yield digest(getattr(value, field.name), f"{what}.{field.name}").encode()
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield name.encode()
            yield digest(getattr(value, name), f"{what}.{name}").encode()
    else:
        raise InputError(
            f"{what}: is a {type(value).__name__}, expected plain data, an array or a dataclass of them: its "
            "content decides whether a step must run again. Give the plain values and build the object in "
            "the step."
        )


def _array(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], what: str) -> Iterator[bytes]:
    yield f"{array.dtype.str}{array.shape}".encode()
    if array.dtype.hasobject:
        yield digest(array.tolist(), what).encode()
    else:
        yield np.ascontiguousarray(array).tobytes()
