"""Gate: training and serving compute the same features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matinee.platform.gates.gate import Candidate, GateResult


@dataclass(frozen=True, slots=True)
class Skew:
    """Features of sampled units, computed in batch and online.

    Attributes
    ----------
    n_units, n_features : int
    different : mapping of feature to int
        Units for which the two differ.
    """

    n_units: int
    n_features: int
    different: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FeatureSkew:
    """No declared feature of a sampled unit differs between the batch and the online engine.

    Attributes
    ----------
    at_most_share : float, 0 to 1
        Share of values that may differ.
    name : str
    """

    at_most_share: float = 0.0
    name: str = "feature_skew"

    def check(self, candidate: Candidate) -> GateResult:
        """Says "not measured" where no feature is declared."""
        skew = candidate.feature_skew()
        if skew is None or skew.n_units == 0:
            why = "declares no features that are served online" if skew is None else "no unit has an event"
            return GateResult(self.name, "not_measured", f"{candidate.initiative}: {why}.")
        values = skew.n_units * skew.n_features
        n_different = sum(skew.different.values())
        figure = n_different / values
        passed = figure <= self.at_most_share
        worst = max(skew.different, key=lambda name: skew.different[name], default="")
        more = f" Most often: {worst}, {skew.different[worst]} units." if worst else ""
        return GateResult(
            self.name,
            "passed" if passed else "failed",
            f"{n_different} of {values:,} values ({skew.n_features} features of {skew.n_units} units) differ "
            f"between batch and online, {'within' if passed else 'expected at most'} a share of "
            f"{self.at_most_share:g}.{more}",
            figure,
            self.at_most_share,
        )
