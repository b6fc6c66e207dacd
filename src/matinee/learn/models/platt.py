"""Platt's calibration: a score becomes a probability through a logistic curve fitted on held-out rows."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError, NotFittedError
from matinee.learn.models.penalised_logistic import fit_logistic
from matinee.learn.models.storage import load_arrays, save_arrays

Values = NDArray[np.float64]
PRIOR = 5.0
"""Held-out rows that the scores themselves count for: few rows leave them nearly as they are."""


class Platt:
    """p = sigmoid(slope * score + shift), where the score is in log-odds.

    Two parameters, so a few hundred held-out rows suffice; where thousands are at hand and the curve is not
    logistic, isotonic regression follows it more closely.

    Attributes
    ----------
    slope_, shift_ : float
        1 and 0 change nothing.

    Notes
    -----
    Departs from the paper: targets are 0 and 1; in place of its smoothing the scores' own probabilities are
    added to the rows with the weight of `PRIOR` rows, which pulls the curve to the identity.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines, in Advances in large margin classifiers.
    Niculescu-Mizil, Caruana (2005), Predicting good probabilities with supervised learning, ICML.

    Examples
    --------
    >>> platt = Platt().fit(np.zeros(0), np.zeros(0))
    >>> platt.probability(np.array([0.0])).tolist()
    [0.5]
    """

    def fit(self, score: Values, happened: Values) -> Self:
        """Learn from held-out rows; without any, scores stay as they are.

        Raises
        ------
        InputError
            The two have different lengths.
        """
        if score.shape != happened.shape:
            raise InputError(
                f"Platt: score has shape {score.shape} and happened {happened.shape}, expected the same rows."
            )
        self.slope_, self.shift_ = 1.0, 0.0
        if len(score):
            x = np.column_stack([score, np.ones(len(score))])
            target = np.concatenate([happened, _sigmoid(score)])
            weight = np.concatenate([np.ones(len(score)), np.full(len(score), PRIOR / len(score))])
            found = fit_logistic(np.concatenate([x, x]), target, np.full(2, 1e-6), weight=weight)
            self.slope_, self.shift_ = max(float(found[0]), 0.0), float(found[1])
        return self

    def probability(self, score: Values) -> Values:
        """Calibrated probabilities, shape as `score`.

        Raises
        ------
        NotFittedError
            `fit` was not called.
        """
        if not hasattr(self, "slope_"):
            raise NotFittedError("Platt: probability before fit. Call fit(score, happened) first.")
        return _sigmoid(self.slope_ * score + self.shift_)

    def save(self, folder: Path) -> None:
        """Write the two numbers."""
        save_arrays(folder, {}, curve=np.array([self.slope_, self.shift_]))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        _, arrays = load_arrays(folder, dict[str, str])
        out = cls()
        out.slope_, out.shift_ = (float(x) for x in arrays["curve"])
        return out


def _sigmoid(z: Values) -> Values:
    out: Values = np.exp(-np.logaddexp(0, -z))
    return out
