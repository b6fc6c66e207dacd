"""Replay: the reward where the policy would have done what was done, in a log of uniform choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.prove.offpolicy.estimators.estimator import Terms
from matinee.prove.offpolicy.log import TOLERANCE
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class Replay:
    """Draw an action of the policy for each decision, and keep those in which it was the logged one.

    Choose it to rehearse a policy that learns, on a log of uniform choices. For a fixed policy `snips` uses
    every decision, and replay only one in as many as there are actions.

    References
    ----------
    Li, Chu, Langford, Wang (2011), Unbiased offline evaluation of contextual-bandit-based news article
    recommendation algorithms, arXiv:1003.5956, algorithm 3.
    """

    name: str = "replay"
    caution: str = "uses only the decisions that match"

    def lacks(self, problem: Problem, /) -> str:
        """Uniform choices, known to be so."""
        log = problem.log
        n = log.logging.n_possible() if log.logging is not None else log.n_actions
        if n is None:
            return "it needs the number of actions (n_actions) to know that the log is uniform"
        if not np.allclose(n * log.propensity, 1.0, rtol=TOLERANCE * 1e3, atol=0.0):
            return "the log is not of uniform choices"
        return ""

    def terms(self, problem: Problem) -> Terms:
        """Reward of a match, over matches."""
        drawn = problem.target.draw(np.random.default_rng(problem.seed))
        same = (drawn == problem.log.action).astype(np.float64)
        return Terms(same * problem.log.reward, same)
