"""Artwork as the platform asks for it: a page's titles in, an image for each with its propensity out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np

from matinee.initiatives.artwork.assets import load_images, usable
from matinee.initiatives.artwork.belief import TasteTable, gallery_of
from matinee.initiatives.artwork.choosing import MOST, Chosen, Gallery, choose_images
from matinee.initiatives.artwork.config import NAME, ArtworkConfig
from matinee.initiatives.artwork.explaining import Reasons
from matinee.initiatives.artwork.features import LAST, Tastes, context_of, devices_of, style_of
from matinee.initiatives.artwork.lift import Ints
from matinee.initiatives.artwork.model import ArtworkModel
from matinee.initiatives.artwork.probabilities import probabilities
from matinee.initiatives.artwork.training import updated
from matinee.learn.interactions import Interactions
from matinee.learn.member_history import latest_titles
from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.decisions import Slot
from matinee.observe.member_state import TitleTable
from matinee.observe.state.reading import MemberReader
from matinee.platform.abilities import ArtworkChoices, Later
from matinee.platform.deciding import NO_ACTION, Decided, Request, Surroundings
from matinee.types import DAY_US, Index, Mask, derive_seed

POLICY = "artwork/pooled-1"
FALLBACK = "artwork/default-image"


@dataclass(slots=True)
class Assets:
    """Images as of a moment, and which of them may be shown where.

    Attributes
    ----------
    art : Artworks
    usable : ndarray of bool, shape (n_images,)
        Of the wanted shape.
    place : dict of str to int
        Position among the titles that have images, of titles and of their episodes.
    names : list of (str or None), shape (n_images + 1,)
        `art.artwork_ids`, which are slow to take out of an array one by one; the last is None, for -1.
    """

    art: Artworks
    usable: Mask
    place: Mapping[str, int]
    names: Sequence[str | None]
    _masks: dict[str | None, tuple[int, int, Mask, Index]] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(around: Surroundings) -> Assets:
        """Those of a home; an episode without images of its own has those of its series."""
        art, config = load_images(around.home, around.at_us), around.config
        catalogue = load_catalogue(around.home, around.at_us)
        place = {one: i for i, one in enumerate(art.titles.tolist())}
        ids, unit = catalogue.title_ids.tolist(), catalogue.unit().tolist()
        own = dict(place)
        for title_id, series in zip(ids, unit, strict=True):
            if title_id not in own and ids[series] in own:
                place[title_id] = own[ids[series]]
        return Assets(art, usable(art, config), place, [*art.artwork_ids.tolist(), None])

    def cleared(self, at_us: int, territory: str | None) -> tuple[Mask, Index]:
        """Images that may be shown, and the default of each title (-1: none); kept while they hold.

        All territories that no image names have the same: requests may say any.
        """
        if territory not in self.art.clearances.territories.names:
            territory = None
        kept = self._masks.get(territory)
        if kept is None or not kept[0] <= at_us < kept[1]:
            mask = self.art.cleared(at_us, territory) & self.usable
            defaults = self.art.defaults(at_us, territory, usable=self.usable)
            kept = (at_us, self.art.clearances.next_change_us(at_us), mask, defaults)
            self._masks[territory] = kept
        return kept[2], kept[3]

    def titles(self, titles: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Positions of titles; -1: without images."""
        return np.fromiter(map(self.place.get, titles, repeat(-1)), np.int64, len(titles))

    def asked(self, request: Request, mask: Mask) -> tuple[int, Mask]:
        """Title and images that a single decision is about.

        The images are those of `request.actions`, all of one title, or of the title in `context["title_id"]`;
        else of the first title with several, so that an answer can be tried out. -1: there is none.
        """
        start = self.art.indptr
        if request.actions is not None:
            names = set(request.actions)
            inside = mask & np.array([str(one) in names for one in self.art.artwork_ids], np.bool_)
            found = np.flatnonzero(inside)
            title = int(np.searchsorted(start, found[0], side="right")) - 1 if len(found) else -1
            return title, inside
        named = request.context.get("title_id")
        if named is not None:
            return self.place.get(str(named), -1), mask
        count = (
            np.add.reduceat(np.append(mask, False).astype(np.int64), start[:-1])
            if len(start) > 1
            else np.zeros(0)
        )
        several = np.flatnonzero(count > 1)
        return (int(several[0]) if len(several) else -1), mask


