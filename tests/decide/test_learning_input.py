"""Questions, batches and files that are not what a policy is for."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.decide.batch import Batch
from matinee.decide.beliefs.arms import ArmsBelief, ArmsBeliefConfig
from matinee.decide.beliefs.pooled import PooledBelief
from matinee.decide.policies.squarecb import SquareCBPolicy
from matinee.decide.policies.thompson import ThompsonPolicy
from matinee.decide.question import Question, Space
from matinee.errors import InputError, StorageError
from matinee.prove.offpolicy.log import Log
from matinee.testing.bandits import Bandit

SPACE = Space(("face", "title", "scene"), context=("tv",))


def saved(tmp_path):
    policy = ThompsonPolicy(ArmsBelief(SPACE))
    policy.update(Bandit(SPACE).batch(40))
    policy.save(tmp_path / "policy")
    return policy, tmp_path / "policy"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (ArmsBelief(Space(("face", "other", "scene"), context=("tv",))),
         r"has actions \[face, title, scene\] \(3\), expected \[face, other, scene\] \(3\)"),
        (ArmsBelief(Space(SPACE.actions, context=("phone",))),
         r"has context \[tv\] \(1\), expected \[phone\] \(1\)"),
        (ArmsBelief(SPACE, ArmsBeliefConfig(ridge=2.0)), r"has settings .*'ridge': 1.0.*expected .*2.0"),
        (PooledBelief(SPACE), "has kind arms, expected pooled"),
    ],
)  # fmt: skip
def test_a_policy_file_for_something_else_is_refused(tmp_path, other, message):
    _, folder = saved(tmp_path)
    with pytest.raises(InputError, match=message):
        ThompsonPolicy(other).load(folder)


def test_how_to_explore_may_change_after_learning(tmp_path):
    _, folder = saved(tmp_path)
    other = SquareCBPolicy(ArmsBelief(SPACE))
    other.load(folder)
    assert other.n_seen == 40


def test_a_damaged_file_is_refused_and_changes_nothing(tmp_path):
    policy, folder = saved(tmp_path)
    asked = Bandit(SPACE).question(1)
    before = policy.probabilities(asked)
    np.save(folder / "xx.npy", np.zeros((1, 2, 2)))
    with pytest.raises(StorageError, match=r"arrays of the policy do not fit each other.*Refit it"):
        policy.load(folder)
    (folder / "xx.npy").write_bytes(b"nonsense")
    with pytest.raises(StorageError, match=r"damaged"):
        policy.load(folder)
    assert np.array_equal(policy.probabilities(asked), before)


def test_a_log_becomes_a_batch():
    log = Log(
        action=np.array([1, 0, 1]),
        propensity=np.array([0.5, 0.25, 0.5]),
        reward=np.array([1.0, 0.0, 1.0]),
        unit=np.arange(3),
        names=("a", "b"),
        context=np.zeros((3, 1)),
    )
    batch = Batch.of_log(log, features=np.array([[1.0], [2.0]]))
    assert batch.names == ("b", "a", "b")
    assert batch.features[:, 0].tolist() == [2.0, 1.0, 2.0]
    assert batch.rows(np.array([True, False, True])).names == ("b", "b")


def test_questions_that_do_not_hold_together_are_refused():
    with pytest.raises(InputError, match=r'action "a" is there twice'):
        Question(("a", "a"))
    with pytest.raises(InputError, match=r"permitted has shape \(2,\), expected \(1,\)"):
        Question(("a",), permitted=np.ones(2, np.bool_))
    with pytest.raises(InputError, match=r"features holds inf, expected finite numbers"):
        Question(("a",), features=np.array([[np.inf]]))
    with pytest.raises(InputError, match=r"actions are \['a', 'a'\], expected each name once"):
        Space(("a", "a"))
    with pytest.raises(InputError, match=r"Batch: reward has 2 rows, expected 1 as names has"):
        Batch(("a",), np.zeros(2), np.ones(1))
