"""Migration 5: experiments with their whole definition, shares, stopped arms and looks.

What was registered before had no salt and assigned nobody: it is kept as a stopped experiment.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, text

from matinee.platform.registry.migrations.m0001_first_tables import NUMBERED

TABLES = """
CREATE TABLE experiment (
    name TEXT PRIMARY KEY,
    initiative TEXT NOT NULL REFERENCES initiative (name),
    owner TEXT NOT NULL,
    layer TEXT NOT NULL,
    definition TEXT NOT NULL,
    digest TEXT NOT NULL,
    started_us BIGINT NOT NULL,
    started_by TEXT,
    note TEXT NOT NULL,
    ended_us BIGINT,
    ended_by TEXT,
    verdict TEXT,
    winner TEXT,
    reason TEXT NOT NULL,
    result TEXT
);
CREATE INDEX experiment_running ON experiment (initiative) WHERE ended_us IS NULL;
CREATE TABLE experiment_ramp (
    id {numbered},
    experiment TEXT NOT NULL REFERENCES experiment (name),
    at_us BIGINT NOT NULL,
    share DOUBLE PRECISION NOT NULL,
    made_by TEXT
);
CREATE INDEX experiment_ramp_of ON experiment_ramp (experiment, id);
CREATE TABLE experiment_arm_stop (
    id {numbered},
    experiment TEXT NOT NULL REFERENCES experiment (name),
    arm TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT,
    UNIQUE (experiment, arm)
);
CREATE TABLE experiment_look (
    id {numbered},
    experiment TEXT NOT NULL REFERENCES experiment (name),
    at_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    fraction DOUBLE PRECISION NOT NULL,
    n TEXT NOT NULL,
    estimate TEXT NOT NULL,
    error TEXT NOT NULL,
    bound TEXT NOT NULL,
    verdict TEXT NOT NULL,
    winner TEXT,
    made_by TEXT
);
CREATE INDEX experiment_look_of ON experiment_look (experiment, id)
"""
FIXED = ("name", "initiative", "owner", "layer", "definition", "digest", "started_us", "started_by", "note")
ENDED = ("ended_us", "ended_by", "verdict", "winner", "reason")
SAME = {
    "experiment_ramp": "id = NEW.id",
    "experiment_arm_stop": "id = NEW.id OR (experiment = NEW.experiment AND arm = NEW.arm)",
    "experiment_look": "id = NEW.id",
}
SQLITE_EXPERIMENT = (
    """CREATE TRIGGER experiment_keeps_update BEFORE UPDATE ON experiment
    WHEN NOT ({fixed} AND (OLD.ended_us IS NULL OR ({ended})))
    BEGIN SELECT RAISE(ABORT, 'experiment is append-only: no UPDATE but its end'); END""",
    """CREATE TRIGGER experiment_keeps_delete BEFORE DELETE ON experiment
    BEGIN SELECT RAISE(ABORT, 'experiment is append-only: no DELETE'); END""",
    """CREATE TRIGGER experiment_keeps_replace BEFORE INSERT ON experiment
    WHEN EXISTS (SELECT 1 FROM experiment WHERE name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'experiment is append-only: no REPLACE'); END""",
)
SQLITE_PART = (
    """CREATE TRIGGER {table}_keeps_update BEFORE UPDATE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only: no UPDATE'); END""",
    """CREATE TRIGGER {table}_keeps_delete BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only: no DELETE'); END""",
    """CREATE TRIGGER {table}_keeps_replace BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
    BEGIN SELECT RAISE(ABORT, '{table} is append-only: no REPLACE'); END""",
)
POSTGRES_EXPERIMENT = """CREATE TRIGGER experiment_keeps_update BEFORE UPDATE ON experiment FOR EACH ROW
    WHEN (NOT ({fixed} AND (OLD.ended_us IS NULL OR ({ended}))))
    EXECUTE FUNCTION matinee_append_only()"""
POSTGRES_GUARD = """CREATE TRIGGER {table}_keeps_{verb} BEFORE {verb} ON {table}
    FOR EACH {each} EXECUTE FUNCTION matinee_append_only()"""
BEFORE = "registered before experiments had a definition"


def upgrade(con: Connection) -> None:
    """Make the tables and their guards, and move what there was."""
    dialect = con.dialect.name
    old = con.exec_driver_sql("SELECT * FROM experiment").mappings().all()
    con.exec_driver_sql("DROP TABLE experiment")
    for statement in TABLES.replace("{numbered}", NUMBERED[dialect]).split(";\n"):
        con.exec_driver_sql(statement)
    for row in old:
        values = _moved(dict(row))
        columns = ", ".join(values)
        places = ", ".join(f":{column}" for column in values)
        con.execute(text(f"INSERT INTO experiment ({columns}) VALUES ({places})"), values)
    for guard in _sqlite_guards() if dialect == "sqlite" else _postgres_guards():
        con.exec_driver_sql(guard)


def _moved(row: dict[str, Any]) -> dict[str, Any]:
    arms: dict[str, str | None] = json.loads(row["arms"])
    shares = {"share": 1.0 / len(arms)}
    definition = {
        "name": row["name"],
        "initiative": row["initiative"],
        "owner": row["owner"],
        "hypothesis": "",
        "arms": [{"name": arm, **shares, "answers": version or "fallback"} for arm, version in arms.items()],
        "primary": row["metric"],
    }
    return {
        "name": row["name"],
        "initiative": row["initiative"],
        "owner": row["owner"],
        "layer": row["initiative"],
        "definition": json.dumps(definition, sort_keys=True, separators=(",", ":")),
        "digest": "",
        "started_us": row["started_us"],
        "note": "",
        "ended_us": row["started_us"] if row["ended_us"] is None else row["ended_us"],
        "verdict": "undecided",
        "reason": BEFORE,
        "result": row["result"],
    }


def _sqlite_guards() -> list[str]:
    fixed, ended = (" AND ".join(f"NEW.{c} IS OLD.{c}" for c in columns) for columns in (FIXED, ENDED))
    own = [guard.replace("{fixed}", fixed).replace("{ended}", ended) for guard in SQLITE_EXPERIMENT]
    parts = [guard.format(table=table, same=same) for table, same in SAME.items() for guard in SQLITE_PART]
    return [*own, *parts]


def _postgres_guards() -> list[str]:
    fixed, ended = (
        " AND ".join(f"NEW.{c} IS NOT DISTINCT FROM OLD.{c}" for c in columns) for columns in (FIXED, ENDED)
    )
    verbs = {"UPDATE": "ROW", "DELETE": "ROW", "TRUNCATE": "STATEMENT"}
    own = [POSTGRES_EXPERIMENT.replace("{fixed}", fixed).replace("{ended}", ended)]
    for table in ("experiment", *SAME):
        for verb, each in verbs.items():
            if (table, verb) != ("experiment", "UPDATE"):
                own.append(POSTGRES_GUARD.format(table=table, verb=verb, each=each))
    return own
