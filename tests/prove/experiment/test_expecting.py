"""What past experiments say of the next one."""

from __future__ import annotations

from matinee.prove.experiment.expecting import expected, prior_of
from matinee.prove.experiment.findings import Look


def past(value: float | None, error: float | None = 0.01) -> Look:
    return Look(
        at_us=1, until_us=1, fraction=1.0, n={"a": 100, "b": 100}, estimate={"b": value}, error={"b": error},
        bound={"b": 2.0}, verdict="keep",
    )  # fmt: skip


def test_ten_experiments_are_a_prior() -> None:
    looks = [past(0.02 * (-1) ** i) for i in range(10)]
    found = prior_of(looks)
    assert found is not None
    assert found.n == 10
    assert 0.01 < found.sd < 0.03
    words = expected(found)
    assert words.startswith("Expected: drawn towards 0, since by 10 past differences of this home 95 % of")


def test_fewer_and_those_without_figures_are_none() -> None:
    assert prior_of([past(0.01)] * 9) is None
    assert prior_of([past(0.01)] * 9 + [past(None), past(0.1, None), past(0.1, 0.0)]) is None
