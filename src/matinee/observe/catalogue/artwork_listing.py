"""Images as people read them: what is known, whether each may be shown, and what changed when."""

from __future__ import annotations

import msgspec

from matinee.errors import NotFoundError, unknown_name
from matinee.observe.catalogue.artwork import FOLDER, TABLE
from matinee.observe.catalogue.artwork_store import Row
from matinee.observe.catalogue.clearance import ANYWHERE, REASONS, Clearances
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect, literal, quoted
from matinee.observe.lake.facts import facts
from matinee.observe.lake.manifest import parquet, read_manifest
from matinee.observe.lake.reader import open_facts


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One image in a list.

    Attributes
    ----------
    cleared : bool
        It may be shown now; where no territory was named: somewhere.
    why_not : str
        One of `REASONS`.
    """

    artwork_id: str
    title_id: str
    aspect: str | None
    language: str | None
    tags: list[str]
    territories: list[str]
    is_default: bool
    approved_by: str | None
    cleared: bool
    why_not: str

    @property
    def said(self) -> str:
        """Whether it may be shown, in words."""
        if not self.cleared:
            return f"no: {self.why_not}"
        where = f" in {', '.join(self.territories)}" if self.territories else ""
        return f"yes{where}{', default' if self.is_default else ''}"


class Change(msgspec.Struct, frozen=True):
    """A version of an image's facts: since when, and which columns are other than before."""

    from_us: int
    changed: list[str]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one image."""

    artwork_id: str
    cleared: bool
    said: str
    path: str
    facts: dict[str, object]
    history: list[Change]


def listing(
    home: Home,
    at_us: int,
    *,
    title_id: str | None = None,
    territory: str | None = None,
    uncleared: bool = False,
) -> list[Listed]:
    """Images as they were known at a moment, by title and id.

    Parameters
    ----------
    territory : str, optional
        Without one, an image that is cleared somewhere counts as cleared.
    uncleared : bool
        Only those that may not be shown.

    Raises
    ------
    NotFoundError
        The title has no image.
    StorageError
        The lake cannot be read.
    """
    with connect(threads=1) as con:
        open_facts(con, home, TABLE, at_us=at_us)
        where = "" if title_id is None else f" WHERE title_id = {literal(title_id)}"
        names = [name for name in facts(TABLE) if name != "embedding"]
        found = con.execute(f"SELECT {', '.join(names)} FROM {TABLE}{where} ORDER BY title_id, artwork_id")
        rows: list[Row] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    if title_id is not None and not rows:
        raise NotFoundError(f'title "{title_id}" has no image. Bring some in: matinee import artwork PATH.')
    codes = Clearances.from_rows(rows).why_not(at_us, territory).tolist()
    fine = (0,) if territory is not None else ANYWHERE
    kept = Listed.__struct_fields__[:-2]
    every = [
        Listed(
            **{name: row[name] if row[name] is not None or name not in _LISTS else [] for name in kept},
            cleared=code in fine,
            why_not="" if code in fine else REASONS[code],
        )
        for row, code in zip(rows, codes, strict=True)
    ]
    return [one for one in every if not (uncleared and one.cleared)]


def told(home: Home, artwork_id: str, at_us: int) -> Told:
    """Everything about one image as it was known at a moment, and its versions, the oldest first.

    Raises
    ------
    NotFoundError
        There is no such image.
    StorageError
        The lake cannot be read.
    """
    files = read_manifest(home.lake).of(TABLE)
    if not files:
        raise NotFoundError(
            f'artwork: unknown id "{artwork_id}". No image is known: matinee import artwork PATH.'
        )
    with connect(threads=1) as con:
        open_facts(con, home, TABLE, at_us=at_us)
        names = facts(TABLE)
        source = parquet(home.lake, files)
        versions = con.execute(
            f"SELECT from_us, {', '.join(map(quoted, names))} FROM {source} WHERE artwork_id = ? "
            "ORDER BY from_us, batch",
            [artwork_id],
        ).fetchall()
        if not versions:
            ids = [row[0] for row in con.execute(f"SELECT artwork_id FROM {TABLE}").fetchall()]
            hint, _, _ = unknown_name("artwork", "id", artwork_id, ids).partition(" Known: ")
            raise NotFoundError(f"{hint} See them: matinee artwork list.")
        row = con.execute(
            f"SELECT {', '.join(names)} FROM {TABLE} WHERE artwork_id = ?", [artwork_id]
        ).fetchall()[0]
    now: Row = dict(zip(names, row, strict=True))
    (code,) = Clearances.from_rows([now]).why_not(at_us, None).tolist()
    where = f" in {', '.join(now['territories'])}" if now["territories"] else " everywhere"
    return Told(
        artwork_id=artwork_id,
        cleared=code in ANYWHERE,
        said=f"yes,{where}" if code in ANYWHERE else f"no: {REASONS[code]}",
        path=str(home.root / FOLDER / str(now["file"])),
        facts=now,
        history=[
            Change(
                new[0],
                [n for n, a, b in zip(names, old[1:], new[1:], strict=True) if a != b]
                if old
                else ["registered"],
            )
            for old, new in zip([None, *versions[:-1]], versions, strict=True)
        ],
    )


_LISTS = ("tags", "territories")
