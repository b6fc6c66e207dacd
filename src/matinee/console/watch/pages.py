"""The rows of a member's page as templates show them: those that were decided, else plain ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from matinee.console.watch.screen import Screen
from matinee.console.watch.tiles import Tile, Tiles
from matinee.console.watch.viewing import Viewer
from matinee.errors import InputError, MatineeError
from matinee.serve.asked import Asked
from matinee.serve.attempt import NO_MODEL
from matinee.serve.pages import Pages
from matinee.serve.problems import ProblemError
from matinee.serve.schemas import PageReply

POPULAR = "popular"
GENRE = "genre"
LEAST_TILES = 4
GONE = 410
BEHIND, REPLACED, PLAIN = "watch.note_behind", "watch.note_replaced", "watch.note_plain"
"""Texts for what is not as usual."""


@dataclass(frozen=True, slots=True)
class RowView:
    """One row.

    Attributes
    ----------
    row : int
        From 1.
    kind : str
    sentence : str
        What stands above it.
    tiles : list of Tile
    decision_id : str or None
        None: nobody decided on it.
    """

    row: int
    kind: str
    sentence: str
    tiles: list[Tile]
    decision_id: str | None = None


@dataclass(frozen=True, slots=True)
class PageView:
    """Rows to show.

    Attributes
    ----------
    decision_id : str or None
    rows : list of RowView
    cursor : str or None
        For the rows below.
    notes : list of str
        Keys of texts: what is not as usual.
    replaced : bool
        A cursor was of an older page: these are the first rows of the new one.
    """

    decision_id: str | None
    rows: list[RowView] = field(default_factory=list)
    cursor: str | None = None
    notes: list[str] = field(default_factory=list)
    replaced: bool = False


class WatchedPages:
    """Asks for pages on the way that `GET /v1/members/{id}/homepage` takes.

    Parameters
    ----------
    pages : Pages
    """

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def page(
        self, viewer: Viewer, tiles: Tiles, screen: Screen, locale: str, cursor: str | None = None
    ) -> PageView:
        """The first rows, or those below a cursor; the first ones again where the cursor is of an older page.

        Whatever goes wrong with deciding, there are rows as long as there is a title to show.

        Raises
        ------
        InputError
            The cursor is not one of ours.
        """
        asked = Asked(screen.rows, screen.cols, device=screen.device, locale=locale)
        further = replace(asked, rows=screen.further_rows)
        notes, replaced = [], False
        try:
            try:
                reply = await self.pages.page(
                    viewer.member_id, asked if cursor is None else further, cursor=cursor
                )
            except ProblemError as problem:
                if problem.status != GONE:
                    raise
                replaced = True
                notes.append(REPLACED)
                reply = await self.pages.page(viewer.member_id, asked)
        except InputError:
            raise
        except MatineeError:  # not even the fallback answered
            return PageView(None, plain_rows(viewer, tiles, screen), None, [PLAIN])
        if viewer.behind or (reply.fallback and reply.fallback_reason not in (None, NO_MODEL)):
            notes.append(BEHIND)
        first = cursor is None or replaced
        return PageView(
            reply.decision_id, rows_of(reply, tiles, first=first), reply.next_cursor, notes, replaced
        )


def rows_of(reply: PageReply, tiles: Tiles, *, first: bool) -> list[RowView]:
    """The rows of an answer.

    Parameters
    ----------
    first : bool
        They stand at the top of the page.
    """
    return [
        RowView(
            row.row,
            row.kind,
            tiles.sentences.row(row.kind, row.reason),
            [
                tiles.on_page(tile, reply.decision_id, row.row, first_row=first and n == 0)
                for tile in row.tiles
            ],
            reply.decision_id,
        )
        for n, row in enumerate(reply.rows)
    ]


def plain_rows(viewer: Viewer, tiles: Tiles, screen: Screen) -> list[RowView]:
    """What is popular, and popular by genre, among what the member may see: when nothing can decide."""
    seen, titles = viewer.seen, viewer.seen.titles
    sentences = tiles.sentences
    shelves = [(POPULAR, sentences.row(POPULAR, "Popular on the service"), seen.mask)]
    genres = titles.catalogue.genres
    dense = genres.dense() > 0
    watched = (dense * titles.plays[:, None]).sum(axis=0)
    for genre in (-watched).argsort(kind="stable")[: screen.rows - 1].tolist():
        shelves.append((GENRE, sentences.genre(genres.names[genre]), seen.mask & dense[:, genre]))
    rows: list[RowView] = []
    for kind, sentence, mask in shelves:
        found = seen.only(titles.popular(mask, screen.cols))
        if len(found) >= LEAST_TILES or (found and not rows):
            rows.append(RowView(len(rows) + 1, kind, sentence, tiles.plain(found)))
    return rows
