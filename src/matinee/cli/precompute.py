"""Make answers ahead for many members, so that a server only has to correct them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from matinee import settings
from matinee.cli.console import print_json, progress, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.observe.erasure.erased import Erased
from matinee.observe.home import Home
from matinee.observe.state.store import StateStore
from matinee.platform.abilities import Precomputes
from matinee.types import HOUR_US, format_at

PORTION = 1_024
"""Answers that are written at a time."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was made.

    Attributes
    ----------
    units : int
    bytes : int
    model : str
    at_us, expires_us : int
    """

    units: int
    bytes: int
    model: str
    at_us: int
    expires_us: int


def precompute(
    initiative: str,
    *,
    members: Path | None = None,
    keep_h: float = 24.0,
    home: Path | None = None,
    at: str | None = None,
    json: bool = False,
) -> int:
    """Make the answers of INITIATIVE ahead with the model in production, and keep them in the state.

    A server in mode "precomputed" or "hybrid" ([serve] mode) corrects them for what has happened since.

    Example: matinee precompute homepage --home shop

    Example: matinee precompute homepage --members active.csv --keep-h 6

    Parameters
    ----------
    initiative
        Whose answers.
    members
        File with the column member_id: only these members; else all that the state knows.
    keep_h
        Hours for which the answers are kept.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Make the answers of this time.
    json
        Print machine-readable JSON.
    """
    from matinee.learn.reading import read_member_ids
    from matinee.observe.state.open import open_store
    from matinee.serve.config import ServeConfig

    if not keep_h > 0:
        raise InputError(f"--keep-h is {keep_h}, expected a number of hours above 0.")
    where = find_home(home)
    chosen = None if members is None else read_member_ids(members)
    serving = settings.load(where.settings, "serve", ServeConfig)
    began = time.perf_counter()
    store = open_store(where, serving.state, dedup_h=serving.dedup_h, folds=None)
    try:
        ids = list(_known(store)) if chosen is None else chosen
        with progress("Making answers", quiet=json) as report:

            def tell(done: int) -> None:
                report(f"{done:,} of {len(ids):,}", done / max(1, len(ids)))

            written = write_answers(where, initiative, store, ids, keep_h=keep_h, at=at, tell=tell)
    finally:
        store.close()
    took_s = time.perf_counter() - began
    if json:
        print_json({"initiative": initiative, **_as_json(written), "took_s": round(took_s, 3)})
    else:
        say(f"Made {written.units:,} answers of {initiative} {written.model} in {took_s:.1f} s.")
        if written.units:
            each = written.bytes / written.units
            say(f"They take {each:,.0f} bytes each and are kept until {format_at(written.expires_us)}.")
        else:
            say("The state knows no member yet. Run: matinee serve, or matinee rebuild-state")
    return 0


def write_answers(
    home: Home,
    initiative: str,
    store: StateStore,
    unit_ids: list[str],
    *,
    keep_h: float,
    at: str | None = None,
    tell: Callable[[int], None] = lambda _done: None,
) -> Written:
    """Make answers for units with the model in production, and put them into the state a portion at a time.

    Nothing is made for members who were erased, and nothing stays of those who are erased meanwhile.

    Raises
    ------
    InputError
        Answers of the initiative cannot be made ahead.
    NotFoundError
        Nothing is in production.
    """
    from matinee.platform.lifecycle.model_folder import check_files
    from matinee.platform.lifecycle.project import open_project

    with open_project(home, initiative, at=at) as project:
        folder, card = project.model("released")
        check_files(folder, card.files)
        opened: object = project.initiative.open(folder, replace(project.surroundings, members=store))
        if not isinstance(opened, Precomputes):
            raise InputError(
                f"{initiative}: its answers cannot be made ahead, expected an initiative whose decider has "
                "precompute and decide_from. Leave [serve] mode at request for it."
            )
        expires_us = project.at_us + round(keep_h * HOUR_US)
        erased = Erased.of(home)
        made = opened.precompute(_let_in(erased, unit_ids))
        units = size = 0
        while some := list(islice(made, PORTION)):
            let_in = set(_let_in(erased, [unit_id for unit_id, _ in some]))
            portion = [(unit_id, value) for unit_id, value in some if unit_id in let_in]
            store.put(f"page:{initiative}", portion, expires_us=expires_us)
            if gone := erased.refused(let_in):  # erased between the two looks: the erasure may have passed by
                store.erase(gone)
            units += len(portion)
            size += sum(len(value) for _, value in portion)
            tell(units)
        return Written(units, size, folder.name, project.at_us, expires_us)


def _let_in(erased: Erased, unit_ids: list[str]) -> list[str]:
    """Those of many ids that are not refused."""
    refused = set(erased.refused(unit_ids))
    return [one for one in unit_ids if one not in refused]


def _known(store: StateStore) -> Iterator[str]:
    """All members of the state."""
    after = ""
    while ids := store.member_ids(after=after):
        yield from ids
        after = ids[-1]


def _as_json(written: Written) -> dict[str, object]:
    return {
        "units": written.units,
        "bytes": written.bytes,
        "model": written.model,
        "at": format_at(written.at_us),
        "expires": format_at(written.expires_us),
    }
