"""Initiatives as the registry knows them: who owns what, how important it is, what it declares to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import (
    Node,
    feature_node,
    initiative_node,
    link_only,
    owner_node,
    source_node,
)
from matinee.platform.registry.rows import check_choice, find, insert_into, nearest, require, values_of
from matinee.platform.registry.schema import edge, feature, initiative, source

KINDS = ("decides", "forecasts")
TIERS = (1, 2, 3, 4)


class InitiativeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One ML use case.

    Attributes
    ----------
    tier : int, 1 to 4
        By business impact, 1 is the highest.
    kind : {"decides", "forecasts"}
    definition : dict
        Whatever else it declares, as plain values.
    registered_us, changed_us : int
        First and last time that its declaration was stored.
    """

    name: str
    title: str
    owner: str
    tier: int
    stage: str
    kind: str
    unit: str
    hypothesis: str
    next_step: str
    baseline: str
    fallback: str
    registered_us: int
    changed_us: int
    definition: dict[str, Any] = {}


class Initiatives:
    """Register and read initiatives."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def register(
        self, row: InitiativeRow, *, sources: Sequence[str] = (), features: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Store an initiative, or what changed in it. What it no longer declares is ended, not forgotten.

        Parameters
        ----------
        row : InitiativeRow
            `registered_us` is kept from the first time.
        sources : sequence of str
            Names of the registered sources that it declares to read.
        features : sequence of (name, version)
            Registered features that it declares.

        Raises
        ------
        InputError
            A tier or kind that does not exist.
        NotFoundError
            A source or feature that is not registered.
        """
        where = f"initiative {row.name}"
        check_choice(where, "kind", row.kind, KINDS)
        if row.tier not in TIERS:
            raise InputError(f"{where}: tier is {row.tier}, expected 1 to 4 (1 has the most impact).")
        with self.database.transaction() as con:
            for name in sources:
                require(con, source, where, "source", name=name)
            for name, version in features:
                require(con, feature, where, "feature", name=name)
                require(con, feature, f"{where}, feature {name}", "version", name=name, version=version)
            new = values_of(row, without=("name", "registered_us"))
            con.execute(
                insert_into(con, initiative)
                .values(**values_of(row))
                .on_conflict_do_update(index_elements=["name"], set_=new)
            )
            me = initiative_node(row.name)
            held = con.execute(
                select(edge.c.from_kind, edge.c.from_id).where(
                    edge.c.to_kind == me.kind,
                    edge.c.to_id == me.id,
                    edge.c.relation.in_(("owns", "declared by")),
                    edge.c.until_us.is_(None),
                )
            )
            reads = [*map(source_node, sources), *(feature_node(*one) for one in features)]
            before = [Node(kind=kind, id=key) for kind, key in held]
            link_only(con, [owner_node(row.owner), *reads], me, before, at_us=row.changed_us)

    def read(self, name: str) -> InitiativeRow:
        """One initiative.

        Raises
        ------
        NotFoundError
            It is not registered.
        """
        with self.database.reading() as con:
            found = find(con, initiative, InitiativeRow, name=name)
            if found is None:
                known = con.execute(select(initiative.c.name)).scalars()
                raise NotFoundError(nearest("registry", "initiative", name, known))
            return found

    def all(self) -> list[InitiativeRow]:
        """All of them, the most important first."""
        with self.database.reading() as con:
            query = select(initiative).order_by(initiative.c.tier, initiative.c.name)
            return [InitiativeRow(**found) for found in con.execute(query).mappings()]
