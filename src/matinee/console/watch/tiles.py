"""What a template needs to know about a tile: facts, image, place, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from zlib import crc32

from matinee.console.titles import Facts
from matinee.console.watch.inlined import inlined
from matinee.console.watch.places import Place
from matinee.console.watch.sentences import Sentences
from matinee.console.watch.viewing import Viewer
from matinee.serve.schemas import TileReply
from matinee.serve.services import Services

GROUNDS = 6
"""Colours of tiles without an image."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile.

    Attributes
    ----------
    facts : Facts
    href : str
        Of its details.
    image : str or None
        Address on this server.
    inline : str or None
        The image itself as a data: address, for the one that is to be painted first.
    place : Place or None
        Where it stands on a page; None where nobody decided that it stands here.
    surface : str
        Where it was found then: one of `SURFACES`, or "".
    why : str
        In the reader's language; may be empty.
    leaving_us : int or None
        When it leaves, if that is soon.
    new, listed, first : bool
        `first`: of all images of the page the one to fetch first. The others are lazy, or the first frame
        would wait for them.
    share_pct : int or None
        How much was watched, where it is in progress.
    ground : int, 1 to `GROUNDS`
        Colour, where there is no image.
    """

    facts: Facts
    href: str
    image: str | None = None
    inline: str | None = None
    place: Place | None = None
    surface: str = ""
    why: str = ""
    leaving_us: int | None = None
    new: bool = False
    listed: bool = False
    share_pct: int | None = None
    first: bool = False

    @property
    def ground(self) -> int:
        """The same for a title always."""
        return 1 + crc32(self.facts.title_id.encode()) % GROUNDS


class Tiles:
    """Makes the tiles of one reply.

    Parameters
    ----------
    services : Services
        For the images, where none was chosen.
    viewer : Viewer
    sentences : Sentences
    """

    def __init__(self, services: Services, viewer: Viewer, sentences: Sentences) -> None:
        self.services, self.viewer, self.sentences = services, viewer, sentences
        self._territory = viewer.seen.limits.territory
        self._artwork = artwork = services.artwork
        self._pictures = artwork.pictures
        self._default: Mapping[str, str] = {}
        if self._pictures:
            self._default = self._pictures.defaults(artwork.watch.current(), viewer.at_us, self._territory)

    def on_page(self, tile: TileReply, decision_id: str, row: int, *, first_row: bool) -> Tile:
        """A tile that was decided on; it has the image that was chosen."""
        return self._tile(
            tile.title_id,
            tile.artwork_url,
            Place(decision_id, row, tile.col),
            self.sentences.tile(tile.reason),
            first=first_row and tile.col == 1,
        )

    def plain(self, title_ids: Iterable[str], *, surface: str = "") -> list[Tile]:
        """Tiles that nobody decided on; each has its default image."""
        return [self._tile(one, self.image(one), None, "", surface=surface) for one in title_ids]

    def image(self, title_id: str) -> str | None:
        """Address of the default image of a title, or of its series."""
        for one in (title_id, self.viewer.seen.titles.unit(title_id)):
            found = self._default.get(one)
            if found is not None:
                return self._pictures.url_of.get(found)
        return None

    def chosen(self, artwork_id: str | None) -> str | None:
        """Address of an image that was chosen for a title; None if it may not be shown to the member now."""
        standing, at_us = self._artwork.watch.current(), self.viewer.at_us
        if artwork_id is None or self._pictures.uncleared([artwork_id], standing, at_us, self._territory):
            return None
        return self._artwork.url(artwork_id)

    def _tile(
        self,
        title_id: str,
        image: str | None,
        place: Place | None,
        why: str,
        *,
        surface: str = "",
        first: bool = False,
    ) -> Tile:
        viewer, titles = self.viewer, self.viewer.seen.titles
        share = viewer.share(title_id)
        image = image or self.image(title_id)
        return Tile(
            facts=titles.facts(title_id) or Facts(title_id, title_id, "film"),
            href=details_address(title_id, place, surface),
            image=image,
            inline=inlined(self.services, image, viewer.at_us) if first else None,
            place=place,
            surface=surface,
            why=why,
            leaving_us=titles.leaving_us(title_id, self._territory, viewer.at_us),
            new=titles.is_new(title_id, self._territory, viewer.at_us),
            listed=viewer.listed(title_id),
            share_pct=max(1, round(100 * share)) if share > 0 else None,
            first=first,
        )


def details_address(title_id: str, place: Place | None = None, surface: str = "") -> str:
    """Where the details of a title are, for somebody who found it at a place or on a surface.

    Examples
    --------
    >>> details_address("a/b", Place("d", 1, 2)), details_address("a", None, "search")
    ('/watch/title/a%2Fb?from=d.1.2', '/watch/title/a?from=search')
    """
    return _address("/watch/title/", title_id, place, surface)


def play_address(title_id: str, place: Place | None = None, surface: str = "") -> str:
    """Where a title is played."""
    return _address("/watch/play/", title_id, place, surface)


def _address(path: str, title_id: str, place: Place | None, surface: str) -> str:
    found = surface if place is None else str(place)
    query = "?" + urlencode({"from": found}) if found else ""
    return f"{path}{quote(title_id, safe='')}{query}"
