"""What a preview is asked, as it stands in an address: read, checked field by field, and written again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from matinee.console.preview.changes import KINDS, MOST, Change
from matinee.console.preview.imagined import Facts
from matinee.errors import InputError
from matinee.observe.members import MATURITY_MAX
from matinee.types import format_at, format_exact, parse_at

RELEASED, NEWEST = "released", "newest"
ROWS, COLS = 6, 10
MOST_ROWS, MOST_COLS = 40, 40
LONGEST = 200
OTHER = "b."
"""What stands before the parameters of the second page."""
CONDITIONS = (
    "member", "at", "release", "artwork", "device", "territory", "maturity", "kids", "rows", "cols", "seed",
)  # fmt: skip
"""Parameters that the second page takes from the first where it has none of its own."""
Parameters = Mapping[str, Sequence[str]]
"""An address's parameters: each name with its values."""


class WrongError(InputError):
    """A parameter that can only be judged with the home at hand; `field` is its name."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Question:
    """One page to compute.

    Attributes
    ----------
    member_id : str
    at_us : int or None
        None: now.
    release : str
        "released", "newest", "fallback" or the name of a version.
    artwork : str
        The same for what chooses the images.
    device : str or None
    facts : Facts
        What is imagined to be stored about the member.
    rows, cols : int
    seed : int
        Of the explored slots.
    changes : tuple of Change
    """

    member_id: str
    at_us: int | None = None
    release: str = RELEASED
    device: str | None = None
    facts: Facts = field(default_factory=Facts)
    rows: int = ROWS
    cols: int = COLS
    seed: int = 0
    changes: tuple[Change, ...] = ()
    artwork: str = RELEASED

    def at(self, at_us: int) -> Question:
        """The same question with its moment fixed."""
        return replace(self, at_us=at_us)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for.

    Attributes
    ----------
    first : Question or None
        None: no member is named, or a parameter is wrong.
    second : Question or None
        The page beside it, if there is one.
    title : str
        A title that is asked about ("why not this one?"); "" for none.
    decision_id : str
        A logged decision that is asked about; "" for none.
    wrong : dict of str to str
        Parameter -> what is wrong with it.
    given : dict of str to str
        What the fields hold, as it was written.
    """

    first: Question | None
    second: Question | None = None
    title: str = ""
    decision_id: str = ""
    wrong: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)


def read(parameters: Parameters) -> Asked:
    """Read an address. Whatever is wrong is told beside its parameter; nothing raises.

    Examples
    --------
    >>> asked = read({"member": ["m1"], "rows": ["3"], "b.release": ["fallback"]})
    >>> asked.first.rows, asked.second.rows, asked.second.release
    (3, 3, 'fallback')
    >>> read({"member": ["m1"], "rows": ["many"]}).wrong
    {'rows': 'rows is "many", expected a whole number from 1 to 40.'}
    """
    given = {name: values[0].strip() for name, values in parameters.items() if values}
    wrong: dict[str, str] = {}
    title, decision_id = given.get("title", ""), given.get("decision", "")
    own = {name: given[OTHER + name] for name in CONDITIONS if given.get(OTHER + name)}
    others = parameters.get(OTHER + "change", ())
    first = _question(given, parameters.get("change", ()), wrong)
    second = None
    if own or any(others) or given.get("beside"):
        merged = {name: given.get(name, "") for name in CONDITIONS} | own
        errors: dict[str, str] = {}
        second = _question(merged, others, errors)
        wrong |= {OTHER + name: text for name, text in errors.items() if name in own or name == "change"}
    if any(name in wrong for name in (*CONDITIONS, "change")):
        first = None
    if first is None or any(name.startswith(OTHER) for name in wrong):
        second = None
    return Asked(first, second, title, decision_id, wrong, given)


