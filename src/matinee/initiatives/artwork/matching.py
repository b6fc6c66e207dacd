"""Before there is any log: the picture whose genre cue is the member's own, with room for all the others.

A film of several genres has pictures that look like one of them each. Who watches much of a genre, more than
the catalogue holds of it, sees its picture more often. That is a guess, so every cleared image keeps a share,
each choice has its exact propensity, and a model can learn from the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matinee.initiatives.artwork.belief import TasteTable
from matinee.initiatives.artwork.choosing import Chosen, Gallery, choose_images
from matinee.initiatives.artwork.config import NAME, ArtworkConfig
from matinee.initiatives.artwork.features import style_of
from matinee.initiatives.artwork.lift import Floats
from matinee.initiatives.artwork.serving import (
    Assets,
    DefaultImages,
    Members,
    choices,
    in_holdout,
    unit_key,
)
from matinee.learn.reading import load_catalogue
from matinee.observe.catalogue.artwork_tags import TAGS, VOCABULARY
from matinee.platform.abilities import ArtworkChoices, Later
from matinee.platform.deciding import Decided, Request, Surroundings
from matinee.types import derive_seed

POLICY = "artwork/genre-match-1"
KEEP = 0.25
"""Share that is spread evenly over the images of a title."""
SHARP = 0.04
"""Temperature: a picture whose genre has a share that is larger by this is e times as likely."""
WORTH_SAYING = 0.02
"""Least surplus of a share that is told as a reason."""
SAME = {"sci-fi": "science-fiction", "film-noir": "noir", "children's": "children", "family": "children",
        "suspense": "thriller", "sports": "sport", "biography": "drama"}  # fmt: skip
"""Names of genres in catalogues -> values of the tag "genre"."""
CUES = TAGS["genre"]


@dataclass(slots=True)
class GenreMatch:
    """Chooses images by what they look like and what the member watches; learns nothing.

    Attributes
    ----------
    table : TasteTable
        A cue is worth as much as the member's share of its genres is above the usual.
    said : list of str, shape (n_cues,)
        The sentence for an image that came because of a cue.
    """

    config: ArtworkConfig
    assets: Assets
    members: Members
    gallery: Gallery
    plain: DefaultImages
    table: TasteTable
    said: list[str]
    policy: str = POLICY

    @staticmethod
    def open(around: Surroundings) -> GenreMatch:
        """For the images and members of a home at a moment."""
        assets = Assets.of(around)
        genres = _genres(around)
        members = Members.of(around, genres)
        art = assets.art
        columns = [VOCABULARY.index(f"genre:{cue}") for cue in CUES]
        n, n_titles = len(art), len(art.titles)
        gallery = Gallery.of(
            np.asarray(art.indptr, np.int64),
            art.tags[:, columns].astype(np.float64),
            own=np.zeros(n),
            bonus=np.zeros(n),
            temperature=np.full(n_titles, SHARP),
            style=style_of(art),
            key=np.array([derive_seed(0, NAME, str(one)) for one in art.titles], np.uint64),
        )
        of_title = members.tastes.of_title[:-1]
        usual = of_title.mean(axis=0) if len(of_title) else np.zeros(len(genres))
        cue = np.array([CUES.index(cue_of(genre)) for genre in genres], np.int64)
        coef = np.zeros((1 + len(genres), len(CUES)))
        coef[1 + np.arange(len(genres)), cue] = 1.0
        table = TasteTable.of(coef, members.tastes, usual)
        names = dict(zip(cue.tolist(), genres, strict=True))
        said = [
            f"chosen because you watch much {names.get(i)}: a picture that looks like {one}"
            for i, one in enumerate(CUES)
        ]
        plain = DefaultImages(assets)
        return GenreMatch(around.config, assets, members, gallery, plain, table, said)

    def decide(self, request: Request) -> Decided:
        """The default image of one title: for single decisions there is no page to be varied."""
        return self.plain.decide(request)

    def choose_artwork(self, request: Request, titles: Sequence[str]) -> ArtworkChoices:
        """An image for each tile of a page; each propensity is given the images before it."""
        territory = request.context.get("territory")
        mask, _ = self.assets.cleared(request.at_us, None if territory is None else str(territory))
        taste = self.taste(request.unit_id, request.at_us)
        held = in_holdout(request.unit_id, self.config)
        chosen = choose_images(
            self.gallery,
            self.assets.titles(titles),
            mask,
            taste,
            1.0 if held else KEEP,
            self.config.variety,
            np.uint64(unit_key(request.unit_id, request.at_us, self.config)),
        )
        why = None if held else Later(len(titles), lambda: self._why(chosen, taste))
        return choices(self.policy, self.assets, chosen, why)

    def taste(self, member_id: str, at_us: int) -> Floats:
        """Surplus of the member's share of each cue's genre, shape (n_cues,).

        A member without plays has none: all images are alike then.
        """
        found = self.table.of_plays(self.members.latest(member_id, at_us))
        return found + self.table.of_no_device if found.any() else found

    def _why(self, chosen: Chosen, taste: Floats) -> list[str | None]:
        """Sentences for images that came because of what they look like."""
        if not len(self.gallery.features):
            return [None] * len(chosen.image)
        worth = self.gallery.features[np.maximum(chosen.image, 0)] * taste
        best = worth.argmax(axis=1)
        most = worth[np.arange(len(best)), best]
        told = (chosen.image >= 0) & (chosen.propensity * chosen.n > 1.0) & (most >= WORTH_SAYING)
        said = self.said
        return [said[i] if on else None for i, on in zip(best.tolist(), told.tolist(), strict=True)]


def cue_of(genre: str) -> str:
    """The tag value for a genre of a catalogue.

    Examples
    --------
    >>> cue_of("Sci-Fi"), cue_of("Horror"), cue_of("Science Fiction")
    ('science-fiction', 'horror', 'science-fiction')
    """
    name = genre.strip().lower().replace(" ", "-")
    return SAME.get(name, name)


def _genres(around: Surroundings) -> list[str]:
    """Genres of the catalogue that some picture can look like."""
    names = load_catalogue(around.home, around.at_us).genres.names
    return [str(name) for name in names if cue_of(str(name)) in CUES]
