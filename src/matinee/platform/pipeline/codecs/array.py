"""numpy arrays as .npy files; arrays of texts (ids) as JSON."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError, StorageError
from matinee.platform.pipeline.annotations import plain

FILE, TEXTS = "value.npy", "value.json"


@dataclass(frozen=True, slots=True)
class ArrayCodec:
    """`value.npy`, or `value.json` for an array of dtype object, whose items must be texts or None."""

    name: str = "array"
    in_memory: bool = True

    def save(self, value: Any, folder: Path) -> None:
        """Write an array."""
        if not isinstance(value, np.ndarray):
            raise InputError(f"result is a {type(value).__name__}, expected a numpy array as annotated.")
        if value.dtype == object:
            _save_texts(value, folder / TEXTS)
        elif value.dtype.hasobject:
            raise InputError(
                f"result is an array of dtype {value.dtype}, which holds Python objects, expected numbers, "
                "texts or one array for each field."
            )
        else:
            np.save(folder / FILE, value, allow_pickle=False)

    def load(self, folder: Path) -> NDArray[Any]:
        """Read an array."""
        try:
            if (folder / TEXTS).exists():
                kept = json.loads((folder / TEXTS).read_bytes())
                flat = np.empty(len(kept["items"]), object)
                flat[:] = kept["items"]
                return flat.reshape(kept["shape"])
            array: NDArray[Any] = np.load(folder / FILE, allow_pickle=False)
            return array
        except (OSError, ValueError, EOFError, KeyError) as problem:
            raise StorageError(
                f"{folder}: not a readable array ({problem}). Delete the folder; the step is then run again."
            ) from problem


def array_codec(annotation: object) -> ArrayCodec | None:
    """Codec of numpy arrays, else None."""
    kind = typing.get_origin(plain(annotation)) or plain(annotation)
    return ArrayCodec() if isinstance(kind, type) and issubclass(kind, np.ndarray) else None


def _save_texts(array: NDArray[Any], path: Path) -> None:
    items = array.ravel().tolist()
    for position, item in enumerate(items):
        if item is not None and not isinstance(item, str):
            raise InputError(
                f"result is an array of dtype object with a {type(item).__name__} at position {position}, "
                "expected texts or None there. Give numbers a dtype of their own."
            )
    text = json.dumps({"shape": array.shape, "items": items}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
