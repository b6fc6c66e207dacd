"""The contract of a gate: look at a candidate, name a figure and a bound, and say whether it passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from matinee.observe.home import Home
from matinee.platform.evaluation import Evaluated

if TYPE_CHECKING:
    from matinee.platform.gates.feature_skew import Skew
    from matinee.platform.registry.experiment_rows import ExperimentRow
    from matinee.prove.offpolicy.problem import Problem

Verdict = Literal["passed", "failed", "not_measured"]
Ask = Callable[[str, int], bool]


class GateResult(msgspec.Struct, frozen=True):
    """What a gate found.

    Attributes
    ----------
    gate : str
    verdict : {"passed", "failed", "not_measured"}
        "not_measured" does not stop a release, and `status` shows it; a gate whose figure is required
        answers "failed" when there is none.
    figure, bound : float or None
    text : str
        One sentence with the figure, the bound and, when it failed, what to do.
    """

    gate: str
    verdict: Verdict
    text: str
    figure: float | None = None
    bound: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that is to be released, with what is known about it.

    Attributes
    ----------
    initiative : str
    tier : int
    version : str
    folder : Path
        Its files.
    home : Home
        Limited to what the initiative declares.
    data : str
        "home" or "simulated": what it learned from.
    evaluation : Evaluated or None
        Newest evaluation of the same pipeline.
    released : str or None
        Version in production.
    released_evaluation : Evaluated or None
    approver : str or None
        Who takes the responsibility.
    latency_budget_ms : float
    unit_ids : tuple of str
        Units to try answers on; one of them is unknown to the home.
    at_us : int
    config : object
        Settings of the initiative, as its code takes them.
    learned_us : int
        Moment up to which the candidate had learned.
    open : callable
        Opens the candidate and gives a function that answers once about (unit_id, turn) and tells whether the
        fallback had to answer; raises what opening raises.
    load_in_fresh_process : callable
        Opens it and answers once in a new interpreter; gives None, or what went wrong.
    feature_skew : callable
        Computes the declared features of sampled units in batch and online; gives a `Skew`, or None where
        none are declared.
    logged : callable
        Asks the candidate about the decisions in the log that it cannot have learned from; gives them with
        its probabilities, or None where there is no home to ask. Raises `EmptyLogError` where none is left.
    experiments : callable
        Gives the experiments of the initiative, the latest first.
    """

    initiative: str
    tier: int
    version: str
    folder: Path
    home: Home
    data: str
    evaluation: Evaluated | None
    released: str | None
    released_evaluation: Evaluated | None
    approver: str | None
    latency_budget_ms: float
    unit_ids: tuple[str, ...]
    at_us: int
    open: Callable[[], Ask]
    load_in_fresh_process: Callable[[], str | None]
    feature_skew: Callable[[], Skew | None] = lambda: None
    logged: Callable[[], Problem | None] = lambda: None
    experiments: Callable[[], Sequence[ExperimentRow]] = tuple
    config: Any = None
    learned_us: int = 0


class Gate(Protocol):
    """Asked before every release; looks, and changes nothing.

    A gate may have an attribute `asked_of_arms`, for the start of an experiment: "always" (as without it),
    "evaluated" (only of a version that was evaluated) or "never" (it asks whether the version is better,
    which the experiment is there to find out). See `arm_gates`.
    """

    @property
    def name(self) -> str:
        """Stands in the evidence of a release; unique in an initiative."""
        ...

    def check(self, candidate: Candidate) -> GateResult:
        """Judge a candidate. What cannot be measured is said, never passed over."""
        ...
