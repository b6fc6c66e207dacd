"""Finds initiatives: installed ones by their entry point, a home's own ones in its folder `initiatives/`.

[project.entry-points."matinee.initiatives"]     in the pyproject.toml of any package, ours included
winback = "my_package.winback:WINBACK"

HOME/initiatives/winback/__init__.py             which holds WINBACK = Initiative(...)
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from matinee.errors import ConfigError, MatineeError, NotFoundError, unknown_name
from matinee.observe.home import Home
from matinee.platform.initiative import Initiative
from matinee.platform.pipeline.annotations import HOME_MODULE
from matinee.types import derive_seed

GROUP = "matinee.initiatives"


@dataclass(frozen=True, slots=True)
class Found:
    """Where an initiative comes from; it is imported when it is needed.

    Attributes
    ----------
    name : str
    place : str
        "module:attribute" of an entry point, or the folder in the home.
    also : str
        Another place that has an initiative of this name; empty when there is none.
    """

    name: str
    place: str
    entry: EntryPoint | None = None
    folder: Path | None = None
    also: str = ""

    def load(self) -> Initiative:
        """Import it.

        Raises
        ------
        ConfigError
            It does not import, is no `Initiative`, has another name than its place says, or stands in two
            places.
        """
        if self.also:
            raise ConfigError(
                f"initiative {self.name}: stands in {self.place} and in {self.also}, expected one place. "
                "Rename or remove one."
            )
        try:
            given = self.entry.load() if self.entry else _own(self.folder or Path(), self.name)
        except MatineeError:
            raise
        except Exception as problem:
            raise ConfigError(
                f"initiative {self.name} ({self.place}): does not import, "
                f"{type(problem).__name__}: {problem}. Mend it, or remove it."
            ) from problem
        if not isinstance(given, Initiative):
            raise ConfigError(
                f"initiative {self.name} ({self.place}): is {type(given).__name__}, expected an Initiative."
            )
        if given.name != self.name:
            raise ConfigError(
                f'initiative {self.name} ({self.place}): its name is "{given.name}", expected "{self.name}".'
            )
        return given


def find(home: Home | None = None) -> dict[str, Found]:
    """Every initiative by name; nothing is imported. One in two places is refused by its `load`."""
    out: dict[str, Found] = {}
    for one in _installed():
        _add(out, Found(one.name, one.value, entry=one))
    if home is not None and home.initiatives.is_dir():
        for folder in sorted(home.initiatives.iterdir()):
            half_written = folder.name.startswith(".")
            if (folder / "__init__.py").is_file() and not half_written:
                _add(out, Found(folder.name, str(folder), folder=folder))
    return out


def load(name: str, home: Home | None = None) -> Initiative:
    """The initiative of a name.

    Raises
    ------
    NotFoundError
        There is none; the message names the nearest.
    ConfigError
        It does not import, or is not what its place says.
    """
    known = find(home)
    if name not in known:
        raise NotFoundError(unknown_name("matinee", "initiative", name, known))
    return known[name].load()


@cache
def _installed() -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=GROUP), key=lambda one: one.name))


def _add(out: dict[str, Found], one: Found) -> None:
    before = out.get(one.name)
    out[one.name] = one if before is None else replace(before, also=one.place)


def _own(folder: Path, name: str) -> object:
    """Import a package from a folder under a name that depends on its place, so that two homes can differ."""
    module = _import(folder, f"{HOME_MODULE}{derive_seed(0, str(folder.resolve())):x}_{name}")
    found = [value for value in vars(module).values() if isinstance(value, Initiative)]
    if len(found) != 1:
        raise ConfigError(
            f"{folder / '__init__.py'}: holds {len(found)} initiatives, expected one, as in "
            f"{name.upper()} = Initiative(...)."
        )
    return found[0]


def _import(folder: Path, module_name: str) -> ModuleType:
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(
        module_name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ConfigError(f"{folder}: cannot be imported, expected a Python package.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module
