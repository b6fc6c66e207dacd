"""What initiatives note about how a page came about, in the reader's language.

They write it in English, for the log and for people (`initiatives/homepage`, `platform/dresser.py`). A note
that is known becomes a text of the section [notes]; any other stays as it is, and says that it is English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matinee.console.locales import Locale
from matinee.console.watch.sentences import ROWS, Sentences, Table, said, table

Known = Callable[[str, str], str]
"""`known(group, name)`: what an initiative calls something, in the reader's words."""
NUMBER = r"\d+(?:\.\d+)?"
ROW_NOTES = (
    (r"(?P<row>.+): (?P<n>\d+) shown, (?P<plays>NUMBER) plays expected", "notes.shown"),
    (r"(?P<row>.+): (?P<n>\d+) shown, placed by editors", "notes.placed"),
    (r"(?P<row>.+): (?P<n>\d+) shown, from the page that members of this audience share", "notes.shared"),
    (r"editors ordered its kind for this place", "notes.ordered"),
    (
        r'next would have been "(?P<row>.+)" with (?P<plays>NUMBER), which is less once variety of kinds and '
        r"genres counts",
        "notes.next_less",
    ),
    (r'next would have been "(?P<row>.+)" with (?P<plays>NUMBER)', "notes.next"),
    (r'"(?P<id>.+)" was drawn with probability (?P<share>NUMBER) among (?P<n>\d+) titles', "notes.drawn"),
    (r"titles that a discovery row may show", "notes.discovery"),
    (r"no row of the page could have held it", "notes.no_row"),
)
"""Parts of the note of a row; they are joined by "; "."""
IMAGES = (
    (r"no image of the title may be shown", "notes.no_image"),
    (r"the default image, because (?P<id>.+)", "notes.default_because"),
    (r"the default image", "notes.default"),
    (r"the only image that may be shown", "notes.only_image"),
    (r"drawn from (?P<n>\d+) images", "notes.drawn_image"),
    (r"chosen because many members like this picture of it", "notes.many_like"),
    (r"chosen because you watch much (?P<genre>.+): (?P<picture>.+)", "notes.watch_much"),
    (r"chosen because you watch on (?P<device>tv|mobile|tablet|web): (?P<picture>.+)", "notes.watch_on"),
)
"""Why an image was chosen."""
PICTURES = (
    (r"a (?P<colour>warm|cold|dark|bright|muted|vivid) picture", "notes.picture_colour"),
    (r"a picture that looks like (?P<genre>.+)", "notes.picture_genre"),
    (r"a picture without emotion", "notes.picture_calm"),
    (r"a picture that shows (?P<emotion>joy|fear|anger|calm|sad)", "notes.picture_emotion"),
    (r"a picture without people", "notes.picture_nobody"),
    (r"a picture of one person", "notes.picture_one"),
    (r"a picture of two people", "notes.picture_two"),
    (r"a picture of a group", "notes.picture_group"),
    (
        r"a picture of the setting "
        r"(?P<setting>indoor|city|home|nature|road|space|stage|village|water|abstract)",
        "notes.picture_setting",
    ),
    (r"a picture with text", "notes.picture_text"),
    (r"a picture without text", "notes.picture_no_text"),
)
"""What a picture looks like."""
WISHES = (
    (r'pin row (?P<n>\d+) kind "(?P<kind>[^"]+)": (?P<why>.+)', "notes.pin_kind"),
    (r'pin row (?P<n>\d+) col (?P<col>\d+) title "(?P<id>.+)": (?P<why>.+)', "notes.pin_place"),
    (r'pin row (?P<n>\d+) title "(?P<id>.+)": (?P<why>.+)', "notes.pin_title"),
    (
        r'quota "(?P<kind>[^"]+)" min_rows (?P<least>\d+): (?P<n>\d+) placed, no more has enough titles '
        r"that may be shown",
        "notes.quota_least",
    ),
    (r'quota "(?P<kind>[^"]+)" max_rows (?P<most>\d+): the page would be empty', "notes.quota_most"),
    (
        r"first (?P<rows>\d+) rows: (?P<n>\d+) kinds of row, expected (?P<least>\d+); no other kind has "
        r"enough titles that may be shown",
        "notes.head_kinds",
    ),
)
"""Orders of editors and wishes for variety that were not kept."""
WHYS = (
    (r"there is no such kind of row", "notes.why_no_kind"),
    (r"a quota allows no such row", "notes.why_quota"),
    (r'"(?P<kind>[^"]+)" is pinned there', "notes.why_taken"),
    (r"the row is full of pins", "notes.why_full"),
    (r"no title that may be shown is pinned to it", "notes.why_empty"),
    (r"it stands in row (?P<n>\d+), in the same viewport", "notes.why_stands"),
    (r"the kind stands in the first (?P<n>\d+) rows already", "notes.why_first"),
    (r"it has no title left that may be shown", "notes.why_nothing_left"),
    (r"the page ends at row (?P<n>\d+)", "notes.why_ends"),
    (r"it does not fit the page any more", "notes.why_unfit"),
    (r"the catalogue has no such title", "notes.why_no_title"),
    (r"may not be shown", "notes.why_barred"),
    (r"another title is pinned there", "notes.why_other"),
    (r"it is pinned to row (?P<n>\d+), in the same viewport", "notes.why_near"),
)
"""Why an order was not kept; else it is the name of a rule."""
ABSENT = (
    (
        r"(?P<n>\d+) shelves, the largest with (?P<most>\d+) titles: other rows added more, or a rule about "
        r"kinds closed it",
        "notes.absent_others",
    ),
)
"""Why a kind of row is not there, besides the names of `preview.absent_...`."""
REASONS = ((r"no_eligible_action", "notes.nothing_eligible"),)
"""Why there is no page."""
GENRES = {"science-fiction": "sci-fi", "noir": "film-noir"}
"""Tag of an image -> the genre as catalogues write it."""


