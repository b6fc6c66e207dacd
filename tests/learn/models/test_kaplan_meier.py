import numpy as np
import pytest

from matinee.errors import InputError, NotFittedError
from matinee.learn.models.kaplan_meier import KaplanMeier


def test_the_example_of_the_textbook():
    """Remission under 6-MP: Freireich et al. (1963), in Kalbfleisch, Prentice (2002), table 1.1."""
    ended = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23])
    censored = np.array([6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
    age = np.concatenate([ended, censored]).astype(float)
    km = KaplanMeier().fit(age, np.arange(21) < 9)
    assert km.time_.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert km.survival_.round(4).tolist() == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]


def test_those_who_had_no_time_to_end_do_not_count_as_lasting():
    rng = np.random.default_rng(0)
    life, seen = rng.exponential(10, 20_000), rng.uniform(0, 10, 20_000)
    km = KaplanMeier().fit(np.minimum(life, seen), life <= seen)
    assert km.survival(np.array([5.0]))[0] == pytest.approx(np.exp(-0.5), abs=0.01)
    assert (np.minimum(life, seen) > 5).mean() < 0.4  # as if censored units had ended
    assert ((life > seen) | (life > 5)).mean() > 0.65  # as if they lasted for ever


def test_those_who_came_late_count_from_then_on():
    rng = np.random.default_rng(1)
    life, entry = rng.exponential(10, 40_000), rng.uniform(0, 20, 40_000)
    there = life > entry
    km = KaplanMeier().fit(life[there], np.ones(there.sum(), bool), entry[there])
    assert km.p_end(np.array([8.0]), 5.0)[0] == pytest.approx(1 - np.exp(-0.5), abs=0.02)


def test_beyond_the_last_time_it_stays():
    km = KaplanMeier().fit(np.array([1.0, 2.0]), np.array([True, False]))
    assert km.survival(np.array([0.0, 1.0, 99.0])).tolist() == [1.0, 0.5, 0.5]
    assert km.p_end(np.array([50.0]), 1.0).tolist() == [0.0]


def test_saved_and_loaded_it_is_the_same(tmp_path):
    km = KaplanMeier().fit(np.array([1.0, 2.0]), np.array([True, True]))
    km.save(tmp_path)
    assert KaplanMeier.load(tmp_path).survival(np.array([1.5])) == km.survival(np.array([1.5]))


def test_messages():
    with pytest.raises(InputError, match="expected one value of each per unit"):
        KaplanMeier().fit(np.zeros(2), np.zeros(3, bool))
    with pytest.raises(InputError, match="1 units have an age below that of their entry"):
        KaplanMeier().fit(np.zeros(1), np.zeros(1, bool), np.ones(1))
    with pytest.raises(NotFittedError, match="survival before fit"):
        KaplanMeier().survival(np.zeros(1))
