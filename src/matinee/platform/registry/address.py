"""Where the registry is: a file or a PostgreSQL URL. A password is never shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from matinee.errors import InputError

POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


@dataclass(frozen=True, slots=True)
class Address:
    """One database.

    Attributes
    ----------
    path : Path or None
        The SQLite file; None for PostgreSQL.
    url : URL or None
        The PostgreSQL server, with the psycopg driver; None for SQLite.

    Examples
    --------
    >>> Address.read("meta.db").name
    'meta.db'
    >>> Address.read("postgresql://ana:secret@db.example/matinee").name
    'postgresql://ana@db.example/matinee'
    """

    path: Path | None = None
    url: URL | None = None

    @staticmethod
    def read(given: str | Path) -> Address:
        """Read a path, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.

        Raises
        ------
        InputError
            Neither, or a URL that cannot be taken apart.
        """
        if isinstance(given, Path) or "://" not in given:
            return Address(path=_checked_path(str(given)))
        scheme, _, rest = given.partition("://")
        if scheme == "sqlite":
            return Address(path=_checked_path(rest.removeprefix("/")))
        if scheme not in POSTGRES_SCHEMES:
            raise InputError(
                f"registry: scheme is {scheme!r}, expected a file, sqlite:///FILE or "
                "postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
            )
        return Address(url=_checked_url(rest))

    @property
    def name(self) -> str:
        """How messages call it: the file, or the URL without password and options."""
        if self.url is None:
            return str(self.path)
        bare = URL.create(
            "postgresql",
            self.url.username,
            host=self.url.host,
            port=self.url.port,
            database=self.url.database,
        )
        return bare.render_as_string()

    def without_password(self, text: str) -> str:
        """Text of a driver's error, should it ever repeat the password."""
        secrets = (self.url.password, self.url.query.get("password")) if self.url is not None else ()
        for secret in filter(None, secrets):
            text = text.replace(str(secret), "***")
        return text


def _checked_path(text: str) -> Path:
    if text in ("", ":memory:"):
        raise InputError(
            f'registry: path is "{text}", expected a file. A database in memory ends with its process; give '
            "a path."
        )
    return Path(text)


def _checked_url(rest: str) -> URL:
    """URL after its scheme. Its text is not repeated in messages: it may hold a password."""
    try:
        url = make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        url = None
    if url is None or "@" in (url.host or "") or not url.database:
        raise InputError(
            "registry: the PostgreSQL URL could not be read, expected "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE. Write special characters of the password "
            "percent-encoded, such as %40 for @."
        )
    return url
