"""What is refused, and that a sound log is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.prove.offpolicy.worlds import OLD, changed, small

from matinee.errors import ConfigError, InputError
from matinee.prove.offpolicy.checks import Check, DiagnosticsConfig
from matinee.prove.offpolicy.diagnostics import diagnose, supported
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.evaluating import evaluate
from matinee.prove.offpolicy.log import Log
from matinee.prove.offpolicy.problem import Problem


def found(problem: Problem, name: str) -> Check:
    return next(check for check in diagnose(problem).checks if check.name == name)


def test_a_sound_log_passes_every_check() -> None:
    refused = [diagnose(small(seed=seed).problem).reasons for seed in range(100)]
    assert sum(map(bool, refused)) <= 2, refused
    one = diagnose(small().problem)
    weight = small().problem.weight
    assert one.ess == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert (one.max_weight, one.support, one.n_actions) == (pytest.approx(6.0), 1.0, 3)
    assert [check.name for check in one.checks if check.finding == "not_run"] == ["late_joins"]


def test_without_its_columns_a_check_is_not_run() -> None:
    bare = changed(small().problem, n_actions=None, logging=None, p_sum=None)
    one = diagnose(bare)
    absent = {check.name for check in one.checks if check.finding == "not_run"}
    assert absent == {"identity_mean", "p_all_sum", "p_all_agrees", "sample_ratio", "late_joins"}
    assert one.identity_mean is None


def test_wrong_propensities_are_refused_by_both_means() -> None:
    given = small().problem
    halved = changed(given, propensity=given.log.propensity / 2, logging=None)
    for name in ("mean_weight", "identity_mean"):
        check = found(halved, name)
        assert (check.finding, round(check.figure or 0, 1)) == ("refused", 2.0)
        assert "expected 1" in check.text
    report = evaluate(halved)
    assert (report.verdict, report.estimates, report.bounds) == ("refused", {}, None)
    assert len(report.reasons) == 2


def test_one_tiny_propensity_is_named_as_what_it_is() -> None:
    given = small().problem
    p = given.log.propensity.copy()
    p[np.argmax(given.weight)] = 1e-5
    wrong = changed(given, propensity=p, logging=None)
    assert found(wrong, "max_weight").finding == "refused"
    assert "one decision makes" in found(wrong, "mean_weight").text
    assert found(wrong, "ess").finding == "refused"


def test_p_all_must_sum_to_1_agree_and_be_followed() -> None:
    given = small().problem
    off = changed(given, p_sum=np.where(np.arange(3000) == 5, 0.9, 1.0))
    assert "the worst sums to 0.9" in found(off, "p_all_sum").text
    row = given.log.logging.row  # type: ignore[union-attr]
    other = changed(given, logging=Distributions.of_table(OLD[:, [1, 0, 2]], row))
    assert found(other, "p_all_agrees").finding == "refused"
    assert found(other, "sample_ratio").finding == "refused"
    dropped = given.log.kept((given.log.action != 1) | (np.arange(3000) % 3 > 0))
    some = Problem(dropped, given.target.kept((given.log.action != 1) | (np.arange(3000) % 3 > 0)))
    assert found(some, "sample_ratio").finding == "refused"


def test_support_by_p_all_and_by_what_was_taken() -> None:
    given = small().problem
    row = given.log.logging.row  # type: ignore[union-attr]
    names = ("a", "b", "c", "d")
    target = Distributions.of_table(np.tile([0.2, 0.2, 0.2, 0.4], (3, 1)), row)
    for logging in (given.log.logging, None):
        other = Problem(changed(given, names=names, logging=logging).log, target)
        assert supported(other) == pytest.approx(0.6)
        assert "40.00% of the policy's probability" in found(other, "support").text
        assert 'most on "d"' in found(other, "support").text
    alien = Problem(
        changed(given, names=names, logging=None).log,
        Distributions.of_table(np.tile([0.0, 0.0, 0.0, 1.0], (3, 1)), row),
    )
    report = evaluate(alien)
    assert report.verdict == "refused"
    assert report.diagnostics.ess == report.diagnostics.max_weight == 0.0
    unused = Distributions.of_table(np.array([[0.5, 0.5, 0.0]]), np.zeros(3000, np.int64))
    part = Problem(changed(given, logging=unused, action=given.log.action % 2).log, given.target)
    assert supported(part) == pytest.approx(1 - np.mean([0.5, 0.8, 0.2]), abs=0.02)


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"action": np.zeros(3000, np.int64)}, "actions", 'The log holds one action, "a"'),
        ({"n_conflicts": 2, "n_duplicates": 2}, "duplicates", "2 decisions stand twice with other values"),
        ({"n_duplicates": 300}, "duplicates", "9.1% of the log"),
        ({"n_late": 400}, "late_joins", "400 rewards came when the outcome was final"),
    ],
)
def test_other_faults_are_refused(changes: dict[str, Any], check: str, words: str) -> None:
    one = found(changed(small().problem, **changes), check)
    assert one.finding == "refused"
    assert words in one.text


def test_rewards_that_never_differ_are_a_warning() -> None:
    given = small().problem
    flat = changed(given, reward=np.zeros(3000))
    assert found(flat, "rewards").finding == "warning"
    assert "Every reward is 0" in found(flat, "rewards").text
    assert found(given, "rewards").figure == given.log.reward.sum()


def test_few_duplicates_and_late_rewards_are_warnings() -> None:
    few = changed(small().problem, n_duplicates=3, n_late=10)
    assert found(few, "duplicates").finding == found(few, "late_joins").finding == "warning"


def test_a_log_with_impossible_values_cannot_be_made() -> None:
    given = small(10).problem.log
    for name, value, words in (
        ("propensity", 0.0, "propensity is 0.0, expected a probability above 0"),
        ("propensity", 1.5, "propensity is 1.5"),
        ("propensity", np.nan, "propensity is nan"),
        ("reward", np.inf, "reward is inf, expected a number"),
        ("action", 9, "action is 9, expected a position in the 3 names"),
    ):
        column = getattr(given, name).copy()
        column[4] = value
        with pytest.raises(InputError, match=f"log, decision 5: {words}"):
            changed(small(10).problem, logging=None, **{name: column})
    with pytest.raises(InputError, match="log: it holds 0 decisions"):
        Log(*(np.array([]) for _ in range(4)), names=())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="reward has 3 rows, expected 10"):
        changed(small(10).problem, reward=np.ones(3))
    two = Distributions.of_entries([0, 0], [0, 1], [0.5, 0.5], n=1, of=np.zeros(10, np.int64))
    with pytest.raises(InputError, match="action is c, expected one of the eligible set"):
        changed(small(10).problem, logging=two, action=np.full(10, 2))


def test_a_policy_that_is_none_is_refused() -> None:
    given = small(10).problem
    with pytest.raises(InputError, match=r"policy, decision 1: its probabilities sum to 0\.9, expected 1"):
        Problem(given.log, Distributions.of_table(np.full((10, 3), 0.3)))
    with pytest.raises(InputError, match=r"policy: p is -0\.5, expected a probability"):
        Problem(given.log, Distributions.of_table(np.tile([-0.5, 1.5, 0.0], (10, 1))))
    with pytest.raises(InputError, match="it decides 4 times, expected 10"):
        Problem(given.log, given.target.kept(np.arange(4)))
    with pytest.raises(InputError, match=r"a reward is 1, expected at most 0\.5"):
        Problem(given.log, given.target, reward_high=0.5)
    with pytest.raises(ConfigError, match="diagnostics: chance is 0"):
        DiagnosticsConfig(chance=0.0)
    with pytest.raises(ConfigError, match=r"diagnostics: late is -1"):
        DiagnosticsConfig(late=-1)
