"""Further things that are kept for each member and follow their events: features of an initiative, say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from matinee.errors import InputError


class Fold(Protocol):
    """Makes a value of one member from their events; a store keeps it beside the member's record.

    Each event reaches `apply` once, in the order in which the store took it in: an event that is sent again
    within the store's window is dropped before. One that is sent again after the window counts twice, until
    the state is rebuilt from the lake, which knows every id.

    Attributes
    ----------
    name : str
        Under which the value is kept. Another name is another value: whoever changes what `apply` computes
        changes the name.
    """

    @property
    def name(self) -> str: ...

    def apply(self, member_id: str, value: bytes | None, lines: bytes) -> bytes:
        """The value after these lines of the log (NDJSON); None: no event was seen before."""
        ...


def named(folds: Iterable[Fold]) -> dict[str, Fold]:
    """Folds by name.

    Raises
    ------
    InputError
        Two have one name.
    """
    out: dict[str, Fold] = {}
    for fold in folds:
        if fold.name in out:
            raise InputError(
                f'state store: two folds have the name "{fold.name}", expected one. Rename one of them.'
            )
        out[fold.name] = fold
    return out
