"""A feature and a view of features: pure data, checked when made, known by a hash of what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import msgspec

from matinee.errors import InputError, unknown_name
from matinee.learn.features.aggregates import Aggregate
from matinee.learn.features.kinds import check_kind
from matinee.learn.features.moments import ALL_TIME, duration_us
from matinee.learn.features.parts import CountPart, Part
from matinee.learn.features.predicates import Predicate, Scalar, check_condition
from matinee.learn.features.sources import CLOCKS, Attribute, Source

MEANING = 1
"""Raised when the engines compute something else from the same declaration: identities then change."""
GROUP_TYPES = ("text", "int", "text[]")
_RESERVED = ("label_id", "entity_id", *CLOCKS)


@dataclass(frozen=True, slots=True)
class Feature:
    """One aggregation of events over a window before a moment.

    Attributes
    ----------
    name : str
        Letters, digits and _; the column of the result.
    source : Source
        The events.
    aggregate : Aggregate
        What is computed over them.
    window : str
        Such as "30m", "48h" or "90d", or "all"; `moments` says where it begins.
    where : Predicate or None
        Only events for which it is true.
    by : Attribute or None
        Group by it: the value is then one per group (a map), for the groups with an event in the window that
        passes `where`.

    Raises
    ------
    InputError
        Anything that no engine could compute: an unknown column, a sum of text, a window of zero.

    Examples
    --------
    >>> from matinee.learn.features.aggregates import Count
    >>> from matinee.learn.features.sources import lake_source
    >>> Feature("plays_7d", lake_source("plays"), Count(), "7d").window_us
    604800000000
    """

    name: str
    source: Source
    aggregate: Aggregate
    window: str
    where: Predicate | None = None
    by: Attribute | None = None

    def __post_init__(self) -> None:
        self._check_kinds()
        if not (self.name.isascii() and self.name.isidentifier()) or len(self.name) > 63:
            raise InputError(f"Feature: name is {self.name!r}, expected letters, digits and _, at most 63.")
        if self.name.lower() in _RESERVED:
            raise InputError(
                f"Feature: name is {self.name!r}, which labels use themselves. Choose another one."
            )
        if self.window != ALL_TIME:
            duration_us(self.window, f'{self.title}: window is not "{ALL_TIME}"; it')
        kind = type(self.aggregate).__name__
        for column in self.aggregate.columns():
            check_kind(column, str, f"{self.title}: column of {kind}", "the name of a column")
            self._check_type(column, self.aggregate.takes, kind)
        for condition in (self.where, *self.aggregate.conditions()):
            if condition is not None:
                self._check_condition(condition)
        if self.by is not None:
            self._check_group(self.by)

    @property
    def title(self) -> str:
        """How errors name it."""
        return f"Feature {self.name}"

    @property
    def window_us(self) -> int | None:
        """Length of the window in microseconds; None: all time."""
        return None if self.window == ALL_TIME else duration_us(self.window, self.title)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Partial results it needs; a grouped one also counts events, to know which groups there are."""
        own = self.aggregate.parts(self.where)
        return own if self.by is None else (*own, CountPart(None, self.where))

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the source that it reads, beside the clocks and the entity."""
        found = set(self.aggregate.columns())
        for condition in (self.where, *self.aggregate.conditions()):
            if condition is not None:
                found |= {column for column, _ in condition.comparisons()}
        if self.by is not None:
            found.add(self.by.column if self.by.facts is None else self.by.facts.key)
        return frozenset(found)

    @property
    def value_type(self) -> str | None:
        """Type of the aggregate's column: "int", "float", "text", "bool", or None without one."""
        columns = self.aggregate.columns()
        return self.source.columns[columns[0]] if columns else None

    def identity(self, tail: str) -> str:
        """Hash of everything that decides its values (not its name), 16 hex digits.

        `tail` is the view's: it decides where a window begins.
        """
        said = _plain(
            [
                self.aggregate,
                self.window,
                self.where,
                None
                if self.by is None
                else [self.by.column, self.by.facts and [self.by.facts.table, self.by.facts.key]],
                [self.source.table, self.source.entity, self.source.sql],
                {column: self.source.columns[column] for column in sorted(self.columns)},
            ]
        )
        exact = self.window_us is not None and self.window_us <= duration_us(tail, "tail")
        return _hash([MEANING, said, exact])

    def _check_kinds(self) -> None:
        check_kind(self.name, str, "Feature: name", "letters, digits and _, at most 63")
        check_kind(self.source, Source, f"{self.title}: source", 'a Source. Write lake_source("plays")')
        check_kind(self.aggregate, Aggregate, f"{self.title}: aggregate", "one of them, such as Count()")
        if self.where is not None:
            check_condition(self.where, f"{self.title}: where")
        if self.by is not None:
            check_kind(self.by, Attribute, f"{self.title}: by", 'an Attribute. Write Attribute("device")')

    def _check_type(self, column: str, types: tuple[str, ...], reader: str) -> None:
        if column not in self.source.columns:
            where = f"{self.title}, source {self.source.table}"
            raise InputError(unknown_name(where, "column", column, self.source.columns))
        if (found := self.source.columns[column]) not in types:
            raise InputError(
                f"{self.title}: {reader} of {column}, which is {found}, expected {' or '.join(types)}. "
                f"Choose another column of {self.source.table}, or another aggregate."
            )

    def _check_condition(self, condition: Predicate) -> None:
        for column, values in condition.comparisons():
            self._check_type(column, ("text", "int", "float", "bool"), "where")
            for value in values:
                self._check_comparable(column, value)

    def _check_comparable(self, column: str, value: Scalar) -> None:
        suits: dict[str, tuple[type, ...]] = {"text": (str,), "int": (int,), "float": (int, float)}
        type_ = self.source.columns[column]
        fits = isinstance(value, suits.get(type_, (bool,))) and isinstance(value, bool) == (type_ == "bool")
        if not fits:
            raise InputError(
                f"{self.title}: where compares {column}, which is {type_}, with {value!r}. "
                "Compare it with a value of its type."
            )

    def _check_group(self, by: Attribute) -> None:
        if by.facts is None:
            self._check_type(by.column, GROUP_TYPES, "group")
        else:
            self._check_type(by.facts.key, ("text",), f"key of {by.facts.table}")