@dataclass(slots=True)
class Members:
    """Taste of members: a server's state when it is asked, else the log as of the opening."""

    tastes: Tastes
    reader: MemberReader | None
    table: TitleTable | None
    log: Interactions | None
    row: Mapping[str, int]

    @staticmethod
    def of(around: Surroundings, genres: Sequence[str]) -> Members:
        """From what there is."""
        catalogue = load_catalogue(around.home, around.at_us)
        columns = Tastes.of(catalogue, genres)
        if around.members is not None:
            return Members(columns, around.members, TitleTable.of(catalogue), None, {})
        log = interactions_from_home(around.home, until_us=around.at_us, catalogue=catalogue)
        return Members(columns, None, None, log, {str(one): i for i, one in enumerate(log.member_ids)})

    def latest(self, member_id: str, at_us: int) -> Index:
        """Titles of the last plays, at most `LAST`; none of a member that nobody has heard of."""
        if self.reader is not None and self.table is not None:
            return latest_titles(self.reader.record(member_id), self.table, LAST)
        row = self.row.get(member_id, -1)
        if row < 0 or self.log is None:
            return np.zeros(0, np.int32)
        histories = self.log.histories
        first, last = int(histories.indptr[row]), int(histories.indptr[row + 1])
        last = first + int(np.searchsorted(histories.at_us[first:last], at_us, side="left"))
        return histories.title[max(first, last - LAST) : last]


@dataclass(slots=True)
class ArtworkDecider:
    """Chooses images with a model; several threads may ask at once."""

    model: ArtworkModel
    config: ArtworkConfig
    assets: Assets
    members: Members
    gallery: Gallery
    table: TasteTable
    reasons: Reasons
    policy: str = POLICY

    @staticmethod
    def open(folder: Path, around: Surroundings) -> ArtworkDecider:
        """Load a model for the images and members of a home at a moment."""
        return ArtworkDecider.of(ArtworkModel.load(folder), around)

    @staticmethod
    def of(model: ArtworkModel, around: Surroundings) -> ArtworkDecider:
        """With a model at hand."""
        config: ArtworkConfig = around.config
        assets = Assets.of(around)
        model = model.under(config).on(assets.art)
        learner = model.learner
        key = np.array([derive_seed(0, NAME, str(one)) for one in assets.art.titles], np.uint64)
        gallery = gallery_of(
            learner.images, learner.lift, learner.start,
            boldness=config.boldness, style=style_of(assets.art), key=key,
        )  # fmt: skip
        reasons = Reasons.of(model, assets.art)
        members = Members.of(around, model.genres)
        table = TasteTable.of(learner.lift.coef, members.tastes, model.usual)
        return ArtworkDecider(model, config, assets, members, gallery, table, reasons)

    def refreshed(self, around: Surroundings) -> ArtworkDecider:
        """Follow the log: outcomes that have become final are learned, new images and plays are seen."""
        return ArtworkDecider.of(updated(self.model, around.home, around.at_us, self.config), around)

    def choose_artwork(self, request: Request, titles: Sequence[str]) -> ArtworkChoices:
        """An image for each tile of a page; each propensity is given the images before it."""
        mask, _ = self.assets.cleared(request.at_us, _territory(request))
        plays = self._plays(request)
        held = in_holdout(request.unit_id, self.config)
        chosen = self._chosen(request, self.assets.titles(titles), mask, plays, held=held)
        if held or not self.model.learner.proven:
            return choices(self.policy, self.assets, chosen)
        why = Later(len(titles), lambda: self._why(chosen.image, plays, _device(request)))
        return choices(self.policy, self.assets, chosen, why)

    def decide(self, request: Request) -> Decided:
        """One image for one title (`Assets.asked`); the seed takes part in the draw."""
        mask, _ = self.assets.cleared(request.at_us, _territory(request))
        title, mask = self.assets.asked(request, mask)
        if title < 0:
            return Decided((), (), NO_ACTION)
        plays, held = self._plays(request), in_holdout(request.unit_id, self.config)
        chosen = self._chosen(request, np.array([title]), mask, plays, held=held, seed=request.seed)
        image = int(chosen.image[0])
        if image < 0:
            return Decided((), (), NO_ACTION)
        ids = self.assets.art.artwork_ids
        could = tuple(str(ids[i]) for i in self._images(title, mask))
        slot = Slot(str(ids[image]), float(chosen.propensity[0]), n_permitted=len(could), explored=held)
        return Decided(
            (slot,), could, context={"title_id": str(self.assets.art.titles[title]), "holdout": held}
        )

    def probabilities(self, request: Request) -> dict[str, float]:
        """Probability of each image of the title that `decide` would answer about."""
        mask, _ = self.assets.cleared(request.at_us, _territory(request))
        title, mask = self.assets.asked(request, mask)
        images = self._images(title, mask) if title >= 0 else np.zeros(0, np.int64)
        if not len(images):
            return {}
        keep = 1.0 if in_holdout(request.unit_id, self.config) else self.model.learner.keep
        taste = self.table.taste(self._plays(request), _device(request))[None]
        p = probabilities(self.gallery, np.array([title]), images[None], taste, keep)[0]
        return {str(self.assets.art.artwork_ids[i]): float(one) for i, one in zip(images, p, strict=True)}

    def _plays(self, request: Request) -> Index:
        return self.members.latest(request.unit_id, request.at_us)

    def _why(self, image: Ints, plays: Index, device: str | None) -> list[str | None]:
        """The sentences for a page's images."""
        raw = context_of(self.members.tastes.shares(plays), devices_of([device])[0])
        return self.reasons.of_images(image, raw - self.model.usual, raw)

    def _images(self, title: int, mask: Mask) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        low, high = (int(one) for one in self.gallery.title[title, :2])
        return (low + np.flatnonzero(mask[low:high])[:MOST]).astype(np.int64)

    def _chosen(
        self,
        request: Request,
        titles: np.ndarray[tuple[int], np.dtype[np.int64]],
        mask: Mask,
        plays: Index,
        *,
        held: bool,
        seed: int = 0,
    ) -> Chosen:
        learner = self.model.learner
        return choose_images(
            self.gallery,
            titles,
            mask,
            self.table.taste(plays, _device(request)),
            1.0 if held else learner.keep,
            self.config.variety,
            np.uint64(unit_key(request.unit_id, request.at_us, self.config, seed)),
        )


