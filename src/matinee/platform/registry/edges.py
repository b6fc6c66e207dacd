"""The one edge table: what leads to what, from when until when."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, and_, exists, update

from matinee.errors import InputError
from matinee.platform.registry.rows import insert_into, same_key
from matinee.platform.registry.schema import edge

RELATIONS: dict[tuple[str, str], str] = {
    ("owner", "source"): "owns",
    ("owner", "feature"): "owns",
    ("owner", "initiative"): "owns",
    ("source", "feature"): "read by",
    ("source", "dataset"): "part of",
    ("feature", "dataset"): "part of",
    ("source", "initiative"): "declared by",
    ("feature", "initiative"): "declared by",
    ("dataset", "run"): "used by",
    ("dataset", "model"): "trained",
    ("run", "model"): "made",
    ("model", "release"): "released as",
    ("model", "experiment"): "tried in",
    ("release", "initiative"): "serves",
}
"""(kind, kind) -> the word between them. Other pairs have no edge."""
OWNS = "owns"
"""The relation along which no data flow; along the others, what stops at one end is missed at the other."""


class Node(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """One thing in the graph.

    Attributes
    ----------
    kind : str
        owner, source, feature, dataset, run, model, release, experiment or initiative.
    id : str
        Its key; the parts of a longer one are joined: feature `name@version`, model `initiative/version`.

    Examples
    --------
    >>> str(model_node("art", "v3"))
    'model art/v3'
    """

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """One arrow. `until_us` None: it holds still."""

    from_kind: str
    from_id: str
    to_kind: str
    to_id: str
    relation: str
    since_us: int
    until_us: int | None = None

    @property
    def start(self) -> Node:
        """Where it comes from."""
        return Node(kind=self.from_kind, id=self.from_id)

    @property
    def end(self) -> Node:
        """Where it leads to."""
        return Node(kind=self.to_kind, id=self.to_id)


def owner_node(name: str) -> Node:
    """A team or person."""
    return Node(kind="owner", id=name)


def source_node(name: str) -> Node:
    """A table of the lake, or a query."""
    return Node(kind="source", id=name)


def feature_node(name: str, version: str) -> Node:
    """One version of a feature."""
    return Node(kind="feature", id=f"{name}@{version}")


def dataset_node(dataset_id: str) -> Node:
    """A training set."""
    return Node(kind="dataset", id=dataset_id)


def run_node(run_id: str) -> Node:
    """One run of a pipeline."""
    return Node(kind="run", id=run_id)


def model_node(initiative: str, version: str) -> Node:
    """One version of an initiative's model."""
    return Node(kind="model", id=f"{initiative}/{version}")


def release_node(release_id: int) -> Node:
    """One row of the release history."""
    return Node(kind="release", id=str(release_id))


def experiment_node(name: str) -> Node:
    """An experiment."""
    return Node(kind="experiment", id=name)


def initiative_node(name: str) -> Node:
    """An initiative."""
    return Node(kind="initiative", id=name)


def link(con: Connection, start: Node, end: Node, *, since_us: int) -> None:
    """Draw an arrow; one that holds already stays as it is.

    Raises
    ------
    InputError
        Things of these kinds are not linked.
    """
    arrow = {**_ends(start, end), "relation": _relation(start, end)}
    new = insert_into(con, edge).values(**arrow, since_us=since_us, until_us=None)
    if con.execute(new.on_conflict_do_nothing().returning(edge.c.since_us)).first() is None:
        other = edge.alias()
        holds = exists().where(same_key(other, arrow), other.c.until_us.is_(None))
        ended = same_key(
            edge, {**arrow, "since_us": since_us}
        )  # at this very moment, on a clock that stands still
        con.execute(update(edge).where(ended, ~holds).values(until_us=None))


def unlink(con: Connection, start: Node, end: Node, *, until_us: int) -> None:
    """End an arrow; it stays in the history."""
    holds = and_(same_key(edge, _ends(start, end)), edge.c.until_us.is_(None))
    con.execute(update(edge).where(holds).values(until_us=until_us))


def link_only(
    con: Connection, starts: Iterable[Node], end: Node, held: Iterable[Node], *, at_us: int
) -> None:
    """Let the arrows into `end` come from `starts`: new ones are drawn, the rest of `held` is ended."""
    wanted = set(starts)
    for gone in sorted(set(held) - wanted):
        unlink(con, gone, end, until_us=at_us)
    for start in sorted(wanted):
        link(con, start, end, since_us=at_us)


def _relation(start: Node, end: Node) -> str:
    try:
        return RELATIONS[start.kind, end.kind]
    except KeyError:
        pairs = ", ".join(f"{a} to {b}" for a, b in sorted(RELATIONS))
        raise InputError(f"edge: {start} leads to {end}, expected one of: {pairs}.") from None


def _ends(start: Node, end: Node) -> dict[str, str]:
    return {"from_kind": start.kind, "from_id": start.id, "to_kind": end.kind, "to_id": end.id}
