"""Puts an initiative's declaration into the registry: its owner, the tables it reads, its features."""

from __future__ import annotations

import dataclasses

from matinee.platform.initiative import Initiative
from matinee.platform.registry.initiatives import InitiativeRow
from matinee.platform.registry.inputs import SourceRow
from matinee.platform.registry.registry import Registry

LAKE_OWNER = "data platform"


def register(registry: Registry, initiative: Initiative, *, now_us: int) -> None:
    """Store what an initiative declares, in one transaction. The same declaration again changes nothing."""
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
            "latency_budget_ms": initiative.latency_budget_ms,
            "refreshed_every_h": initiative.refreshed_every_h,
            "data": initiative.data,
        },
    )
    with registry.transaction():
        for table in initiative.tables:
            registry.inputs.register_source(SourceRow(name=table, owner=LAKE_OWNER, registered_us=now_us))
        registry.initiatives.register(row, sources=initiative.tables, features=[])
