"""Questions to the graph: what feeds this, who uses that, what breaks if a source stops.

One recursive query over the edge table, the same on SQLite and PostgreSQL. Its UNION drops what was reached
before, so a cycle ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, literal, or_, select, union_all

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import OWNS, Edge, Node, feature_node, source_node
from matinee.platform.registry.rows import all_rows, nearest, require
from matinee.platform.registry.schema import (
    dataset,
    edge,
    experiment,
    feature,
    initiative,
    model,
    release,
    run,
    source,
)

Direction = Literal["upstream", "downstream"]


class Graph(msgspec.Struct, frozen=True):
    """Part of the graph that was reached.

    Attributes
    ----------
    roots : list of Node
        Where the walk began.
    nodes : list of Node
        What was reached, without the roots, the nearest first.
    edges : list of Edge
        Arrows between all of them.
    """

    roots: list[Node]
    nodes: list[Node]
    edges: list[Edge]

    def of(self, kind: str) -> list[str]:
        """Ids of the reached nodes of one kind, the nearest first."""
        return [node.id for node in self.nodes if node.kind == kind]


class Impact(msgspec.Struct, frozen=True):
    """What depends on something.

    Attributes
    ----------
    features : list of str
        `name@version`.
    models : list of str
        `initiative/version`, whether in production or not.
    releases : list of int
        Only those that are in production.
    initiatives : list of str
        Those whose release in production, or whose declaration, depends on it.
    """

    features: list[str]
    datasets: list[str]
    models: list[str]
    releases: list[int]
    experiments: list[str]
    initiatives: list[str]


class Lineage:
    """Ask the graph. A moment `on_us` asks about the arrows that held then; by default those that hold."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def upstream(self, node: Node, *, on_us: int | None = None) -> Graph:
        """What feeds this, directly or not. An initiative is fed by its release in production and its inputs.

        Raises
        ------
        NotFoundError
            There is no such node.
        """
        with self.database.reading() as con:
            _require_node(con, node)
            return _walk(con, [node], "upstream", on_us)

    def downstream(self, node: Node, *, on_us: int | None = None) -> Graph:
        """What this feeds, directly or not.

        Raises
        ------
        NotFoundError
            There is no such node.
        """
        with self.database.reading() as con:
            _require_node(con, node)
            return _walk(con, [node], "downstream", on_us)

    def users_of_feature(self, name: str, version: str | None = None, *, on_us: int | None = None) -> Impact:
        """What uses a feature: one version of it, or any.

        Raises
        ------
        NotFoundError
            No feature has this name or version.
        """
        with self.database.reading() as con:
            require(con, feature, "registry", "feature", name=name)
            if version is not None:
                require(con, feature, f"feature {name}", "version", name=name, version=version)
            query = select(feature.c.version).where(feature.c.name == name)
            versions = con.execute(query).scalars() if version is None else [version]
            return _impact(_walk(con, [feature_node(name, one) for one in versions], "downstream", on_us))

    def breaks_if_stops(self, name: str, *, on_us: int | None = None) -> Impact:
        """What breaks, or goes stale, if a source stops.

        Raises
        ------
        NotFoundError
            No source has this name.
        """
        with self.database.reading() as con:
            require(con, source, "registry", "source", name=name)
            return _impact(_walk(con, [source_node(name)], "downstream", on_us))

    def owned_by(self, name: str) -> list[Node]:
        """What a team or person owns now: sources, features, initiatives.

        Raises
        ------
        NotFoundError
            Nobody of this name owns anything.
        """
        with self.database.reading() as con:
            owns = and_(edge.c.relation == OWNS, edge.c.until_us.is_(None))
            found = all_rows(con, Edge, select(edge).where(owns))
        owned = sorted(one.end for one in found if one.from_id == name)
        if not owned:
            raise NotFoundError(nearest("registry", "owner", name, {one.from_id for one in found}))
        return owned


