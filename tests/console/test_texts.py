"""Texts: the same in all languages, all that pages ask for, and written as each language writes."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from matinee import console
from matinee.console.locales import Locale
from matinee.console.texts import FALLBACK, FORMS, Texts, places
from matinee.errors import ConfigError

SOURCE = Path(console.__file__).parent
TEMPLATES = SOURCE / "templates"
TEXTS = Texts()
AT_US = 904_824_060_000_000
"""3 September 1998, 12:01."""


@pytest.mark.parametrize("code", sorted(TEXTS.languages))
def test_every_language_has_the_same_keys_and_places(code: str) -> None:
    ours, theirs = TEXTS.languages[FALLBACK].entries, TEXTS.languages[code].entries
    assert set(ours) == set(theirs)
    for key, entry in ours.items():
        assert isinstance(entry, str) == isinstance(theirs[key], str), f"{key}: forms in one language only"
        assert places(entry) - {"n"} == places(theirs[key]) - {"n"}, key


@pytest.mark.parametrize("code", sorted(TEXTS.languages))
def test_no_text_is_empty_or_holds_markup(code: str) -> None:
    for key, entry in TEXTS.languages[code].entries.items():
        for text in [entry] if isinstance(entry, str) else entry.values():
            assert text.strip() == text != "", key
            assert "<" not in text, key
            assert "&" not in text, key


def asked_in_templates() -> Iterator[tuple[str, str, bool]]:
    """(where, key, whether it is only the beginning of a key)."""
    environment = jinja2.Environment(autoescape=True)
    for path in sorted(TEMPLATES.rglob("*.jinja")):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if not (isinstance(call.node, nodes.Name) and call.node.name == "t" and call.args):
                continue
            where = f"{path.relative_to(TEMPLATES)}:{call.lineno}"
            yield from _keys(where, call.args[0])


def _keys(where: str, given: nodes.Node) -> Iterator[tuple[str, str, bool]]:
    if isinstance(given, nodes.Const):
        yield where, str(given.value), False
    elif isinstance(given, nodes.Concat) and isinstance(given.nodes[0], nodes.Const):
        yield where, str(given.nodes[0].value), True
    elif isinstance(given, nodes.CondExpr):
        for one in (given.expr1, given.expr2):
            if one is not None:
                yield from _keys(where, one)


FILES = ("css", "js")
"""Ends of files, which look like texts: watch.css."""


def asked_in_code() -> Iterator[tuple[str, str]]:
    """Keys in the sources: texts whose first part is a section."""
    sections = {key.partition(".")[0] for key in TEXTS.languages[FALLBACK].entries}
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in docs:
                continue
            section, dot, name = node.value.partition(".")
            if dot and section in sections and name.isidentifier() and name not in FILES:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node.value


def test_every_text_that_a_page_asks_for_is_there() -> None:
    known = TEXTS.languages[FALLBACK].entries
    found = list(asked_in_templates())
    assert len(found) > 40
    found += [(where, key, key.endswith("_")) for where, key in asked_in_code()]
    wrong = [
        f"{where} asks for {key}"
        for where, key, begins in found
        if (not any(one.startswith(key) for one in known) if begins else key not in known)
    ]
    assert not wrong, "\n".join(wrong)


def test_a_text_that_is_missing_never_breaks_a_page(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[language]\nname = "English"\n[a]\nb = "B of {who}"\n')
    (tmp_path / "de.toml").write_text('[language]\nname = "Deutsch"\n[a]\n')
    texts = Texts(tmp_path)
    with caplog.at_level(logging.WARNING, "matinee.console"):
        assert texts.say("de", "a.b", {"who": "x"}) == "B of x"
        assert texts.say("de", "a.b") == "B of {who}"
        assert texts.say("de", "a.c") == "a.c"
    assert [one.getMessage() for one in caplog.records] == [
        "texts/de.toml has no a.b.",
        "texts/de.toml has no a.c.",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a\n", "expected TOML"),
        ("[a]\nb = 'x'\n", "'language'"),
        ("[language]\nname = 'x'\ndecimals = 3\n", "decimals"),
        ("[language]\nname = 'x'\n[a]\nb = 3\n", "a.b is 3"),
        ("[language]\nname = 'x'\n[a.b]\none = 'x'\n", "forms one and other"),
        ("a = 'x'\n[language]\nname = 'x'\n", "a stands outside a section"),
    ],
)
def test_a_file_that_is_wrong_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "en.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        Texts(tmp_path)
    assert words in str(caught.value)
    assert "en.toml" in str(caught.value)


def test_the_language_is_the_one_asked_for_then_kept_then_preferred() -> None:
    assert TEXTS.choose("de", "en", "en") == "de"
    assert TEXTS.choose("", "de", "en") == "de"
    assert TEXTS.choose("xx", "", "fr, de-CH;q=0.7, en;q=0.3") == "de"
    assert TEXTS.choose("", "", "fr") == "en"
    assert TEXTS.choose("", "", "de;q=x, en;q=0") == "en"
    assert TEXTS.choose("", "", "," * 10_000) == "en"


def test_numbers_and_dates_are_those_of_the_unicode_tables() -> None:
    """Known answers of Babel 2.18 (CLDR) for en_GB and de."""
    english, german = (TEXTS.languages[code].locale for code in ("en", "de"))
    assert (english.number(1234567.25), german.number(1234567.25)) == ("1,234,567.25", "1.234.567,25")
    assert (english.number(1234), german.number(1234)) == ("1,234", "1.234")
    assert (english.percents(0.256), german.percents(0.256)) == ("26%", "26\N{NO-BREAK SPACE}%")
    assert [english.date(AT_US, form) for form in ("long", "short")] == ["3 September 1998", "3 Sept 1998"]
    assert [german.date(AT_US, form) for form in ("long", "short")] == ["3. September 1998", "03.09.1998"]
    assert (english.time(AT_US), german.duration(5520)) == ("12:01", "1 Std. 32 Min.")
    assert [len(one.months) for one in (english, german)] == [12, 12]
    assert [len(one.months_short) for one in (english, german)] == [12, 12]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, None, "0"),
        (-0.2, 0, "0"),
        (-3, None, "\N{MINUS SIGN}3"),
        (1e9, None, "1,000,000,000"),
        (0.12345, None, "0.123"),
        (2.5, 2, "2.50"),
    ],
)
def test_numbers(value: float, digits: int | None, text: str) -> None:
    assert Locale().number(value, digits) == text


def test_forms_of_a_number() -> None:
    assert [Locale().form(n) for n in (0, 1, 2, 1.0, "1", None)] == ["other", "one"] + ["other"] * 4
    assert [Locale(one_is="0-1").form(n) for n in (0, 1, 1.5, 2)] == ["one", "one", "one", "other"]
    assert Locale(one_is="none").form(1) == "other"
    assert {"one", "other"} == FORMS
    assert TEXTS.say("en", "common.theme", {"n": 1}) == "Theme"


def test_moments_before_1970_have_a_date() -> None:
    assert Locale().date(-1) == "31 December 1969"
