"""A world kept in the home that it filled, so that it can go on: what it is made from, and where it stands.

    HOME/world/world.json   the configuration, and a digest of what must come out of it
    HOME/world/state.npz    where it stands at the beginning of a day
    HOME/world/pages.npz    pages of the day that is being lived, from the answer of the server to its end

Everything else follows from the seed. `world.json` comes first and the state is replaced as a whole, so a
process that dies leaves the beginning of a day.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from matinee.errors import InputError, NotFoundError, StorageError
from matinee.observe.home import Home
from matinee.observe.lake.manifest import sync_file
from matinee.world.config import WorldConfig
from matinee.world.record import Column
from matinee.world.run import Run
from matinee.world.state import State
from matinee.world.world import World

WORLD, STATE, PAGES = "world.json", "state.npz", "pages.npz"


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `world.json` says."""

    config: WorldConfig
    digest: str


def folder_of(home: Home) -> Path:
    """Where a home keeps its world."""
    return home.root / "world"


def keep_world(home: Home, run: Run) -> None:
    """Keep a world and where it stands.

    Raises
    ------
    StorageError
        It cannot be written. What was there before is untouched.
    """
    folder = folder_of(home)
    made = Made(run.world.config, digest(run.world))
    state = {one.name: np.asarray(getattr(run.state, one.name)) for one in fields(State)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / WORLD).exists():
            _replace(folder / WORLD, msgspec.json.encode(made))
        write_columns(folder / STATE, state)
    except OSError as problem:
        raise StorageError(
            f"{folder}: the world could not be kept ({problem.strerror or problem}). Make room, or "
            "make the folder writable."
        ) from problem


def kept_world(home: Home) -> Run:
    """The world of a home where it stood last; its record is empty.

    Raises
    ------
    NotFoundError
        The home has no world.
    InputError
        This version of Matinee makes another world from the same configuration.
    StorageError
        A file is damaged.
    """
    folder = folder_of(home)
    try:
        made = msgspec.json.decode((folder / WORLD).read_bytes(), type=Made)
        columns = read_columns(folder / STATE)
    except FileNotFoundError as problem:
        raise NotFoundError(
            f"{home.root}: keeps no world, expected a home that matinee simulate filled. Make one: matinee "
            "init DIR --now last_event, and matinee simulate --home DIR --future 60."
        ) from problem
    except (OSError, ValueError, msgspec.MsgspecError) as problem:
        raise StorageError(
            f"{folder}: the world cannot be read ({problem}). Bring the folder back from a copy, or make the "
            "home anew."
        ) from problem
    world = World.make(made.config)
    if digest(world) != made.digest or {one.name for one in fields(State)} != columns.keys():
        raise InputError(
            f"{folder / WORLD}: was made by another version of Matinee, whose world this one does not make "
            "again, expected the same. Go on with that version, or make the home anew."
        )
    run = Run(world)
    day = int(columns.pop("day"))
    run.state = State(day=day, **columns)
    return run


def digest(world: World) -> str:
    """Hash of who and what there is, as far as it stands in whole numbers."""
    parts = (
        world.titles.n_episodes, world.titles.genres, world.titles.maturity, world.titles.from_day,
        world.titles.release_day, world.people.account, world.people.territory, world.people.start_day,
        world.people.device,
    )  # fmt: skip
    found = hashlib.sha256()
    for part in parts:
        found.update(np.ascontiguousarray(part, np.int64).tobytes())
    return found.hexdigest()[:16]


def write_columns(path: Path, columns: dict[str, Column]) -> None:
    """Write arrays under their names, whole or not at all."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        arrays: Any = columns  # the names are keyword arguments of numpy's
        np.savez_compressed(file, **arrays)
    sync_file(fresh)
    fresh.replace(path)


def read_columns(path: Path) -> dict[str, Column]:
    """Read what `write_columns` wrote.

    Raises
    ------
    OSError, ValueError
        The file is not there, or is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except OSError:
        raise
    except Exception as problem:  # zipfile and zlib have errors of their own
        raise ValueError(f"{path.name}: {problem}") from problem


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    sync_file(fresh)
    fresh.replace(path)
