"""Whether images differ at all: a bet on who draws plays, that cannot win where they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError

Floats = NDArray[np.float64]
LARGEST = 0.9
"""Most that one play can cost, as a share of what was won so far."""
BOUND = 0.45
"""Largest predicted lift that is bet on; with half of the fair share for every image stakes are whole."""
MIX = (0.25, 0.5, 1.0)
"""Shares of the predicted lift that are bet, a third of the capital each: at first they are too bold."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Capital of a bet that predicted lifts are real; it began at 1.

    Were all images of a title the same, then a quality play would say nothing about the image: the image on
    show would have been `a` with exactly the logged propensity. So the bet on predictions of an earlier model
    multiplies the capital by 1 on average, whatever titles, members and places bring, and however images were
    chosen: it reaches `1 / alpha` at any time with a probability of at most `alpha`.

    Attributes
    ----------
    log_capital : tuple of float
        Natural logarithm, for each share of `MIX`.
    log_most : float
        Largest that the mean capital ever was.
    n_plays : int

    References
    ----------
    Ville (1939), Etude critique de la notion de collectif. Shafer (2021), Testing by betting, JRSS A 184(2),
    doi 10.1111/rssa.12647. Waudby-Smith, Ramdas (2024), Estimating means of bounded random variables by
    betting, JRSS B 86(1). The use for the propensities of a log follows from them.

    Examples
    --------
    >>> lucky = Evidence().plus(np.full(200, 0.4), np.full(200, 0.5), np.full(200, 2))
    >>> lucky.proven(0.01)
    True
    """

    log_capital: tuple[float, ...] = (0.0,) * len(MIX)
    log_most: float = 0.0
    n_plays: int = 0

    def plus(
        self, predicted: Floats, propensity: Floats, n_images: NDArray[np.int64], *, least: float = 0.5
    ) -> Evidence:
        """After further quality plays, in the order of time.

        Parameters
        ----------
        predicted : ndarray of float64, shape (m,)
            Lift of the image that was on show, as predicted before the play; over the images that could have
            been, the predictions must have the mean 0. Use `bounded` to keep all of them within `BOUND`.
        propensity : ndarray of float64, shape (m,)
        n_images : ndarray of int64, shape (m,)
            How many could have been.
        least : float, above 0, at most 1
            No image had a smaller share of its fair one (1 / n_images) than this: stakes are small enough
            that no play can cost more than `LARGEST`.

        Raises
        ------
        InputError
            A propensity is below `least` of the fair share, or a prediction beyond `BOUND`.
        """
        if not len(predicted):
            return self
        share = n_images * propensity
        if float(share.min()) < least - 1e-9:
            raise InputError(
                f"Evidence: an image had {float(share.min()):.3g} of its fair share, expected {least:g} or "
                f"more. "
                "Give the least share that the log's policies leave an image."
            )
        if float(np.abs(predicted).max()) > BOUND + 1e-9:
            raise InputError(
                f"Evidence: a predicted lift is {float(np.abs(predicted).max()):.3g}, expected {BOUND} at "
                f"most. "
                "Scale the predictions of a title together."
            )
        stake = predicted / share
        safe = LARGEST * least / max(BOUND, LARGEST * least)
        paths = np.stack(
            [
                start + np.cumsum(np.log1p(part * safe * stake))
                for start, part in zip(self.log_capital, MIX, strict=True)
            ]
        )
        most = float(np.logaddexp.reduce(paths, axis=0).max() - np.log(len(MIX)))
        return replace(
            self,
            log_capital=tuple(paths[:, -1].tolist()),
            log_most=max(self.log_most, most),
            n_plays=self.n_plays + len(predicted),
        )

    def proven(self, alpha: float) -> bool:
        """Whether images differ, the probability of saying so wrongly, ever, being at most `alpha`."""
        return bool(self.log_most >= -np.log(alpha))


def bounded(predicted: Floats) -> Floats:
    """Predictions of the images of a title, shape (..., n_images), with the mean 0 and within `BOUND`.

    Places without an image are NaN and stay so.
    """
    centred = predicted - np.nanmean(predicted, axis=-1, keepdims=True)
    most = np.nanmax(np.abs(centred), axis=-1, keepdims=True)
    found: Floats = centred * np.minimum(1.0, BOUND / np.maximum(most, 1e-12))
    return found
