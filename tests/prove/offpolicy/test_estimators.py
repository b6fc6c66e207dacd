"""Each estimator against its formula, written out decision by decision; then against the truth."""

from __future__ import annotations

import numpy as np
import pytest
from tests.prove.offpolicy.worlds import NEW, OLD, Small, changed, dense, small

from matinee.errors import ConfigError
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.estimators.clipped_ips import ClippedInversePropensity
from matinee.prove.offpolicy.evaluating import ESTIMATORS
from matinee.prove.offpolicy.problem import Problem
from matinee.prove.offpolicy.reward_model import FOLDS, PRIOR_DECISIONS, RIDGE, cross_fitted

CLUSTER = np.array([0, 1, 0])


def one(**changes: object) -> Small:
    return small(400, units=150, **changes)


def clustered(given: Small) -> Problem:
    log = given.problem.log
    return Problem(log, given.problem.target, cluster=CLUSTER, reward_low=0.0, reward_high=1.0)


def value(name: str, problem: Problem) -> float:
    assert ESTIMATORS[name].lacks(problem) == ""
    return ESTIMATORS[name].terms(problem).value


def test_weighted_estimators_are_their_formulas() -> None:
    given = one()
    log = given.problem.log
    w = [NEW[x, a] / p for x, a, p in zip(given.row, log.action, log.propensity, strict=True)]
    ips = sum(a * b for a, b in zip(w, log.reward, strict=True)) / 400
    assert value("ips", given.problem) == pytest.approx(ips, abs=1e-12)
    assert value("snips", given.problem) == pytest.approx(ips * 400 / sum(w), abs=1e-12)
    clipped = ClippedInversePropensity(most=1.5).terms(given.problem).value
    expected = sum(min(a, 1.5) * b for a, b in zip(w, log.reward, strict=True)) / 400
    assert clipped == pytest.approx(expected, abs=1e-12)


def test_cluster_estimators_are_their_formulas() -> None:
    given = one()
    problem = clustered(given)
    log, model = problem.log, problem.predicted
    mips = offcem = 0.0
    for i, (x, a) in enumerate(zip(given.row, log.action, strict=True)):
        same = CLUSTER[a] == CLUSTER
        w = NEW[x, same].sum() / OLD[x, same].sum()
        mips += w * log.reward[i] / 400
        offcem += (model.target[i] + w * (log.reward[i] - model.chosen[i])) / 400
    assert value("mips", problem) == pytest.approx(mips, abs=1e-12)
    assert value("offcem", problem) == pytest.approx(offcem, abs=1e-12)


def test_model_and_doubly_robust_are_their_formulas() -> None:
    """The reward model fitted again from its description, fold by fold, with plain loops."""
    given = one()
    log = given.problem.log
    units = np.unique(log.unit)
    fold = dict(zip(units, np.random.default_rng(0).permutation(len(units)) % FOLDS, strict=True))
    held = np.array([fold[u] for u in log.unit])
    x = (log.context - log.context.mean(0)) / log.context.std(0)
    dm = dr = 0.0
    for f in range(FOLDS):
        learn = held != f
        base = log.reward[learn].mean()
        slope = (
            np.linalg.inv(x[learn].T @ x[learn] + RIDGE * np.eye(3)) @ x[learn].T @ (log.reward[learn] - base)
        )
        rest = log.reward - base - x @ slope
        common = rest[learn].sum() / (learn.sum() + PRIOR_DECISIONS)
        effect = []
        for a in range(3):
            mine = learn & (log.action == a)
            effect.append((rest[mine].sum() + PRIOR_DECISIONS * common) / (mine.sum() + PRIOR_DECISIONS))
        for i in np.flatnonzero(held == f):
            known = base + x[i] @ slope
            target = sum(NEW[given.row[i], a] * (known + effect[a]) for a in range(3))
            w = NEW[given.row[i], log.action[i]] / log.propensity[i]
            dm += target / 400
            dr += (target + w * (log.reward[i] - known - effect[log.action[i]])) / 400
    assert value("dm", given.problem) == pytest.approx(dm, abs=1e-9)
    assert value("dr", given.problem) == pytest.approx(dr, abs=1e-9)


def test_the_model_has_not_seen_the_unit_it_speaks_about() -> None:
    given = one().problem
    before = given.predicted
    flipped = given.log.reward.copy()
    mine = given.log.unit == 7
    flipped[mine] = 1.0 - flipped[mine]
    after = cross_fitted(changed(given, reward=flipped).log, given.target)
    assert np.allclose(before.chosen[mine], after.chosen[mine])
    assert not np.allclose(before.chosen, after.chosen)


def test_replay_is_the_mean_of_the_matches_in_a_uniform_log() -> None:
    rng = np.random.default_rng(5)
    n, row = 6000, np.repeat([0, 1, 2], 2000)
    action = rng.integers(0, 3, n)
    given = small(n)
    uniform = changed(
        given.problem,
        action=action,
        propensity=np.full(n, 1 / 3),
        logging=Distributions.of_table(np.full((3, 3), 1 / 3), row),
        reward=np.eye(3)[action] @ [0.0, 0.5, 1.0],
    )
    problem = Problem(uniform.log, Distributions.of_table(NEW, row))
    terms = ESTIMATORS["replay"].terms(problem)
    kept = terms.denominator == 1
    assert 0.3 < kept.mean() < 0.37
    assert terms.value == pytest.approx(problem.log.reward[kept].mean())
    assert terms.value == pytest.approx(float((NEW @ [0.0, 0.5, 1.0]).mean()), abs=0.03)


def test_what_cannot_be_run_says_why() -> None:
    given = one().problem
    assert "--clusters" in ESTIMATORS["mips"].lacks(given)
    assert "p_all" in ESTIMATORS["offcem"].lacks(clustered(one(logging=None)))
    assert ESTIMATORS["replay"].lacks(given) == "the log is not of uniform choices"
    bare = changed(given, logging=None, n_actions=None)
    assert "n_actions" in ESTIMATORS["replay"].lacks(bare)
    alone = changed(given, unit=np.zeros(400, np.int64))
    assert ESTIMATORS["dr"].lacks(alone) == ESTIMATORS["dm"].lacks(alone) == "it needs two units"
    with pytest.raises(ConfigError, match=r"clipped: most is 0, expected above 0"):
        ClippedInversePropensity(most=0)


@pytest.mark.parametrize("name", ["ips", "snips", "dr"])
def test_the_truth_is_found(name: str) -> None:
    errors = []
    for seed in range(20):
        given = small(2000, seed=seed)
        errors.append(value(name, given.problem) - given.truth)
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(20)


def test_equal_policies_are_worth_what_was_logged() -> None:
    given = one().problem
    same = Problem(given.log, Distributions.of_table(dense(given.log.logging, 3)))  # type: ignore[arg-type]
    for name in ("ips", "snips"):
        assert value(name, same) == pytest.approx(given.log.reward.mean(), abs=1e-12)
