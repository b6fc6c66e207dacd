"""What to believe of single images and of segments: intervals, shrinkage, and no verdict below its error."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from matinee.initiatives.artwork.lift import Floats, Ints
from matinee.initiatives.artwork.log import ImageLog
from matinee.initiatives.artwork.probabilities import image_table
from matinee.observe.catalogue.artwork import Artworks
from matinee.prove.stats.bootstrap import per_member
from matinee.prove.stats.holm import holm
from matinee.prove.stats.shrinkage import Prior, archive_prior, shrink_many, shrink_one
from matinee.types import Mask

SPREAD = 0.19
"""Relative standard deviation between images of a title where too few are known to estimate it."""
FEWEST_PLAYS = 8
"""Quality plays of a title below which nothing is said of its images."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class ImageLift:
    """What an image brings beyond the mean of its title's.

    Attributes
    ----------
    naive, error : float
        Relative to the title's mean, weighed by the propensities, and its standard error.
    lift, low, high : float
        The same after shrinkage, with its 95 % interval.
    p : float
        One-sided, that it is no better than the others; by the propensities alone, so no model has a part in
        it.
    verdict : str
        "better", "worse", or "refused": the shrunken lift is below its standard error.
    """

    artwork_id: str
    title_id: str
    plays: int
    naive: float
    error: float
    lift: float
    low: float
    high: float
    p: float
    verdict: str


@dataclass(frozen=True, slots=True)
class ImageLifts:
    """Lifts of all images with enough plays.

    Attributes
    ----------
    images : list of ImageLift
        Best first.
    winners : list of str
        Images that beat their title's others, wrongly for any of them in at most 5 % of reports (Holm).
    prior : Prior
        Spread of true lifts that the shrinkage rests on.
    noise_of_winners : float or None
        Share of the naive lift of each title's best image that shrinkage takes away.
    """

    images: list[ImageLift]
    winners: list[str]
    prior: Prior
    noise_of_winners: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "images": [asdict(one) for one in self.images],
            "winners": self.winners,
            "prior": {"mean": self.prior.mean, "sd": self.prior.sd, "n": self.prior.n},
            "noise_of_winners": self.noise_of_winners,
        }


def image_lifts(log: ImageLog, art: Artworks, *, most: int = 200) -> ImageLifts:
    """Lift of each image of a log whose propensities are known.

    Were all images of a title the same, then a quality play would say nothing about the image on show, so
    that (1[image i] - 1/n) / p summed over the quality plays for which i could have been on show is a sum of
    martingale differences around 0, however images were chosen. A member's plays of a title may come of one
    draw, which members keep, so they are summed before they are squared: the variance is that of members.

    Parameters
    ----------
    most : int
        Images that are told one by one (those with the largest lifts); all of them are counted and corrected
        for.
    """
    place = {str(one): i for i, one in enumerate(art.artwork_ids)}
    image = np.array([place.get(one, -1) for one in log.artwork_id.tolist()], np.int64)
    title = np.repeat(np.arange(len(art.titles)), np.diff(art.indptr))
    return lifts_of(
        image, log.plays, log.propensity, log.n_images, title, could=log.could(art), member=log.member,
        ids=[str(one) for one in art.artwork_ids], title_ids=[str(one) for one in art.titles], most=most,
    )  # fmt: skip


