"""What a driver's error means, in plain words. Passwords never appear."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError

from matinee.errors import InputError, MatineeError, StorageError
from matinee.platform.registry.address import Address

UNTOUCHED = "Nothing was written."
SQLITE_MEANINGS = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened, expected a file of the registry. It is gone, or its folder may not be "
    "written to. Restore it from a backup, or name another file.",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database. Name another file, or move this one away.",
    sqlite3.SQLITE_CORRUPT: "is damaged. Restore it from a backup.",
    sqlite3.SQLITE_READONLY: "is read-only, expected a file and a folder that can be written. Correct their permissions.",
    sqlite3.SQLITE_BUSY: "is locked by another process that did not finish in time. Wait until it is done, then run "
    "this again.",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full. Free some space, then run this again.",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reported an error. Check it, then run this again.",
}
"""Primary result code -> what to say after the file's name."""
POSTGRES_MEANINGS = {
    "55P03": "a lock is held by another session that did not finish in time. Wait until it is done, then run this again.",
    "40P01": "two sessions waited for each other and this one was ended. Run this again.",
    "40001": "another session changed the same rows. Run this again.",
    "25006": "the database is read-only (a standby?). Name the primary server.",
    "42501": "the user may not do this. Let the owner of the database grant CREATE and USAGE on its schema.",
    "42P01": "a table of the registry is gone. Restore the database from a backup.",
    "53100": "the server's disk is full. Free some space, then run this again.",
}
"""SQLSTATE -> what to say after the database's name."""
REFUSED = {
    "password authentication failed": "wrong user or password. Correct the URL",
    "no password supplied": "the server asks for a password. Put it into the URL, or into ~/.pgpass",
    "does not exist": "there is no such database or user. Make it (createdb, createuser), or correct the URL",
    "no pg_hba.conf entry": "the server does not admit this user from this host. Add a line to its pg_hba.conf",
}
"""Part of libpq's text -> what to say; a failed connection has no SQLSTATE."""


def explained(problem: DBAPIError, address: Address) -> MatineeError:
    """Error of ours for one of a driver's."""
    text = address.without_password(" ".join(str(problem.orig).split()))
    if isinstance(problem, IntegrityError):
        return InputError(f"{address.name}: the rows contradict what is registered ({text}). {UNTOUCHED}")
    meaning = sqlite_meaning(problem.orig) if address.url is None else _postgres(problem, text)
    if meaning is None:
        return StorageError(f"{address.name}: the database said: {text}. {UNTOUCHED}")
    return StorageError(f"{address.name}: {meaning} {UNTOUCHED} (The database said: {text})")


def sqlite_meaning(problem: BaseException | None) -> str | None:
    """Sentence to put after the name of a SQLite file; None for an error that has no common cause."""
    code = getattr(problem, "sqlite_errorcode", None)
    meaning = None if code is None else SQLITE_MEANINGS.get(code & 0xFF)
    if meaning is None and "no such table" in str(problem):
        return "a table of the registry is gone. Restore the file from a backup."
    return meaning


def _postgres(problem: DBAPIError, text: str) -> str | None:
    state = getattr(problem.orig, "sqlstate", None)
    if state in POSTGRES_MEANINGS:
        return POSTGRES_MEANINGS[state]
    for part, meaning in REFUSED.items():
        if part in text and not problem.connection_invalidated:
            return f"{meaning}."
    if state is None or state.startswith(("08", "57P")) or problem.connection_invalidated:
        return "the server cannot be reached. Start it, or correct host and port of the URL."
    return None
