"""Puts an initiative's declaration into the registry: its owner, the tables it reads, its features."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import msgspec

from matinee.errors import NotFoundError
from matinee.platform.initiative import Initiative
from matinee.platform.registry.initiatives import InitiativeRow
from matinee.platform.registry.inputs import FeatureRow, SourceRow
from matinee.platform.registry.registry import Registry

LAKE_OWNER = "data platform"


def register(registry: Registry, initiative: Initiative, *, now_us: int) -> None:
    """Store what an initiative declares, in one transaction. The same declaration again changes nothing."""
    features = list(feature_rows(initiative, now_us=now_us))
    row = InitiativeRow(
        name=initiative.name,
        title=initiative.title,
        owner=initiative.owner,
        tier=initiative.tier,
        stage=initiative.stage,
        kind=initiative.kind,
        unit=initiative.unit,
        hypothesis=initiative.hypothesis,
        next_step=initiative.next_step,
        baseline=initiative.baseline,
        fallback=initiative.fallback.name,
        registered_us=now_us,
        changed_us=now_us,
        definition={
            "actions": None if initiative.actions is None else list(initiative.actions),
            "target": initiative.target,
            "reward": dataclasses.asdict(initiative.reward),
            "guardrails": [dataclasses.asdict(rail) for rail in initiative.guardrails],
            "gates": [gate.name for gate in initiative.gates],
            "inputs": {one.table: one.why for one in initiative.inputs},
            "features": {one.name: one.version for one in features},
            "latency_budget_ms": initiative.latency_budget_ms,
            "refreshed_every_h": initiative.refreshed_every_h,
            "data": initiative.data,
        },
    )
    if _known(registry, row):
        return
    with registry.transaction():
        for table in initiative.tables:
            registry.inputs.register_source(SourceRow(name=table, owner=LAKE_OWNER, registered_us=now_us))
        for feature in features:
            registry.inputs.register_feature(feature)
        registry.initiatives.register(
            row, sources=initiative.tables, features=[(one.name, one.version) for one in features]
        )


def feature_rows(initiative: Initiative, *, now_us: int) -> Iterator[FeatureRow]:
    """Declared features as the registry knows them: a version is the hash of its declaration.

    A feature over a table that the initiative makes itself counts as reading all its declared inputs.
    """
    view = initiative.features
    if view is None:
        return
    identities = view.identities()
    for feature in view.features:
        table = feature.source.table
        yield FeatureRow(
            name=f"{view.name}.{feature.name}",
            version=identities[feature.name],
            entity=view.entity,
            owner=view.owner or initiative.owner,
            declaration={
                "table": table,
                "aggregate": str(feature.aggregate),
                "window": feature.window,
                "where": None if feature.where is None else str(feature.where),
                "by": None if feature.by is None else str(feature.by),
                "tail": view.tail,
            },
            sources=[table] if table in initiative.tables else list(initiative.tables),
            registered_us=now_us,
        )


def _known(registry: Registry, row: InitiativeRow) -> bool:
    """Whether this declaration is there already: then a command that only looks writes nothing."""
    try:
        before = registry.initiatives.read(row.name)
    except NotFoundError:
        return False
    times = {"registered_us": before.registered_us, "changed_us": before.changed_us}
    return bool(msgspec.to_builtins(msgspec.structs.replace(row, **times)) == msgspec.to_builtins(before))
