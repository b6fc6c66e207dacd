"""Further things that are kept for each member and follow their events: features of an initiative, say."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from matinee.errors import InputError, StorageError

LOG = logging.getLogger("matinee.state")
NOT_WHOLE = b"\xc1a fold failed"
"""Stands for the value of a member for whom a fold failed; MessagePack never uses its first byte."""


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
        """The value after these lines of the log (NDJSON); None: no event was seen before.

        What it raises is logged, and the member's value is refused until the state is rebuilt.
        """
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


def applied(fold: Fold, member_id: str, value: bytes | None, lines: bytes) -> bytes:
    """The value after these lines; `NOT_WHOLE` where the fold failed, now or before.

    One member whose events a fold cannot take must not hold up those of all others. Their value is refused
    until the state is rebuilt with a fold that can.
    """
    if value == NOT_WHOLE:
        return NOT_WHOLE
    try:
        return fold.apply(member_id, value, lines)
    except Exception as problem:
        LOG.error("%s: failed for a member (%s)", fold.name, type(problem).__name__, exc_info=problem)
        return NOT_WHOLE


def checked(name: str, value: bytes | None) -> bytes | None:
    """A value that was kept.

    Raises
    ------
    StorageError
        The fold failed for this member.
    """
    if value == NOT_WHOLE:
        raise StorageError(
            f'state store: "{name}" failed for this member, and what is kept lacks events. Mend it (the '
            "server's log says where it failed) and run matinee rebuild-state."
        )
    return value
