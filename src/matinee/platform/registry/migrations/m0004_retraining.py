"""Migration 4: models that learned from somebody who was erased since."""

from __future__ import annotations

from sqlalchemy import Connection

TABLE = """
CREATE TABLE retraining (
    initiative TEXT NOT NULL,
    version TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    members BIGINT NOT NULL,
    PRIMARY KEY (initiative, version),
    FOREIGN KEY (initiative, version) REFERENCES model (initiative, version)
)
"""


def upgrade(con: Connection) -> None:
    """Make the table."""
    con.exec_driver_sql(TABLE)
