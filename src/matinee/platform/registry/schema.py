"""Tables as queries see them. The statements that make them, with keys and constraints, are in `migrations/`.

Names: `*_us` microseconds since the epoch, UTC. A column of type `Json` holds canonical JSON text, so that a
row has the same bytes in SQLite and in PostgreSQL.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Dialect, Float, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

METADATA = MetaData()


class Json(TypeDecorator[Any]):
    """JSON as text with sorted keys; a number that is not finite becomes null."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Builtins and structs to text."""
        return None if value is None else msgspec.json.encode(value, order="deterministic").decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Text to builtins."""
        return None if value is None else msgspec.json.decode(value)


def _table(name: str, /, **columns: Any) -> Table:
    """A table whose key the caller gives."""
    return Table(name, METADATA, *(Column(key, kind) for key, kind in columns.items()))


def _numbered(name: str, /, **columns: Any) -> Table:
    """A table whose rows are numbered by the database."""
    key = Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    return Table(name, METADATA, key, *(Column(column, kind) for column, kind in columns.items()))


initiative = _table(
    "initiative",
    name=Text,
    title=Text,
    owner=Text,
    tier=Integer,
    stage=Text,
    kind=Text,
    unit=Text,
    hypothesis=Text,
    next_step=Text,
    baseline=Text,
    fallback=Text,
    definition=Json,
    registered_us=BigInteger,
    changed_us=BigInteger,
)
source = _table("source", name=Text, kind=Text, query=Text, owner=Text, registered_us=BigInteger)
feature = _table(
    "feature",
    name=Text,
    version=Text,
    entity=Text,
    owner=Text,
    declaration=Json,
    sources=Json,
    registered_us=BigInteger,
)
dataset = _table(
    "dataset",
    id=Text,
    files=Json,
    features=Json,
    sources=Json,
    label_hash=Text,
    n_rows=BigInteger,
    at_us=BigInteger,
    registered_us=BigInteger,
)
run = _table(
    "run",
    run_id=Text,
    initiative=Text,
    pipeline=Text,
    at_us=BigInteger,
    seed=BigInteger,
    data=Text,
    code=Text,
    config=Json,
    versions=Json,
    host=Text,
    pid=BigInteger,
    started_us=BigInteger,
    state=Text,
    ended_us=BigInteger,
    cpu_s=Float,
    peak_mb=Float,
    cost_minor=BigInteger,
    currency=Text,
    error=Text,
)
step = _table(
    "step",
    run_id=Text,
    name=Text,
    key=Text,
    artefact=Text,
    state=Text,
    duration_s=Float,
    cpu_s=Float,
    peak_mb=Float,
    attempts=Integer,
    error=Text,
)
model = _table(
    "model",
    initiative=Text,
    version=Text,
    run_id=Text,
    folder=Text,
    at_us=BigInteger,
    code=Text,
    data=Text,
    files=Json,
    registered_us=BigInteger,
)
evaluation = _numbered(
    "evaluation",
    initiative=Text,
    run_id=Text,
    version=Text,
    code=Text,
    data=Text,
    at_us=BigInteger,
    metric=Text,
    value=Float,
    low=Float,
    high=Float,
    baseline=Text,
    lift=Float,
    lift_low=Float,
    lift_high=Float,
    folder=Text,
    figures=Json,
    registered_us=BigInteger,
)
gate_result = _numbered(
    "gate_result",
    attempt_id=Text,
    initiative=Text,
    version=Text,
    gate=Text,
    verdict=Text,
    figure=Float,
    bound=Float,
    text=Text,
    measured_us=BigInteger,
)
release = _numbered(
    "release",
    initiative=Text,
    version=Text,
    kind=Text,
    previous_id=BigInteger,
    attempt_id=Text,
    evidence=Json,
    approver=Text,
    note=Text,
    released_us=BigInteger,
)
rollout = _numbered(
    "rollout",
    initiative=Text,
    version=Text,
    kind=Text,
    share=Float,
    salt=Text,
    attempt_id=Text,
    started_us=BigInteger,
    started_by=Text,
    note=Text,
    ended_us=BigInteger,
    verdict=Text,
    reason=Text,
    ended_by=Text,
)
experiment = _table(
    "experiment",
    name=Text,
    initiative=Text,
    owner=Text,
    layer=Text,
    definition=Json,
    digest=Text,
    started_us=BigInteger,
    started_by=Text,
    note=Text,
    ended_us=BigInteger,
    ended_by=Text,
    verdict=Text,
    winner=Text,
    reason=Text,
    result=Json,
)
experiment_ramp = _numbered("experiment_ramp", experiment=Text, at_us=BigInteger, share=Float, made_by=Text)
experiment_arm_stop = _numbered(
    "experiment_arm_stop", experiment=Text, arm=Text, at_us=BigInteger, reason=Text, made_by=Text
)
experiment_look = _numbered(
    "experiment_look",
    experiment=Text,
    at_us=BigInteger,
    until_us=BigInteger,
    fraction=Float,
    n=Json,
    estimate=Json,
    error=Json,
    bound=Json,
    verdict=Text,
    winner=Text,
    made_by=Text,
)
alert = _numbered(
    "alert",
    initiative=Text,
    monitor=Text,
    key=Text,
    severity=Text,
    owner=Text,
    text=Text,
    value=Float,
    bound=Float,
    state=Text,
    n_seen=BigInteger,
    opened_us=BigInteger,
    seen_us=BigInteger,
    closed_us=BigInteger,
)
api_key = _table(
    "api_key",
    key_id=Text,
    name=Text,
    secret_hash=Text,
    scopes=Json,
    rate=Float,
    created_us=BigInteger,
    expires_us=BigInteger,
    replaced_us=BigInteger,
    revoked_us=BigInteger,
    used_us=BigInteger,
)
edge = _table(
    "edge",
    from_kind=Text,
    from_id=Text,
    to_kind=Text,
    to_id=Text,
    relation=Text,
    since_us=BigInteger,
    until_us=BigInteger,
)
retraining = _table("retraining", initiative=Text, version=Text, since_us=BigInteger, members=BigInteger)
schema_version = _table("schema_version", version=Integer, name=Text)
