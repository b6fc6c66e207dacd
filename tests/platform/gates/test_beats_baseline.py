from __future__ import annotations

from tests.platform.gates.candidates import candidate, evaluated

from matinee.platform.gates.beats_baseline import BeatsBaseline


def test_it_passes_when_even_the_lower_end_is_above() -> None:
    found = BeatsBaseline().check(candidate())
    assert (found.verdict, found.figure, found.bound) == ("passed", 0.05, 0.0)
    assert "worth of a decision: ours minus old is 0.1000 [0.0500, 0.1500]" in found.text


def test_it_fails_with_figure_and_bound() -> None:
    unsure = candidate(evaluation=evaluated(lift=(0.1, -0.02, 0.2)))
    found = BeatsBaseline().check(unsure)
    assert (found.verdict, found.figure) == ("failed", -0.02)
    assert "lower end of its 95 % interval -0.0200, expected above 0." in found.text
    assert BeatsBaseline(surely=False).check(unsure).verdict == "passed"
    assert BeatsBaseline(by=0.1, surely=False).check(unsure).verdict == "failed"


def test_where_less_is_better_the_difference_is_turned_round() -> None:
    errors = candidate(evaluation=evaluated(lift=(-0.1, -0.15, -0.05), better="lower"))
    found = BeatsBaseline().check(errors)
    assert (found.verdict, found.figure) == ("passed", 0.05)
    assert BeatsBaseline().check(candidate(evaluation=evaluated(better="lower"))).verdict == "failed"


def test_without_a_figure_it_fails_and_says_what_to_do() -> None:
    found = BeatsBaseline().check(candidate(evaluation=None))
    assert (found.verdict, found.figure) == ("failed", None)
    assert "Run: matinee evaluate toy" in found.text
    found = BeatsBaseline().check(candidate(evaluation=evaluated(lift=None)))
    assert found.verdict == "failed"
    assert "does not compare worth of a decision with the baseline old" in found.text
