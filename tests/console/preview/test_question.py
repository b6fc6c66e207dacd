"""What a preview is asked: read from an address, told what is wrong field by field, and written again."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.console.preview.changes import KINDS, MOST, Change
from matinee.console.preview.imagined import Facts
from matinee.console.preview.links import Links
from matinee.console.preview.question import Question, read, write
from matinee.types import parse_at

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12)
QUESTIONS = st.builds(
    Question,
    TEXT,
    st.none() | st.integers(0, 4_000_000_000_000_000),
    st.sampled_from(["released", "newest", "fallback", "19980422T231038Z-861785dfdd"]),
    st.none() | st.sampled_from(["phone", "tv", "our own"]),
    st.builds(
        Facts,
        st.none() | st.sampled_from(["AT", "DE"]),
        st.none() | st.integers(0, 18),
        st.none() | st.booleans(),
    ),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 99),
    st.lists(st.builds(Change, st.sampled_from(KINDS), TEXT), max_size=3).map(tuple),
)


@settings(max_examples=40, deadline=None)
@given(QUESTIONS, st.none() | QUESTIONS)
def test_a_link_brings_back_what_was_asked(first: Question, second: Question | None) -> None:
    asked = read(parse_qs(write(first, second), keep_blank_values=True))
    assert asked.wrong == {}
    assert (asked.first, asked.second) == (first, second)


def test_what_is_as_usual_is_left_out_and_empty_fields_say_nothing() -> None:
    assert write(Question("m1")) == "member=m1"
    empty = {name: [""] for name in ("at", "device", "territory", "maturity", "kids", "rows", "b.release")}
    asked = read({"member": [" m1 "], **empty})
    assert (asked.first, asked.second) == (Question("m1"), None)


def test_the_second_page_has_its_own_changes_and_else_what_the_first_has() -> None:
    asked = read(
        {"member": ["m1"], "rows": ["3"], "change": ["play:t1"], "b.territory": ["DE"], "b.kids": ["yes"]}
    )
    assert asked.second == Question("m1", facts=Facts("DE", None, True), rows=3)
    beside = read({"member": ["m1"], "at": ["2024-11-09"], "b.at": ["now"]})
    assert beside.first is not None
    assert beside.second == Question("m1")
    assert beside.first.at_us == parse_at("2024-11-09")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("rows", "0", 'rows is "0", expected a whole number from 1 to 40.'),
        ("cols", "41", "expected a whole number from 1 to 40."),
        ("rows", "9" * 5000, "expected a whole number from 1 to 40."),
        ("maturity", "-3", 'maturity is "-3", expected a whole number from 0 to 18.'),
        ("kids", "perhaps", 'kids is "perhaps", expected yes, no or stored.'),
        ("at", "yesterday", 'time is "yesterday", expected ISO-8601'),
        ("at", "1e30", "expected ISO-8601"),
        ("at", "nan", "expected"),
        ("device", "x" * 201, "device has 201 characters, expected 200 at most."),
        ("change", "watch:t1", 'change is "watch:t1", expected one of play, begin, unplay'),
        ("change", "play:", 'change is "play:"'),
        ("seed", "x", "expected a whole number"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(name: str, value: str, words: str) -> None:
    asked = read({"member": ["m1"], name: [value]})
    assert words in asked.wrong[name]
    assert asked.first is None
    other = read({"member": ["m1"], f"b.{name}": [value]})
    assert words in other.wrong[f"b.{name}"]
    assert (other.first, other.second) == (Question("m1"), None)


def test_too_many_changes_are_told() -> None:
    asked = read({"member": ["m1"], "change": [f"play:t{i}" for i in range(MOST + 1)]})
    assert asked.wrong == {"change": "change is given 21 times, expected 20 at most."}


def test_an_id_may_hold_a_colon() -> None:
    asked = read({"member": ["m1"], "change": ["play:tt:17"]})
    assert asked.first is not None
    assert asked.first.changes == (Change("play", "tt:17"),)


def test_links_change_one_thing() -> None:
    links = Links(Question("m1"))
    once = read(parse_qs(links.what_if("play", "t1").partition("?")[2]))
    assert once.second == Question("m1", changes=(Change("play", "t1"),))
    assert once.first == Question("m1")
    more = Links(once.first, once.second)
    assert "b.change=play%3At1&b.change=down%3At2" in more.what_if("down", "t2")
    assert "change" not in more.what_if("unplay", "t1"), "taken back"
    assert more.without(Change("play", "t1"), second=True) == "/console/preview?member=m1"
    assert more.swapped == "/console/preview?member=m1&change=play%3At1&beside=1"
    assert "at=2024-11-09T12%3A00%3A00Z" in more.pinned(parse_at("2024-11-09T12:00:00Z"))
    assert links.fallback == "/console/preview?member=m1&b.release=fallback"
