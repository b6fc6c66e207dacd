"""On what kind of screen a page is looked at, and how much of it is shown first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

PHONE, LAPTOP, TV = "phone", "laptop", "tv"
SIZES = {PHONE: (4, 10), LAPTOP: (4, 12), TV: (4, 14)}
"""Device -> rows and columns of what comes first: a little more than is in view."""
FURTHER_ROWS = 6
"""Rows of each further part."""
MOST_ROWS, MOST_COLS = 40, 40
_TV = re.compile(r"smart-?tv|appletv|googletv|hbbtv|netcast|web0s|tizen|bravia|\btv\b", re.IGNORECASE)
_PHONE = re.compile(r"mobi|iphone|android", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen.

    Attributes
    ----------
    device : {"phone", "laptop", "tv"}
    rows, cols : int
        Of what comes first; each further part has the same columns.
    further_rows : int
    asked : tuple of (str, str)
        What of it stood in the address, so that further addresses say it too.
    """

    device: str
    rows: int
    cols: int
    asked: tuple[tuple[str, str], ...] = ()
    further_rows: int = FURTHER_ROWS

    def address(self, path: str, **values: str | None) -> str:
        """An address with what was asked for.

        Examples
        --------
        >>> Screen("tv", 4, 14, (("device", "tv"),)).address("/watch", cursor="c.6")
        '/watch?device=tv&cursor=c.6'
        """
        query = [*self.asked, *((name, value) for name, value in values.items() if value is not None)]
        return f"{path}?{urlencode(query)}" if query else path


def screen_of(headers: Mapping[str, str], query: Mapping[str, str]) -> Screen:
    """The screen of a request: `device`, `rows` and `cols` of its address, else what the browser says.

    Examples
    --------
    >>> screen_of({"user-agent": "Mozilla/5.0 (iPhone) Mobile"}, {}).device
    'phone'
    >>> screen_of({}, {"device": "tv", "cols": "40"})
    Screen(device='tv', rows=4, cols=40, asked=(('device', 'tv'), ('cols', '40')), further_rows=6)
    """
    asked = query.get("device", "")
    device = asked if asked in SIZES else _told(headers)
    rows, cols = SIZES[device]
    found = Screen(device, rows, cols, (("device", asked),) if asked in SIZES else ())
    for name, most in (("rows", MOST_ROWS), ("cols", MOST_COLS)):
        text = query.get(name, "")
        if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= most:
            kept = (*found.asked, (name, text))
            found = (
                replace(found, rows=int(text), further_rows=int(text), asked=kept)
                if name == "rows"
                else replace(found, cols=int(text), asked=kept)
            )
    return found


def _told(headers: Mapping[str, str]) -> str:
    """What the client hints say, else the name of the browser."""
    agent = headers.get("user-agent", "")
    if _TV.search(agent):
        return TV
    if headers.get("sec-ch-ua-mobile") == "?1" or _PHONE.search(agent):
        return PHONE
    return LAPTOP
