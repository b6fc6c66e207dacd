"""How models are kept: one .npy per array and one config.json; never a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.errors import NotFoundError, StorageError

Config = TypeVar("Config")


def save_arrays(folder: Path, config: object, **arrays: NDArray[Any]) -> None:
    """Write a config (dataclass) and named arrays to `folder`, made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2))
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


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
        arrays = {file.stem: np.load(file, allow_pickle=False) for file in sorted(folder.glob("*.npy"))}
    except (ValueError, EOFError) as error:
        raise StorageError(f"{folder}: a model file is damaged ({error}). Train the model again.") from error
    return config, arrays
