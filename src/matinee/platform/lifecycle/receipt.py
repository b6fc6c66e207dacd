"""The receipt of an erasure: what was removed where, kept with the home; the person is named by a hash."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from matinee.observe.home import Home
from matinee.platform.pipeline.cache import read_struct, write_struct

FOLDER = "receipts"
LETTERS = 16
"""Characters of the keyed hash in the name of the file."""


class Receipt(msgspec.Struct, kw_only=True):
    """One erasure. It is written as it goes, so that one that was killed goes on where it was.

    Attributes
    ----------
    person : str
        Keyed hash of the member's id (`observe.erasure.erased`).
    by : str
        The command or route that asked.
    begun_us, done_us : int
        Wall time; `done_us` is 0 until all is done.
    state : {"planned", "begun", "done"}
        "planned": a dry run, nothing was written.
    removed : dict of place to dict of kind to int
        How much was removed: events of the `log`, rows of each table of the `lake`, rows of others in which
        the id was covered (`named`), values of the `state`, results of pipelines, evaluations and records
        (`work`), rows of `files`.
    models : list of str
        "initiative/version" of those that learned from the member: train them again.
    releases : list of str
        Files of released models that hold the id; there should be none.
    left : list of str
        What was not removed, and why.
    first_us : int or None
        Time of their first event; models that learned until before it do not know them.
    """

    person: str
    by: str
    begun_us: int
    done_us: int = 0
    state: Literal["planned", "begun", "done"] = "begun"
    removed: dict[str, dict[str, int]] = {}
    models: list[str] = []
    releases: list[str] = []
    left: list[str] = []
    first_us: int | None = None
    format: int = 1

    def count(self, place: str, found: dict[str, int]) -> None:
        """Note what was removed from a place. What an erasure that was killed noted is not counted twice."""
        there = self.removed.setdefault(place, {})
        for kind, n in found.items():
            if n > there.get(kind, 0):
                there[kind] = n

    @property
    def total(self) -> int:
        """Everything that was removed."""
        return sum(sum(kinds.values()) for kinds in self.removed.values())


def path_of(home: Home, person: str) -> Path:
    """Where the receipt of a person is."""
    return home.root / FOLDER / f"erasure-{person[:LETTERS]}.json"


def read_receipt(home: Home, person: str) -> Receipt | None:
    """The receipt of a person, by their keyed hash; None if there is none."""
    return read_struct(path_of(home, person), Receipt)


def write_receipt(home: Home, receipt: Receipt) -> None:
    """Keep a receipt, whole or not at all.

    Raises
    ------
    StorageError
        The disk is full or read-only.
    """
    write_struct(path_of(home, receipt.person), receipt)
