from __future__ import annotations

import numpy as np
import pytest
from tests.platform.gates.candidates import candidate, evaluated

from matinee.platform.evaluation import Evaluated, Figure, Metric
from matinee.platform.gates.not_worse import NotWorse, difference

RNG = np.random.default_rng(0)
THEIRS = RNG.random(200)


def against(ours: Evaluated, theirs: Evaluated):
    return candidate(evaluation=ours, released="v1", released_evaluation=theirs)


def test_the_first_release_has_nothing_to_be_worse_than() -> None:
    found = NotWorse().check(candidate())
    assert (found.verdict, found.text) == ("passed", "Nothing is in production yet.")


def test_the_same_units_are_compared_in_pairs() -> None:
    theirs = evaluated(values=THEIRS)
    better = NotWorse().check(against(evaluated(values=THEIRS + 0.01), theirs))
    assert better.verdict == "passed"
    assert "the same 200 units" in better.text
    assert better.figure == pytest.approx(0.01)
    worse = NotWorse().check(against(evaluated(values=THEIRS - 0.02), theirs))
    assert worse.verdict == "failed"
    assert worse.bound == pytest.approx(-0.02 * 0.5)
    assert "-0.0200 (the same 200 units), expected above -0.0100" in worse.text
    assert (
        NotWorse(margin_share=0.1).check(against(evaluated(values=THEIRS - 0.02), theirs)).verdict == "passed"
    )


def test_the_order_of_the_units_does_not_matter() -> None:
    turned = np.arange(200)[::-1]
    ours = evaluated(values=(THEIRS + 0.01)[turned], units=[f"m{i}" for i in turned])
    low, mean, how = difference(ours, evaluated(values=THEIRS))
    assert mean == pytest.approx(0.01)
    assert low == pytest.approx(0.01)
    assert how == "the same 200 units"


@pytest.mark.parametrize("other", [{"cut_us": 5}, {"units": [f"x{i}" for i in range(200)]}])
def test_another_cut_or_other_units_are_two_samples_with_a_wider_interval(other: dict) -> None:
    ours, theirs = evaluated(values=THEIRS + 0.01), evaluated(values=THEIRS, **other)
    low, mean, how = difference(ours, theirs)
    assert mean == pytest.approx(0.01)
    assert low < -0.02
    assert "two samples" in how


def test_units_without_a_value_are_left_out() -> None:
    holes = np.where(np.arange(200) % 7, THEIRS, np.nan)
    low, mean, _ = difference(evaluated(values=holes + 0.01), evaluated(values=THEIRS))
    assert (low, mean) == (pytest.approx(0.01), pytest.approx(0.01))


def test_reports_without_values_are_compared_by_their_intervals() -> None:
    low, mean, how = difference(evaluated(0.6), evaluated(0.5))
    assert mean == pytest.approx(0.1)
    assert low == pytest.approx(0.1 - np.hypot(0.02, 0.02) / 2)
    assert how == "two reported intervals"


def test_where_less_is_better_a_smaller_figure_is_not_worse() -> None:
    theirs = evaluated(values=THEIRS, better="lower")
    assert (
        NotWorse().check(against(evaluated(values=THEIRS - 0.02, better="lower"), theirs)).verdict == "passed"
    )
    assert (
        NotWorse().check(against(evaluated(values=THEIRS + 0.02, better="lower"), theirs)).verdict == "failed"
    )


def test_what_cannot_be_compared_is_said() -> None:
    found = NotWorse().check(candidate(released="v1", released_evaluation=None))
    assert found.verdict == "failed"
    assert "No evaluation of the released version v1" in found.text
    found = NotWorse().check(candidate(evaluation=None, released="v1", released_evaluation=evaluated()))
    assert "No evaluation of the candidate" in found.text
    other = evaluated().report
    other = type(other)(
        initiative="toy", cut_us=0, metrics=[Metric("recall", "recall")], ours="toy", baseline="toy",
        figures={"toy": {"recall": Figure(0.1, 0.0, 0.2, 9)}},
    )  # fmt: skip
    found = NotWorse().check(against(evaluated(), Evaluated(other)))
    assert found.verdict == "not_measured"
    assert "was recall and is now worth of a decision" in found.text
