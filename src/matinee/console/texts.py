"""Every word that a person reads in a page, in their language, with its numbers, dates and plurals.

One file for each language in `texts/`, with the same keys: `[section]`, then `name = "text with {places}"`.
A text whose words depend on a number has forms, chosen by the value of `n`:

    [watch.results]
    one = "{n} title"
    other = "{n} titles"

Values are put in as text and escaped where the page is made, never here.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matinee.console.locales import Locale
from matinee.errors import ConfigError

LOG = logging.getLogger("matinee.console")
FOLDER = Path(__file__).parent / "texts"
FALLBACK = "en"
FORMS = frozenset({"one", "other"})
PLACE = re.compile(r"\{([a-z_]+)\}")
Entry = str | dict[str, str]


@dataclass(frozen=True, slots=True)
class Language:
    """The texts of one language.

    Attributes
    ----------
    code : str
        As in `lang`: "en", "de".
    name : str
        As its speakers call it.
    entries : mapping of str to text, or to forms of a text
        By "section.name".
    locale : Locale
    """

    code: str
    name: str
    entries: Mapping[str, Entry]
    locale: Locale


class Texts:
    """All languages.

    Parameters
    ----------
    folder : Path
        With a file `CODE.toml` for each language, English among them.

    Examples
    --------
    >>> texts = Texts()
    >>> texts.say("de", "common.leave"), texts.choose("", "", "de-AT,de;q=0.9,en;q=0.8")
    ('Abmelden', 'de')
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.languages = {path.stem: read(path) for path in sorted(folder.glob("*.toml"))}
        if FALLBACK not in self.languages:
            raise ConfigError(f"{folder}: has no {FALLBACK}.toml, expected the texts in English.")
        self._told: set[tuple[str, str]] = set()

    def say(self, language: str, key: str, values: Mapping[str, object] | None = None) -> str:
        """A text with its values.

        Numbers are written as the language writes them. What is missing never breaks a page: a key that the
        language lacks is said in English, one that nobody has stands there itself, and the log tells it once.
        """
        spoken = self.languages[language]
        entry = spoken.entries.get(key)
        if entry is None:
            self._tell(language, key)
            spoken = self.languages[FALLBACK]
            entry = spoken.entries.get(key, key)
        return filled(entry, spoken.locale, values or {})

    def choose(self, asked: str, kept: str, accepted: str) -> str:
        """The language for a visitor: the one asked for, else the one kept, else what the browser prefers."""
        for wanted in (asked, kept, *_preferred(accepted)):
            code = wanted.partition("-")[0].lower()
            if code in self.languages:
                return code
        return FALLBACK

    def _tell(self, language: str, key: str) -> None:
        if (language, key) not in self._told:
            self._told.add((language, key))
            LOG.warning("texts/%s.toml has no %s.", language, key)


def filled(entry: Entry, locale: Locale, values: Mapping[str, object]) -> str:
    """A text, or the form of it that fits `n`, with its places filled; a place without a value stays.

    Examples
    --------
    >>> filled({"one": "{n} title", "other": "{n} titles"}, Locale(), {"n": 1200})
    '1,200 titles'
    """
    if isinstance(entry, dict):
        entry = entry[locale.form(values.get("n", 0))]
    return PLACE.sub(lambda found: _written(values, found, locale), entry)


def read(path: Path) -> Language:
    """The texts of a file.

    Raises
    ------
    ConfigError
        Not TOML, or a value that is neither a text nor the forms of one.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        about: dict[str, Any] = tables.pop("language")
        name = str(about.pop("name"))
        locale = Locale(**about)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as problem:
        raise ConfigError(
            f"{path}: no texts ({problem}), expected TOML with name and the locale in [language]."
        ) from None
    return Language(path.stem, name, dict(_entries(path, tables)), locale)


def places(entry: Entry) -> set[str]:
    """The places of a text, over all its forms."""
    forms: Sequence[str] = [entry] if isinstance(entry, str) else list(entry.values())
    return {name for form in forms for name in PLACE.findall(form)}


def _entries(path: Path, tables: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    for section, table in tables.items():
        for name, value in table.items() if isinstance(table, dict) else ():
            forms = isinstance(value, dict) and set(value) == FORMS
            if not isinstance(value, str) and not forms:
                raise ConfigError(
                    f"{path}: {section}.{name} is {value!r}, expected a text, or one with the forms one and "
                    "other."
                )
            yield f"{section}.{name}", value
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {section} stands outside a section. Put it under a [section].")


def _written(values: Mapping[str, object], found: re.Match[str], locale: Locale) -> str:
    value = values.get(found[1], found[0])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return locale.number(value)
    return str(value)


def _preferred(accepted: str) -> list[str]:
    """The languages of an Accept-Language header, best first.

    Examples
    --------
    >>> _preferred("fr;q=0.5, de-AT, en;q=0.8, xx;q=0")
    ['de-AT', 'en', 'fr']
    """
    found: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        code, _, weight = part.strip().partition(";")
        try:
            q = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if code and 0 < q <= 1:
            found.append((q, code.strip()))
    return [code for _, code in sorted(found, key=lambda one: -one[0])]
