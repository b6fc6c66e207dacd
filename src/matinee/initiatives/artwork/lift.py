"""What an image adds to a title's quality plays, relative to its other images, learned across titles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.optimize import minimize

from matinee.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SPREADS = (0.12, 0.12, 0.06)
"""First guess of the relative spreads: of single images, of features, of features for single members."""
DOUBT = 1.5
"""Standard deviation of the weak prior of the log of each spread."""
TITLE_SD = 1.0
"""Prior standard deviation of what a title brings beyond what was expected of it: wide."""


@dataclass(frozen=True, slots=True)
class Images:
    """Images by position, those of a title beside each other.

    Attributes
    ----------
    title : ndarray of int64, shape (n,)
        Position of the title, ascending.
    features : ndarray of float64, shape (n, r)
        What is seen in the image, less the mean over the title's images.
    """

    title: Ints
    features: Floats

    def __post_init__(self) -> None:
        if len(self.title) != len(self.features) or np.any(np.diff(self.title) < 0):
            raise InputError(
                f"Images: {len(self.title)} titles and {len(self.features)} rows of features, expected one "
                f"each, "
                "with titles in ascending order."
            )

    def __len__(self) -> int:
        return len(self.title)

    @property
    def slots(self) -> tuple[Ints, int, int]:
        """Place of each image in a table (title, number in the title), and the table's shape."""
        _, row, count = np.unique(self.title, return_inverse=True, return_counts=True)
        number = np.arange(len(self)) - np.repeat(np.cumsum(count) - count, count)
        width = int(count.max(initial=1))
        return (row * width + number).astype(np.int64), len(count), width


@dataclass(frozen=True, slots=True)
class LiftSums:
    """All that is kept of the impressions of a log: sums for each image, which add up over logs.

    Attributes
    ----------
    seen : ndarray of float64, shape (n_images, c, c)
        Sum of weight * expected plays * x x', x the context with a leading 1.
    gained : ndarray of float64, shape (n_images, c)
        Sum of weight * (plays - expected plays) * x.
    noise : ndarray of float64, shape (2,)
        Sums of weight**2 * plays and of weight * plays.
    n : int
        Impressions.
    """

    seen: Floats
    gained: Floats
    noise: Floats
    n: int

    @staticmethod
    def zero(n_images: int, n_context: int) -> LiftSums:
        """Nothing seen yet; `n_context` without the leading 1."""
        c = n_context + 1
        return LiftSums(np.zeros((n_images, c, c)), np.zeros((n_images, c)), np.zeros(2), 0)

    def plus(self, image: Ints, context: Floats, plays: Floats, expected: Floats, weight: Floats) -> LiftSums:
        """With further impressions.

        Parameters
        ----------
        image : ndarray of int64, shape (m,)
        context : ndarray of float64, shape (m, n_context)
        plays : ndarray of float64, shape (m,)
            0 or 1.
        expected : ndarray of float64, shape (m,)
            Plays that any image of the title would bring there, above 0.
        weight : ndarray of float64, shape (m,)
        """
        if not len(image):
            return self
        order = np.argsort(image, kind="stable")
        x = np.concatenate([np.ones((len(image), 1)), context], axis=1)[order]
        w, mu, y = weight[order], expected[order], plays[order]
        first = np.flatnonzero(np.diff(image[order], prepend=-1))
        which = image[order][first]
        seen, gained = self.seen.copy(), self.gained.copy()
        scaled = x * (w * mu)[:, None]
        edges = np.append(first, len(x))
        for k, i in enumerate(which.tolist()):
            part = slice(int(edges[k]), int(edges[k + 1]))
            seen[i] += scaled[part].T @ x[part]
        gained[which] += np.add.reduceat(x * (w * (y - mu))[:, None], first, axis=0)
        noise = self.noise + np.array([float(w**2 @ y), float(w @ y)])
        return LiftSums(seen, gained, noise, self.n + len(image))

    def grown(self, n_images: int, place: Ints) -> LiftSums:
        """The same sums for another set of images; `place[i]` is where image i stands in it, -1: gone."""
        out = LiftSums.zero(n_images, self.gained.shape[1] - 1)
        kept = place >= 0
        out.seen[place[kept]] = self.seen[kept]
        out.gained[place[kept]] = self.gained[kept]
        return LiftSums(out.seen, out.gained, self.noise, self.n)


