"""How results are stored: read back as they were, same bytes each time, never a pickle."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.errors import ConfigError, InputError, NotFoundError, StorageError
from matinee.learn.interactions import Interactions
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.platform.pipeline.artefacts import ArtefactStore, DamagedError
from matinee.platform.pipeline.codecs.registry import codec_of
from matinee.platform.pipeline.codecs.table import Table
from matinee.testing.logs import generated_log
from matinee.types import Ids


class Point(msgspec.Struct):
    x: float
    label: str | None = None


@dataclass(frozen=True)
class Plain:
    points: list[Point]
    pair: tuple[int, str]
    kind: Literal["a", "b"] = "a"
    by_number: dict[int, float] = field(default_factory=dict)


class Model:
    def __init__(self, weights: NDArray[np.float32]) -> None:
        self.weights = weights

    def save(self, folder: Path) -> None:
        np.save(folder / "weights.npy", self.weights)

    @staticmethod
    def load(folder: Path) -> Model:
        return Model(np.load(folder / "weights.npy"))


class SubModel(Model):
    pass


class NeedsMore(Model):
    @staticmethod
    def load(folder: Path, catalogue: Catalogue) -> NeedsMore:  # type: ignore[override]
        return NeedsMore(np.load(folder / "weights.npy"))


class Pickled(Model):
    def save(self, folder: Path) -> None:
        (folder / "weights").write_bytes(pickle.dumps([1.0, 2.0]))


@dataclass
class Mixed:
    model: Model
    arrays: dict[str, NDArray[np.float64]]
    note: str
    spare: NDArray[np.int8] | None = None


def same(left: Any, right: Any) -> bool:
    if isinstance(left, Model):
        return same(left.weights, right.weights)
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if hasattr(left, "__dataclass_fields__") and not isinstance(left, Table):
        return all(same(getattr(left, name), getattr(right, name)) for name in left.__dataclass_fields__)
    return type(left) is type(right) and bool(left == right)


VALUES: list[tuple[Any, Any]] = [
    (int, 3),
    (float, -0.0),
    (float, math.inf),
    (bool, True),
    (str, "naïve\n🎬"),
    (bytes, b"\x00\xff"),
    (list[str], ["a", ""]),
    (dict[str, Any], {"b": [1, None], "a": {"c": 2.5}}),
    (dict[int, float], {2: 0.5, 1: 1.5}),
    (tuple[int, str], (1, "a")),
    (int | None, None),
    (Point, Point(1.5, None)),
    (Plain, Plain([Point(1.0, "x")], (1, "y"), "b", {3: 0.25})),
    (NDArray[np.float32], np.arange(6, dtype=np.float32).reshape(2, 3)),
    (np.ndarray, np.array(["a", "bb"])),
    (Ids, np.array([["m1", None], ["", "t\x00"]], dtype=object)),
    (NDArray[np.int8], np.zeros((0, 3), np.int8)),
    (dict[str, NDArray[np.int64]], {"file": np.arange(2), "a/b": np.arange(3)}),
    (NDArray[np.int8] | None, None),
    (NDArray[np.int8] | None, np.ones(2, np.int8)),
    (Model, Model(np.ones(3, np.float32))),
    (Mixed, Mixed(Model(np.ones(2, np.float32)), {"x": np.arange(2.0)}, "n")),
    (Interactions, generated_log()),
]


@pytest.mark.parametrize(("annotation", "value"), VALUES, ids=lambda one: str(one)[:30])
def test_a_value_comes_back_as_it_was_and_has_one_name(tmp_path: Path, annotation: Any, value: Any) -> None:
    store, codec = ArtefactStore(tmp_path / "store"), codec_of(annotation, "step f")
    name = store.put(value, codec, tmp_path)
    back = store.load(name, codec)
    assert same(value, back)
    assert store.put(back, codec, tmp_path) == name
    assert store.names() == [name]
    assert len(name) == 64


def test_a_figure_that_is_not_known_stays_so(tmp_path: Path) -> None:
    store, codec = ArtefactStore(tmp_path / "store"), codec_of(dict[str, float], "step f")
    back = store.load(store.put({"lift": math.nan, "n": np.float32(2)}, codec, tmp_path), codec)
    assert math.isnan(back["lift"])
    assert back["n"] == 2.0


def test_different_values_have_different_names(tmp_path: Path) -> None:
    store, codec = ArtefactStore(tmp_path / "store"), codec_of(np.ndarray, "step f")
    arrays = (np.zeros(2), np.zeros(3), np.zeros(2, np.float32), np.zeros((1, 2)))
    assert len({store.put(one, codec, tmp_path) for one in arrays}) == 4


def test_a_table_is_copied_and_read_where_it_is_kept(tmp_path: Path) -> None:
    store, codec = ArtefactStore(tmp_path / "store"), codec_of(Table, "step f")
    table = Table.write(tmp_path / "t.parquet", {"x": np.array([1, 2]), "y": np.array(["a", "b"])})
    kept = store.load(store.put(table, codec, tmp_path), codec)
    assert kept.path != table.path
    assert kept.columns()["x"].tolist() == [1, 2]
    folder = tmp_path / "days"
    (folder / "day=1").mkdir(parents=True)
    Table.write(folder / "day=1" / "a.parquet", {"x": np.array([3])})
    kept = store.load(store.put(Table(folder), codec, tmp_path), codec)
    assert kept.columns()["x"].tolist() == [3]


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (int, "3", r"result is a str that does not fit int"),
        (list[int], [1, "b"], r"does not fit list\[int\] .*expected a value of the annotated type"),
        (dict[str, Any], {"f": len}, "does not fit"),
        (str, 3, "result is a int, expected str"),
        (np.ndarray, [1, 2], "result is a list, expected a numpy array"),
        (np.ndarray, np.array([1, "a"], object), "dtype object with a int at position 0"),
        (np.ndarray, np.zeros(1, [("a", object)]), "holds Python objects"),
        (Model, SubModel(np.ones(1, np.float32)), "is a SubModel, expected exactly Model"),
        (Mixed, Mixed(Model(np.ones(1)), {"x": 3}, "n"), "field arrays: item 'x': result is a int"),  # type: ignore[dict-item,arg-type]
        (Table, Table(Path("nowhere.parquet")), "nowhere.parquet: does not exist"),
        (Pickled, Pickled(np.ones(1, np.float32)), "weights: is a pickle, which runs code when it is read"),
        (bytes, pickle.dumps({"a": 1}), "value.bin: is a pickle"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path: Path, annotation: Any, value: Any, text: str
) -> None:
    store = ArtefactStore(tmp_path / "store")
    with pytest.raises(InputError, match=text):
        store.put(value, codec_of(annotation, "step f"), tmp_path)
    assert store.names() == []
    assert list(tmp_path.iterdir()) == []


def test_types_that_cannot_be_stored_are_refused_by_name() -> None:
    for annotation in (object, Any, Path, list[NDArray[np.int8]], set[Model]):
        with pytest.raises(ConfigError, match=r"step f: returns .* which cannot be stored"):
            codec_of(annotation, "step f")
    with pytest.raises(
        ConfigError, match=r"step f: NeedsMore\.load: is load\(.*catalogue.* expected a static"
    ):
        codec_of(NeedsMore, "step f")
    codec_of(Catalogue, "step f")


def stored(tmp_path: Path) -> tuple[ArtefactStore, str]:
    store = ArtefactStore(tmp_path / "store")
    return store, store.put(np.arange(3), codec_of(np.ndarray, "step f"), tmp_path)


def test_damage_is_found_and_named(tmp_path: Path) -> None:
    codec = codec_of(np.ndarray, "step f")
    store, name = stored(tmp_path)
    file = store.folder(name) / "value.npy"
    good = file.read_bytes()
    file.write_bytes(good[:-1] + b"\xff")
    with pytest.raises(DamagedError, match=r"value\.npy: is changed; the artefact is damaged"):
        store.load(name, codec)
    assert store.put(np.arange(3), codec, tmp_path) == name  # storing it again mends it
    assert store.load(name, codec).tolist() == [0, 1, 2]
    (store.folder(name) / "more").touch()
    with pytest.raises(DamagedError, match="more: is too many"):
        store.load(name, codec)
    (store.folder(name) / "more").unlink()
    file.unlink()
    with pytest.raises(DamagedError, match=r"value\.npy: is missing"):
        store.load(name, codec)
    with pytest.raises(NotFoundError, match="no artefact here"):
        store.load("0" * 64, codec)


def test_another_format_codec_or_a_smuggled_pickle_is_refused(tmp_path: Path) -> None:
    store, name = stored(tmp_path)
    with pytest.raises(StorageError, match='was written as "array", expected "json"'):
        store.load(name, codec_of(int, "step f"))
    card = store.root / name / "artefact.json"
    card.write_bytes(card.read_bytes().replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(StorageError, match="has format 2, expected 1: it is from another version of Matinee"):
        store.load(name, codec_of(np.ndarray, "step f"))


def test_an_array_of_objects_is_a_pickle(tmp_path: Path) -> None:
    class Smuggler(Model):
        def save(self, folder: Path) -> None:
            np.save(folder / "weights.npy", np.array([{}], object), allow_pickle=True)

    with pytest.raises(InputError, match=r"weights\.npy: is a pickle"):
        ArtefactStore(tmp_path / "s").put(Smuggler(np.ones(1)), codec_of(Smuggler, "f"), tmp_path)  # type: ignore[arg-type]
