"""Make a service home: a folder with settings, log, lake and releases."""

from __future__ import annotations

import dataclasses
import json as json_text
import textwrap
from pathlib import Path
from typing import Any, Literal

from matinee import settings
from matinee.cli.console import print_json, say
from matinee.cli.context import sections
from matinee.errors import InputError, StorageError
from matinee.observe.home import Home

HEADER = """\
# Settings of this service home. A key that is commented out has the value shown.
# The environment goes before this file: MATINEE_CLOCK__NOW=last_event sets [clock] now.
# `matinee config show` prints each value and where it came from.
"""


def init(
    folder: Path,
    *,
    now: Literal["wall", "last_event"] = "wall",
    json: bool = False,
) -> int:
    """Make a service home in FOLDER. A folder that is already a home is left as it is.

    Example: matinee init shop

    Parameters
    ----------
    folder
        New or empty folder.
    now
        What "now" means: real time, or the time of the newest event (for data that ended in the past).
    json
        Print machine-readable JSON.
    """
    home, created = create(folder, now=now)
    if json:
        print_json({"home": str(home.root), "created": created})
    elif created:
        say(f"Made the service home {home.root}: matinee.toml, log/, lake/, releases/.")
        say(f"Next: matinee import events FILE --home {home.root}")
    else:
        say(f"{home.root} is already a service home; nothing was changed.")
    return 0


def create(folder: Path, *, now: str = "wall") -> tuple[Home, bool]:
    """The home in a folder and whether it is new.

    Raises
    ------
    InputError
        The folder is a file, or holds other things than a home.
    """
    if Home(folder).settings.is_file():
        return Home.create(folder), False
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, expected a new or empty folder. Give another name.")
    if folder.is_dir() and (found := sorted(p.name for p in folder.iterdir())):
        some = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        raise InputError(
            f"{folder}: holds {some} and no matinee.toml, expected a new or empty folder. Give another name."
        )
    home = Home.create(folder)
    try:
        # The settings file is what makes a folder a home, so it comes last and at once.
        temporary = home.settings.with_suffix(".toml.tmp")
        temporary.write_text(template({"clock": {"now": now}}), encoding="utf-8")
        temporary.replace(home.settings)
    except OSError as problem:
        raise StorageError(
            f"{home.settings}: {problem.strerror}. Choose a folder you may write to."
        ) from problem
    return home, True


def template(values: dict[str, dict[str, object]] | None = None) -> str:
    """Text of a commented `matinee.toml` with every section and key; only `values` are set."""
    parts = [HEADER]
    for section, config in sections().items():
        words = settings.describe(config)
        part = [f"[{section}]"]
        given = (values or {}).get(section, {})
        for key, default in defaults(config).items():
            part += textwrap.wrap(words[key], 100, initial_indent="# ", subsequent_indent="# ")
            part.append(f"{key} = {toml(given[key])}" if key in given else f"# {key} = {toml(default)}")
        parts.append("\n".join(part) + "\n")
    return "\n".join(parts)


def defaults(config: type[Any]) -> dict[str, object]:
    """Default of each key of a section."""
    made = config()
    return {f.name: getattr(made, f.name) for f in dataclasses.fields(config) if f.init}


def toml(value: object) -> str:
    """A value as TOML writes it.

    Examples
    --------
    >>> toml(True), toml("a"), toml((1, 2.5)), toml({"a": 0.5})
    ('true', '"a"', '[1, 2.5]', '{ "a" = 0.5 }')
    """
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json_text.dumps(value, ensure_ascii=False)
