"""Ids of members that hold a slash: `%2F` in a path parts no segments, and is a slash again for the handler.

Servers hand the path over decoded, where the slash of an id looks like any other, and the router would part
the id at it. So it is replaced by a mark before the router sees it, and put back after.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from litestar.types import Scope

MEMBERS: Final = b"/v1/members/"
"""What addresses with the id of a member begin with."""
MARK: Final = "\udc2f"
"""Half a surrogate pair: no path that was decoded from UTF-8 holds one."""
_ENCODED = re.compile("%2f", re.IGNORECASE)


def mark_slashes(scope: Scope) -> None:
    """Before routing: put the mark for each encoded slash of an address with a member's id."""
    raw = scope.get("raw_path") or b""
    if raw.startswith(MEMBERS) and b"%2f" in raw.lower():
        scope["path"] = unquote(_ENCODED.sub(MARK, raw.decode("ascii", "replace")))


def restore_slashes(scope: Scope) -> None:
    """After routing: the path and its parameters have their slashes again."""
    if MARK in scope["path"]:
        scope["path"] = scope["path"].replace(MARK, "/")
        found = scope["path_params"]  # the router gives the same one to others
        scope["path_params"] = {name: value.replace(MARK, "/") for name, value in found.items()}
