"""Train an initiative's models on a home's log and make them the current release."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from matinee.cli.console import Report, print_json, progress, say
from matinee.cli.context import clock, find_home
from matinee.errors import InputError
from matinee.initiatives.homepage.model import HomepageModel
from matinee.initiatives.homepage.releases import ReleaseCard, publish, read_card
from matinee.learn.reading import interactions_from_home, load_catalogue
from matinee.observe.home import Home
from matinee.observe.lake.reader import last_event_us
from matinee.types import format_at


def train(
    initiative: Literal["homepage"],
    *,
    home: Path | None = None,
    at: str | None = None,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Learn from everything that was watched until now, and make the result the current release.

    The same log and seed give the same release. An interrupted training leaves the current release as it is.

    Example: matinee train homepage --home shop

    Parameters
    ----------
    initiative
        What to train.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Learn only from what was known at this time.
    seed
        Of everything random.
    json
        Print machine-readable JSON.
    """
    where = find_home(home)
    now_us = clock(where, at, last_event_us(where)).now_us
    with progress("Training", quiet=json) as report:
        folder, card = train_homepage(where, now_us, seed=seed, report=report)
    if json:
        print_json({"initiative": initiative, "release": str(folder), "card": card})
    else:
        say(
            f"Trained {initiative} on {card.n_events:,} plays of {card.n_members:,} members and "
            f"{card.n_titles:,} titles, as known at {card.at}."
        )
        say(f"Release: {folder}")
    return 0


def train_homepage(
    home: Home, at_us: int, *, seed: int = 0, report: Report | None = None
) -> tuple[Path, ReleaseCard]:
    """Fit the homepage's models as of a time and publish them.

    Raises
    ------
    InputError
        The home has no play until then.
    """
    catalogue = load_catalogue(home, at_us)
    interactions = interactions_from_home(home, until_us=at_us, catalogue=catalogue)
    if interactions.n_events == 0:
        raise InputError(
            f"{home.root}: 0 plays until {format_at(at_us)}, expected at least 1. "
            f"Run: matinee import events FILE --home {home.root}"
        )
    model = HomepageModel.fit(interactions, catalogue, at_us=at_us, seed=seed, progress=report)
    card = ReleaseCard(
        "homepage",
        format_at(at_us),
        seed,
        interactions.n_members,
        interactions.n_titles,
        interactions.n_events,
    )
    folder = publish(home, model.save, card, at_us=at_us)
    return folder, read_card(folder)
