"""What models learn from: sources, versions of features, training sets."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from matinee.platform.registry.connection import Database
from matinee.platform.registry.edges import dataset_node, feature_node, link, owner_node, source_node
from matinee.platform.registry.rows import add_once, all_rows, check_choice, find, require
from matinee.platform.registry.schema import dataset, feature, source

SOURCE_KINDS = ("table", "sql")


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the lake (`kind` "table"), or a query over them (`kind` "sql", its text in `query`)."""

    name: str
    kind: str = "table"
    query: str = ""
    owner: str
    registered_us: int


class FeatureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a feature.

    Attributes
    ----------
    version : str
        Hash of the declaration.
    entity : str
        What it describes: "member", "title", "account".
    declaration : dict
    sources : list of str
        Registered sources that it is computed from.
    """

    name: str
    version: str
    entity: str
    owner: str
    declaration: dict[str, Any]
    sources: list[str]
    registered_us: int


class DatasetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A training set.

    Attributes
    ----------
    id : str
        Hash of its content.
    files : dict of str to str
        File -> SHA-256.
    features : dict of str to str
        Feature -> version.
    sources : list of str
        Sources that it reads without a feature between.
    label_hash : str
        Hash of the query that gives the labels; empty without one.
    n_rows : int
    at_us : int
        Nothing later is in it.
    """

    id: str
    files: dict[str, str]
    features: dict[str, str] = {}
    sources: list[str] = []
    label_hash: str = ""
    n_rows: int
    at_us: int
    registered_us: int


class Inputs:
    """Register and read sources, features and datasets. The same one twice is stored once."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def register_source(self, row: SourceRow) -> None:
        """Store a source.

        Raises
        ------
        InputError
            Another source has this name.
        """
        check_choice(f"source {row.name}", "kind", row.kind, SOURCE_KINDS)
        with self.database.transaction() as con:
            if add_once(con, source, row, key=["name"], times=["registered_us"]):
                link(con, owner_node(row.owner), source_node(row.name), since_us=row.registered_us)

    def register_feature(self, row: FeatureRow) -> None:
        """Store a version of a feature, with arrows from its sources.

        Raises
        ------
        InputError
            This version has another declaration.
        NotFoundError
            A source is not registered.
        """
        with self.database.transaction() as con:
            for name in row.sources:
                require(con, source, f"feature {row.name}", "source", name=name)
            if add_once(con, feature, row, key=["name", "version"], times=["registered_us"]):
                me = feature_node(row.name, row.version)
                link(con, owner_node(row.owner), me, since_us=row.registered_us)
                for name in row.sources:
                    link(con, source_node(name), me, since_us=row.registered_us)

    def register_dataset(self, row: DatasetRow) -> None:
        """Store a training set, with arrows from its features and sources.

        Raises
        ------
        InputError
            Another content has this id.
        NotFoundError
            A feature, version or source is not registered.
        """
        where = f"dataset {row.id}"
        with self.database.transaction() as con:
            for name in row.sources:
                require(con, source, where, "source", name=name)
            for name, version in row.features.items():
                require(con, feature, where, "feature", name=name)
                require(con, feature, f"{where}, feature {name}", "version", name=name, version=version)
            if add_once(con, dataset, row, key=["id"], times=["registered_us"]):
                parts = [source_node(name) for name in row.sources]
                parts += [feature_node(*one) for one in row.features.items()]
                for part in parts:
                    link(con, part, dataset_node(row.id), since_us=row.registered_us)

    def sources(self) -> list[SourceRow]:
        """All sources, by name."""
        with self.database.reading() as con:
            return all_rows(con, SourceRow, select(source).order_by(source.c.name))

    def features(self, name: str | None = None) -> list[FeatureRow]:
        """Versions of one feature, or all features, in the order of their registration.

        Raises
        ------
        NotFoundError
            No feature has this name.
        """
        query = select(feature).order_by(feature.c.registered_us, feature.c.name, feature.c.version)
        with self.database.reading() as con:
            if name is not None:
                require(con, feature, "registry", "feature", name=name)
                query = query.where(feature.c.name == name)
            return all_rows(con, FeatureRow, query)

    def dataset(self, dataset_id: str) -> DatasetRow:
        """One training set.

        Raises
        ------
        NotFoundError
            It is not registered.
        """
        with self.database.reading() as con:
            require(con, dataset, "registry", "dataset", id=dataset_id)
            found = find(con, dataset, DatasetRow, id=dataset_id)
            assert found is not None
            return found
