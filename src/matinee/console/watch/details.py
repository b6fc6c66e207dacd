"""The details of a title: why it is recommended, its facts, titles like it, the episodes of a series."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from matinee.console.titles import Facts
from matinee.console.watch.asking import similar
from matinee.console.watch.matching import matches_of
from matinee.console.watch.places import SIMILAR as SIMILAR_TO
from matinee.console.watch.places import Place
from matinee.console.watch.tiles import Tile, Tiles, play_address
from matinee.console.watch.viewing import Viewer
from matinee.errors import MatineeError, NotFoundError
from matinee.observe.decision_log import find_decision, plausible
from matinee.observe.decisions import DecisionRecord, RowNote, Slot
from matinee.serve.explaining import EXPLAINING
from matinee.serve.pages import KIND, Shown
from matinee.serve.services import Services

SIMILAR = 12
OFTEN = 0.5
"""Probability from which a draw is told as likely."""
Decided = tuple[RowNote | None, Slot]
"""What was decided about a place: its row, and what stands there."""
Drawn = Literal["certain", "likely", "unlikely"]
_DECODE = msgspec.msgpack.Decoder(Shown)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a title stands where the member found it.

    Attributes
    ----------
    row, tile : str
        The sentences, in the reader's language.
    explored : bool
        It was drawn, to learn whether it fits.
    propensity : float
        Probability with which it came to stand there, 0 to 1.
    n_permitted : int or None
        Titles it was drawn from.
    drawn : {"certain", "likely", "unlikely"}
        The probability in words.
    """

    row: str
    tile: str
    explored: bool
    propensity: float
    n_permitted: int | None
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode of a series. `next`: the one to watch now; `play`: where it is played."""

    tile: Tile
    next: bool
    play: str


@dataclass(frozen=True, slots=True)
class Details:
    """What the page of a title shows.

    Attributes
    ----------
    facts : Facts
    tile : Tile
        Its image and badges.
    thumb : str or None
    position_s : float
        Of what plays; 0: from the beginning.
    plays : Facts or None
        What a press on play begins: for a series one of its episodes.
    why : Why or None
        Where the member came from a page of theirs.
    matches : list of str
        Else: what it has in common with what they watched, in sentences.
    similar : list of Tile
    episodes : list of Episode
        The one to watch now first, then those after it, then those before.
    """

    facts: Facts
    tile: Tile
    thumb: str | None
    position_s: float
    plays: Facts | None
    why: Why | None = None
    matches: list[str] = field(default_factory=list)
    similar: list[Tile] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


def permitted(viewer: Viewer, title_id: str) -> Facts:
    """What there is to say about a title to this member.

    Raises
    ------
    NotFoundError
        They may not know of it, or it does not exist: the text is the same, and names nothing.
    """
    facts = viewer.seen.facts(title_id)
    if facts is None:
        raise NotFoundError("title: this profile has none of this id, expected one from its own pages.")
    return facts


async def details(
    services: Services,
    viewer: Viewer,
    tiles: Tiles,
    title_id: str,
    *,
    place: Place | None = None,
    surface: str = "",
) -> Details:
    """Everything for the page of a title.

    Parameters
    ----------
    place, surface : Place or None, str
        Where the member found it.

    Raises
    ------
    NotFoundError
        The member may not know of it.
    """
    facts = permitted(viewer, title_id)
    plays = viewer.to_play(title_id)
    near = await similar(services, viewer.seen, title_id, SIMILAR)
    decided = await decided_at(services, viewer, title_id, place)
    why = None if decided is None else _why(tiles, *decided)
    return Details(
        facts=facts,
        tile=tile_of(tiles, title_id, decided),
        thumb=viewer.thumb(title_id),
        position_s=0.0 if plays is None else viewer.position_s(plays),
        plays=None if plays is None else viewer.seen.facts(plays),
        why=why,
        matches=[] if why is not None else matches_of(viewer, title_id, near).said(tiles.sentences),
        similar=tiles.plain(near, surface=SIMILAR_TO),
        episodes=_episodes(viewer, tiles, title_id, plays, (place, surface)),
    )


def _episodes(
    viewer: Viewer, tiles: Tiles, title_id: str, plays: str | None, found_at: tuple[Place | None, str]
) -> list[Episode]:
    titles = viewer.seen.titles
    found = viewer.seen.only(titles.episodes(titles.unit(title_id)))
    first = found.index(plays) if plays in found else 0
    ordered = [*found[first:], *found[:first]]
    return [
        Episode(tile, tile.facts.title_id == plays, play_address(tile.facts.title_id, *found_at))
        for tile in tiles.plain(ordered)
    ]


def tile_of(tiles: Tiles, title_id: str, decided: Decided | None) -> Tile:
    """A title with the image that it had where the member found it, as long as that may be shown."""
    (tile,) = tiles.plain([title_id])
    chosen = None if decided is None else tiles.chosen(decided[1].artwork_id)
    return tile if chosen is None else replace(tile, image=chosen)


async def decided_at(
    services: Services, viewer: Viewer, title_id: str, place: Place | None
) -> Decided | None:
    """What was decided about the place where the member found a title; None where nothing is known of it."""
    if place is None:
        return None
    try:
        return await _decided(services, viewer, title_id, place)
    except MatineeError:  # the state or the log cannot be read: the page goes without
        return None


def _why(tiles: Tiles, row: RowNote | None, slot: Slot) -> Why:
    drawn: Drawn = (
        "certain" if slot.propensity >= 1.0 else "likely" if slot.propensity >= OFTEN else "unlikely"
    )
    return Why(
        row="" if row is None else tiles.sentences.row(row.kind, row.reason),
        tile=tiles.sentences.tile(slot.reason),
        explored=slot.explored,
        propensity=slot.propensity,
        n_permitted=slot.n_permitted,
        drawn=drawn,
    )


async def _decided(services: Services, viewer: Viewer, title_id: str, place: Place) -> Decided | None:
    """The slot of a place: of the page that the member has in front of them, else of the log of decisions."""
    blob = await services.off_loop(services.kept, KIND, viewer.member_id)
    if blob is not None:
        shown = _DECODE.decode(blob)
        found = _at(shown.rows, shown.slots, title_id, place)
        if found is not None:
            return found
    if not plausible(place.decision_id, viewer.at_us):
        return None
    record: DecisionRecord | None = await EXPLAINING.run(find_decision, services.home, place.decision_id)
    if record is not None and record.sticky_of is not None:
        record = await EXPLAINING.run(find_decision, services.home, record.sticky_of)
    if record is None or record.unit_id != viewer.member_id:
        return None
    return _at(record.rows, record.slots, title_id, place)


def _at(rows: list[RowNote], slots: list[Slot], title_id: str, place: Place) -> Decided | None:
    for slot in slots:
        if slot.action == title_id and slot.row == place.row and slot.col == place.col:
            return next((row for row in rows if row.row == place.row), None), slot
    return None