def _table(patterns: tuple[tuple[str, str], ...]) -> Table:
    return table([(text.replace("NUMBER", NUMBER), key) for text, key in patterns])


_ROWS, _IMAGES, _PICTURES, _WISHES, _WHYS, _ABSENT, _REASONS = map(
    _table, (ROW_NOTES, IMAGES, PICTURES, WISHES, WHYS, ABSENT, REASONS)
)


@dataclass(frozen=True, slots=True)
class Notes:
    """Says notes in one language; None where one is not known.

    Parameters
    ----------
    say : callable
        Texts in the reader's language.
    known : callable
        Names of kinds and rules.
    sentences : Sentences
        What stands above rows.
    locale : Locale
        How numbers are written.
    """

    say: Callable[..., str]
    known: Known
    sentences: Sentences
    locale: Locale

    def row(self, note: str) -> str | None:
        """How a row came about, or what was looked at; every part of it is known, or none is said."""
        parts = [self._said(_ROWS, part) for part in split(note)]
        return None if None in parts or not parts else " ".join(part for part in parts if part)

    def image(self, why: str) -> str | None:
        """Why a tile has its image."""
        return self._said(_IMAGES, why)

    def wish(self, text: str) -> str | None:
        """What editors wanted, and why it could not be."""
        return self._said(_WISHES, text)

    def absent(self, reason: str) -> str | None:
        """Why a kind of row is not there."""
        return self._said(_ABSENT, reason)

    def nothing(self, reason: str) -> str | None:
        """Why there is no page."""
        return self._said(_REASONS, reason)

    def _said(self, known: Table, text: str) -> str | None:
        return said(self.say, known, text, self._value)

    def _value(self, name: str, text: str) -> object:
        ways: Mapping[str, Callable[[str], object]] = {
            "row": self._row_name,
            "kind": lambda kind: self.known("kind", kind),
            "genre": lambda genre: self.sentences.genre(GENRES.get(genre, genre)),
            "why": lambda why: self._said(_WHYS, why) or self.known("rule", why),
            "picture": lambda look: self._said(_PICTURES, look) or look,
            "colour": lambda colour: self.say(f"notes.colour_{colour}"),
            "emotion": lambda emotion: self.say(f"notes.emotion_{emotion}"),
            "setting": lambda setting: self.say(f"notes.setting_{setting}"),
            "device": lambda device: self.say(f"notes.device_{device}"),
            "plays": lambda plays: self.locale.number(float(plays), 3),
            "share": lambda share: self.locale.percents(float(share), 1),
            "n": int,
        }
        return ways[name](text) if name in ways else text

    def _row_name(self, sentence: str) -> str:
        """A row by what stands above it, whatever its kind: one that takes any name is asked last."""
        for kind in sorted(ROWS, key=lambda kind: kind in ("genre", "sub_genre")):
            found = self.sentences.row(kind, sentence)
            if found != sentence:
                return found
        return sentence


def split(note: str) -> list[str]:
    """The parts of a note.

    Examples
    --------
    >>> split('Drama: 3 shown, 0.1 plays expected; next would have been "A; B" with 0.2')
    ['Drama: 3 shown, 0.1 plays expected', 'next would have been "A; B" with 0.2']
    """
    return re.split(r'; (?=editors ordered|next would have been "|".+" was drawn with probability)', note)
