"""GET /artwork/{file}: the file of an image, as long as the image is cleared."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import Parameter

from matinee.errors import StorageError
from matinee.observe.catalogue.artwork_files import MEDIA_TYPES
from matinee.platform.dressing import URL
from matinee.serve.images import Sized, Width
from matinee.serve.openapi import TAG_DECIDE, problems
from matinee.serve.services import Services

KEPT_S = 86_400
"""Seconds for which a client may keep a file. Its name tells its content, so it could be for ever; a copy
that a client has cannot be withdrawn, so it is a day."""
KEPT_MEANWHILE_S = 60
"""The same for a file that stands in for its scaled copy, which could not be made yet."""
_OF_SUFFIX = {**MEDIA_TYPES, "jpg": MEDIA_TYPES["jpeg"]}


@get(
    f"{URL}{{file:str}}",
    summary="The file of an image",
    description=(
        "Needs no key, as the address stands in the pages of members. 404 for a file that is not there, and "
        "from the moment when the last image in it is withdrawn, expires, or loses its approval. With "
        "`width`, an image that is wider comes as WebP in that width. Drawings (SVG), and all files where "
        "the extra `artwork` is not installed, come as they are."
    ),
    tags=[TAG_DECIDE],
    opt={"scope": None},
    media_type="application/octet-stream",
    responses=problems(400, 404, 429, 503),
)
async def artwork(
    file: Annotated[str, Parameter(min_length=1, max_length=200)],
    services: NamedDependency[Services],
    width: Annotated[Width | None, Parameter(description="Pixels, at most.")] = None,
) -> Response[bytes]:
    """Answer with the file."""
    path = services.artwork.file(file, services.clock.now_us)
    sized = Sized(path) if width is None else await services.artwork.images.sized(path, width)
    data, suffix = await asyncio.to_thread(_read, sized.path, path)
    if width is not None:  # to scale takes time, in which it may have been withdrawn
        services.artwork.file(file, services.clock.now_us)
    kept = f"max-age={KEPT_S}, immutable" if sized.lasting else f"max-age={KEPT_MEANWHILE_S}"
    headers = {
        "Cache-Control": f"public, {kept}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    media_type = _OF_SUFFIX.get(suffix.removeprefix(".").lower(), "application/octet-stream")
    return Response(data, media_type=media_type, headers=headers)


def _read(path: Path, original: Path) -> tuple[bytes, str]:
    """Bytes and suffix; those of the original if a scaled copy made room for others a moment ago."""
    try:
        return path.read_bytes(), path.suffix
    except OSError as problem:
        if path != original and original.is_file():
            return _read(original, original)
        raise StorageError(f'artwork "{original.name}" cannot be read ({problem.strerror}).') from problem
