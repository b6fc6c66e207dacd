"""GET /artwork/{file}: the file of an image, as long as the image is cleared."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import Parameter

from matinee.errors import StorageError
from matinee.observe.catalogue.artwork_files import MEDIA_TYPES
from matinee.platform.dressing import URL
from matinee.serve.openapi import TAG_DECIDE, problems
from matinee.serve.services import Services

KEPT_S = 86_400
"""Seconds for which a client may keep a file. Its name tells its content, so it could be for ever; a copy
that a client has cannot be withdrawn, so it is a day."""
_OF_SUFFIX = {**MEDIA_TYPES, "jpg": MEDIA_TYPES["jpeg"]}


@get(
    f"{URL}{{file:str}}",
    summary="The file of an image",
    description=(
        "Needs no key, as the address stands in the pages of members. 404 for a file that is not there, and "
        "from the moment when the last image in it is withdrawn, expires, or loses its approval."
    ),
    tags=[TAG_DECIDE],
    opt={"scope": None},
    media_type="application/octet-stream",
    responses=problems(404, 429, 503),
)
async def artwork(
    file: Annotated[str, Parameter(min_length=1, max_length=200)], services: NamedDependency[Services]
) -> Response[bytes]:
    """Answer with the file."""
    path = services.artwork.file(file, services.clock.now_us)
    media_type = _OF_SUFFIX.get(path.suffix.removeprefix(".").lower(), "application/octet-stream")
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except OSError as problem:
        raise StorageError(f'artwork "{file}" cannot be read ({problem.strerror}).') from problem
    headers = {
        "Cache-Control": f"public, max-age={KEPT_S}, immutable",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(data, media_type=media_type, headers=headers)
