"""GET /artwork/{file}: the file of an image, as long as the image is cleared."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import Parameter
from litestar.types import Receive, Scope

from matinee.errors import StorageError
from matinee.observe.catalogue.artwork_files import MEDIA_TYPES
from matinee.platform.dressing import URL
from matinee.serve.files_kept import FilesKept, KeptFile
from matinee.serve.front import Reply
from matinee.serve.images import WIDTHS, Sized, Width
from matinee.serve.openapi import TAG_DECIDE, problems
from matinee.serve.services import Services

KEPT_S = 86_400
"""Seconds for which a client may keep a file. Its name tells its content, so it could be for ever; a copy
that a client has cannot be withdrawn, so it is a day."""
KEPT_MEANWHILE_S = 60
"""The same for a file that stands in for its scaled copy, which could not be made yet."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
PATH = f"{URL}{{file:str}}"
_SENT = [
    (name.lower().encode(), value.encode())
    for name, value in {**HEADERS, "Cache-Control": f"public, max-age={KEPT_S}, immutable"}.items()
]
_WIDTH_OF: dict[bytes, int] = {f"width={one}".encode(): one for one in WIDTHS}
_OF_SUFFIX = {**MEDIA_TYPES, "jpg": MEDIA_TYPES["jpeg"]}


@get(
    PATH,
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
    giving: NamedDependency[ArtworkGiving],
    width: Annotated[Width | None, Parameter(description="Pixels, at most.")] = None,
) -> Response[bytes]:
    """Answer with the file."""
    found, lasting = await giving.file(file, width)
    kept = f"max-age={KEPT_S}, immutable" if lasting else f"max-age={KEPT_MEANWHILE_S}"
    headers = {**HEADERS, "Cache-Control": f"public, {kept}"}
    return Response(found.data, media_type=found.media_type, headers=headers)


class ArtworkGiving:
    """Gives out the files of images, those of the last pages from memory and without the framework.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.kept = FilesKept()

    async def __call__(self, scope: Scope, _receive: Receive) -> Reply | None:
        """A file that is kept and cleared; None leaves all others, and what is wrong, to the route."""
        query = scope["query_string"]
        width = None if not query else _WIDTH_OF.get(query)
        name = scope["path"].removeprefix(URL)
        found = self.kept.get((name, width)) if width is not None or not query else None
        if found is None or not self.services.artwork.shows(name, self.services.clock.now_us):
            return None
        scope["path_template"] = PATH
        return 200, [(b"content-type", found.media_type.encode()), *_SENT], found.data

    async def file(self, name: str, width: Width | None) -> tuple[KeptFile, bool]:
        """A file in a width, and whether the same question will have the same answer.

        Raises
        ------
        NotFoundError
            There is none of this name, or none of the images in it is cleared now.
        StorageError
            It cannot be read.
        """
        services = self.services
        path = services.artwork.file(name, services.clock.now_us)
        sized = Sized(path) if width is None else await services.artwork.images.sized(path, width)
        data, suffix = await asyncio.to_thread(_read, sized.path, path)
        if width is not None:  # to scale takes time, in which it may have been withdrawn
            services.artwork.file(name, services.clock.now_us)
        media_type = _OF_SUFFIX.get(suffix.removeprefix(".").lower(), "application/octet-stream")
        found = KeptFile(data, media_type)
        if sized.lasting:
            self.kept.put((name, width), found)
        return found, sized.lasting


def _read(path: Path, original: Path) -> tuple[bytes, str]:
    """Bytes and suffix; those of the original if a scaled copy made room for others a moment ago."""
    try:
        return path.read_bytes(), path.suffix
    except OSError as problem:
        if path != original and original.is_file():
            return _read(original, original)
        raise StorageError(f'artwork "{original.name}" cannot be read ({problem.strerror}).') from problem
