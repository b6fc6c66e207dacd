"""API keys: who may ask the server for what, until when. Secrets are never stored, only their hashes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import or_, select, update

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.rows import all_rows, check_choice, find, insert_into, nearest, values_of
from matinee.platform.registry.schema import api_key
from matinee.types import format_at

SCOPES = ("ingest", "decide", "admin")
"""Send events; ask for pages, decisions, reasons; forget members, read metrics. None includes another."""


class ApiKeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One key. A name that was rotated has several, of which one is current.

    Attributes
    ----------
    key_id : str
        Public part of the key; it stands in logs.
    secret_hash : str
        SHA-256 of the secret, in hexadecimal.
    scopes : list of {"ingest", "decide", "admin"}
    rate : float, > 0
        Requests per second that one host answers.
    created_us : int
    expires_us : int or None
        From then on it is refused; None: never.
    replaced_us : int or None
        When another key took its name; until it expires, both work.
    revoked_us : int or None
    used_us : int or None
        The day of its last use, UTC.
    """

    key_id: str
    name: str
    secret_hash: str
    scopes: list[str]
    rate: float
    created_us: int
    expires_us: int | None = None
    replaced_us: int | None = None
    revoked_us: int | None = None
    used_us: int | None = None

    def is_valid(self, at_us: int) -> bool:
        """Whether it opens anything at a moment."""
        return self.revoked_us is None and (self.expires_us is None or at_us < self.expires_us)

    def state(self, at_us: int) -> str:
        """In one word: "valid", "replaced" (and still valid), "expired" or "revoked"."""
        if self.revoked_us is not None:
            return "revoked"
        if not self.is_valid(at_us):
            return "expired"
        return "valid" if self.replaced_us is None else "replaced"


class ApiKeys:
    """Store, rotate, revoke and list keys."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(self, row: ApiKeyRow) -> None:
        """Store a new key. An expired one of the same name makes room for it.

        Raises
        ------
        InputError
            A valid key has this name, or a scope, the rate or the end is wrong.
        """
        where = f"key {row.name}"
        if not row.name or not row.name.isprintable() or len(row.name) > 64:
            raise InputError(f"key: name is {row.name!r}, expected 1 to 64 printable characters.")
        if not row.scopes:
            raise InputError(f"{where}: has no scope, expected one or more of {', '.join(SCOPES)}.")
        for scope in row.scopes:
            check_choice(where, "scope", scope, SCOPES)
        if not 0 < row.rate < float("inf"):
            raise InputError(f"{where}: rate is {row.rate:g}, expected requests per second, above 0.")
        if row.expires_us is not None and row.expires_us <= row.created_us:
            raise InputError(f"{where}: expires at {format_at(row.expires_us)}, expected a time to come.")
        same = (api_key.c.name == row.name) & api_key.c.replaced_us.is_(None) & api_key.c.revoked_us.is_(None)
        with self.database.transaction() as con:
            con.execute(
                update(api_key)
                .where(same, api_key.c.expires_us <= row.created_us)
                .values(replaced_us=row.created_us)
            )
            added = insert_into(con, api_key).values(**values_of(row)).on_conflict_do_nothing()
            if con.execute(added.returning(api_key.c.key_id)).first() is None:
                raise InputError(
                    f"{where}: exists, expected a new name. For a new secret: matinee key rotate {row.name}; "
                    f"to end it: matinee key revoke {row.name}."
                )

    def rotate(self, row: ApiKeyRow, *, overlap_us: int) -> tuple[ApiKeyRow, ApiKeyRow]:
        """Give a name a new secret; the one before works for the overlap, and no longer than it would have.

        Parameters
        ----------
        row : ApiKeyRow
            The new key: its id, name, hash and times. `scopes` and `rate` are taken over from the one before,
            and so is the length of its life if `expires_us` is None.
        overlap_us : int, 0 or more
            How long the secret before goes on.

        Returns
        -------
        (ApiKeyRow, ApiKeyRow)
            The key before, as it is now, and the new one.

        Raises
        ------
        NotFoundError
            No valid key has this name.
        InputError
            The overlap is negative.
        """
        if overlap_us < 0:
            raise InputError(f"key {row.name}: the overlap is negative, expected 0 hours or more.")
        now_us = row.created_us
        with self.database.transaction() as con:
            current = (api_key.c.name == row.name) & api_key.c.replaced_us.is_(None)
            valid = or_(api_key.c.expires_us.is_(None), api_key.c.expires_us > now_us)
            query = select(api_key).where(current, api_key.c.revoked_us.is_(None), valid)
            found = all_rows(con, ApiKeyRow, query.with_for_update())
            if not found:
                raise NotFoundError(self._unknown(row.name, now_us))
            (old,) = found
            until_us = min(now_us + overlap_us, old.expires_us or now_us + overlap_us)
            con.execute(
                update(api_key)
                .where(api_key.c.key_id == old.key_id)
                .values(replaced_us=now_us, expires_us=until_us)
            )
            life_us = None if old.expires_us is None else old.expires_us - old.created_us
            until = now_us + life_us if row.expires_us is None and life_us is not None else row.expires_us
            new = msgspec.structs.replace(row, scopes=old.scopes, rate=old.rate, expires_us=until)
            self.create(new)
            before = find(con, api_key, ApiKeyRow, key_id=old.key_id)
            assert before is not None
        return before, new

    def revoke(self, name: str, *, revoked_us: int) -> list[ApiKeyRow]:
        """End every key of a name that is still valid; returns them as they are now.

        Raises
        ------
        NotFoundError
            No valid key has this name.
        """
        valid = or_(api_key.c.expires_us.is_(None), api_key.c.expires_us > revoked_us)
        named = (api_key.c.name == name) & api_key.c.revoked_us.is_(None)
        with self.database.transaction() as con:
            query = select(api_key.c.key_id).where(named, valid).with_for_update()
            ended = list(con.execute(query).scalars())
            if not ended:
                raise NotFoundError(self._unknown(name, revoked_us))
            mine = api_key.c.key_id.in_(ended)
            con.execute(update(api_key).where(mine).values(revoked_us=revoked_us))
            return all_rows(con, ApiKeyRow, select(api_key).where(mine).order_by(api_key.c.created_us))

    def used(self, days: Mapping[str, int]) -> None:
        """Note the days on which keys were used: key id -> begin of the day, microseconds. Days only grow."""
        with self.database.transaction() as con:
            for key_id, day_us in sorted(days.items()):
                older = or_(api_key.c.used_us.is_(None), api_key.c.used_us < day_us)
                con.execute(update(api_key).where(api_key.c.key_id == key_id, older).values(used_us=day_us))

    def all(self) -> list[ApiKeyRow]:
        """Every key there ever was, by name, the oldest first."""
        query = select(api_key).order_by(api_key.c.name, api_key.c.created_us, api_key.c.key_id)
        with self.database.reading() as con:
            return all_rows(con, ApiKeyRow, query)

    def _unknown(self, name: str, at_us: int) -> str:
        rows = self.all()
        ended = [row for row in rows if row.name == name]
        if ended:
            state = ended[-1].state(at_us)
            return f"key {name}: is {state}, expected a valid one. Make another: matinee key create."
        return nearest("matinee key", "name", name, {row.name for row in rows if row.is_valid(at_us)})
