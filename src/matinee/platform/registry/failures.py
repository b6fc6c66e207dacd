"""What a driver's error means, in plain words. Passwords never appear."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError

from matinee.errors import InputError, MatineeError, StorageError
from matinee.platform.registry.address import Address

SQLITE_MEANINGS = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened, expected a file of the registry. It is gone, or its folder "
    "may not be written to. Restore it from a backup, or name another file.",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database. Name another file, or move this one away.",
    sqlite3.SQLITE_CORRUPT: "is damaged. Restore it from a backup.",
    sqlite3.SQLITE_READONLY: "is read-only, expected a file and a folder that can be written. Correct their "
    "permissions.",
    sqlite3.SQLITE_BUSY: "is locked by another process that did not finish in time. Run this again later.",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full. Free some space, then run this again.",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reported an error. Check it.",
}
"""Primary result code -> what to say after the file's name."""
POSTGRES_MEANINGS = {
    "55P03": "is locked by another session that did not finish in time. Run this again when it is done.",
    "40P01": "ended this session, since it and another one waited for each other. Run this again.",
    "40001": "was changed by another session at the same time. Run this again.",
    "25006": "is read-only, expected the primary server and not a standby. Name that one.",
    "42501": "does not let this user do this. Let its owner grant CREATE and USAGE on the schema.",
    "42P01": "has lost a table of the registry. Restore it from a backup.",
    "53100": "cannot grow, the server's disk is full. Free some space, then run this again.",
}
"""SQLSTATE -> what to say after the database's name."""
REFUSED = {
    "password authentication failed": "refused the user or the password. Correct [platform] registry.",
    "no password supplied": "asks for a password. Put it into [platform] registry, or into ~/.pgpass.",
    "does not exist": "has no such database or user. Make it (createdb, createuser), or correct "
    "[platform] registry.",
    "no pg_hba.conf entry": "does not admit this user from here. Add a line to the server's pg_hba.conf.",
}
"""Part of libpq's text -> what to say; a failed connection has no SQLSTATE."""
UNREACHABLE = "cannot be reached. Start the server, or correct host and port in [platform] registry."
GONE_STATES = ("08", "57P")
"""Beginnings of the SQLSTATEs of a connection that broke, or of a server that shuts down."""


def explained(problem: DBAPIError, address: Address) -> MatineeError:
    """Error of ours for one of a driver's."""
    text = address.without_password(" ".join(str(problem.orig).split()))
    if isinstance(problem, IntegrityError):
        return InputError(
            f"{address.name}: the rows contradict what is registered ({text}). Nothing was written."
        )
    meaning = sqlite_meaning(problem.orig) if address.url is None else _postgres_meaning(problem, text)
    if meaning is None:
        return StorageError(f"{address.name}: the database said: {text}. Nothing was written.")
    return StorageError(f"{address.name}: {meaning} Nothing was written. (The database said: {text})")


def sqlite_meaning(problem: BaseException | None) -> str | None:
    """Sentence to put after the name of a SQLite file; None for an error that has no common cause."""
    code = getattr(problem, "sqlite_errorcode", None)
    meaning = None if code is None else SQLITE_MEANINGS.get(code & 0xFF)
    if meaning is None and "no such table" in str(problem):
        return "has lost a table of the registry. Restore it from a backup."
    return meaning


def _postgres_meaning(problem: DBAPIError, text: str) -> str | None:
    state = getattr(problem.orig, "sqlstate", None)
    if state in POSTGRES_MEANINGS:
        return POSTGRES_MEANINGS[state]
    if state is None:  # no session: libpq's text is all there is
        return next((meaning for part, meaning in REFUSED.items() if part in text), UNREACHABLE)
    if problem.connection_invalidated or state.startswith(GONE_STATES):
        return UNREACHABLE
    return None
