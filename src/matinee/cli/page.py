"""Show the homepage of one member, readable, with the reason of every row and tile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from matinee.cli.console import note, out, print_json, print_table, say
from matinee.cli.context import find_home
from matinee.cli.page_images import dresser_of, with_images
from matinee.initiatives.homepage.live import LiveHomepage, watched
from matinee.initiatives.homepage.page import MemberState, Page, Tile
from matinee.initiatives.homepage.trace import PageTrace
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.platform.dresser import Shown
from matinee.types import ALWAYS_US, format_at

if TYPE_CHECKING:
    from rich.text import Text

TILE_WIDTH = 26
"""Characters per tile, its gap included."""
NOT_RELEASED = (
    "Nothing is in production yet: shown with {}, which was trained last. matinee release homepage puts it "
    "in production."
)


def page(
    member: str,
    *,
    home: Path | None = None,
    at: str | None = None,
    rows: int = 8,
    cols: int = 8,
    why: bool = False,
    json: bool = False,
) -> int:
    """Print the homepage of MEMBER as it is now.

    Example: matinee page m1 --home shop --why

    Example: matinee page m1 --home shop --rows 40 --cols 40 --json

    Parameters
    ----------
    member
        Id of the member. One that nobody has heard of gets the page of a new member.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Show the page of this time.
    rows
        Longest page, in rows.
    cols
        Longest row, in tiles.
    why
        Also show what each rule removed from each row, which rows are absent and why, and how images
        were chosen.
    json
        Print machine-readable JSON.
    """
    where = find_home(home)
    live = LiveHomepage.open(where, at)
    if not live.released:
        note(NOT_RELEASED.format(live.release.name), quiet=json)
    trace = PageTrace() if why else None
    (state,) = live.states([member])
    made = live.composer.page(state, rows=rows, cols=cols, trace=trace)
    made, images = with_images(dresser_of(where, live.at_us), state, made)
    if json:
        print_json(as_json(live.titles.catalogue, made, images) | ({"why": trace} if trace else {}))
        return 0
    show_page(live, state, made)
    if trace:
        show_why(trace)
        show_images(live.titles.catalogue, made, images)
    return 0


def as_json(catalogue: Catalogue, made: Page, images: Mapping[str, Shown] | None = None) -> dict[str, object]:
    """A page with ids and names, for machines.

    Parameters
    ----------
    images : mapping of str to Shown, optional
        For each title its image, with propensity and reason.
    """
    images = images or {}
    rows = [
        {
            "row": row.row,
            "kind": row.kind,
            "intent": row.intent,
            "reason": row.reason,
            "tiles": [
                {
                    "col": tile.col,
                    "title_id": tile.title_id,
                    "name": str(catalogue.names[tile.title]),
                    "reason": tile.reason,
                    "artwork_id": tile.artwork_id,
                    **_about(images.get(tile.title_id)),
                    "propensity": tile.propensity,
                    "explored": tile.explored,
                }
                for tile in row.tiles
            ],
        }
        for row in made.rows
    ]
    return {
        "member_id": made.member_id,
        "at": format_at(made.at_us),
        "rows": rows,
        "unmet": made.unmet,
        "reason": made.reason,
    }


def _about(image: Shown | None) -> dict[str, object]:
    return {} if image is None else {"artwork_propensity": image.propensity, "artwork_why": image.why}


def show_page(live: LiveHomepage, state: MemberState, made: Page, *, wide: int = TILE_WIDTH) -> None:
    """Print a page as shelves: a heading per row, then its first tiles side by side with their reasons."""
    from rich.table import Table
    from rich.text import Text

    console = out()
    catalogue = live.titles.catalogue
    seen = watched(state, latest=5)
    latest = ", ".join(str(catalogue.names[title]) for title in seen.latest)
    console.print(Text(f"Member {made.member_id}", "bold"), Text(f"at {format_at(made.at_us)}", "dim"))
    console.print(Text(f"{seen.n_plays} titles watched" + (f", last: {latest}" if latest else ""), "dim"))
    for row in made.rows:
        fits = max(1, min(len(row.tiles), (console.width - 4) // wide))
        shown = row.tiles[:fits]
        # What all tiles say is said once, beside the heading.
        common = shown[0].reason if len({tile.reason for tile in shown}) == 1 else row.reason
        said = "" if common == row.reason else f"  {common}"
        rest = f"  and {len(row.tiles) - fits} more" if len(row.tiles) > fits else ""
        console.print()
        console.print(Text.assemble((f"{row.row:>2}  {row.reason}", "bold"), (f"{said}{rest}", "dim")))
        shelf = Table.grid(padding=(0, 2, 0, 0))
        shelf.add_column(width=2)
        for _ in shown:
            shelf.add_column(width=wide - 2, overflow="fold")
        shelf.add_row("", *[tile_text(catalogue, tile, common) for tile in shown])
        console.print(shelf)
    if not made.rows:
        console.print(f"\nNothing may be shown to this member now: {made.reason}.")
    for wish in made.unmet:
        console.print(Text(f"Not kept: {wish}", "yellow"))


def tile_text(catalogue: Catalogue, tile: Tile, said: str) -> Text:
    """Name and year, then the reason unless it was said already."""
    from rich.text import Text

    text = Text(str(catalogue.names[tile.title]), "bold")
    release_us = int(catalogue.release_us[tile.title])
    if release_us != ALWAYS_US:
        text.append(f" {format_at(release_us)[:4]}", "not bold dim")
    if tile.reason != said:
        text.append(f"\n{tile.reason}", "not bold")
    if tile.explored:
        text.append(f"\nexploring, p = {tile.propensity:.3f}", "not bold dim")
    return text


def show_why(trace: PageTrace) -> None:
    """Print where the titles of each row went, and why kinds are absent."""
    rules = list(dict.fromkeys(rule for row in trace.rows for rule, n in row.removed.items() if n))
    columns = ["row", "proposed", *rules, "elsewhere on the page", "left", "shown", "expected plays"]
    rows = [
        [
            f"{row.row} {row.reason}",
            row.candidates,
            *[row.removed.get(rule, 0) for rule in rules],
            row.on_page,
            row.left,
            row.shown,
            f"{row.gain:.4f}",
        ]
        for row in trace.rows
    ]
    print_table(rows, columns, title="Where the titles of each row went")
    for kind, reason in sorted(trace.absent.items()):
        say(f"Absent: {kind}: {reason}")


def show_images(catalogue: Catalogue, made: Page, images: Mapping[str, Shown], most: int = 12) -> None:
    """Print the images of the first titles, and why each is that one; nothing for a home without images."""
    names = {tile.title_id: str(catalogue.names[tile.title]) for row in made.rows for tile in row.tiles}
    rows = [
        [names[title_id], image.artwork_id, image.propensity, image.why]
        for title_id, image in list(images.items())[:most]
    ]
    if rows:
        print_table(rows, ["title", "image", "propensity", "why"], title="Images of the first titles")