def write(first: Question | None, second: Question | None = None, **more: str) -> str:
    """The query of an address that asks this; what is as usual is left out.

    Examples
    --------
    >>> write(Question("m1", rows=3), Question("m1", rows=3, release="fallback"))
    'member=m1&rows=3&b.release=fallback'
    """
    pairs: list[tuple[str, str]] = []
    if first is not None:
        values, usual = values_of(first), values_of(Question(""))
        pairs = [(name, value) for name, value in values.items() if value != usual[name]]
        pairs += [("change", str(change)) for change in first.changes]
        if second is not None:
            differs = [(n, v) for n, v in values_of(second).items() if v != values[n]]
            others = [(OTHER + n, v or _USUAL.get(n, "")) for n, v in differs]
            others += [(OTHER + "change", str(change)) for change in second.changes]
            pairs += others or [("beside", "1")]
    return urlencode([*pairs, *((name, value) for name, value in more.items() if value)])


def values_of(question: Question) -> dict[str, str]:
    """A question as the fields of a form hold it; "" for what is as usual or as stored."""
    facts = question.facts
    return {
        "member": question.member_id,
        "at": "" if question.at_us is None else format_exact(question.at_us),
        "release": question.release,
        "artwork": question.artwork,
        "device": question.device or "",
        "territory": facts.territory or "",
        "maturity": "" if facts.maturity is None else str(facts.maturity),
        "kids": "" if facts.kids is None else ("yes" if facts.kids else "no"),
        "rows": str(question.rows),
        "cols": str(question.cols),
        "seed": str(question.seed),
    }


_USUAL = {"at": "now", "device": "none", "territory": "stored", "maturity": "stored", "kids": "stored"}
"""How the second page says that it has none of what the first one has."""


def _question(given: Mapping[str, str], changes: Iterable[str], wrong: dict[str, str]) -> Question | None:
    def value(name: str) -> str:
        text = given.get(name, "")
        return "" if text == _USUAL.get(name) else text

    def number(name: str, usual: int, low: int, high: int) -> int:
        text = value(name)
        if not text:
            return usual
        if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high:
            return int(text)
        wrong[name] = f'{name} is "{text[:LONGEST]}", expected a whole number from {low} to {high}.'
        return usual

    for name in ("member", "release", "artwork", "device", "territory"):
        if len(value(name)) > LONGEST:
            wrong[name] = f"{name} has {len(value(name))} characters, expected {LONGEST} at most."
    at_us = None
    if value("at"):
        try:
            at_us = parse_at(value("at"))
            format_at(at_us)
        except InputError as problem:
            wrong["at"] = str(problem)
        except (ValueError, OverflowError, OSError):
            wrong["at"] = f'time is "{value("at")}", expected a moment between the years 1 and 9999.'
    kids = value("kids")
    if kids not in {"", "yes", "no"}:
        wrong["kids"] = f'kids is "{kids[:LONGEST]}", expected yes, no or stored.'
    maturity = number("maturity", -1, 0, MATURITY_MAX)
    question = Question(
        value("member"),
        at_us,
        value("release") or RELEASED,
        value("device") or None,
        Facts(
            value("territory") or None, None if maturity < 0 else maturity, (kids == "yes") if kids else None
        ),
        number("rows", ROWS, 1, MOST_ROWS),
        number("cols", COLS, 1, MOST_COLS),
        number("seed", 0, 0, 999_999_999),
        _changes(changes, wrong),
        value("artwork") or RELEASED,
    )
    return question if question.member_id else None


def _changes(texts: Iterable[str], wrong: dict[str, str]) -> tuple[Change, ...]:
    found: list[Change] = []
    for text in texts:
        if not text:
            continue
        kind, _, title_id = text.partition(":")
        if kind not in KINDS or not title_id or len(title_id) > LONGEST:
            wrong["change"] = (
                f'change is "{text[:LONGEST]}", expected one of {", ".join(KINDS)}, a colon and the id of a '
                "title, as in play:t17."
            )
        else:
            found.append(Change(kind, title_id))
    if len(found) > MOST:
        wrong["change"] = f"change is given {len(found)} times, expected {MOST} at most."
    return tuple(found)