@dataclass(frozen=True, slots=True)
class Lift:
    """What is believed of images: expected lift of image i for context x is features[i] . (1, x) coef +
    own[i].

    Attributes
    ----------
    coef : ndarray of float64, shape (c, r)
        Row 0: for everybody; the others: for each number of the context.
    own : ndarray of float64, shape (n_images,)
        Of each image beyond its features, shrunk towards 0.
    sd : ndarray of float64, shape (n_images,)
        Posterior standard deviation of an image's lift, for a typical member.
    main_sd : ndarray of float64, shape (n_images,)
        The same for members taken together.
    spreads : tuple of 3 float
        Estimated standard deviations between images: of single images, features, features for single members.
    noise : float
        Variance of a play over its expectation; above 1 where weights differ.
    """

    coef: Floats
    own: Floats
    sd: Floats
    main_sd: Floats
    spreads: tuple[float, float, float]
    noise: float

    def mean(self, images: Images) -> Floats:
        """Expected lift of each image for members taken together (the mean context is 0)."""
        found: Floats = images.features @ self.coef[0] + self.own
        return found


def fit_lift(
    images: Images, sums: LiftSums, *, start: tuple[float, float, float] | None = None, search: bool = True
) -> Lift:
    """Believe what the sums say: a linear mixed model of relative lifts, its spreads by empirical Bayes.

    plays = expected * (1 + title + features . (1, context) coef + own) + noise, the noise's variance being
    proportional to the expectation, as it is for rare events.

    Parameters
    ----------
    start : tuple of 3 float, optional
        Spreads to start the search from, as those of the last fit.
    search : bool
        Whether the spreads are estimated; else `start` is taken as it is.

    Notes
    -----
    Exact given the spreads; these maximise the marginal likelihood with a weak prior. The title's own level
    and the images' own terms are solved for beforehand, title by title. A play is rare and its effect small,
    so the model is linear in the lift: no iteration, and sums that add up. Cost of one step of the search:
    O(n_images * (c * r)**2); memory of the sums: 8 * n_images * c**2 bytes.

    References
    ----------
    Henderson (1975), Best linear unbiased estimation and prediction under a selection model, Biometrics 31.
    Gelman et al. (2013), Bayesian data analysis, 3rd edition, chapters 5 and 15. McCullagh, Nelder (1989),
    Generalized linear models, chapter 9 (variance proportional to the mean).
    """
    problem = _Mixed.of(images, sums)
    guess = np.log(np.asarray(start or SPREADS))
    if search and sums.n:
        found = minimize(
            problem.loss, guess, method="Nelder-Mead",
            options={"xatol": 0.05, "fatol": 0.05, "maxfev": 60, "initial_simplex": _simplex(guess)},
        )  # fmt: skip
        guess = np.clip(found.x, np.log(1e-4), np.log(2.0))
    return problem.lift(guess)


def _simplex(guess: Floats) -> Floats:
    return np.concatenate([guess[None], guess[None] + 0.4 * np.eye(3)])


