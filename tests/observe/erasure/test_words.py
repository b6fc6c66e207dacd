from __future__ import annotations

import numpy as np
import pytest

from matinee.observe.erasure.words import Person
from matinee.observe.lake.connection import connect

TEXTS = [
    "ada-1815",
    "ada-1815,ada-1815",
    "by ada-1815.",
    '{"who": "ada-1815"}',
    "ada-18151",
    "xada-1815",
    "bob",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_sql_and_python_agree(text: str) -> None:
    person = Person("ada-1815")
    with connect() as con:
        has, covered = con.execute(
            f"SELECT {person.sql_has('t')}, {person.sql_covered('t')} FROM (SELECT ? AS t)", [text]
        ).fetchall()[0]
    assert has == person.in_text(text)
    assert covered == person.covered(text)
    assert ("ada-1815" in covered) == (text in ("ada-18151", "xada-1815"))


def test_marks_of_expressions_are_letters_in_an_id() -> None:
    person = Person("a.b+c(1)|$")
    with connect() as con:
        (has,) = con.execute(
            f"SELECT {person.sql_has('t')} FROM (SELECT ? AS t)", ["x a.b+c(1)|$ y"]
        ).fetchall()[0]
    assert has
    assert person.covered("x a.b+c(1)|$ y") == "x [erased] y"
    assert not person.in_text("aXb+c(1)|$")


def test_short_ids_are_never_looked_for_in_text() -> None:
    person = Person("42", ("acct-77",))
    assert person.words == ("acct-77",)
    assert person.covered("42 acct-77") == "42 [erased]"
    assert Person("42").sql_has("t") == "false"


def test_arrays_of_text_are_seen_in_bytes() -> None:
    assert Person("ada-1815").in_bytes(np.array(["bob", "ada-1815"]).tobytes())
    assert not Person("ada-1815").in_bytes(b"bob")
