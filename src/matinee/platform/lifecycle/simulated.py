"""The simulated service as a home inside the home, for initiatives that have no log yet."""

from __future__ import annotations

import shutil
import time

from matinee import __version__
from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.locks import lock_file
from matinee.types import format_at

FOLDER = f"simulated-{__version__}"
READY = "ready"


def simulated_home(home: Home) -> Home:
    """Home with the log of a simulated service; made once, the same on every machine.

    Its figures say whether code works, never how good it is for real members.
    """
    from matinee.world.service import WorldConfig, simulate, write_home

    base = home.work / FOLDER
    done = Home(base)
    if (base / READY).is_file():
        return done
    base.parent.mkdir(parents=True, exist_ok=True)
    with (base.parent / f"{FOLDER}.lock").open("a") as lock:
        while not lock_file(lock.fileno()):
            time.sleep(0.1)
        if (base / READY).is_file():
            return done
        shutil.rmtree(base, ignore_errors=True)
        made = Home.create(base)
        made.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
        # Large enough that a method which works beats its baseline for certain, small enough for seconds.
        size = WorldConfig(n_members=2_000, n_titles=300, n_days=180, impressions=1.0)
        write_home(made, simulate(size))
        (base / READY).write_text("", encoding="utf-8")
    return done


def check_moment(simulated: Home, at_us: int) -> None:
    """See that a moment is inside the simulated service's time, whatever the home's own log holds.

    Raises
    ------
    InputError
        It is before the first event: nothing was known then.
    """
    plays = [one for one in read_manifest(simulated.lake).files if one.table == "plays"]
    first, last = min(one.min_at_us for one in plays), max(one.max_at_us for one in plays)
    if at_us <= first:
        raise InputError(
            f"simulated service: time is {format_at(at_us)}, expected one after its first play: from "
            f"{format_at(first)} to {format_at(last)}. Choose such an --at, or leave --at away."
        )
