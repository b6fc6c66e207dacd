"""The gates of every initiative that decides, in their order; its own stand among them."""

from __future__ import annotations

from matinee.platform.gates.approval import Approval
from matinee.platform.gates.beats_baseline import BeatsBaseline
from matinee.platform.gates.experiment import ExperimentWon
from matinee.platform.gates.gate import Gate
from matinee.platform.gates.latency import Latency
from matinee.platform.gates.loads import Loads
from matinee.platform.gates.not_worse import NotWorse
from matinee.platform.gates.off_policy import OffPolicy
from matinee.platform.gates.real_data import RealData


def stock_gates(*own: Gate, off_policy: OffPolicy | None = None) -> tuple[Gate, ...]:
    """Better than the baseline, not worse than what is released, sound, real, proven, answered for.

    Parameters
    ----------
    own : Gate
        Those that not every initiative needs, such as `FairCoverage` and `Guardrails`, and its very own.
    off_policy : OffPolicy, optional
        With the initiative's estimator, or what stands in its place. Default: without one, which is said.

    Examples
    --------
    >>> [gate.name for gate in stock_gates()][:3]
    ['beats_baseline', 'not_worse_than_released', 'loads_in_fresh_process']
    """
    return (
        BeatsBaseline(),
        NotWorse(),
        Loads(),
        Latency(),
        *own,
        RealData(),
        off_policy or OffPolicy(),
        ExperimentWon(),
        Approval(),
    )
