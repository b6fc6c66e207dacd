"""Migration 2: rollouts, which are written when they start, once more when they end, and then never again."""

from __future__ import annotations

from sqlalchemy import Connection

from matinee.platform.registry.migrations.m0001_first_tables import NUMBERED

TABLE = """
CREATE TABLE rollout (
    id {numbered},
    initiative TEXT NOT NULL REFERENCES initiative (name),
    version TEXT NOT NULL,
    kind TEXT NOT NULL,
    share DOUBLE PRECISION NOT NULL,
    salt TEXT NOT NULL,
    attempt_id TEXT,
    started_us BIGINT NOT NULL,
    started_by TEXT,
    note TEXT NOT NULL,
    ended_us BIGINT,
    verdict TEXT,
    reason TEXT NOT NULL,
    ended_by TEXT,
    FOREIGN KEY (initiative, version) REFERENCES model (initiative, version)
);
CREATE UNIQUE INDEX rollout_one_at_a_time ON rollout (initiative) WHERE ended_us IS NULL
"""
SAME_START = " AND ".join(
    f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}"
    for column in ("id", "initiative", "version", "kind", "share", "salt", "attempt_id", "started_us")
)
SQLITE = (
    """CREATE TRIGGER rollout_keeps_update BEFORE UPDATE ON rollout
    WHEN NOT (OLD.ended_us IS NULL AND NEW.ended_us IS NOT NULL AND {same})
    BEGIN SELECT RAISE(ABORT, 'rollout is append-only: no UPDATE but its end'); END""",
    """CREATE TRIGGER rollout_keeps_delete BEFORE DELETE ON rollout
    BEGIN SELECT RAISE(ABORT, 'rollout is append-only: no DELETE'); END""",
    """CREATE TRIGGER rollout_keeps_replace BEFORE INSERT ON rollout
    WHEN EXISTS (SELECT 1 FROM rollout WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'rollout is append-only: no REPLACE'); END""",
)
POSTGRES = (
    """CREATE TRIGGER rollout_keeps_update BEFORE UPDATE ON rollout FOR EACH ROW
    WHEN (NOT (OLD.ended_us IS NULL AND NEW.ended_us IS NOT NULL AND {same}))
    EXECUTE FUNCTION matinee_append_only()""",
    """CREATE TRIGGER rollout_keeps_delete BEFORE DELETE ON rollout
    FOR EACH ROW EXECUTE FUNCTION matinee_append_only()""",
    """CREATE TRIGGER rollout_keeps_truncate BEFORE TRUNCATE ON rollout
    FOR EACH STATEMENT EXECUTE FUNCTION matinee_append_only()""",
)


def upgrade(con: Connection) -> None:
    """Make the table, its index and its guards."""
    dialect = con.dialect.name
    for statement in TABLE.replace("{numbered}", NUMBERED[dialect]).split(";\n"):
        con.exec_driver_sql(statement)
    same = SAME_START.replace("IS NOT DISTINCT FROM", "IS") if dialect == "sqlite" else SAME_START
    for guard in SQLITE if dialect == "sqlite" else POSTGRES:
        con.exec_driver_sql(guard.replace("{same}", same))
