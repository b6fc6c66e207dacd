"""Gate: the candidate policy is worth more than the released one, by the decisions that were logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from matinee.errors import InputError
from matinee.platform.gates.gate import Candidate, GateResult
from matinee.prove.offpolicy.checks import DiagnosticsConfig
from matinee.prove.offpolicy.diagnostics import diagnose
from matinee.prove.offpolicy.evaluating import gain_lower_bound
from matinee.prove.offpolicy.log import EmptyLogError
from matinee.prove.offpolicy.problem import Problem


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """Asks an off-policy estimator for a lower bound of the candidate's value.

    Attributes
    ----------
    estimate : callable or None
        Gets the candidate, gives the verdict; `GainBound` is the stock one. Without one the gate says "not
        measured".
    instead : str
        What stands in the place of an estimator, and why; it is said with "not measured".
    name : str
    """

    estimate: Callable[[Candidate], GateResult] | None = None
    instead: str = ""
    name: str = "off_policy"
    asked_of_arms: ClassVar[str] = "never"

    def check(self, candidate: Candidate) -> GateResult:
        """Pass the question on."""
        if self.estimate is None:
            text = f"No off-policy estimator is set for this initiative. {self.instead}"
            return GateResult(self.name, "not_measured", text.strip())
        return self.estimate(candidate)


def of_the_log(candidate: Candidate) -> Problem | None:
    """The initiative's own decisions, and what the candidate would have done in them."""
    return candidate.logged()


@dataclass(frozen=True, slots=True)
class GainBound:
    """The lower bound of the gain over the policy that wrote the log is above a margin.

    Choose it for an initiative of one action whose decider can say how probably it chooses each
    (`matinee.platform.abilities.Weighs`) and whose reward has bounds: ``OffPolicy(GainBound())``. Only
    decisions after the moment up to which the candidate had learned count, so a candidate that has just been
    trained is not measured; one that was trained as of an earlier moment (``--at``) is.

    Attributes
    ----------
    problem : callable
        Gets the candidate; gives the log with the candidate's probabilities and both bounds of the reward, or
        None where there is no log yet.
    by : float
        Least gain, in reward per decision. Below 0: how much worse the candidate may be.
    alpha : float
        Probability of passing a candidate that does not gain so much.
    diagnostics : DiagnosticsConfig
        What makes a log unfit. An unfit log fails the candidate: a release must not rest on it.
    name : str

    References
    ----------
    `prove.offpolicy.evaluating.gain_lower_bound`: logarithmic smoothing, arXiv:2405.14335.
    """

    problem: Callable[[Candidate], Problem | None] = of_the_log
    by: float = 0.0
    alpha: float = 0.05
    diagnostics: DiagnosticsConfig = field(default_factory=DiagnosticsConfig)
    name: str = "off_policy"
    asked_of_arms: ClassVar[str] = "never"

    def __call__(self, candidate: Candidate) -> GateResult:
        """Look at the log first, then at the bound."""
        try:
            problem = self.problem(candidate)
        except EmptyLogError as error:
            return GateResult(self.name, "not_measured", f"There is no decision to judge by: {error}")
        except InputError as error:
            return GateResult(self.name, "failed", f"The log cannot be used: {error}", bound=self.by)
        if problem is None:
            return GateResult(self.name, "not_measured", "No decision with a known outcome is logged yet.")
        if problem.reward_low is None or problem.reward_high is None:
            text = "The reward has no known bounds, expected two. Declare Reward(low=..., high=...)."
            return GateResult(self.name, "not_measured", text)
        found = diagnose(problem, self.diagnostics)
        if found.reasons:
            return GateResult(
                self.name, "failed", f"The log cannot be believed: {' '.join(found.reasons)}", bound=self.by
            )
        figure = gain_lower_bound(problem, alpha=self.alpha)
        passed = figure > self.by
        text = (
            f"Gain over the logged policy: {1 - self.alpha:.0%} lower bound {figure:.4g} per decision "
            f"({found.n_decisions:,} decisions, effective {found.ess:,.0f}), "
            f"{'above' if passed else 'expected above'} {self.by:g}."
        )
        return GateResult(self.name, "passed" if passed else "failed", text, figure, self.by)
