"""One initiative in one home at one moment: what every step of its life starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from matinee import settings
from matinee.errors import ConfigError, NotFoundError, StorageError
from matinee.observe.clock import Clock, wall_us
from matinee.observe.home import Home
from matinee.observe.home_clock import home_clock
from matinee.observe.lake.reader import last_event_us
from matinee.platform.answering import Answering
from matinee.platform.config import PlatformConfig
from matinee.platform.deciding import Surroundings
from matinee.platform.forecasting import Forecasting
from matinee.platform.initiative import Data, Initiative
from matinee.platform.lifecycle.model_folder import CARD, ModelCard, check_files, read_card
from matinee.platform.lifecycle.registering import register
from matinee.platform.lifecycle.simulated import simulated_home
from matinee.platform.loading import load
from matinee.platform.registry.registry import Registry

Which = Literal["released", "newest"]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Project:
    """An initiative, its settings and its home, with the registry open.

    Attributes
    ----------
    home : Home
        Where models, results and the registry are.
    initiative : Initiative
    config : object
        The initiative's settings, of the class it declares.
    platform : PlatformConfig
    registry : Registry
    data : {"home", "simulated"}
    lake : Home
        Where the log is: `home`, or the simulated service's home inside it.
    at_us : int
        Moment up to which the log is read.
    at_is_asked : bool
        It was asked for, and is not what the clock says: a run that is taken up must have begun with it.
    """

    home: Home
    initiative: Initiative
    config: Any
    platform: PlatformConfig
    registry: Registry
    data: Data
    lake: Home
    at_us: int
    at_is_asked: bool = False

    @property
    def surroundings(self) -> Surroundings:
        """What the initiative may use to answer."""
        return Surroundings(self.lake.limited_to(self.initiative.tables), self.at_us, self.config)

    def open_model(self, folder: Path, version: str) -> Answering | Forecasting:
        """A model ready to answer, with the fallback beside it.

        A model that does not open is no error: the fallback answers, and `trouble` says why.
        """
        try:
            check_files(folder, read_card(folder).files)
            opened = self.initiative.open(folder, self.surroundings)
        except Exception as problem:  # whatever a model does, the member gets an answer
            return self._ready(version, None, f"{type(problem).__name__}: {problem}"[:300])
        return self._ready(version, opened, None)

    def answering(self, which: Which = "released") -> Answering | Forecasting:
        """The model in production (or the newest one) ready to answer; the fallback where there is none."""
        try:
            folder, _ = self.model(which)
        except NotFoundError as problem:
            return self._ready("none", None, str(problem))
        return self.open_model(folder, folder.name)

    def _ready(self, version: str, opened: Any, trouble: str | None) -> Answering | Forecasting:
        name, fallback = self.initiative.name, cast(Any, self.initiative.fallback.open(self.surroundings))
        made = Answering if self.initiative.kind == "decides" else Forecasting
        return made(name, version, opened, fallback, trouble)

    def model(self, which: Which = "released", version: str | None = None) -> tuple[Path, ModelCard]:
        """Folder and card of a model.

        Parameters
        ----------
        which : {"released", "newest"}
            The one in production, or the one that was trained last.
        version : str, optional
            That one instead.

        Raises
        ------
        NotFoundError
            There is none, or its folder is gone.
        """
        name = self.initiative.name
        if version is None:
            version = self._version(which)
        row = self.registry.models.read(name, version)
        folder = self.home.releases / name / row.version
        return folder, read_card(folder)

    def named(self, version: str) -> Path:
        """Folder of a version by its name, or of the one that is "released" or "newest".

        Raises
        ------
        NotFoundError
            There is none, or its folder is gone.
        """
        if version in {"released", "newest"}:
            return self.model(cast(Which, version))[0]
        return self.model(version=version)[0]

    def _version(self, which: Which) -> str:
        name = self.initiative.name
        versions = self.registry.models.versions(name)
        if not versions:
            raise NotFoundError(
                f"{self.home.root}: no trained {name} here, expected a model. "
                f"Run: matinee train {name} --home {self.home.root}"
            )
        if which == "newest":
            return versions[0].version
        current = self.registry.releases.current(name)
        if current is None:
            raise NotFoundError(
                f"{self.home.root}: no {name} in production, expected a release. "
                f"Run: matinee release {name} --home {self.home.root}"
            )
        return current.version


@contextmanager
def open_project(
    home: Home, name: str, *, at: str | None = None, data: Data | None = None
) -> Iterator[Project]:
    """Open the registry and bring the initiative's declaration in it up to date.

    Parameters
    ----------
    at : str, optional
        Moment up to which the log is read. Default: what the home's clock says; in the simulated service,
        its last event.
    data : {"home", "simulated"}, optional
        Default: what the initiative declares.

    Raises
    ------
    NotFoundError
        No such initiative.
    ConfigError
        It, or a setting, is wrong.
    StorageError
        The registry cannot be opened.
    """
    with open_project_of(home, load(name, home), at=at, data=data) as project:
        yield project


@contextmanager
def open_project_of(
    home: Home, initiative: Initiative, *, at: str | None = None, data: Data | None = None
) -> Iterator[Project]:
    """The same for an initiative that is at hand. Parameters and errors as in `open_project`."""
    name = initiative.name
    config = settings.load(home.settings, name, initiative.config, values=initiative.values)
    platform = settings.load(home.settings, "platform", PlatformConfig)
    chosen: Data = data or initiative.data
    if chosen not in ("home", "simulated"):
        raise ConfigError(f'{name}: data is "{chosen}", expected home or simulated.')
    if chosen == "home":
        lake, clock = home, home_clock(home, at)
    else:
        lake = simulated_home(home)
        clock = Clock.choose("last_event", at=at, last_at_us=last_event_us(lake))
    with open_registry(home, platform) as registry:
        register(registry, initiative, now_us=wall_us())
        yield Project(
            home, initiative, config, platform, registry, chosen, lake, clock.now_us, at is not None
        )


def open_registry(home: Home, platform: PlatformConfig | None = None) -> Registry:
    """The registry of a home: meta.db, or the database that [platform] registry names.

    Raises
    ------
    StorageError
        It cannot be opened, or meta.db is gone from a home that has models: a new, empty one would say that
        nothing was ever in production.
    """
    platform = platform or settings.load(home.settings, "platform", PlatformConfig)
    if not platform.registry and not home.meta_db.exists() and any(home.releases.glob(f"*/*/{CARD}")):
        raise StorageError(
            f"{home.meta_db}: is gone, expected the registry of the models in {home.releases}. Restore it "
            f"from a backup. To begin without its history, move {home.releases} away and train again. "
            "Nothing was written."
        )
    return Registry.open(platform.registry or home.meta_db)
