"""Learning from impressions, portion by portion: what was expected, what came, do images differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.evidence import Evidence, bounded
from matinee.initiatives.artwork.expected import Expected, fit_expected
from matinee.initiatives.artwork.lift import SPREADS, Floats, Images, Ints, Lift, LiftSums, fit_lift
from matinee.initiatives.artwork.probabilities import image_table
from matinee.types import Mask


@dataclass(frozen=True, slots=True)
class Portion:
    """Impressions whose image was drawn at random and whose outcome is known, in the order of time.

    Attributes
    ----------
    image : ndarray of int64, shape (n,)
        Position among the images.
    context : ndarray of float64, shape (n, n_context)
        Of the member at the time, less the usual one.
    row, col : ndarray of int64, shape (n,)
        From 1; 0: not known.
    near : ndarray of int64, shape (n,)
        How near the title is to the member, from 0 (`features.nearness`).
    plays : ndarray of float64, shape (n,)
        1 for a quality play.
    propensity : ndarray of float64, shape (n,)
    n_images : ndarray of int64, shape (n,)
        Images that could have been shown.
    day : ndarray of float64, shape (n,)
        Days since any moment, the same for all portions.
    again : ndarray of bool, shape (n,), optional
        The member played the title shortly before from the same draw of the image, which members keep: it
        is learned, but it is no new evidence. None: every impression has a draw of its own.
    """

    image: Ints
    context: Floats
    row: Ints
    col: Ints
    near: Ints
    plays: Floats
    propensity: Floats
    n_images: Ints
    day: Floats
    again: Mask | None = None
    could: Mask | None = None

    def __len__(self) -> int:
        return len(self.image)

    def table(self, start: Ints, title: Ints) -> Ints:
        """Images that could have been shown, side by side as in `image_table`; -1: not this one.

        Parameters
        ----------
        start, title : ndarray of int64
            Images of each title, and the title of each impression.
        """
        found: Ints = image_table(start)[title]
        return found if self.could is None else np.where(self.could, found, -1)

    def whole(self, start: Ints, title: Ints) -> Mask:
        """Impressions of which all images that could have been shown are known; shape (n,)."""
        there = self.table(start, title) >= 0
        own = there[np.arange(len(self)), self.image - start[title]]
        found: Mask = own & (there.sum(axis=1) == self.n_images)
        return found

    def rows(self, chosen: slice | Ints) -> Portion:
        """Some of the impressions."""
        columns: list[Any] = [getattr(self, name) for name in self.__slots__]
        found: list[Any] = [None if column is None else column[chosen] for column in columns]
        return Portion(*found)


@dataclass(frozen=True, slots=True)
class Learner:
    """All that is known so far; learning gives a new one.

    Attributes
    ----------
    images : Images
    start : ndarray of int64, shape (n_titles + 1,)
    config : ArtworkConfig
    expected : Expected
    sums : LiftSums
    lift : Lift
    evidence : Evidence
    day : float
        Of the latest impression; older ones count less.
    searched : int
        Impressions when the spreads were estimated the last time.
    """

    images: Images
    start: Ints
    config: ArtworkConfig
    expected: Expected
    sums: LiftSums
    lift: Lift
    evidence: Evidence
    day: float = -np.inf
    searched: int = 0

    @staticmethod
    def begin(images: Images, start: Ints, n_context: int, config: ArtworkConfig) -> Learner:
        """Nothing learned: all images alike, and an evidence of 1."""
        sums = LiftSums.zero(len(images), n_context)
        nothing = np.zeros(0, np.int64)
        expected = fit_expected(
            nothing, nothing, nothing, nothing, plays=np.zeros(0), weight=np.zeros(0), n_titles=len(start) - 1
        )
        lift = fit_lift(images, sums, start=(1e-3, 1e-3, 1e-3), search=False)
        return Learner(images, start, config, expected, sums, lift, Evidence())

    @property
    def keep(self) -> float:
        """Share of its fair one that every image keeps now."""
        return self.config.keep_proven if self.proven else self.config.keep_unproven

    @property
    def proven(self) -> bool:
        """Whether images are proven to differ."""
        return self.evidence.proven(self.config.alpha)

    def predicted(self, portion: Portion) -> Floats:
        """Lift of the image that was shown, as this learner predicts it; within `evidence.BOUND`."""
        title = self.images.title[portion.image]
        table = portion.table(self.start, title)
        taste = self.lift.coef[0] + portion.context @ self.lift.coef[1:]
        at = np.maximum(table, 0)
        worth = np.einsum("mwr,mr->mw", self.images.features[at], taste) + self.lift.own[at]
        worth = bounded(np.where(table >= 0, worth, np.nan))
        found: Floats = worth[np.arange(len(portion)), portion.image - self.start[title]]
        return found

    @staticmethod
    def fit(
        images: Images,
        start: Ints,
        n_context: int,
        config: ArtworkConfig,
        log: Portion,
        *,
        portions: int = 12,
    ) -> Learner:
        """Learn from a whole log: places and titles at once, then portion by portion, betting on each."""
        empty = Learner.begin(images, start, n_context, config)
        expected = fit_expected(
            images.title[log.image], log.row, log.col, log.near,
            plays=log.plays, weight=np.ones(len(log)), n_titles=len(start) - 1,
        )  # fmt: skip
        one = replace(empty, expected=expected)
        edges = np.linspace(0, len(log), portions + 1).astype(int)
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            one = one.learned(log.rows(slice(low, high)), fit_places=False)
        return replace(one, searched=0).believed()

    def moved(self, images: Images, start: Ints, place: Ints, title_place: Ints) -> Learner:
        """The same knowledge about another set of images; one that is new has what its features predict.

        Parameters
        ----------
        place : ndarray of int64, shape (n_images,)
            Where each image stands now; -1: it is gone.
        title_place : ndarray of int64, shape (n_titles,)
            The same of titles.
        """
        rate = np.full(len(start) - 1, self.expected.common)
        kept = title_place >= 0
        rate[title_place[kept]] = self.expected.rate[kept]
        one = replace(
            self,
            images=images,
            start=start,
            expected=replace(self.expected, rate=rate),
            sums=self.sums.grown(len(images), place),
        )
        return replace(one, lift=fit_lift(images, one.sums, start=self.lift.spreads, search=False))

    def learned(self, portion: Portion, *, fit_places: bool = True) -> Learner:
        """After further impressions: bet on them first, then learn from them.

        With `fit_places` places and titles are fitted to the first portion; afterwards they stay, so that
        sums add up, until the next `fit`.
        """
        if not len(portion):
            return self
        first = self.sums.n == 0
        one = self if first else replace(self, evidence=self._bet(portion))
        title = self.images.title[portion.image]
        expected = one.expected
        if first and fit_places:
            expected = fit_expected(
                title, portion.row, portion.col, portion.near,
                plays=portion.plays, weight=np.ones(len(portion)), n_titles=len(self.start) - 1,
            )  # fmt: skip
        day = max(one.day, float(portion.day.max()))
        age = np.exp2(-(day - portion.day) / self.config.half_life_days)
        sums = _faded(
            one.sums, 0.0 if first else float(np.exp2(-(day - one.day) / self.config.half_life_days))
        )
        sums = sums.plus(
            portion.image, portion.context, portion.plays,
            expected.of(title, portion.row, portion.col, portion.near), age,
        )  # fmt: skip
        return replace(one, expected=expected, sums=sums, day=day).believed()

    def believed(self) -> Learner:
        """With the belief that the sums imply; spreads are estimated anew when the log grew by a third."""
        search = self.sums.n >= 1.33 * self.searched
        lift = fit_lift(
            self.images, self.sums, start=self.lift.spreads if self.searched else SPREADS, search=search
        )
        return replace(self, lift=lift, searched=self.sums.n if search else self.searched)

    def _bet(self, portion: Portion) -> Evidence:
        """On the first quality play of each draw, if all images that could have been drawn are known."""
        counts = portion.plays > 0
        counts &= portion.whole(self.start, self.images.title[portion.image]) & (portion.n_images > 1)
        if portion.again is not None:
            counts &= ~portion.again
        use = np.flatnonzero(counts)
        if not len(use) or self.proven:
            return self.evidence
        plays = portion.rows(use)
        least = min(self.config.keep_unproven, float((plays.n_images * plays.propensity).min()))
        return self.evidence.plus(self.predicted(plays), plays.propensity, plays.n_images, least=least)


def _faded(sums: LiftSums, share: float) -> LiftSums:
    """Older impressions count less; none of them is left at 0."""
    return LiftSums(sums.seen * share, sums.gained * share, sums.noise * share, sums.n)
