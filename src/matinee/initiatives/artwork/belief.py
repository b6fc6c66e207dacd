"""How a belief about lifts becomes a gallery, and the taste of a member: what choosing needs, made ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.initiatives.artwork.choosing import MATCH, Gallery
from matinee.initiatives.artwork.features import DEVICES, FEW, Tastes
from matinee.initiatives.artwork.lift import Floats, Images, Ints, Lift
from matinee.types import Index

BONUS = 1.0
"""Largest bonus of an image over its title's others, in logs of a share."""


def gallery_of(
    images: Images,
    lift: Lift,
    start: Ints,
    *,
    boldness: float,
    style: NDArray[np.int32],
    key: NDArray[np.uint64],
) -> Gallery:
    """Images with what the kernel needs.

    Parameters
    ----------
    start : ndarray of int64, shape (n_titles + 1,)
        Images of each title.
    boldness : float, above 0
        1: as Thompson sampling; above: the believed best comes more often.
    """
    count = np.diff(start)
    title = np.repeat(np.arange(len(count)), count)
    square = np.bincount(title, lift.sd**2, len(count)) / np.maximum(count, 1)
    temperature = np.maximum(np.sqrt(square) * MATCH / boldness, 1e-3)
    surplus = (lift.sd**2 - square[title]) / (2.0 * temperature[title] ** 2)
    return Gallery.of(
        np.asarray(start, np.int64),
        images.features,
        own=lift.own,
        bonus=np.clip(surplus, -BONUS, BONUS),
        temperature=temperature,
        style=style,
        key=key,
    )


def tastes(lift: Lift, context: Floats) -> Floats:
    """Worth of each feature for members, shape (m, r)."""
    found: Floats = lift.coef[0] + context @ lift.coef[1:]
    return found


@dataclass(frozen=True, slots=True)
class TasteTable:
    """`tastes` of one member as a sum of rows made ahead: one for each play, and one for the device.

    Attributes
    ----------
    of_title : ndarray of float64, shape (n_titles + 1, r)
        What a play adds, before it is divided by the number of plays; the last row, of an unknown title,
        is 0.
    of_device : dict of str to ndarray of float64, shape (r,)
        Where a member without plays begins.
    of_no_device : ndarray of float64, shape (r,)
        The same for a device that is unknown.
    """

    of_title: Floats
    of_device: Mapping[str, Floats]
    of_no_device: Floats

    @staticmethod
    def of(coef: Floats, members: Tastes, usual: Floats) -> TasteTable:
        """From what a lift learned.

        Parameters
        ----------
        coef : ndarray of float64, shape (1 + n_context, r)
            As in `Lift`.
        usual : ndarray of float64, shape (n_context,)
        """
        n = len(members.genres)
        start = coef[0] - usual @ coef[1:]
        of_device = {name: start + row for name, row in zip(DEVICES, coef[1 + n :], strict=False)}
        return TasteTable(members.of_title @ coef[1 : 1 + n], of_device, start)

    def of_plays(self, titles: Index) -> Floats:
        """What a member's latest plays (`LAST`, in any order) add, shape (r,)."""
        total: Floats = np.add.reduce(self.of_title.take(titles, axis=0), axis=0)
        return total / (len(titles) + FEW)

    def taste(self, titles: Index, device: str | None) -> Floats:
        """Worth of each feature for a member, shape (r,)."""
        start = self.of_no_device if device is None else self.of_device.get(device, self.of_no_device)
        return start + self.of_plays(titles)
