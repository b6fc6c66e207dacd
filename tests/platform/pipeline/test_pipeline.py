"""A pipeline is checked before anything is computed; messages name step, parameter, file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.errors import ConfigError
from matinee.observe.home import Home
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.pipeline.step import step

HERE = r"\(.*test_pipeline\.py:\d+\)"


def numbers(seed: int) -> NDArray[np.float64]:
    return np.arange(seed, dtype=np.float64)


def total(numbers: NDArray[np.float64]) -> float:
    return float(numbers.sum())


def test_steps_are_put_in_order_whatever_the_order_they_are_written_in() -> None:
    pipeline = Pipeline("sums", (total, numbers), result="total")
    assert [one.name for one in pipeline.steps] == ["numbers", "total"]
    assert pipeline.result == "total"
    assert Pipeline("sums", (numbers, total)).result == "total"
    assert pipeline.inputs(pipeline["total"]) == ("numbers",)
    assert pipeline.givens(pipeline["numbers"]) == ("seed",)


def test_an_unknown_input_is_named_with_the_nearest_known_one() -> None:
    def mean(nubmers: NDArray[np.float64]) -> float:
        return float(nubmers.mean())

    with pytest.raises(
        ConfigError,
        match=rf'pipeline sums, step mean, parameter nubmers {HERE}: unknown input "nubmers"\. '
        'Did you mean "numbers"',
    ):
        Pipeline("sums", (numbers, mean))


def test_a_cycle_is_told_with_its_path() -> None:
    def a(c: int) -> int:
        return c

    def b(a: int) -> int:
        return a

    def c(b: int) -> int:
        return b

    with pytest.raises(ConfigError, match=r"in a circle: a -> c -> b -> a .*test_pipeline\.py:\d+"):
        Pipeline("round", (a, b, c))


def test_a_step_that_takes_itself_is_a_cycle() -> None:
    def a(a: int) -> int:
        return a

    with pytest.raises(ConfigError, match="a -> a"):
        Pipeline("round", (a,))


def test_types_of_producer_and_consumer_must_fit() -> None:
    def words(total: str) -> str:
        return total

    with pytest.raises(
        ConfigError,
        match=rf"step words, parameter total {HERE}: is annotated str, but step total {HERE} returns float",
    ):
        Pipeline("sums", (numbers, total, words))


def test_a_given_must_have_its_type() -> None:
    def later(at_us: str) -> str:
        return at_us

    with pytest.raises(
        ConfigError, match=r"parameter at_us .* is annotated str, but what is given .* is int"
    ):
        Pipeline("times", (later,))


def test_two_steps_with_one_name_are_refused_and_a_name_can_be_given() -> None:
    with pytest.raises(ConfigError, match=r"two steps are named numbers .* step\(f, name=\.\.\.\)"):
        Pipeline("sums", (numbers, numbers))
    pipeline = Pipeline("sums", (numbers, step(numbers, name="again")))
    assert [one.name for one in pipeline.steps] == ["numbers", "again"]


def test_a_step_may_not_be_named_like_a_given() -> None:
    with pytest.raises(ConfigError, match=r"step seed .* has the name of a given"):
        Pipeline("sums", (step(numbers, name="seed"),))


def test_an_unknown_result_and_no_steps_are_refused() -> None:
    with pytest.raises(ConfigError, match='unknown step "totals"\\. Did you mean "total"'):
        Pipeline("sums", (numbers, total), result="totals")
    with pytest.raises(ConfigError, match="has no steps"):
        Pipeline("sums", ())


def no_annotation(seed) -> int:  # type: ignore[no-untyped-def]
    return int(seed)


def no_result(seed: int):  # type: ignore[no-untyped-def]
    return seed


def nothing(seed: int) -> None:
    return None


def anything(seed: int) -> Any:
    return seed


def a_function(seed: int) -> Callable[[], int]:
    return lambda: seed


def many(*seeds: int) -> int:
    return sum(seeds)


def stream(seed: int):  # type: ignore[no-untyped-def]
    yield seed


def unknown_type(seed: Missing) -> int:  # type: ignore[name-defined]  # noqa: F821
    return 1


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (no_annotation, "parameter seed has no annotation"),
        (no_result, "annotation of the result is none"),
        (nothing, "annotation of the result is"),
        (anything, "annotation of the result is typing.Any"),
        (a_function, "which cannot be stored. Expected plain data"),
        (many, "parameter .*seeds.* has no name of its own"),
        (stream, "is a coroutine or generator"),
        (unknown_type, "an annotation cannot be read .*Missing"),
        (lambda seed: seed, "is named '<lambda>'"),
    ],
)
def test_a_function_that_cannot_be_a_step_is_refused_with_its_place(
    function: Callable[..., Any], text: str
) -> None:
    with pytest.raises(ConfigError, match=rf"step .*{HERE}: .*{text}"):
        step(function)


def test_a_closure_is_refused() -> None:
    factor = 2

    def scaled(seed: int) -> int:
        return factor * seed

    with pytest.raises(ConfigError, match=r"uses factor of the function around it.*make it a parameter"):
        step(scaled)


def test_a_builtin_or_a_class_is_no_step() -> None:
    with pytest.raises(ConfigError, match="is a type, expected a plain function"):
        step(int)
    with pytest.raises(ConfigError, match="is a builtin_function_or_method, expected a plain function"):
        step(len)


def reading(home: Home, at_us: int) -> int:
    return at_us


def test_reads_and_home_belong_together() -> None:
    assert step(reading, reads=("plays",)).reads == ("plays",)
    with pytest.raises(ConfigError, match="takes home and declares no reads"):
        step(reading)
    with pytest.raises(ConfigError, match="declares reads plays and has no parameter home"):
        step(numbers, reads=("plays",))
    with pytest.raises(ConfigError, match='unknown table "play"\\. Did you mean "plays"'):
        step(reading, reads=("play",))
    with pytest.raises(ConfigError, match=r'reads is the text "plays", expected names: reads=\("plays",\)'):
        step(reading, reads="plays")


@pytest.mark.parametrize(("option", "value"), [("retries", -1), ("retry_wait_s", -0.5)])
def test_options_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{option} is {value}, expected .*0 or more"):
        step(numbers, **{option: value})


def test_own_givens_are_declared() -> None:
    def late(horizon: int) -> int:
        return horizon

    with pytest.raises(ConfigError, match='unknown input "horizon"'):
        Pipeline("late", (late,))
    assert Pipeline("late", (late,), given={"horizon": int}).givens(step(late)) == ("horizon",)


def test_the_shape_changes_with_the_steps_only() -> None:
    one = Pipeline("sums", (numbers, total))
    assert one.shape == Pipeline("sums", (numbers, total)).shape
    assert one.shape != Pipeline("sums", (step(numbers, version="2"), total)).shape


def test_a_scratch_folder_is_a_given() -> None:
    def write(scratch: Path) -> str:
        return scratch.name

    assert Pipeline("w", (write,)).givens(step(write)) == ("scratch",)
