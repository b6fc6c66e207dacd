"""Annotations that fit, digests of values, the meter, and records on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.platform.pipeline.annotations import fits
from matinee.platform.pipeline.digest import digest
from matinee.platform.pipeline.meter import Meter, resident_mb
from matinee.platform.pipeline.record import JsonRunLog, Rates, RunRecord, StepRecord
from matinee.types import Ids, MemberId


class Base: ...


class Derived(Base): ...


class Talks(Protocol):
    def talk(self) -> str: ...


@pytest.mark.parametrize(
    ("produced", "consumed", "expected"),
    [
        (int, int, True),
        (Derived, Base, True),
        (Base, Derived, False),
        (int, float, True),
        (float, int, False),
        (str, Any, True),
        (None, int | None, True),
        (int | None, int, False),
        (int | str, str | int | None, True),
        (list[int], list[str], False),
        (list[int], list, True),
        (dict[str, int], Mapping[str, int], True),
        (list[str], Sequence[str], True),
        (NDArray[np.float32], NDArray[np.float32], True),
        (NDArray[np.float32], NDArray[np.int64], False),
        (NDArray[np.float32], NDArray[Any], True),
        (Ids, NDArray[np.object_], True),
        (MemberId, str, True),
        (Annotated[int, "seconds"], int, True),
        (tuple[int, str], tuple[int, int], False),
        (Base, Talks, True),
        (Callable[[str, float], None], Callable[[str, float], None] | None, True),
    ],
    ids=str,
)
def test_annotations_that_fit(produced: object, consumed: object, expected: bool) -> None:
    assert fits(produced, consumed) is expected


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Left:
    x: int = 1


@dataclass
class Right:
    x: int = 1


def test_digests_tell_values_apart() -> None:
    values: list[Any] = [
        None, 0, 0.0, False, "", b"", "0", [], (), {}, [0], [[0]], [0, 0], {"a": 0}, {"a": "0"}, {"b": 0},
        Colour.RED, Colour.BLUE, Left(), Right(), Left(2), Path("a"), "a", np.zeros(2), np.zeros(2, np.int8),
        np.zeros((1, 2)), np.float32(0), {1}, {1, 2}, ["ab", "c"], ["a", "bc"], float("nan"),
        np.array(["a"], object), -0.0,
    ]  # fmt: skip
    assert len({digest(one) for one in values}) == len(values)
    assert [digest(one) for one in values] == [digest(one) for one in values]
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    with pytest.raises(InputError, match=r"config\.x: is a function, expected plain data"):
        digest(Left(len.__class__ and (lambda: 1)), "config")  # type: ignore[arg-type]


def test_the_meter_sees_time_and_memory() -> None:
    before = resident_mb()
    with Meter() as meter:
        held = np.ones(4_000_000)
        total = held.sum()
    assert total == 4_000_000
    assert meter.duration_s > 0
    assert meter.cpu_s > 0
    assert meter.peak_mb >= before


def run_of(run_id: str, started_us: int = 1) -> RunRecord:
    return RunRecord(run_id, "p", started_us, ["a", "b"])


def step_of(run_id: str, name: str, **more: Any) -> StepRecord:
    return StepRecord(run_id, name, "k", "x", "ran", **more)


def test_records_of_steps_written_by_several_processes_are_read_together(tmp_path: Path) -> None:
    log = JsonRunLog(tmp_path)
    assert log.begin(run_of("r1", started_us=9))
    assert not log.begin(run_of("r1", started_us=10))
    log.step(step_of("r1", "b"))
    log.step(step_of("r1", "a"))
    assert [one.name for one in log.read("r1").steps] == ["a", "b"]
    assert log.read("r1").started_us == 9
    log.begin(run_of("r0", started_us=3))
    assert [one.run_id for one in log.all()] == ["r0", "r1"]
    with pytest.raises(NotFoundError, match=r"no run r7 here, expected a run id\. The newest: r0, r1\."):
        log.read("r7")
    (tmp_path / "r1" / "run.json").write_text("{")
    with pytest.raises(StorageError, match=r"run\.json: not a readable record"):
        log.read("r1")


def test_the_cost_of_a_run() -> None:
    steps = [
        step_of("r", "a", cpu_s=1_800.0, duration_s=3_600.0, peak_mb=2_000.0),
        step_of("r", "b", cpu_s=1_800.0),
    ]
    run = RunRecord("r", "p", 0, ["a", "b"], steps=steps)
    cost = Rates(cpu_hour_minor=400, gb_hour_minor=50, currency="SEK").cost(run)
    assert (cost.amount_minor, cost.currency) == (500.0, "SEK")
    assert (run.cpu_s, run.duration_s, run.peak_mb) == (3_600.0, 3_600.0, 2_000.0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type X = ...` came with Python 3.12")
def test_aliases_that_fit() -> None:
    made: dict[str, Any] = {}
    exec("type Swapped[A, B] = dict[B, A]\ntype Seconds = float\ntype Some[T] = T | None", made)
    swapped, seconds, some = made["Swapped"], made["Seconds"], made["Some"]
    assert fits(swapped[int, str], dict[str, int])
    assert not fits(swapped[int, str], dict[int, str])
    assert fits(seconds, float)
    assert fits(int, some[int])
    assert not fits(str, some[int])
