"""Write what an initiative drew at random as a log that `matinee ope` reads."""

from __future__ import annotations

from pathlib import Path

from matinee.errors import InputError
from matinee.observe.home import Home
from matinee.platform.loading import find, load
from matinee.platform.outcomes.explored import Explored


def write_explored(home: Home, name: str, path: Path, at_us: int) -> Explored:
    """Write the explored slots of an initiative whose outcome was final at a moment.

    Raises
    ------
    NotFoundError
        There is no such initiative.
    InputError
        It explores no slots inside of its decisions, or none is final.
    StorageError
        The lake cannot be read, or the file not be written.
    """
    initiative = load(name, home)
    if initiative.explored is None:
        others = [one for one in find(home) if one != name and load(one, home).explored is not None]
        raise InputError(
            f"{name}: draws no slots of its decisions at random, expected an initiative that does "
            f"({', '.join(others) or 'none is there'}). What it decided itself is its log: leave --explored "
            "away."
        )
    return initiative.explored(home, path, at_us)
