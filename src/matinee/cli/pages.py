"""Write the homepages of all members to one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from matinee.cli.console import Report, note, print_json, progress, say
from matinee.cli.context import find_home
from matinee.cli.page import NOT_RELEASED
from matinee.cli.page_images import dresser_of, gone_from, pictures_of, with_images
from matinee.initiatives.homepage.export import write_pages
from matinee.initiatives.homepage.html import Watched, write_html
from matinee.initiatives.homepage.live import LiveHomepage, watched
from matinee.initiatives.homepage.page import Page
from matinee.learn.reading import read_member_ids
from matinee.observe.table_file import check_place, table_format
from matinee.platform.dresser import Dresser
from matinee.types import format_at


def pages(
    *,
    out: Path,
    home: Path | None = None,
    at: str | None = None,
    members: Path | None = None,
    rows: int | None = None,
    cols: int | None = None,
    html: Path | None = None,
    json: bool = False,
) -> int:
    """Compose the homepage of every member and write one line per tile.

    Columns: member_id, row, col, title_id, row_kind, reason, artwork_id, propensity.

    Example: matinee pages --out pages.parquet --home shop

    Example: matinee pages --out pages.csv --html homepage.html --rows 12 --cols 20

    Parameters
    ----------
    out
        File to write, .parquet or .csv.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Compose the pages of this time.
    members
        File with the column member_id: only these members.
    rows
        Longest page, in rows; else [homepage] rows.
    cols
        Longest row, in tiles; else [homepage] cols.
    html
        Also write a file that shows the page of any member in a browser (the first 20 rows and columns).
    json
        Print machine-readable JSON.
    """
    table_format(out)
    if html is not None:
        check_place(html)
    where = find_home(home)
    live = LiveHomepage.open(where, at)
    if not live.released:
        note(NOT_RELEASED.format(live.release.name), quiet=json)
    chosen = live.member_ids if members is None else read_member_ids(members)
    with progress("Composing", quiet=json) as report:
        dresser = dresser_of(where, live.at_us)
        counts = compose_all(
            live, chosen, out, html=html, rows=rows, cols=cols, dresser=dresser, report=report
        )
    result = {"out": str(out), "html": str(html) if html else None, "at": format_at(live.at_us), **counts}
    if json:
        print_json(result)
    else:
        say(f"Wrote {counts['tiles']:,} tiles of {counts['members']:,} members to {out}.")
        if counts["empty"]:
            say(f"{counts['empty']:,} members have no eligible title and no line.")
        if html:
            say(f"Open {html} in a browser.")
    return 0


def compose_all(
    live: LiveHomepage,
    member_ids: Sequence[str],
    out: Path,
    *,
    html: Path | None = None,
    notes: Sequence[str] = (),
    rows: int | None = None,
    cols: int | None = None,
    dresser: Dresser | None = None,
    report: Report | None = None,
) -> dict[str, int]:
    """Compose pages once and write them to the table and, if asked for, to the viewer.

    Parameters
    ----------
    dresser : Dresser, optional
        What chooses the images; None: pages have none.

    Returns
    -------
    dict of str to int
        How many `members`, `tiles`, and members whose page is `empty`.
    """
    counts = {"members": 0, "tiles": 0, "empty": 0}
    seen: dict[str, Watched] = {}

    def composed() -> Iterator[Page]:
        for state, composed_page in live.pages(member_ids, rows=rows, cols=cols):
            page, _ = with_images(dresser, state, composed_page)
            seen[page.member_id] = watched(state)
            counts["members"] += 1
            counts["tiles"] += sum(len(row.tiles) for row in page.rows)
            counts["empty"] += not page.rows
            if report:
                report(f"{counts['members']:,} members", counts["members"] / len(member_ids))
            yield page

    stream = write_pages(out, composed(), gone=gone_from(dresser))
    if html is None:
        for _ in stream:
            continue
    else:
        picture = pictures_of(dresser)
        write_html(html, stream, live.titles.catalogue, watched=seen, notes=notes, picture=picture)
    return counts