@dataclass(slots=True)
class DefaultImages:
    """Shows each title's default cleared image: what answers when there is no model."""

    assets: Assets
    policy: str = FALLBACK

    @staticmethod
    def open(around: Surroundings) -> DefaultImages:
        """Look at the images of a home."""
        return DefaultImages(Assets.of(around))

    def choose_artwork(self, request: Request, titles: Sequence[str]) -> ArtworkChoices:
        """The default image of each title, for certain."""
        _, defaults = self.assets.cleared(request.at_us, _territory(request))
        at = self.assets.titles(titles)
        image = np.where(at >= 0, defaults[np.maximum(at, 0)] if len(defaults) else -1, -1).astype(np.int64)
        chosen = Chosen(image, np.ones(len(at)), (image >= 0).astype(np.int64))
        return choices(self.policy, self.assets, chosen)

    def decide(self, request: Request) -> Decided:
        """The default image of one title; the first permitted one where that is not permitted."""
        mask, defaults = self.assets.cleared(request.at_us, _territory(request))
        title, mask = self.assets.asked(request, mask)
        if title < 0:
            return Decided((), (), NO_ACTION)
        low, high = (int(one) for one in self.assets.art.indptr[title : title + 2])
        able = low + np.flatnonzero(mask[low:high])
        if not len(able):
            return Decided((), (), NO_ACTION)
        image = int(defaults[title]) if int(defaults[title]) in able else int(able[0])
        name = str(self.assets.art.artwork_ids[image])
        return Decided((Slot(name, 1.0, n_permitted=1),), (name,))


def in_holdout(member_id: str, config: ArtworkConfig) -> bool:
    """Whether a member gets each cleared image alike, for ever."""
    return derive_seed(0, config.holdout_salt, member_id) < config.holdout * 2.0**64


def unit_key(member_id: str, at_us: int, config: ArtworkConfig, seed: int = 0) -> int:
    """Number that a member's draws follow from; another one every `sticky_days`, not for all on one day."""
    period_us = round(config.sticky_days * DAY_US)
    shift_us = derive_seed(0, NAME, "period", member_id) % period_us
    return derive_seed(seed, NAME, member_id, (at_us + shift_us) // period_us)


def _territory(request: Request) -> str | None:
    found = request.context.get("territory")
    return None if found is None else str(found)


def _device(request: Request) -> str | None:
    found = request.context.get("device")
    return None if found is None else str(found)


def choices(
    policy: str, assets: Assets, chosen: Chosen, why: Sequence[str | None] | None = None
) -> ArtworkChoices:
    """What was chosen, by the ids of images; without `why` there is nothing to say about any."""
    ids = list(map(assets.names.__getitem__, chosen.image.tolist()))
    said = [None] * len(ids) if why is None else why
    return ArtworkChoices(policy, ids, chosen.propensity.tolist(), chosen.n.tolist(), said)
