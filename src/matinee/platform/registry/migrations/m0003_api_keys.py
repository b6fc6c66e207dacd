"""Migration 3: API keys. What identifies a key never changes; its end, and when it was used, may."""

from __future__ import annotations

from sqlalchemy import Connection

TABLE = """
CREATE TABLE api_key (
    key_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    rate DOUBLE PRECISION NOT NULL CHECK (rate > 0),
    created_us BIGINT NOT NULL,
    expires_us BIGINT,
    replaced_us BIGINT,
    revoked_us BIGINT,
    used_us BIGINT
);
CREATE UNIQUE INDEX api_key_one_of_a_name ON api_key (name) WHERE replaced_us IS NULL AND revoked_us IS NULL
"""


def upgrade(con: Connection) -> None:
    """Make the table and its index."""
    for statement in TABLE.split(";\n"):
        con.exec_driver_sql(statement)
