"""The rules about what a member may be shown, by name, in the order in which they are explained."""

from __future__ import annotations

import numpy as np

from matinee.decide.masks import Masks
from matinee.initiatives.homepage.rows.base import Admits, Viewer
from matinee.initiatives.homepage.stock import resumable
from matinee.observe.catalogue.catalogue import Limits


def rules(viewer: Viewer, admits: Admits) -> Masks:
    """The rules for one kind of row, by name, in the order in which they are explained."""
    audience = viewer.audience
    catalogue, limits, at_us = audience.catalogue, audience.limits, audience.at_us
    masks = Masks(len(catalogue))
    played = audience.titles.played()
    masks.add("not released yet", catalogue.released(at_us, played))
    masks.add("not available here and now", catalogue.available(limits.territory, at_us))
    grown = Limits(limits.territory, limits.maturity_max, limits.kids)
    masks.add("above the maturity limit", catalogue.allowed(grown, at_us, played))
    masks.add("not in the member's languages", catalogue.allowed(limits, at_us, played))
    masks.add("its series may not be shown", audience.allowed)
    if admits != "begun":
        masks.add("episode or season", catalogue.discoverable())
    masks.add("disliked", ~(viewer.disliked | viewer.disliked[viewer.unit]))
    if admits in {"fresh", "listed"}:
        masks.add("already watched", ~viewer.watched)
    if admits == "fresh" and viewer.kept is not None:
        masks.add("kept for the member's list", ~viewer.kept)
    if admits == "watched":
        masks.add("not watched yet", viewer.watched)
        masks.add("in progress", ~resumable(viewer))
    return masks


def first_rule(masks: Masks, title: int) -> str | None:
    """The first rule that forbids a title; None if none does."""
    removed = masks.removed(np.array([title], np.int32))
    return next((rule for rule, n in removed.items() if n), None)
