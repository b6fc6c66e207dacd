"""Numbers, percents, dates and durations as a language writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from matinee.types import SECOND_US

DateForm = Literal["long", "short", "day"]
_ENGLISH = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ENGLISH_SHORT = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Locale:
    """How a language writes things; its file in `texts/` says what differs from English.

    The forms are those of CLDR 46 for `en-GB` and `de`, but for the digits' grouping, which begins at four
    digits in both.

    Attributes
    ----------
    decimal, group : str
        Between whole and parts; between thousands.
    percent : str
        With {n}.
    date_long, date_short, date_day : str
        With {day}, {month} (its name), {short} (its short name), {number} (of the month) and {year}.
    months, months_short : list of str
        Twelve names.
    hours, minutes, seconds : str
        A duration's parts, with {n}.
    one_is : str
        Which numbers take the form "one": "1" (English, German, Dutch, Swedish, Spanish, Italian), "0-1"
        (French, Portuguese) or "none" (Japanese, Chinese, Korean, Turkish after a number).

    References
    ----------
    Unicode CLDR, plural rules (cardinals); numbers and dates of `en_GB.xml` and `de.xml`.
    """

    decimal: str = "."
    group: str = ","
    percent: str = "{n}%"
    date_long: str = "{day} {month} {year}"
    date_short: str = "{day} {short} {year}"
    date_day: str = "{day} {month}"
    months: tuple[str, ...] | list[str] = _ENGLISH
    months_short: tuple[str, ...] | list[str] = _ENGLISH_SHORT
    hours: str = "{n} h"
    minutes: str = "{n} min"
    seconds: str = "{n} s"
    one_is: Literal["1", "0-1", "none"] = "1"

    def form(self, n: object) -> Literal["one", "other"]:
        """Which form of a text fits a number. 1.0 is written with its part, and takes "other" in English."""
        if not isinstance(n, int | float) or self.one_is == "none":
            return "other"
        if self.one_is == "0-1":
            return "one" if 0 <= n < 2 else "other"
        return "one" if isinstance(n, int) and n == 1 else "other"

    def number(self, value: float, digits: int | None = None) -> str:
        """A number.

        Parameters
        ----------
        digits : int, optional
            Places after the point; default: as many as it has, at most 3.

        Examples
        --------
        >>> Locale().number(1234567), Locale().number(0.25), Locale(decimal=",", group=".").number(-1234.5, 2)
        ('1,234,567', '0.25', '\u22121.234,50')
        """
        text = f"{abs(value):,.{3 if digits is None else digits}f}"
        if digits is None:
            text = text.rstrip("0").rstrip(".")
        swapped = text.translate({ord(","): self.group, ord("."): self.decimal})
        return f"\N{MINUS SIGN}{swapped}" if value < 0 and text.strip("0.,") else swapped

    def percents(self, share: float, digits: int = 0) -> str:
        """A share of 1 in percent.

        Examples
        --------
        >>> Locale().percents(0.256), Locale().percents(0.256, 1)
        ('26%', '25.6%')
        """
        return self.percent.format(n=self.number(share * 100, digits))

    def date(self, at_us: int, form: DateForm = "long") -> str:
        """The day of a moment, in UTC.

        Examples
        --------
        >>> Locale().date(893_289_600_000_000), Locale().date(893_289_600_000_000, "short")
        ('23 April 1998', '23 Apr 1998')
        """
        at = datetime.fromtimestamp(at_us // SECOND_US, UTC)
        pattern = {"long": self.date_long, "short": self.date_short, "day": self.date_day}[form]
        return pattern.format(
            day=at.day,
            month=self.months[at.month - 1],
            short=self.months_short[at.month - 1],
            number=at.month,
            year=at.year,
        )

    def time(self, at_us: int) -> str:
        """The hour and minute of a moment, in UTC."""
        return datetime.fromtimestamp(at_us // SECOND_US, UTC).strftime("%H:%M")

    def duration(self, seconds: float) -> str:
        """How long something lasts, in the two largest units that it has.

        Examples
        --------
        >>> [Locale().duration(s) for s in (42, 90, 3600, 5520)]
        ['42 s', '1 min 30 s', '1 h', '1 h 32 min']
        """
        whole = max(0, round(seconds))
        parts = [(self.hours, whole // 3600), (self.minutes, whole // 60 % 60), (self.seconds, whole % 60)]
        if whole >= 3600:
            parts = parts[:2]
        told = [pattern.format(n=n) for pattern, n in parts if n]
        return " ".join(told) or self.seconds.format(n=0)