@dataclass(frozen=True, slots=True)
class FeatureView:
    """Features of one kind of entity, computed and served together.

    Attributes
    ----------
    name, owner, description : str
        For people and the registry.
    entity : str
        What the ids are: "member", "account", …
    features : tuple of Feature
        Of any sources. One name, one declaration.
    version : int, >= 1
        Raised by its author with a change; `identity` says whether something did change.
    tail : str, default "48h"
        Windows up to this length are exact; longer ones begin at a UTC day boundary.

    Raises
    ------
    InputError
        No features, two versions of a feature with one name, or sources that contradict each other.
    """

    name: str
    entity: str
    features: tuple[Feature, ...]
    version: int = 1
    owner: str = ""
    description: str = ""
    tail: str = "48h"

    def __post_init__(self) -> None:
        title = f"FeatureView {self.name}"
        for field in ("name", "entity", "owner", "description"):
            check_kind(getattr(self, field), str, f"{title}: {field}", "a text")
        if not self.name or not self.entity:
            raise InputError(f"{title}: name and entity may not be empty. Name both.")
        check_kind(self.version, int, f"{title}: version", "a whole number, 1 or more")
        if self.version < 1:
            raise InputError(f"{title}: version is {self.version}, expected a whole number, 1 or more.")
        duration_us(self.tail, f"{title}: tail")
        check_kind(
            self.features, (tuple, list), f"{title}: features", "a tuple of Feature. Write (feature,) for one"
        )
        object.__setattr__(self, "features", tuple(self.features))
        if not self.features:
            raise InputError(f"{title}: it has no features, expected at least one. Add a Feature.")
        for position, feature in enumerate(self.features, 1):
            check_kind(
                feature, Feature, f"{title}: feature {position}", 'a Feature. Write Feature("plays_7d", ...)'
            )
        self._check_names(title)
        self._check_tables(title)

    @property
    def tail_us(self) -> int:
        """Length of the tail in microseconds."""
        return duration_us(self.tail, "tail")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def batch_only(self) -> tuple[str, ...]:
        """Features that the online evaluator cannot serve, because their source is free-form SQL."""
        return tuple(feature.name for feature in self.features if feature.source.sql is not None)

    def identities(self) -> dict[str, str]:
        """Name of each feature -> hash of its declaration."""
        return {feature.name: feature.identity(self.tail) for feature in self.features}

    @property
    def identity(self) -> str:
        """Hash of the names and declarations, in order; name, version and words of the view do not count."""
        return _hash([self.entity, self.tail, list(self.identities().items())])

    def only(self, *names: str) -> FeatureView:
        """The same view with some of its features, in the order asked for.

        Raises
        ------
        InputError
            A name is not in the view.
        """
        known = {feature.name: feature for feature in self.features}
        for name in names:
            if not isinstance(name, str) or name not in known:
                raise InputError(unknown_name(f"FeatureView {self.name}", "feature", name, known))
        chosen = tuple(known[name] for name in names)
        return FeatureView(
            self.name, self.entity, chosen, self.version, self.owner, self.description, self.tail
        )

    def _check_names(self, title: str) -> None:
        seen: dict[str, Feature] = {}
        for feature in self.features:
            before = seen.setdefault(feature.name.lower(), feature)
            if before is feature:
                continue
            if before.identity(self.tail) == feature.identity(self.tail):
                raise InputError(f"{title}: {feature.name} is there twice. Remove one.")
            raise InputError(
                f"{title}: two versions of {feature.name} ({before.identity(self.tail)} and "
                f"{feature.identity(self.tail)}), expected one. Rename one, or remove it."
            )

    def _check_tables(self, title: str) -> None:
        sources: dict[str, Source] = {}
        for feature in self.features:
            before = sources.setdefault(feature.source.table, feature.source)
            if before != feature.source:
                raise InputError(
                    f"{title}: {feature.name} declares the source {feature.source.table} differently from "
                    "the features before it. Share one Source, or give the other one another name."
                )


def _hash(value: Any) -> str:
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=8).hexdigest()


def _plain(value: Any) -> Any:
    """Dataclasses as lists that begin with the name of their class; order is kept everywhere."""
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(_plain(getattr(value, f.name)) for f in fields(value))]
    if isinstance(value, Mapping):
        return [[key, _plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
