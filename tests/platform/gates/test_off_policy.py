"""The release gate by the log of the policy in production."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.platform.gates.candidates import candidate
from tests.prove.offpolicy.worlds import OLD, REWARD, changed, small

from matinee.errors import InputError
from matinee.platform.gates.gate import Candidate, GateResult
from matinee.platform.gates.off_policy import GainBound, OffPolicy
from matinee.prove.offpolicy.distributions import Distributions
from matinee.prove.offpolicy.problem import Problem

GIVEN = small(3000)
BEST = np.eye(3)[[2, 0, 0]]
"""The best action in each context of the small world."""


def better() -> Problem:
    return replace(GIVEN.problem, target=Distributions.of_table(0.3 / 3 + 0.7 * BEST, GIVEN.row))


def test_a_better_policy_passes_and_an_equal_one_does_not() -> None:
    gate = OffPolicy(GainBound(lambda _: better()))
    found = gate.check(candidate())
    assert (found.gate, found.verdict, found.bound) == ("off_policy", "passed", 0.0)
    assert found.figure is not None
    assert found.figure > 0
    assert "95% lower bound" in found.text
    same = replace(GIVEN.problem, target=GIVEN.problem.log.logging)
    found = GainBound(lambda _: same)(candidate())
    assert found.verdict == "failed"
    assert "expected above 0" in found.text
    assert GainBound(lambda _: same, by=-0.05)(candidate()).verdict == "passed"


def test_a_gain_that_is_not_there_seldom_passes() -> None:
    mixed = np.array([[0.2, 0.5, 0.3]])
    gain = float(((mixed - OLD) * REWARD).sum(axis=1).mean())
    passed = 0
    for seed in range(60):
        one = small(1000, seed=seed).problem
        target = Distributions.of_table(mixed, np.zeros(1000, np.int64))
        passed += _judged(replace(one, target=target), gain).verdict == "passed"
    assert passed <= 8  # 5 % of 60, and three standard errors


def _judged(problem: Problem, by: float) -> GateResult:
    return GainBound(lambda _: problem, by=by)(candidate())


def test_a_log_that_cannot_be_believed_fails_the_candidate() -> None:
    halved = changed(better(), propensity=GIVEN.problem.log.propensity / 2, logging=None)
    found = GainBound(lambda _: halved)(candidate())
    assert found.verdict == "failed"
    assert "cannot be believed: Mean of 1 / (actions * propensity) is 1.997" in found.text


def test_no_log_is_not_measured_and_a_bad_one_fails() -> None:
    assert GainBound(lambda _: None)(candidate()).verdict == "not_measured"

    def problem(asked: Candidate) -> Problem:
        raise InputError(f"{asked.version}: propensity is 0.")

    found = GainBound(problem)(candidate())
    assert (found.verdict, found.text) == ("failed", "The log cannot be used: v2: propensity is 0.")