@dataclass(frozen=True, slots=True)
class _Mixed:
    """Sums as normal equations: the images of a title in one block, features beside them."""

    images: Images
    c: int
    count: Floats  # (n_titles, width)
    y: Floats  # (n_titles, width)
    own_x: Floats  # (n_titles, width, d)
    xx: Floats
    xy: Floats
    slot: Ints
    noise: float
    spread_x: Floats  # (c,) variance of each number of the context

    @staticmethod
    def of(images: Images, sums: LiftSums) -> _Mixed:
        f, c = images.features, sums.gained.shape[1]
        r = f.shape[1]
        slot, rows, width = images.slots
        own_x = np.zeros((rows * width, c * r))
        own_x[slot] = (sums.seen[:, 0, :, None] * f[:, None, :]).reshape(len(f), c * r)
        count, y = np.zeros(rows * width), np.zeros(rows * width)
        count[slot], y[slot] = sums.seen[:, 0, 0], sums.gained[:, 0]
        pairs = (f[:, :, None] * f[:, None, :]).reshape(len(f), r * r)
        four = (sums.seen.reshape(len(f), c * c).T @ pairs).reshape(c, c, r, r)
        xx: Floats = four.transpose(0, 2, 1, 3).reshape(c * r, c * r)
        xy = (sums.gained.T @ f).reshape(c * r)
        noise = max(float(sums.noise[0] / sums.noise[1]), 1e-3) if sums.noise[1] > 0 else 1.0
        total = sums.seen.sum(axis=0)
        spread_x = np.diag(total) / max(float(total[0, 0]), 1e-12)
        return _Mixed(
            images, c, count.reshape(rows, width), y.reshape(rows, width), own_x.reshape(rows, width, c * r),
            xx, xy, slot, noise, spread_x,
        )  # fmt: skip

    def solved(self, logs: Floats) -> tuple[Floats, Floats, Floats, Floats, float]:
        """Blocks of titles, Cholesky factor and right side of the features, the ridge, -2 log likelihood."""
        own, main, personal = np.exp(2.0 * np.clip(logs, np.log(1e-4), np.log(2.0)))
        rows, width = self.count.shape
        # the prior precision of (title + own) of each image of a title, times the noise
        inside = TITLE_SD**2 / (own + width * TITLE_SD**2)
        prior = self.noise / own * (np.eye(width) - inside)
        prior_log = width * np.log(self.noise) - (width - 1) * np.log(own) - np.log(own + width * TITLE_SD**2)
        block = prior[None] + self.count[:, :, None] * np.eye(width)[None]
        inverse: Floats = np.linalg.inv(block)
        volume = float(np.linalg.slogdet(block)[1].sum()) - rows * prior_log
        quad = float(np.einsum("tk,tkl,tl->", self.y, inverse, self.y, optimize=True))
        flat = self.own_x.reshape(rows * width, -1)
        carried = (inverse @ self.own_x).reshape(rows * width, -1)
        r = self.images.features.shape[1]
        ridge = self.noise / np.repeat([main, *[personal] * (self.c - 1)], r)
        factor: Floats = np.asarray(
            np.linalg.cholesky(self.xx - flat.T @ carried + np.diag(ridge)), np.float64
        )
        right = self.xy - carried.T @ self.y.ravel()
        half = scipy.linalg.solve_triangular(factor, right, lower=True)
        volume += 2.0 * float(np.log(np.diag(factor)).sum()) - float(np.log(ridge).sum())
        loss = volume - (quad + float(half @ half)) / self.noise
        return inverse, factor, right, ridge, loss

    def loss(self, logs: Floats) -> float:
        """-2 log marginal likelihood and prior of the spreads."""
        return self.solved(logs)[4] + float((((logs - np.log(SPREADS)) / DOUBT) ** 2).sum())

    def lift(self, logs: Floats) -> Lift:
        """The belief under some spreads."""
        inverse, factor, right, _, _ = self.solved(logs)
        off = scipy.linalg.cho_solve((factor, True), right)
        level = np.einsum("tkl,tl->tk", inverse, self.y - self.own_x @ off)
        own = self._centred(level.ravel()[self.slot])
        sd, main_sd = self._sds(inverse, factor)
        spreads = tuple(float(one) for one in np.exp(logs))
        return Lift(
            off.reshape(self.c, -1), own, sd, main_sd, (spreads[0], spreads[1], spreads[2]), self.noise
        )

    def _centred(self, values: Floats) -> Floats:
        """Less the mean over the title's images: the title's level is none of theirs."""
        title = np.unique(self.images.title, return_inverse=True)[1]
        mean = np.bincount(title, values) / np.bincount(title)
        found: Floats = values - mean[title]
        return found

    def _sds(self, inverse: Floats, factor: Floats) -> tuple[Floats, Floats]:
        rows, width, d = self.own_x.shape
        f, r = self.images.features, self.images.features.shape[1]
        centre = np.eye(width)[None] - _shares(self.slot, rows, width)[:, None, :]
        own = np.einsum("tij,tjk,tik->ti", centre, inverse, centre, optimize=True).ravel()[self.slot]
        carried = (centre @ (inverse @ self.own_x)).reshape(rows * width, d)[self.slot]
        whole = -carried
        whole[:, :r] += f
        part = scipy.linalg.solve_triangular(factor, whole.T, lower=True)
        main = self.noise * (own + (part**2).sum(axis=0))
        precision = scipy.linalg.cho_solve((factor, True), np.eye(d))
        kernel = np.zeros((r, r))
        for a in range(1, self.c):
            kernel += self.spread_x[a] * precision[a * r : (a + 1) * r, a * r : (a + 1) * r]
        personal = self.noise * np.einsum("ir,rs,is->i", f, kernel, f, optimize=True)
        return np.sqrt(np.maximum(main + personal, 0.0)), np.sqrt(np.maximum(main, 0.0))


def _shares(slot: Ints, rows: int, width: int) -> Floats:
    """Each image's equal share of its title, 0 where the title has no such image; shape (rows, width)."""
    flat = np.zeros(rows * width)
    flat[slot] = 1.0
    there = flat.reshape(rows, width)
    found: Floats = there / there.sum(axis=1, keepdims=True)
    return found
