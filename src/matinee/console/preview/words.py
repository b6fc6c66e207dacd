"""What a preview says in the reader's language: names of rules, scores and figures, where they are known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from matinee.console.preview.differences import Differences
from matinee.console.preview.measures import Measures
from matinee.console.preview.notes import Notes
from matinee.console.preview.question import NEWEST, RELEASED
from matinee.console.preview.seen import Page
from matinee.console.preview.view import DEVICES
from matinee.console.texts import Language, Texts
from matinee.console.watch.sentences import Sentences
from matinee.platform.dresser import FALLBACK
from matinee.types import parse_at

SMALL = 0.0001
"""Shares below are written as "below"."""
ROW = re.compile(r"row (\d+): (.+)")
SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Words:
    """Says things in one language.

    Attributes
    ----------
    sentences : Sentences
        For what initiatives say about rows and tiles.
    notes : Notes
        For what they note about how a page came about.
    """

    texts: Texts
    language: Language
    sentences: Sentences = field(init=False)
    notes: Notes = field(init=False)

    def __post_init__(self) -> None:
        locale = self.language.locale
        made = Sentences(self.say, lambda day: locale.date(parse_at(day), "day"))
        object.__setattr__(self, "sentences", made)
        object.__setattr__(self, "notes", Notes(self.say, self.known, made, locale))

    def say(self, key: str, **values: object) -> str:
        """A text."""
        return self.texts.say(self.language.code, key, values)

    def known(self, group: str, name: str) -> str:
        """What an initiative calls something, in the reader's words if they are known, else as it is.

        Examples
        --------
        >>> words = Words(Texts(), Texts().languages["de"])
        >>> words.known("rule", "already watched"), words.known("rule", "our own rule")
        ('schon gesehen', 'our own rule')
        """
        key = f"preview.{group}_{SLUG.sub('_', name.lower()).strip('_')}"
        if key in self.language.entries:
            return self.say(key)
        return name.replace("_", " ") if group in {"kind", "score"} else name

    def stage_name(self, name: str) -> str:
        """Name of a stage of a page: "row 2: genre"."""
        found = ROW.fullmatch(name)
        if found is None:
            return name
        return self.say("preview.row_named", row=int(found[1]), kind=self.known("kind", found[2]))

    def version_name(self, version: str) -> str:
        """Name of a version."""
        return self.say("preview.fallback") if version in {FALLBACK, "none"} else version

    def device_name(self, device: str) -> str:
        """Name of a device."""
        return self.say(f"preview.device_{device}") if device in DEVICES else device

    def asked(self, name: str, value: str) -> str:
        """What a parameter was given, for people."""
        if name in {"release", "artwork"} and value in {RELEASED, NEWEST, FALLBACK}:
            return self.say(f"preview.{value}")
        if name == "device":
            return self.device_name(value) if value else self.say("preview.unsaid")
        return value or self.say("preview.unsaid")

    def share(self, value: float) -> str:
        """A probability, with the digits that tell something.

        Examples
        --------
        >>> words = Words(Texts(), Texts().languages["en"])
        >>> [words.share(p) for p in (1.0, 0.256, 0.0123, 0.00012, 0.000001, 0.0)]
        ['100%', '25.6%', '1.23%', '0.012%', 'below 0.01%', '0%']
        """
        locale = self.language.locale
        if value <= 0 or value >= 0.9995:
            return locale.percents(value)
        if value < SMALL:
            return self.say("preview.below", share=locale.percents(SMALL, 2))
        return locale.percents(value, 1 if value >= 0.1 else 2 if value >= 0.01 else 3)

    def measured(self, measures: Measures, name: str, form: str) -> str:
        """One figure of a page."""
        value = getattr(measures, name)
        if value is None:
            return "–"
        if form == "of_tiles":
            return self.say("preview.of", n=value, total=measures.n_tiles)
        return self.language.locale.number(value, 0 if form == "count" else 2)

    def summary(self, differences: Differences | None) -> str:
        """How much two pages differ, in a sentence."""
        if differences is None:
            return ""
        if differences.same:
            return self.say("preview.same_page")
        return self.say("preview.differ", n=differences.n_differ, total=differences.n_places)


def name_of(page: Page, title_id: str) -> str:
    """Name of a title that a page or its member's history has; else its id."""
    named = {play.title.title_id: play.title.name for play in page.plays}
    named |= {tile.title_id: tile.title.name for tile in page.tiles}
    return named.get(title_id) or page.names.get(title_id, title_id)


def least_play(page: Page) -> float:
    """The smallest chance of a play among the tiles that say it; 0 where none does."""
    return min((tile.scores["play"] for tile in page.tiles if "play" in tile.scores), default=0.0)
