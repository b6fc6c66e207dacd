"""Events are told from ones that are sent again by 128-bit hashes of their ids."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

ID_BYTES = 16


def hashes(event_ids: Iterable[str]) -> list[bytes]:
    """128-bit hashes of ids.

    Examples
    --------
    >>> hashes(["e1"]) == hashes(["e1"]) != hashes(["e2"])
    True
    """
    return [blake2b(event_id.encode(), digest_size=ID_BYTES).digest() for event_id in event_ids]
