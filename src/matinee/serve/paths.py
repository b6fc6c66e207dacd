"""Ids in paths as their senders meant them: with slashes (`%2F`), and only what is UTF-8.

A server hands the path over decoded. There the slash of an id looks like any other, and the router would part
the id at it; so the router gets a mark instead, and the handler the slash. Bytes that are not UTF-8 have
become replacement characters: an id with them would be that of somebody else, and is refused.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from litestar.types import Scope

from matinee.errors import InputError

MEMBERS: Final = b"/v1/members/"
"""What addresses with the id of a member begin with."""
MARK: Final = "\udc2f"
"""Half a surrogate pair: no path that was decoded from UTF-8 holds one."""
REPLACEMENT: Final = "\ufffd"
_SLASH = re.compile("%2f", re.IGNORECASE)


def mark_slashes(scope: Scope) -> None:
    """Before routing: put the mark for each encoded slash of an address with a member's id."""
    raw = scope.get("raw_path") or b""
    if raw.startswith(MEMBERS) and b"%2f" in raw.lower():
        scope["path"] = unquote(_SLASH.sub(MARK, raw.decode("ascii", "replace")))


def restore_path(scope: Scope) -> None:
    """After routing: the path and its parameters have their slashes again.

    Raises
    ------
    InputError
        The path is not UTF-8.
    """
    path = scope["path"]
    if REPLACEMENT in path:
        _check(scope.get("raw_path") or b"")
    if MARK in path:
        scope["path"] = path.replace(MARK, "/")
        found = scope["path_params"]  # the router gives the same one to others
        scope["path_params"] = {name: value.replace(MARK, "/") for name, value in found.items()}


def _check(raw: bytes) -> None:
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as problem:
        raise InputError(
            f"path: byte 0x{problem.object[problem.start]:02x} is not UTF-8, expected ids whose UTF-8 is "
            "percent-encoded (%C3%BC for ü). Encode them so."
        ) from None
