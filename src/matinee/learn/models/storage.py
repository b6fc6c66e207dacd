"""How models are kept: one .npy per array and one config.json; never a pickle.

Large arrays are mapped instead of read: the processes of a server that use one model share its pages, and
what nobody asks for takes no memory. A mapped array may be written to, which changes the process's own copy
of a page and never the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.errors import NotFoundError, StorageError

Config = TypeVar("Config")
MAPPED_BYTES = 1 << 20
"""Files from this size on are mapped."""


def save_arrays(folder: Path, config: object, **arrays: NDArray[Any]) -> None:
    """Write a config (dataclass) and named arrays to `folder`, made if missing.

    A file that exists is replaced, not written over: somebody may have it mapped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2))
    for name, array in arrays.items():
        part = folder / f"{name}.npy.part"
        with part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        part.replace(folder / f"{name}.npy")


def load_arrays(folder: Path, config_type: type[Config]) -> tuple[Config, dict[str, NDArray[Any]]]:
    """Read what `save_arrays` wrote.

    Raises
    ------
    NotFoundError
        The folder holds no config.json.
    StorageError
        A file is damaged, or holds pickled objects.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise NotFoundError(f"{folder}: no model here (config.json is missing). Train one first.")
    try:
        config = msgspec.json.decode(path.read_bytes(), type=config_type)
        arrays = {file.stem: _read(file) for file in sorted(folder.glob("*.npy"))}
    except (ValueError, EOFError) as error:
        raise StorageError(f"{folder}: a model file is damaged ({error}). Train the model again.") from error
    return config, arrays


def _read(path: Path) -> NDArray[Any]:
    if os.name == "nt" or path.stat().st_size < MAPPED_BYTES:  # Windows: a mapped file cannot be replaced
        found: NDArray[Any] = np.load(path, allow_pickle=False)
        return found
    mapped: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    return np.asarray(mapped)
