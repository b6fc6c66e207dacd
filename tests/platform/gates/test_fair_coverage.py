from __future__ import annotations

from tests.platform.gates.candidates import candidate, evaluated

from matinee.platform.evaluation import Figure
from matinee.platform.gates.fair_coverage import FairCoverage


def grouped(mean: float = 0.5, better: str = "higher", **groups: tuple[float, int]):
    figures = {name: Figure(mean, mean - 0.01, mean + 0.01, n) for name, (mean, n) in groups.items()}
    return candidate(evaluation=evaluated(mean, better=better, groups=figures))  # type: ignore[arg-type]


def test_groups_that_reach_their_share_pass() -> None:
    found = FairCoverage().check(grouped(kids=(0.3, 100), adults=(0.6, 100)))
    assert (found.verdict, found.bound) == ("passed", 0.5)
    assert "Worst of 2 groups is kids" in found.text


def test_the_worst_group_is_named() -> None:
    found = FairCoverage().check(grouped(kids=(0.1, 100), adults=(0.6, 100)))
    assert found.verdict == "failed"
    assert found.figure == 0.11 / 0.5
    assert (
        "kids: worth of a decision 0.1000 [0.0900, 0.1100], at best 0.22 of the overall 0.5000" in found.text
    )
    assert "expected at least 0.5" in found.text


def test_small_groups_are_named_and_not_judged() -> None:
    found = FairCoverage().check(grouped(kids=(0.0, 9), adults=(0.6, 100)))
    assert found.verdict == "passed"
    assert "Too small to judge: kids." in found.text
    assert FairCoverage(min_units=5).check(grouped(kids=(0.0, 9), adults=(0.6, 100))).verdict == "failed"
    assert FairCoverage().check(grouped(kids=(0.0, 9))).verdict == "not_measured"


def test_where_less_is_better_the_shares_are_turned_round() -> None:
    assert FairCoverage().check(grouped(0.2, "lower", kids=(0.3, 100))).verdict == "passed"
    assert FairCoverage().check(grouped(0.2, "lower", kids=(0.6, 100))).verdict == "failed"


def test_without_groups_and_of_a_loss_it_is_not_measured() -> None:
    for evaluation in (None, evaluated()):
        found = FairCoverage().check(candidate(evaluation=evaluation))
        assert (found.verdict, found.figure) == ("not_measured", None)
    found = FairCoverage().check(grouped(-0.5, kids=(-0.4, 100)))
    assert found.verdict == "not_measured"
    assert "-0.5000 overall" in found.text
