"""Settings: data in `matinee.toml`, one order of precedence, each value with the place it came from.

    default  <  matinee.toml  <  environment (MATINEE_SECTION__KEY)  <  option of the command

The default of an initiative's setting may stand in a file of its own (`values`), beside its code.

A section is a frozen dataclass that belongs to the component that uses it; `SECTIONS` is the list of them
all. The description of a key is the one in the dataclass' docstring, so it is written once.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from matinee.errors import ConfigError, StorageError, unknown_name

FILE_NAME = "matinee.toml"
PREFIX = "MATINEE_"
SECTIONS: dict[str, str] = {
    "clock": "matinee.observe.home_clock:ClockConfig",
    "console": "matinee.console.config:ConsoleConfig",
    "experiments": "matinee.prove.experiment.config:ExperimentsConfig",
    "keep": "matinee.platform.lifecycle.keep_config:KeepConfig",
    "platform": "matinee.platform.config:PlatformConfig",
    "serve": "matinee.serve.config:ServeConfig",
    "watch": "matinee.platform.watch.config:WatchConfig",
}
"""Section -> "module:class" of what is no initiative. Names only: reading settings imports nothing else."""
INITIATIVES = "matinee.initiatives"
"""Entry points of this group are initiatives; each has a section of its name."""
INITIATIVES_FOLDER = "initiatives"
"""Folder beside the file with initiatives of the home's own; each has a section of its name."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and where it came from.

    Attributes
    ----------
    source : str
        "default", the path of the file, the name of the environment variable, or "option".
    """

    section: str
    key: str
    value: object
    source: str


def load(
    path: Path | None,
    section: str,
    config: type[T],
    *,
    values: Path | None = None,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> T:
    """Read one section into its dataclass.

    Parameters
    ----------
    path : Path or None
        The file; None or a missing file stands for an empty one.
    values : Path, optional
        TOML file of keys without a section, which goes before the defaults of the dataclass.
    options : mapping, optional
        Values given to the command. None means "not given".
    environ : mapping, optional
        Defaults to the process' environment.

    Raises
    ------
    ConfigError
        Unknown section or key, a value of the wrong type, or one that the dataclass refuses.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Clock:
    ...     now: str = "wall"
    >>> load(None, "clock", Clock, environ={"MATINEE_CLOCK__NOW": "last_event"})
    Clock(now='last_event')
    """
    found = explain(path, section, config, values=values, options=options, environ=environ)
    try:
        return config(**{setting.key: setting.value for setting in found})
    except ConfigError as problem:
        changed = sorted({s.source for s in found if s.source != "default"})
        if not changed:
            raise
        raise ConfigError(f"{problem} (section [{section}], set by {', '.join(changed)})") from None


def explain(
    path: Path | None,
    section: str,
    config: type[Any],
    *,
    values: Path | None = None,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Setting]:
    """Every key of a section with its value and source, in the order of the dataclass."""
    types = typing.get_type_hints(config)
    fields = {f.name: _default(f) for f in dataclasses.fields(config) if f.init}
    found = {key: Setting(section, key, default, "default") for key, default in fields.items()}
    for given, source, spell in _layers(
        path, section, values, options or {}, os.environ if environ is None else environ
    ):
        for key, raw in given.items():
            if key not in fields:
                raise ConfigError(unknown_name(f"{source}, section [{section}]", "key", key, fields))
            name = spell(key)
            found[key] = Setting(section, key, _convert(raw, types[key], name, section, key), name)
    return list(found.values())


def read_file(path: Path | None, *also: str) -> dict[str, dict[str, object]]:
    """The file as tables; a section that is no initiative, nor in `SECTIONS` or `also`, is refused.

    Raises
    ------
    ConfigError
        Not TOML, an unknown section, or a key outside any section.
    """
    tables = _read_toml(path)
    known = {*SECTIONS, *also, *initiative_names(path)}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(
                f"{path}: {name} = {table!r} stands outside a section, expected it under a [section]. "
                f"Known sections: {', '.join(sorted(known))}."
            )
        if name not in known:
            raise ConfigError(unknown_name(str(path), "section", name, known))
    return tables


def initiative_names(path: Path | None) -> list[str]:
    """Names of the initiatives that are installed, or stand in the folder beside the file."""
    folder = None if path is None else path.parent / INITIATIVES_FOLDER
    own = sorted(one.parent.name for one in folder.glob("*/__init__.py")) if folder else []
    return [*sorted({one.name for one in entry_points(group=INITIATIVES)}), *own]


def config_of(section: str) -> type[Any]:
    """The dataclass of a section."""
    module, _, name = SECTIONS[section].partition(":")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found


def describe(config: type[Any]) -> dict[str, str]:
    """Description of each key, from the `Attributes` part of the dataclass' docstring.

    Examples
    --------
    >>> describe(Setting)["source"]
    'str. "default", the path of the file, the name of the environment variable, or "option".'
    """
    found: dict[str, str] = {}
    keys: list[str] = []
    inside = False
    for line in (config.__doc__ or "").split("\n"):
        text = line.strip()
        if text == "Attributes":
            inside = True
        elif inside and text in ("Notes", "Examples", "References", "Raises"):
            break
        elif inside and (head := re.match(r"^ {0,4}(\w[\w, ]*?) : (.+)$", line)):
            keys = [key.strip() for key in head[1].split(",")]
            found.update({key: head[2].rstrip(".") + "." for key in keys})
        elif inside and keys and text:
            found.update({key: f"{found[key]} {text}" for key in keys})
    return found


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None or not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(
            f"{path}: not valid TOML: {problem}. Correct the line, or delete the file."
        ) from None
    except OSError as problem:
        raise StorageError(f"{path}: {problem.strerror}. Make it readable.") from problem


def _layers(
    path: Path | None,
    section: str,
    values: Path | None,
    options: Mapping[str, object],
    environ: Mapping[str, str],
) -> list[tuple[Mapping[str, object], str, typing.Callable[[str], str]]]:
    start = f"{PREFIX}{section.upper()}__"
    variables = {
        name.removeprefix(start).lower(): text for name, text in environ.items() if name.startswith(start)
    }
    given = {key: value for key, value in options.items() if value is not None}
    return [
        (_read_toml(values), str(values), lambda _key: str(values)),
        (read_file(path, section).get(section, {}), str(path), lambda _key: str(path)),
        (variables, "environment", lambda key: start + key.upper()),
        (given, "option", lambda _key: "option"),
    ]


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    raise TypeError(f"settings: {field.name} has no default, expected every key of a section to have one.")


def _convert(raw: object, wanted: Any, source: str, section: str, key: str) -> object:
    """Check a value against the type of its field; text from the environment is read as TOML would be."""
    try:
        return msgspec.convert(raw, wanted)
    except msgspec.ValidationError as problem:
        if source.startswith(PREFIX) and isinstance(raw, str):
            try:
                return msgspec.convert(tomllib.loads(f"v = {raw}")["v"], wanted)
            except (tomllib.TOMLDecodeError, msgspec.ValidationError):
                pass
        raise ConfigError(
            f"{source}: [{section}] {key} is {raw!r}, expected {_spell(wanted)}. {problem}."
        ) from None


def _spell(wanted: Any) -> str:
    """A type in words a reader of TOML knows."""
    if typing.get_origin(wanted) is typing.Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(wanted))
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(wanted, str(wanted).replace("typing.", ""))
