"""Notes of initiatives in the reader's language: all that the code writes, and what it never wrote."""

from __future__ import annotations

import re

import pytest

from matinee.console.preview import notes
from matinee.console.preview.words import Words
from matinee.console.texts import Texts
from matinee.initiatives.artwork.explaining import _picture
from matinee.observe.catalogue.artwork_tags import VOCABULARY
from matinee.observe.decisions import Slot
from matinee.platform.dresser import _sentence

TEXTS = Texts()
ENGLISH, GERMAN = (Words(TEXTS, TEXTS.languages[code]) for code in ("en", "de"))
ROWS = (
    "Drama: 10 shown, 0.4211 plays expected",
    "Because you watched Alien: Resurrection: 3 shown, 0.0010 plays expected",
    "Top picks for you: 10 shown, 1.5000 plays expected; editors ordered its kind for this place",
    'Drama: 4 shown, 0.1000 plays expected; next would have been "Comedy and Crime" with 0.0900',
    'Drama: 4 shown, 0.1000 plays expected; next would have been "New on the service" with 0.2000, which is '
    'less once variety of kinds and genres counts; "t1; t2" was drawn with probability 0.0312 among 40 '
    "titles",
    "Chosen by the editors: 2 shown, placed by editors",
    "Popular in AT: 8 shown, from the page that members of this audience share",
    "titles that a discovery row may show",
    "no row of the page could have held it",
)
WISHES = (
    'pin row 2 kind "new": there is no such kind of row',
    'pin row 2 kind "new": a quota allows no such row',
    'pin row 2 kind "new": "trending" is pinned there',
    'pin row 2 kind "editorial": no title that may be shown is pinned to it',
    'pin row 2 kind "new": the kind stands in the first 6 rows already',
    'pin row 2 kind "new": it has no title left that may be shown',
    'pin row 9 kind "new": the page ends at row 6',
    'pin row 2 kind "new": it does not fit the page any more',
    'pin row 1 title "t1": the row is full of pins',
    'pin row 1 col 3 title "t1": it stands in row 2, in the same viewport',
    'pin row 1 col 3 title "t1": the catalogue has no such title',
    'pin row 1 title "t1": above the maturity limit',
    'pin row 1 title "t1": may not be shown',
    'pin row 1 title "t1": another title is pinned there',
    'pin row 1 title "t1": it is pinned to row 2, in the same viewport',
    'quota "new" min_rows 2: 1 placed, no more has enough titles that may be shown',
    'quota "new" max_rows 0: the page would be empty',
    "first 6 rows: 2 kinds of row, expected 4; no other kind has enough titles that may be shown",
)


@pytest.mark.parametrize("note", ROWS)
def test_a_note_of_a_row_is_said_in_each_language(note: str) -> None:
    english, german = ENGLISH.notes.row(note), GERMAN.notes.row(note)
    assert english
    assert german
    assert english != german
    assert not re.search(r"\b(shown|plays|would|row|titles)\b", german)


def test_a_note_keeps_its_figures_and_names() -> None:
    said = GERMAN.notes.row(ROWS[4])
    assert said == (
        "Gezeigt: 4; erwartet werden 0,100 Wiedergaben. „Neu im Angebot“ brächte für sich mehr, 0,200, aber "
        "weniger, sobald die Vielfalt der Arten und Genres zählt. t1; t2 wurde gezogen, mit "
        "Wahrscheinlichkeit 3,1\N{NO-BREAK SPACE}% unter 40 Titeln."
    )


@pytest.mark.parametrize("wish", WISHES)
def test_a_wish_that_was_not_kept_is_said_in_each_language(wish: str) -> None:
    english, german = ENGLISH.notes.wish(wish), GERMAN.notes.wish(wish)
    assert english
    assert german
    assert not re.search(r"\b(pin|row|kind|the|titles?)\b", german)


@pytest.mark.parametrize("tag", VOCABULARY)
def test_what_every_picture_looks_like_is_said(tag: str) -> None:
    for why in (f"you watch much Sci-Fi: {_picture(tag)}", f"you watch on tablet: {_picture(tag)}"):
        said = GERMAN.notes.image(f"chosen because {why}")
        assert said
        assert "picture" not in said


@pytest.mark.parametrize("artwork_id", [None, "a1"])
@pytest.mark.parametrize("chosen", ["a1", "a2"])
@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("trouble", ["", "nothing of artwork is in production"])
def test_why_an_image_stands_there_is_said(artwork_id: str | None, chosen: str, n: int, trouble: str) -> None:
    odds = None if artwork_id is None else 1.0 / n
    slot = Slot("t1", 1.0, artwork_id=artwork_id, artwork_propensity=odds, artwork_n=artwork_id and n)
    assert GERMAN.notes.image(_sentence(slot, chosen, None, trouble))
    assert GERMAN.notes.image("chosen because many members like this picture of it")


def test_what_is_not_known_is_left_to_its_own_words() -> None:
    assert GERMAN.notes.row("made with love") is None
    assert GERMAN.notes.row("") is None
    assert GERMAN.notes.row(f'{ROWS[0]}; next would have been "A" by a miracle') is None
    assert GERMAN.notes.image("a friend likes it") is None
    assert GERMAN.notes.wish("more cats") is None
    assert GERMAN.notes.absent("asleep") is None
    assert GERMAN.notes.nothing("no_eligible_action") == "Kein Titel besteht die Regeln."


def test_every_text_of_the_section_is_one_that_a_note_becomes() -> None:
    tables = (
        notes.ROW_NOTES,
        notes.IMAGES,
        notes.PICTURES,
        notes.WISHES,
        notes.WHYS,
        notes.ABSENT,
        notes.REASONS,
    )
    asked = {key for table in tables for _, key in table}
    there = {key for key in TEXTS.languages["en"].entries if key.startswith("notes.")}
    values = re.compile(r"notes\.(colour|emotion|setting|device)_")
    assert {key for key in there if not values.match(key)} == asked
