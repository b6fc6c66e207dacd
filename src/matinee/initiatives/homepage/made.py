"""A page that was made ahead: what is kept of it, and how it is packed."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from matinee.errors import StorageError
from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.page import Page
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.types import Index

MADE_ROWS, MADE_COLS = 12, 20
"""Size of a page that is made ahead: twice a first screen, so that what is taken away leaves no hole."""


class MadeRow(msgspec.Struct, array_like=True, gc=False):
    """One row of a page that was made ahead.

    Attributes
    ----------
    kind, key, reason : str
        As in `Row`.
    size : int
        Number of its titles.
    fixed : bool
        Editors ordered its place or a title in it: it keeps its number.
    notes : dict of int to str
        Reason of single titles, by position, where it is not the kind's.
    pinned : dict of int to int
        Title -> column, for titles that editors placed.
    drawn : dict of int to (propensity, number of titles it was drawn from)
    """

    kind: str
    key: str
    reason: str
    size: int
    fixed: bool = False
    notes: dict[int, str] = {}
    pinned: dict[int, int] = {}
    drawn: dict[int, tuple[float, int]] = {}


class MadePage(msgspec.Struct, array_like=True, gc=False):
    """A page that was made ahead, for one catalogue and one model.

    Attributes
    ----------
    service : int
        What the positions mean: see `service_key`.
    model : str
    acted : int or None
        What the member had done by then (`MemberRecord.acted`).
    at_us : int
    territory : str or None
        For which it was made.
    titles : bytes
        int32 positions of all rows, one row after the other.
    """

    service: int
    model: str
    acted: int | None
    at_us: int
    territory: str | None
    rows: list[MadeRow]
    titles: bytes
    unmet: list[str] = []

    def positions(self) -> Index:
        """Titles of all rows."""
        return np.frombuffer(self.titles, np.int32)


_ENCODE = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(MadePage)


def service_key(catalogue: Catalogue, *besides: object) -> int:
    """Number of a catalogue's order, series and pins, and of what else a page rests on (settings)."""
    parts = ["\x1f".join(catalogue.title_ids.tolist()), repr(catalogue.pins), *map(repr, besides)]
    digest = hashlib.blake2b("\x1e".join(parts).encode(), digest_size=7)
    digest.update(catalogue.series.tobytes())
    return int.from_bytes(digest.digest(), "big")


def pack(
    page: Page, *, service: int, model: str, acted: int | None, territory: str | None, composer: Composer
) -> bytes:
    """Pack a page."""
    return _ENCODE.encode(
        as_made(page, service=service, model=model, acted=acted, territory=territory, composer=composer)
    )


def as_made(
    page: Page, *, service: int, model: str, acted: int | None, territory: str | None, composer: Composer
) -> MadePage:
    """What is kept of a page."""
    ordered = _ordered(composer, territory)
    rows = []
    for row in page.rows:
        kind = composer.kinds.get(row.kind)
        pinned = {tile.title: tile.col for tile in row.tiles if (row.row, tile.title_id) in ordered}
        fixed = bool(pinned) or (row.row, row.kind) in ordered
        usual = "" if kind is None else kind.tile_reason
        notes = {tile.title: str(tile.reason) for tile in row.tiles if tile.reason != usual}
        drawn = {t.title: (t.propensity, t.n_permitted or 1) for t in row.tiles if t.explored}
        key, reason = str(row.key), str(row.reason)
        rows.append(MadeRow(row.kind, key, reason, len(row.tiles), fixed, notes, pinned, drawn))
    titles = np.array([tile.title for row in page.rows for tile in row.tiles], np.int32)
    return MadePage(service, model, acted, page.at_us, territory, rows, titles.tobytes(), list(page.unmet))


def unpack(data: bytes) -> MadePage:
    """Read what `pack` made.

    Raises
    ------
    StorageError
        It is something else.
    """
    try:
        return _DECODE.decode(data)
    except (msgspec.DecodeError, msgspec.ValidationError) as problem:
        raise StorageError(
            f"page made ahead: it does not read ({problem}). Run: matinee precompute homepage"
        ) from problem


def same_pins(composer: Composer, territory: str | None, first_us: int, then_us: int) -> bool:
    """Whether the same pins are in force at two moments."""
    pins = composer.titles.catalogue.pins
    return not any(
        (pin.from_us <= first_us < pin.until_us) != (pin.from_us <= then_us < pin.until_us)
        and pin.territory in {None, territory}
        for pin in pins
    )


def _ordered(composer: Composer, territory: str | None) -> set[tuple[int, str]]:
    """(row, title id or kind of row) of the pins in force."""
    return {
        (pin.row, str(pin.title_id or pin.row_kind))
        for pin in composer.titles.catalogue.pins
        if pin.from_us <= composer.at_us < pin.until_us and pin.territory in {None, territory}
    }
