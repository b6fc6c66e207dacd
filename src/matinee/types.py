"""Ids, time and seeds: the few types that every folder shares."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from matinee.errors import InputError

MemberId = NewType("MemberId", str)
TitleId = NewType("TitleId", str)
AtUs = NewType("AtUs", int)
"""Microseconds since 1970-01-01T00:00:00Z."""

Ids = NDArray[np.object_]
"""One-dimensional array of id strings."""
Index = NDArray[np.int32]
"""Positions in an array of ids."""
Times = NDArray[np.int64]
"""Microseconds since the epoch, UTC."""
Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
NEVER_US = np.iinfo(np.int64).max
"""Stands for 'no end' in a time window."""
ALWAYS_US = np.iinfo(np.int64).min
"""Stands for 'no beginning' in a time window, and for an unknown time."""


def parse_at(value: str | int | float) -> AtUs:
    """Read a time: ISO-8601 (without zone: UTC) or seconds since the epoch.

    Raises
    ------
    InputError
        The text is neither.

    Examples
    --------
    >>> parse_at("1998-04-23T00:00:00Z")
    893289600000000
    >>> parse_at(893286638)
    893286638000000
    """
    if isinstance(value, int | float):
        return _in_range(value, value)
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return _in_range(seconds, value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f'time is "{value}", expected ISO-8601 (2024-12-31T20:15:00Z) or epoch seconds.'
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return AtUs(((delta.days * 86_400 + delta.seconds) * SECOND_US) + delta.microseconds)


FIRST_S, LAST_S = -62_135_596_800, 253_402_300_800
"""Seconds since the epoch of the years 1 to 9999, the last one excluded."""


def _in_range(seconds: float, said: str | int | float) -> AtUs:
    if not FIRST_S <= seconds < LAST_S:  # NaN is in no range
        raise InputError(
            f'time is "{said}", expected ISO-8601 (2024-12-31T20:15:00Z) or epoch seconds, not milliseconds.'
        )
    return AtUs(round(seconds * SECOND_US))


def format_at(at_us: int) -> str:
    """ISO-8601 in UTC, seconds.

    Examples
    --------
    >>> format_at(893286638000000)
    '1998-04-22T23:10:38Z'
    """
    return datetime.fromtimestamp(at_us // SECOND_US, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_exact(at_us: int) -> str:
    """The same to the microsecond, where it is no full second.

    Examples
    --------
    >>> format_exact(893286638000000), format_exact(893286638000001)
    ('1998-04-22T23:10:38Z', '1998-04-22T23:10:38.000001Z')
    """
    text, rest = format_at(at_us), at_us % SECOND_US
    return f"{text[:-1]}.{rest:06d}Z" if rest else text


def derive_seed(seed: int, *parts: str | int) -> int:
    """Give each part of a run its own random stream that does not depend on the order of the work.

    Examples
    --------
    >>> derive_seed(0, "member", "m1") == derive_seed(0, "member", "m1")
    True
    >>> derive_seed(0, "member", "m1") == derive_seed(0, "member", "m2")
    False
    """
    text = "\x1f".join([str(seed), *map(str, parts)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""What a SplitMix64 sequence adds at each step."""


def mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits that follow from 64 bits, each of them from all: the last step of SplitMix64. For arrays.

    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA,
    doi 10.1145/2660193.2660195.

    Examples
    --------
    >>> [hex(one) for one in mixed(GOLDEN * np.arange(1, 3, dtype=np.uint64)).tolist()]
    ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def stream(seed: int, *parts: str | int) -> np.random.Generator:
    """Random numbers of one unit's one decision: the same whatever was drawn before, for whom and where.

    Examples
    --------
    >>> stream(0, "m1", 3).random() == stream(0, "m1", 3).random() != stream(0, "m2", 3).random()
    True
    """
    return np.random.default_rng(derive_seed(seed, *parts))
