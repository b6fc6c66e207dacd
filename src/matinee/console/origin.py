"""Whether a request that changes something was made by one of our own pages."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

OURS = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site of our own pages, and of what the visitor did in the browser itself (as sending again)."""


def is_ours(headers: Mapping[str, str]) -> bool:
    """Whether the browser says that the request comes from a page of this server.

    Browsers say it in `Sec-Fetch-Site`, which no page can set; older ones, and all of them on plain HTTP, in
    `Origin`. A client that says neither is no browser that could be misled; it still needs the token.

    References
    ----------
    W3C, Fetch Metadata Request Headers; OWASP, Cross-Site Request Forgery Prevention Cheat Sheet.

    Examples
    --------
    >>> is_ours({"host": "a.example", "origin": "https://a.example"})
    True
    >>> is_ours({"host": "a.example", "origin": "https://b.example"})
    False
    >>> is_ours({"host": "a.example", "origin": "null", "sec-fetch-site": "cross-site"})
    False
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in OURS
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


def local(address: str | None, otherwise: str = "/watch") -> str:
    """An address on this server to go on to; anything else becomes the start.

    Examples
    --------
    >>> [local(one) for one in ("/watch?cursor=1", "//evil.example", "https://evil.example", None)]
    ['/watch?cursor=1', '/watch', '/watch', '/watch']
    """
    given = address or ""
    safe = given.startswith("/") and given.isascii() and given.isprintable()
    return given if safe and given[1:2] not in ("/", "\\") and "\\" not in given else otherwise
