"""Room in a layer."""

from __future__ import annotations

import msgspec
import pytest

from matinee.errors import InputError
from matinee.prove.experiment.definition import Arm, Experiment
from matinee.prove.experiment.layer import check_ramp, find_place, free_parts, told


def part(name: str, start: float, share: float) -> Experiment:
    return Experiment(
        name=name, initiative="art", owner="ana", hypothesis="h", arms=(Arm("a", 0.5), Arm("b", 0.5)),
        primary="watch", from_share=start, share=share,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], [(0.0, 1.0)]),
        ([(0.0, 1.0)], []),
        ([(0.0, 0.1 + 0.2), (0.3, 1.0)], []),
        ([(0.2, 0.4)], [(0.0, 0.2), (0.4, 1.0)]),
        ([(0.5, 1.0), (0.0, 0.25)], [(0.25, 0.5)]),
    ],
)
def test_what_is_free(taken: list[tuple[float, float]], free: list[tuple[float, float]]) -> None:
    assert free_parts(taken) == free


def test_the_first_place_with_room_or_the_one_that_is_asked_for() -> None:
    running = [part("one", 0.0, 0.2), part("two", 0.5, 0.3)]
    assert find_place(part("new", 0.0, 0.3), running) == pytest.approx(0.2)
    assert find_place(part("new", 0.0, 0.1), []) == 0.0
    assert find_place(part("new", 0.85, 0.1), running) == 0.85
    with pytest.raises(InputError) as caught:
        find_place(part("new", 0.4, 0.2), running)
    assert str(caught.value) == (
        "experiment new: share is 0.2 from 0.4 on, expected room in layer art: Running: one (0 to 0.2), two "
        "(0.5 to 0.8). Free: 0.2 to 0.5, 0.8 to 1. Lower its share, stop one of them, or give it a layer of "
        "its own if the two cannot disturb each other."
    )


def test_a_full_layer_says_so() -> None:
    with pytest.raises(InputError, match=r"Running: one \(0 to 1\)\. Free: nothing\."):
        find_place(part("new", 0.0, 0.1), [part("one", 0.0, 1.0)])


def test_a_ramp_stays_in_its_own_room() -> None:
    running = [part("one", 0.0, 0.2), part("two", 0.5, 0.3)]
    check_ramp(msgspec.structs.replace(running[0], share=0.5), running)
    for index, share, most in ((0, 0.6, "0.5"), (1, 0.7, "0.5")):
        with pytest.raises(InputError, match=f"expected at most {most}: it begins at"):
            check_ramp(msgspec.structs.replace(running[index], share=share), running)
    assert told([]) == "Free: 0 to 1."
