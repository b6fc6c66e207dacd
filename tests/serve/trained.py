"""Homes with something in production: trained once in a test session, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from running import SETTINGS, make_home
from tests.platform import toys

from matinee.observe.home import Home
from matinee.platform.lifecycle.project import open_project, open_registry
from matinee.platform.lifecycle.training import train
from matinee.platform.registry.rollouts import RolloutRow

MOODY = Path(__file__).with_name("moody.py")


def trained_home(factory: pytest.TempPathFactory, folder: Path, settings: str = SETTINGS) -> Home:
    """A home of `make_home` with a homepage in production."""
    made = factory.getbasetemp() / "home-with-homepage"
    if not made.exists():
        home = make_home(made)
        release(home, "homepage", trained(home, "homepage"))
    return _copy(made, folder, settings)


def moody_home(factory: pytest.TempPathFactory, folder: Path, settings: str = SETTINGS) -> Home:
    """The same with an initiative "moody": one version in production, see `moody.py` and `moody_version`."""
    made = factory.getbasetemp() / "home-with-moody"
    if not made.exists():
        home = trained_home(factory, made)
        place = home.initiatives / "moody"
        place.mkdir(parents=True)
        shutil.copy(MOODY, place / "__init__.py")
        shutil.copy(str(toys.__file__), place / "toys.py")
        for temper in ("raises", "other", "good"):
            name = moody_version(home, temper)
        release(home, "moody", name)
    return _copy(made, folder, settings)


def moody_version(home: Home, temper: str) -> str:
    """A version of that temper; made at most once in a home, since equal inputs make equal versions."""
    return trained(home, "moody", {"MATINEE_MOODY__TEMPER": temper})


def trained(home: Home, initiative: str, settings: Mapping[str, str] | None = None) -> str:
    """Train under these settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (settings or {}).items():
            patch.setenv(name, value)
        with open_project(home, initiative) as project:
            return train(project).version


def release(home: Home, initiative: str, version: str, *, at_us: int = 1) -> None:
    """Put a version in production without asking the gates."""
    with open_registry(home) as registry:
        last = registry.releases.current(initiative)
        row = registry.releases.release(
            initiative, version, expected_previous=last.id if last else None, released_us=at_us
        )
        registry.rollouts.settle(row)


def rollout(home: Home, version: str, kind: str, share: float) -> RolloutRow:
    """Start a rollout of "moody" without asking the gates."""
    row = RolloutRow(initiative="moody", version=version, kind=kind, share=share, salt="salt", started_us=1)
    with open_registry(home) as registry:
        return registry.rollouts.start(row)


def _copy(made: Path, folder: Path, settings: str) -> Home:
    home = Home(Path(shutil.copytree(made, folder)))
    home.settings.write_text('[clock]\nnow = "last_event"\n' + settings, encoding="utf-8")
    return home
