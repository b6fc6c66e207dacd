"""Arrays on disk: large ones are mapped, can be written to in memory, and can be replaced while in use."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from matinee.errors import NotFoundError, StorageError
from matinee.learn.models.storage import MAPPED_BYTES, load_arrays, save_arrays

LARGE = np.arange(MAPPED_BYTES // 4, dtype=np.float32)


def test_small_and_large_arrays_come_back_as_plain_arrays(tmp_path: Path) -> None:
    save_arrays(tmp_path / "m", {"a": "b"}, small=np.arange(3), large=LARGE)
    config, arrays = load_arrays(tmp_path / "m", dict[str, str])
    assert config == {"a": "b"}
    assert arrays["small"].tolist() == [0, 1, 2]
    assert np.array_equal(arrays["large"], LARGE)
    assert type(arrays["large"]) is np.ndarray
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "config.json",
        "large.npy",
        "small.npy",
    ]


def test_what_is_written_to_a_loaded_array_stays_in_memory(tmp_path: Path) -> None:
    save_arrays(tmp_path, {}, large=LARGE)
    _, first = load_arrays(tmp_path, dict[str, str])
    first["large"][:] = -1
    _, again = load_arrays(tmp_path, dict[str, str])
    assert np.array_equal(again["large"], LARGE)


def test_a_model_can_be_saved_over_the_files_it_was_loaded_from(tmp_path: Path) -> None:
    save_arrays(tmp_path, {}, large=LARGE)
    _, first = load_arrays(tmp_path, dict[str, str])
    save_arrays(tmp_path, {}, large=first["large"][:10])
    assert np.array_equal(first["large"], LARGE)
    assert load_arrays(tmp_path, dict[str, str])[1]["large"].tolist() == list(range(10))


@pytest.mark.skipif(os.name == "nt", reason="a mapped file cannot be deleted there")
def test_a_model_in_use_may_be_deleted(tmp_path: Path) -> None:
    save_arrays(tmp_path, {}, large=LARGE)
    _, first = load_arrays(tmp_path, dict[str, str])
    (tmp_path / "large.npy").unlink()
    assert np.array_equal(first["large"], LARGE)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    save_arrays(tmp_path, {}, large=LARGE)
    with (tmp_path / "large.npy").open("r+b") as file:
        file.truncate(MAPPED_BYTES)
    with pytest.raises(StorageError, match="a model file is damaged"):
        load_arrays(tmp_path, dict[str, str])
    with pytest.raises(NotFoundError, match=r"config\.json is missing"):
        load_arrays(tmp_path / "nowhere", dict[str, str])
