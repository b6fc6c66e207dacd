"""The files of the pages: style sheets, modules, drawings. Read once, told by one hash of them all.

The hash stands in the address (`/console/static/HASH/watch.js`), so a browser keeps a file for ever, and
modules that import each other by relative address come from the same version.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import Receive, Scope

from matinee.console.visit import AnyRequest
from matinee.errors import NotFoundError
from matinee.serve.front import Answer, Reply

FOLDER = Path(__file__).parent / "static"
PREFIX = "/console/static"
PATH = f"{PREFIX}/{{version:str}}/{{file:path}}"
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
}
DESIGN = ("tokens.css", "base.css", "parts.css")
BUNDLES: Mapping[str, tuple[str, ...]] = {"design.css": DESIGN, "member.css": (*DESIGN, "watch.css")}
"""Style sheets that a page needs before its first paint, joined, so that it waits for one request."""
FOR_EVER = "public, max-age=31536000, immutable"
NOT_KEPT = "no-cache"
LEAST_PACKED = 1_000
"""Bytes from which a file is sent packed."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent. `packed`: the same with gzip, where that is shorter."""

    data: bytes
    media_type: str
    packed: bytes | None


class Static:
    """All files of a folder, in memory. Only what was found there at the start can be asked for.

    Parameters
    ----------
    folder : Path
    reload : bool
        Look at the folder again when an address is made.
    """

    def __init__(self, folder: Path = FOLDER, *, reload: bool = False) -> None:
        self.folder, self.reload = folder, reload
        self._read()

    def _read(self) -> None:
        self.files = read(self.folder)
        whole = hashlib.sha256()
        for name, file in sorted(self.files.items()):
            whole.update(f"{name}\0{len(file.data)}\0".encode() + file.data)
        self.hash = whole.hexdigest()[:12]

    def direct(self) -> dict[tuple[str, str], Answer]:
        """What `serve.front` answers without the framework: each file at the address that pages name."""
        return {("GET", f"{PREFIX}/{self.hash}/{name}"): _given(file) for name, file in self.files.items()}

    def address(self, name: str) -> str:
        """Where a file is served.

        Raises
        ------
        NotFoundError
            There is no such file.
        """
        if self.reload:
            self._read()
        self.file(name)
        return f"{PREFIX}/{self.hash}/{name}"

    def file(self, name: str) -> File:
        """A file by its path in the folder.

        Raises
        ------
        NotFoundError
            There is no such file.
        """
        found = self.files.get(name)
        if found is None:
            raise NotFoundError(f'static file "{name[:100]}": is not there. Look in console/static.')
        return found


def read(folder: Path) -> dict[str, File]:
    """The files of a folder that pages may use, by their path in it; links are passed over."""
    data = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in TYPES and path.is_file() and not path.is_symlink()
    }
    for name, parts in BUNDLES.items():
        if all(part in data for part in parts):
            data[name] = lean(b"\n".join(data[part] for part in parts))
    return {name: _file(name, content) for name, content in data.items()}


def lean(sheet: bytes) -> bytes:
    r"""A style sheet without its comments, and without what only sets its lines apart.

    Examples
    --------
    >>> lean(b"/* a part */\n.a {\n  color: red; /* why */\n}\n")
    b'.a {\ncolor: red;\n}\n'
    """
    return re.sub(rb"\s*\n\s*", b"\n", re.sub(rb"/\*.*?\*/", b"", sheet, flags=re.DOTALL)).lstrip()


def packs(accepted: str) -> bool:
    """Whether whoever sent this `Accept-Encoding` can unpack gzip.

    Examples
    --------
    >>> packs("br, gzip;q=0.5"), packs("gzip;q=0"), packs("")
    (True, False, False)
    """
    return any(
        part.partition(";")[0].strip() == "gzip" and "q=0" not in part.replace("q=0.", "")
        for part in accepted.split(",")
    )


@get(
    PATH,
    opt={"scope": None},
    include_in_schema=False,
    sync_to_thread=False,
)
def static(
    version: FromPath[str], file: FromPath[str], request: AnyRequest, files: NamedDependency[Static]
) -> Response[bytes]:
    """A file; one of another version is sent as it is here, and not kept (hosts change one by one)."""
    found = files.file(file.lstrip("/"))
    headers = {
        "Cache-Control": FOR_EVER if version == files.hash else NOT_KEPT,
        "Vary": "Accept-Encoding",
    }
    if found.packed is not None and packs(request.headers.get("accept-encoding", "")):
        return Response(
            found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"}
        )
    return Response(found.data, media_type=found.media_type, headers=headers)


def _given(file: File) -> Answer:
    """Answers with a file, for ever the same at its address."""
    charset = "; charset=utf-8" if file.media_type.startswith("text/") else ""
    headers = [
        (b"content-type", (file.media_type + charset).encode()),
        (b"cache-control", FOR_EVER.encode()),
        (b"vary", b"Accept-Encoding"),
    ]

    async def answer(scope: Scope, _receive: Receive) -> Reply:
        scope["path_template"] = PATH
        accepted = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
        if file.packed is not None and packs(accepted.decode("latin-1")):
            return 200, [*headers, (b"content-encoding", b"gzip")], file.packed
        return 200, [*headers], file.data

    return answer


def _file(name: str, data: bytes) -> File:
    packed = gzip.compress(data, 9, mtime=0) if len(data) >= LEAST_PACKED else data
    return File(data, TYPES[Path(name).suffix], packed if len(packed) < len(data) else None)
