"""The images of the demo: drawn for its films, different between its members, and one that is withdrawn."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matinee.cli.page_images import with_images
from matinee.initiatives.homepage.live import LiveHomepage
from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.artwork_acts import approve, withdraw
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.importers.run import run_import
from matinee.platform.dresser import Dresser, Shown
from matinee.world.posters.folder import Order, bare_titles, write_posters

OFTEN = 20
"""Films that were watched so often get images: those that most pages are made of."""
EACH = 4
WHO = "demo"
OTHERS = 60
"""Members among whom one is looked for who sees another image of the same film."""
SEEN_S = 1.0
"""Within this time a running server sees a withdrawal."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A film that two members see with different images.

    Attributes
    ----------
    name : str
    images : dict of str to Shown
        Member -> the image, and why.
    """

    name: str
    images: dict[str, Shown]


def draw_images(home: Home, at_us: int) -> tuple[int, int]:
    """Draw and import images for films that have none; how many images and films there are then.

    Parameters
    ----------
    at_us : int
        Plays until then count.
    """
    catalogue = load_catalogue(home, at_us)
    plays = interactions_from_home(home, until_us=at_us, catalogue=catalogue).histories.title
    often = np.bincount(plays, minlength=len(catalogue)) >= OFTEN
    titles = bare_titles(home, [str(one) for one in catalogue.title_ids[often]]) if often.any() else []
    if titles:
        with tempfile.TemporaryDirectory(prefix="matinee-posters-") as scratch:
            write_posters(Path(scratch), titles, Order(EACH, 0, WHO))
            # They hold from the beginning of time, as the films do.
            run_import(home, "artwork", Path(scratch), clock=Clock.last_event(0))
    art = Artworks.load(home)
    return len(art), len(art.titles)


def contrast(live: LiveHomepage, dresser: Dresser, member: str, others: Sequence[str]) -> Contrast | None:
    """A film whose image was chosen for two members because of what each watches; None: there is none."""
    first = _chosen(live, dresser, member)
    for other in others[:OTHERS]:
        if other == member:
            continue
        second = _chosen(live, dresser, other)
        for title_id, image in first.items():
            there = second.get(title_id)
            if there is not None and there.artwork_id != image.artwork_id:
                title = live.titles.catalogue.title_ids.tolist().index(title_id)
                return Contrast(str(live.titles.catalogue.names[title]), {member: image, other: there})
    return None


def _chosen(live: LiveHomepage, dresser: Dresser, member: str) -> dict[str, Shown]:
    """Images of a member's page that were chosen for a reason."""
    (state,) = live.states([member])
    page = live.composer.page(state, rows=8, cols=20)
    _, shown = with_images(dresser, state, page)
    return {title_id: one for title_id, one in shown.items() if one.why.startswith("chosen because")}


def withdrawn(home: Home, artwork_id: str, now_us: int) -> None:
    """Withdraw an image, and give a running server the time that it may take."""
    withdraw(home, [artwork_id], why="to show that it vanishes", by=WHO, now_us=now_us)
    time.sleep(SEEN_S)


def back(home: Home, artwork_id: str, now_us: int) -> None:
    """Clear it again, so that the demo can be run once more."""
    approve(home, [artwork_id], by=WHO, now_us=now_us, again=True)
