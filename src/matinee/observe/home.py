"""The folder of one streaming service: where its settings, log, lake, databases and releases are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from matinee.errors import ConfigError, NotFoundError, StorageError
from matinee.observe.home_format import FORMAT_FILE, check_format, write_format

SETTINGS_FILE = "matinee.toml"


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of a service home. It knows names only; what is in the files belongs to their owners.

    Attributes
    ----------
    root : Path
        The folder that holds `matinee.toml`.
    readable : frozenset of str or None
        Tables of the lake that may be read through this object; None: all.
    learning : bool
        What is read is learned from: examples that lie inside a declared outage are left out
        (`observe.outages`). False when answering: a member's history is what it is.

    Examples
    --------
    >>> Home(Path("shop")).lake.as_posix()
    'shop/lake'
    """

    root: Path
    readable: frozenset[str] | None = None
    learning: bool = False

    @property
    def settings(self) -> Path:
        """Settings file; its presence is what makes a folder a home."""
        return self.root / SETTINGS_FILE

    @property
    def log(self) -> Path:
        """Open NDJSON segments, one per process."""
        return self.root / "log"

    @property
    def lake(self) -> Path:
        """Parquet tables and their manifest."""
        return self.root / "lake"

    @property
    def state_db(self) -> Path:
        """SQLite: what a request needs to know about a member."""
        return self.root / "state.db"

    @property
    def meta_db(self) -> Path:
        """SQLite: initiatives, runs, releases."""
        return self.root / "meta.db"

    @property
    def releases(self) -> Path:
        """Saved models."""
        return self.root / "releases"

    @property
    def initiatives(self) -> Path:
        """Initiatives written by the team that owns this home."""
        return self.root / "initiatives"

    @property
    def work(self) -> Path:
        """Results of pipeline steps and records of runs; can be deleted, and is then computed again."""
        return self.root / "work"

    def limited_to(self, tables: Iterable[str]) -> Home:
        """The same home, of which only these tables can be read (and never more than before)."""
        wanted = frozenset(tables)
        return replace(self, readable=wanted if self.readable is None else wanted & self.readable)

    def for_learning(self) -> Home:
        """The same home, as training and evaluation read it: without what happened in an outage."""
        return replace(self, learning=True)

    def check_readable(self, tables: Iterable[str]) -> None:
        """Refuse a table that this object is not allowed to read.

        Raises
        ------
        ConfigError
            A table is not in `readable`.
        """
        if self.readable is None:
            return
        for table in tables:
            if table not in self.readable:
                declared = ", ".join(f'"{name}"' for name in sorted({*self.readable, table}))
                raise ConfigError(
                    f'lake: table "{table}" is read and not declared, expected one of: '
                    f"{', '.join(sorted(self.readable)) or 'none'}. "
                    f"Declare it: step(..., reads=({declared}))."
                )

    @staticmethod
    def create(folder: Path) -> Home:
        """Make the folders of a home; what is already there stays. The settings file is the caller's.

        Raises
        ------
        StorageError
            The folder cannot be made.
        """
        home = Home(folder)
        new = not home.settings.exists() and not (home.lake / "manifest.json").exists()
        try:
            for path in (home.root, home.log, home.lake, home.releases):
                path.mkdir(parents=True, exist_ok=True)
            if new and not (home.root / FORMAT_FILE).exists():
                write_format(home.root)
        except OSError as error:
            raise StorageError(
                f"{folder}: the home could not be made ({error.strerror or error}). "
                "Choose a folder that you may write to."
            ) from error
        return home

    @staticmethod
    def find(given: Path | str | None = None, environment: str | None = None) -> Home:
        """Home named by `--home`, else by MATINEE_HOME, else the current folder.

        Parameters
        ----------
        given : Path, str or None
            Value of `--home`.
        environment : str or None
            Value of MATINEE_HOME; the caller reads it, so that a library never does.

        Raises
        ------
        NotFoundError
            The folder has no `matinee.toml`.
        StorageError
            The home is of a newer Matinee.
        """
        if given is not None:
            source, root = f"--home {given}", Path(given)
        elif environment:
            source, root = f"MATINEE_HOME={environment}", Path(environment)
        else:
            source, root = "current folder", Path()
        home = Home(root)
        if not home.settings.is_file():
            raise NotFoundError(
                f"{source}: no {SETTINGS_FILE} in {root.resolve()}, expected a service home. "
                f"Make one: matinee init {root if given or environment else 'DIR'}, or pass --home DIR."
            )
        check_format(root)
        return home