def _walk(con: Connection, roots: Sequence[Node], direction: Direction, on_us: int | None) -> Graph:
    """Everything reached from the roots, in order of distance."""
    holds = and_(
        edge.c.relation != OWNS, _held(on_us)
    )  # "!=": IN tempts PostgreSQL to scan an index for each node
    found = all_rows(con, Edge, _reached_edges(roots, direction, holds)) if roots else []
    edges = sorted(set(found), key=lambda e: (e.start, e.end, e.relation, e.since_us))
    following: dict[Node, list[Node]] = {}
    for one in edges:
        here, there = (one.end, one.start) if direction == "upstream" else (one.start, one.end)
        following.setdefault(here, []).append(there)
    seen = dict.fromkeys(roots)
    layer = list(roots)
    while layer:
        layer = sorted({node for here in layer for node in following.get(here, [])} - set(seen))
        seen.update(dict.fromkeys(layer))
    return Graph(list(roots), [node for node in seen if node not in roots], edges)


def _reached_edges(
    roots: Sequence[Node], direction: Direction, holds: ColumnElement[bool]
) -> Select[tuple[object]]:
    """Query for every arrow on a way that begins at a root."""
    here, there = ("to", "from") if direction == "upstream" else ("from", "to")
    start = union_all(
        *(
            select(cast(literal(n.kind), Text).label("kind"), cast(literal(n.id), Text).label("id"))
            for n in roots
        )
    ).subquery("roots")
    reached = select(start.c.kind, start.c.id).cte("reached", recursive=True)
    touches = and_(edge.c[f"{here}_kind"] == reached.c.kind, edge.c[f"{here}_id"] == reached.c.id)
    reached = reached.union(
        select(edge.c[f"{there}_kind"], edge.c[f"{there}_id"])
        .select_from(reached.join(edge, touches))
        .where(holds)
    )
    touches = and_(edge.c[f"{here}_kind"] == reached.c.kind, edge.c[f"{here}_id"] == reached.c.id)
    return select(edge).select_from(reached.join(edge, touches)).where(holds)


def _held(on_us: int | None) -> ColumnElement[bool]:
    if on_us is None:
        return edge.c.until_us.is_(None)
    return and_(edge.c.since_us <= on_us, or_(edge.c.until_us.is_(None), edge.c.until_us > on_us))


def _impact(graph: Graph) -> Impact:
    serving = {int(one.from_id) for one in graph.edges if one.relation == "serves"}
    return Impact(
        features=[node.id for node in (*graph.roots, *graph.nodes) if node.kind == "feature"],
        datasets=graph.of("dataset"),
        models=graph.of("model"),
        releases=sorted(serving),
        experiments=graph.of("experiment"),
        initiatives=sorted(graph.of("initiative")),
    )


def _require_node(con: Connection, node: Node) -> None:
    """See that a node exists.

    Raises
    ------
    InputError
        Its kind does not exist.
    NotFoundError
        It is not registered; the message names the nearest.
    """
    first, _, second = node.id.partition("@" if node.kind == "feature" else "/")
    match node.kind:
        case "source":
            require(con, source, "registry", "source", name=node.id)
        case "feature":
            require(con, feature, "registry", "feature", name=first)
            require(con, feature, f"feature {first}", "version", name=first, version=second)
        case "dataset":
            require(con, dataset, "registry", "dataset", id=node.id)
        case "run":
            require(con, run, "registry", "run", run_id=node.id)
        case "model":
            require(con, initiative, "registry", "initiative", name=first)
            require(con, model, first, "model version", initiative=first, version=second)
        case "release":
            known = [str(number) for number in con.execute(select(release.c.id)).scalars()]
            if node.id not in known:
                raise NotFoundError(nearest("registry", "release", node.id, known))
        case "experiment":
            require(con, experiment, "registry", "experiment", name=node.id)
        case "initiative":
            require(con, initiative, "registry", "initiative", name=node.id)
        case _:
            raise InputError(
                f'registry: kind is "{node.kind}", expected source, feature, dataset, run, model, release, '
                "experiment or initiative."
            )
