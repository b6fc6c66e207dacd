"""Which events a label may see: the two clocks and the beginning of a window, the same in every engine.

An event counts for a label at T if

- it happened before T: `at_us < T`. An event at exactly T does not count, so a label made from an event never
  sees that event;
- it had arrived by T: `seen_us <= T`;
- it lies in the window: `at_us >= start_us(T)`.

A window up to the tail (48 hours unless the view says otherwise) starts at T minus its length, to the
microsecond. A longer one starts at 00:00 UTC of the day in which T minus its length lies, so it is up to a
day longer than its name; that lets the online evaluator keep one tile per day in place of every event (the
"sawtooth" windows of Chronon, https://chronon.ai).
"""

from __future__ import annotations

import re

from matinee.errors import InputError
from matinee.types import ALWAYS_US, DAY_US, HOUR_US, SECOND_US

ALL_TIME = "all"
UNIT_US = {"m": 60 * SECOND_US, "h": HOUR_US, "d": DAY_US, "w": 7 * DAY_US}
LONGEST_US = 36_500 * DAY_US
_TEXT = re.compile(r"(\d{1,9})([mhdw])")


def duration_us(text: str, what: str) -> int:
    """Length of a duration such as "30m", "48h", "7d" or "4w", in microseconds.

    Raises
    ------
    InputError
        It is no duration, zero, or longer than a hundred years. `what` begins the message.

    Examples
    --------
    >>> duration_us("30m", "Feature plays_30m: window")
    1800000000
    """
    found = _TEXT.fullmatch(text) if isinstance(text, str) else None
    length = int(found[1]) * UNIT_US[found[2]] if found else 0
    if not 0 < length <= LONGEST_US:
        said = f'"{text}"' if isinstance(text, str) else repr(text)
        raise InputError(
            f"{what} is {said}, expected a whole number above 0 and a unit of {', '.join(UNIT_US)}, "
            'such as "30m", "48h" or "7d", at most a hundred years.'
        )
    return length


def day_start_us(at_us: int) -> int:
    """00:00 UTC of the day of a time.

    Examples
    --------
    >>> day_start_us(DAY_US + 5), day_start_us(-1) == -DAY_US
    (86400000000, True)
    """
    return at_us - at_us % DAY_US


def start_us(at_us: int, window_us: int | None, tail_us: int) -> int:
    """First moment of a window that ends at `at_us`; `window_us` None: all time.

    Examples
    --------
    >>> start_us(10 * DAY_US + 5, 2 * DAY_US, 2 * DAY_US) == 8 * DAY_US + 5
    True
    >>> start_us(10 * DAY_US + 5, 3 * DAY_US, 2 * DAY_US) == 7 * DAY_US
    True
    """
    if window_us is None:
        return ALWAYS_US
    start = at_us - window_us
    return start if window_us <= tail_us else day_start_us(start)
