"""A drawing inside the page itself, so that the first frame that is painted has an image in it.

The images of a page come after its first frame, all in the next one. A drawing of a few kB costs less inside
the document than a request of its own.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from matinee.errors import NotFoundError
from matinee.platform.dressing import URL
from matinee.serve.services import Services

MOST_BYTES = 8_000
"""Of a drawing; the demo's have 2,500 to 4,400, of which 1,500 remain when the page is packed."""
KEPT = 512
"""Drawings that are kept in memory."""
_SUFFIX = ".svg"
_AS_IT_IS = " =:/;,()[]'!*?@$+-._~"
"""What a browser reads in a data: address without escapes, inside an attribute that the template quotes."""


def inlined(services: Services, address: str | None, at_us: int) -> str | None:
    """A data: address of an image of this server; None unless it is a small drawing that is cleared now.

    Parameters
    ----------
    address : str or None
        As `Pictures.url_of` gives it.
    """
    if address is None or not address.endswith(_SUFFIX):
        return None
    try:
        return _data(services.artwork.file(address.removeprefix(URL), at_us))
    except (NotFoundError, OSError):  # the browser asks for it, and is told why it does not come
        return None


@lru_cache(maxsize=KEPT)
def _data(file: Path) -> str | None:
    """Of a file, which is named after its content and so never changes."""
    if file.stat().st_size > MOST_BYTES:
        return None
    return f"data:image/svg+xml;charset=utf-8,{quote(file.read_bytes(), safe=_AS_IT_IS)}"
