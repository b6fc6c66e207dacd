"""Writes the folder of a new initiative: a small one that works at once, to be changed file by file."""

from __future__ import annotations

import shutil
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from matinee.errors import InputError, StorageError
from matinee.observe.home import Home
from matinee.platform.initiative import check_name
from matinee.platform.loading import find

TEMPLATE = "template/decides"
SUFFIX = ".txt"
RENAMED = {"values.toml": "{name}.toml", "test.py": "test_{name}.py"}


def scaffold(home: Home, name: str, *, title: str | None = None) -> Path:
    """Write `HOME/initiatives/NAME/`, whole or not at all.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and `_`.
    title : str, optional
        A few words for the portfolio; default: the name.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        The name is not a name, or an initiative has it already.
    StorageError
        The folder cannot be written.
    """
    check_name(name)
    known = find(home)
    if name in known:
        raise InputError(f'initiative: "{name}" is there already ({known[name].place}), expected a new name.')
    folder = home.initiatives / name
    words = {
        "name": name,
        "NAME": name.upper(),
        "Class": "".join(part.capitalize() for part in name.split("_")),
        "title": _plain(title or "") or name.replace("_", " "),
        "path": f"initiatives/{name}",
    }
    scratch = home.initiatives / f".writing-{name}"
    try:
        if folder.exists():
            raise InputError(f"{folder}: is there already, expected no such folder. Choose another name.")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for part in _template():
            target = part.name.removesuffix(SUFFIX)
            target = RENAMED.get(target, target).format(**words)
            (scratch / target).write_text(part.read_text(encoding="utf-8").format(**words), encoding="utf-8")
        scratch.rename(folder)
    except OSError as problem:
        shutil.rmtree(scratch, ignore_errors=True)
        raise StorageError(
            f"{folder}: could not be written ({problem.strerror or problem}). Nothing was left behind."
        ) from problem
    return folder


def _template() -> list[Traversable]:
    folder = files("matinee.platform").joinpath(TEMPLATE)
    return sorted((one for one in folder.iterdir() if one.name.endswith(SUFFIX)), key=lambda one: one.name)


def _plain(title: str) -> str:
    """A title on one line that can stand between quotes in Python."""
    return " ".join(title.replace('"', "'").replace("\\", "/").split())
