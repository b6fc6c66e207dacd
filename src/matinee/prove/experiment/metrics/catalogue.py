"""Every metric that a home knows: those of the package and its own, from TOML."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from matinee.errors import InputError, NotFoundError, StorageError, unknown_name
from matinee.observe.home import Home
from matinee.prove.experiment.metrics.definition import Counted, Metric

FOLDER = "metrics"
"""Folder of a home with its own metrics."""
BUILTIN = "builtin.toml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def known_metrics(home: Home | None = None) -> dict[str, Metric]:
    """Metrics by name, in alphabetical order.

    Parameters
    ----------
    home : Home, optional
        Its `metrics/*.toml` too; a metric there takes the place of the package's of the same name.

    Raises
    ------
    InputError
        Naming file and key: no TOML, an unknown key (with the nearest known one), a wrong value, or two files
        of the home that say the same name.
    StorageError
        A file cannot be read.

    Examples
    --------
    >>> known_metrics()["watch_hours"].of.column
    'watch_s'
    """
    source = files("matinee.prove.experiment.metrics").joinpath(BUILTIN)
    found = parse(source.read_text(encoding="utf-8"), BUILTIN)
    own: dict[str, Path] = {}
    for path in sorted((home.root / FOLDER).glob("*.toml")) if home is not None else []:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise StorageError(f"{path}: cannot be read ({problem}).") from problem
        for name, metric in parse(text, str(path)).items():
            if name in own:
                raise InputError(f"{path}: [{name}] stands in {own[name]} too, expected it once. Rename one.")
            own[name], found[name] = path, metric
    return dict(sorted(found.items()))


def metric_named(metrics: dict[str, Metric], name: str, asked_by: str) -> Metric:
    """One of the known metrics.

    Raises
    ------
    NotFoundError
        There is none of that name; `asked_by` begins the message.
    """
    if name not in metrics:
        raise NotFoundError(f"{unknown_name(asked_by, 'metric', name, metrics)} Add it to HOME/{FOLDER}/.")
    return metrics[name]


def parse(text: str, source: str) -> dict[str, Metric]:
    """Metrics in a TOML text: each table is one, named by its key.

    Parameters
    ----------
    source : str
        Name of the file, for messages.

    Raises
    ------
    InputError
        Naming file and key.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"{source}: is no TOML: {problem}.") from None
    out = {}
    for name, table in data.items():
        where = f"{source}: [{name}]"
        if not NAME.fullmatch(name):
            raise InputError(f"{where}: expected a name of small letters, digits and underscores.")
        if not isinstance(table, dict):
            raise InputError(f"{source}: {name} is {table!r}, expected a table. Write [{name}] on a line.")
        if "name" in table:
            raise InputError(f"{where}: name is {table['name']!r}, expected none: the table's key names it.")
        _check_keys(table, where)
        try:
            out[name] = msgspec.convert(table | {"name": name}, Metric).checked(where)
        except msgspec.ValidationError as problem:
            raise InputError(f"{where}: {str(problem).replace('$.', '')}.") from None
    return out


def _check_keys(table: dict[str, Any], where: str) -> None:
    """Name an unknown key with the nearest known one, before its value is looked at."""
    places: list[tuple[str, Any, type[msgspec.Struct]]] = [(where, table, Metric)]
    places += [(f"{where}.{key}", table.get(key), Counted) for key in ("of", "per")]
    for place, given, struct in places:
        known = [key for key in struct.__struct_fields__ if key != "name"]
        for key in given if isinstance(given, dict) else {}:
            if key not in known:
                raise InputError(unknown_name(place, "key", key, known))
