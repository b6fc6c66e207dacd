"""Draw images for titles that have none."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from matinee.cli.console import note, print_json, progress, say
from matinee.cli.context import find_home
from matinee.errors import InputError

if TYPE_CHECKING:
    from matinee.observe.home import Home
    from matinee.observe.importers.film_facts import TitleFacts
    from matinee.observe.importers.run import Progress
    from matinee.world.posters.folder import Order


def draw(
    *,
    titles: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    variants: int = 5,
    wide: int = 1,
    approve: str | None = None,
    seed: int = 0,
    out: Path | None = None,
    dry_run: bool = False,
    at: str | None = None,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Draw posters for titles without any image, as SVG, and import them.

    They show a scene for one of the title's genres, people as silhouettes, and the title. Nothing is fetched,
    and no photograph or font file is used. Without --approve they wait for `matinee artwork approve`.

    Example: matinee artwork draw --home shop --dry-run

    Example: matinee artwork draw --titles t12 t15 --variants 6 --approve ada --home shop

    Parameters
    ----------
    titles
        Ids of titles, or all (default).
    variants
        Upright images (2:3) of each title, 1 to 6.
    wide
        Wide images (16:9) of each title, 0 to 2.
    approve
        Who approves all of them, so that they are shown at once.
    seed
        Another number draws other images.
    out
        Write them and their manifest.csv into this folder instead of importing them.
    dry_run
        Say for which titles, and change nothing.
    at
        Read "now" as this time: the images are known from then on.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.world.posters.folder import Order, bare_titles, write_posters

    if approve is not None and not approve.strip():
        raise InputError("matinee artwork draw: --approve is empty, expected a name.")
    where = find_home(home)
    order = Order(variants, wide, approve, seed)
    named = [] if titles is None or titles == ["all"] else list(dict.fromkeys(titles))
    found = bare_titles(where, named)
    n_images = len(found) * (variants + wide)
    if not dry_run and found:
        with progress("Drawing", quiet=json) as report:
            if out is None:
                _import(where, found, order, at, lambda what, share: report(what, 0.2 + 0.8 * share))
            else:
                report("", 0.0)
                write_posters(out, found, order)
    if json:
        ids = [title.title_id for title in found]
        print_json({"titles": ids, "images": n_images, "dry_run": dry_run, "out": out and str(out)})
        return 0
    _tell(found, n_images, dry_run=dry_run, out=out, approve=approve)
    return 0


def _import(home: Home, titles: Sequence[TitleFacts], order: Order, at: str | None, report: Progress) -> None:
    from matinee.observe.home_clock import home_clock
    from matinee.observe.importers.run import run_import
    from matinee.world.posters.folder import write_posters

    with tempfile.TemporaryDirectory(prefix="matinee-posters-") as scratch:
        write_posters(Path(scratch), titles, order)
        clock = home_clock(home, at, empty_us=0)
        run_import(home, "artwork", Path(scratch), clock=clock, progress=report)


def _tell(
    titles: Sequence[TitleFacts], n_images: int, *, dry_run: bool, out: Path | None, approve: str | None
) -> None:
    if not titles:
        say("Every title has an image already: nothing to draw.")
        return
    few = ", ".join(title.name for title in titles[:5]) + (", ..." if len(titles) > 5 else "")
    does = "Would draw" if dry_run else "Drew"
    say(f"{does} {n_images:,} images for {len(titles):,} titles without any: {few}")
    if out is not None and not dry_run:
        say(f"They are in {out}. Import them: matinee import artwork {out}")
    elif approve is None and not dry_run:
        note("They are not cleared. Approve them with matinee artwork approve, and they are shown.")
