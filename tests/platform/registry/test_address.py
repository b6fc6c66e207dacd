from __future__ import annotations

from pathlib import Path

import pytest

from matinee.errors import InputError
from matinee.platform.registry.address import Address


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("meta.db", "meta.db"),
        (Path("home/meta.db"), "home/meta.db"),
        ("sqlite:///meta.db", "meta.db"),
        ("sqlite:////srv/meta.db", "/srv/meta.db"),
    ],
)
def test_files(given: str | Path, path: str) -> None:
    assert Address.read(given) == Address(path=Path(path))


def test_a_postgres_address_is_called_without_its_password_and_options() -> None:
    address = Address.read("postgresql://ana:s3cret@db.example:5433/matinee?sslmode=require&password=other")
    assert address.name == "postgresql://ana@db.example:5433/matinee"
    assert address.url is not None
    assert address.url.drivername == "postgresql+psycopg"
    assert address.without_password("no: s3cret, other") == "no: ***, ***"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_spellings_of_postgres(scheme: str) -> None:
    assert Address.read(f"{scheme}://ana@db/matinee").name == "postgresql://ana@db/matinee"


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://ana:pa@s3cret@db/matinee",
        "postgresql://ana:s3cret@db:port/matinee",
        "postgresql://ana:s3cret@db",
        "postgresql://ana:s3cret@db/",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_text(given: str) -> None:
    with pytest.raises(
        InputError, match="URL could not be read, expected postgresql://USER:PASSWORD@"
    ) as told:
        Address.read(given)
    assert "s3cret" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__context__ is None


def test_other_databases_and_databases_in_memory_are_refused() -> None:
    with pytest.raises(
        InputError, match="scheme is 'mysql', expected a file, sqlite:///FILE or postgresql://"
    ):
        Address.read("mysql://ana:s3cret@db/matinee")
    for given in (":memory:", "", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(InputError, match=r"expected a file. A database in memory ends with its process"):
            Address.read(given)