def lifts_of(
    image: Ints,
    plays: Floats,
    propensity: Floats,
    n_images: Ints,
    title: Ints,
    *,
    ids: list[str],
    title_ids: list[str],
    could: Mask | None = None,
    member: Ints | None = None,
    most: int = 200,
) -> ImageLifts:
    """The same from positions: `image` (n,) of impressions, `title` of each image in ascending order.

    Parameters
    ----------
    could : ndarray of bool, shape (n, most images of a title), optional
        Images of the title that could have been shown. None: all of them.
    member : ndarray of int64, shape (n,), optional
        What varies together. None: every impression by itself.
    """
    start = np.searchsorted(title, np.arange(len(title_ids) + 1))
    use = np.flatnonzero((plays > 0) & (image >= 0))
    table = image_table(start)[title[image[use]]]
    if could is not None:
        table = np.where(could[use], table, -1)
    fits = ((table >= 0).sum(1) == n_images[use]) & (table == image[use][:, None]).any(1)
    use, table = use[fits], table[fits]
    at, share = image[use], 1.0 / (n_images[use] * propensity[use])
    which, part = np.nonzero(table >= 0)
    one = table[which, part]  # an image that could have been on show, for each such play
    beyond = share[which] * (n_images[use][which] * (one == at[which]) - 1.0)
    of, summed = _by_member(one, beyond, None if member is None else member[use][which])
    total, squares = np.bincount(of, summed, len(title)), np.bincount(of, summed**2, len(title))
    whole = np.bincount(one, share[which], len(title))
    number, larger = np.bincount(of, minlength=len(title)), np.bincount(title)[title] > 1
    naive = total / np.maximum(whole, 1e-12)
    error = np.sqrt(np.maximum(squares, 1e-12)) / np.maximum(whole, 1e-12)
    p = norm.sf(total / np.sqrt(np.maximum(squares, 1e-12)))
    known = np.flatnonzero((number >= FEWEST_PLAYS) & larger)
    if not len(known):
        return ImageLifts([], [], Prior(0.0, SPREAD, 0), None)
    prior = _prior(naive[known], error[known])
    corrected = np.asarray(holm(p[known].tolist()))
    winners = [ids[i] for i, q in zip(known.tolist(), corrected.tolist(), strict=True) if q <= ALPHA]
    shrunk = {i: shrink_one(float(naive[i]), float(error[i]), prior=prior) for i in known.tolist()}
    own = np.bincount(at, minlength=len(title))
    images = [
        ImageLift(
            ids[i],
            title_ids[int(title[i])],
            int(own[i]),
            float(naive[i]),
            float(error[i]),
            one.value,
            one.low,
            one.high,
            float(p[i]),
            "refused" if abs(one.value) < one.sd else ("better" if one.value > 0 else "worse"),
        )
        for i, one in shrunk.items()
    ]
    images.sort(key=lambda one: (-one.lift, one.artwork_id))
    best: dict[str, ImageLift] = {}
    for one in images:
        if one.title_id not in best or one.naive > best[one.title_id].naive:
            best[one.title_id] = one
    gained = sum(one.naive for one in best.values())
    noise = 1.0 - sum(one.lift for one in best.values()) / gained if gained > 0 else None
    half = max(most // 2, 1)
    told = images if len(images) <= most else [*images[:half], *images[-half:]]
    return ImageLifts(told, winners, prior, noise)


def _by_member(image: Ints, values: Floats, member: Ints | None) -> tuple[Ints, Floats]:
    """Values summed for each image and member, and the image of each sum."""
    if member is None or not len(image):
        return image, values
    (of, _), which = np.unique(np.stack([image, member]), axis=1, return_inverse=True)
    summed: Floats = np.bincount(which.ravel(), values, len(of)).astype(np.float64)
    return of, summed


def _prior(values: Floats, errors: Floats) -> Prior:
    """Spread of true lifts; those of a title sum to 0, so their mean is 0."""
    if len(values) < 10:
        return Prior(0.0, SPREAD, 0)
    found = archive_prior(values.tolist(), np.maximum(errors, 1e-6).tolist())
    return Prior(found.mean, max(found.sd, 1e-4), found.n)


@dataclass(frozen=True, slots=True)
class Segment:
    """What choosing brings in a group of members, beyond random images.

    Attributes
    ----------
    name : str
        "device=tv".
    n : int
        Members.
    plays, plays_low, plays_high : float
        Quality plays per 1,000 impressions under the policy.
    lift, low, high : float
        Relative to random images; shrunken towards the other groups of its kind, with its 95 % interval.
    naive, error : float
        Before.
    verdict : str
        "better", "worse", or "refused" where the lift is below its standard error.
    """

    name: str
    n: int
    plays: float
    plays_low: float
    plays_high: float
    naive: float
    error: float
    lift: float
    low: float
    high: float
    verdict: str

    @property
    def text(self) -> str:
        """A sentence."""
        told = f"{self.lift:+.1%} [{self.low:+.1%}, {self.high:+.1%}] over random images"
        told += f" (measured {self.naive:+.1%})"
        return f"no verdict: {told}, below its standard error" if self.verdict == "refused" else told

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def segment_lifts(
    groups: dict[str, NDArray[np.str_]], gain: Floats, base: Floats, member: Ints, *, per: float = 1000.0
) -> list[Segment]:
    """Lift in each declared group, with the members as clusters.

    Parameters
    ----------
    groups : dict of str to ndarray of str, shape (n,)
        Name of a kind of group -> group of each impression.
    gain, base : ndarray of float64, shape (n,)
        Plays beyond random images, and plays under random images.
    """
    found = []
    for kind, group in groups.items():
        rows = []
        for name in np.unique(group).tolist():
            inside = group == name
            if len(np.unique(member[inside])) < 20:
                continue
            lift, error = _ratio(gain[inside], base[inside], member[inside])
            if error > 0:
                value, spread = _mean(gain[inside] + base[inside], member[inside])
                n = len(np.unique(member[inside]))
                rows.append((f"{kind}={name or 'unknown'}", n, value * per, spread * per, lift, error))
        shrunk = shrink_many([one[4] for one in rows], [one[5] for one in rows]) if rows else []
        for (name, n, value, spread, lift, error), one in zip(rows, shrunk, strict=True):
            verdict = "refused" if abs(one.value) < one.sd else ("better" if one.value > 0 else "worse")
            half = 1.96 * spread
            found.append(
                Segment(
                    name,
                    n,
                    value,
                    value - half,
                    value + half,
                    lift,
                    error,
                    one.value,
                    one.low,
                    one.high,
                    verdict,
                )
            )
    return found


def _mean(values: Floats, member: Ints) -> tuple[float, float]:
    """Mean over impressions and its standard error, members being clusters."""
    total, n = per_member(values, member)
    mean = float(total.sum() / n.sum())
    return mean, math.sqrt(float(((total - mean * n) ** 2).sum())) / float(n.sum())


def _ratio(top: Floats, bottom: Floats, member: Ints) -> tuple[float, float]:
    """Sum over sum, and its standard error by linearisation, members being clusters."""
    a, _ = per_member(top, member)
    b, _ = per_member(bottom, member)
    if b.sum() <= 0:
        return 0.0, 0.0
    ratio = float(a.sum() / b.sum())
    return ratio, math.sqrt(float(((a - ratio * b) ** 2).sum())) / float(b.sum())
