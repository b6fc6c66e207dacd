import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.errors import InputError
from matinee.prove.stats.holm import holm


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.6, 0.7], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
    ],
)
def test_known_answers(p, corrected):
    assert holm(p) == pytest.approx(corrected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_between_the_raw_value_and_bonferroni_and_in_the_same_order(p):
    corrected = holm(p)
    for raw, fixed in zip(p, corrected, strict=True):
        assert raw <= fixed <= min(1.0, raw * len(p)) + 1e-12
    for i in range(len(p)):
        for j in range(len(p)):
            assert p[i] > p[j] or corrected[i] <= corrected[j]


def test_a_value_that_is_no_probability_is_refused():
    with pytest.raises(InputError, match=r"p is nan"):
        holm([0.1, float("nan")])
