"""Kind of a video file by its first bytes, so that a name which lies is refused before it is decoded."""

from __future__ import annotations

from pathlib import Path

from matinee.errors import InputError, NotFoundError

SUFFIXES: dict[str, str] = {
    ".mp4": "MP4", ".m4v": "MP4", ".mov": "MP4",
    ".mkv": "Matroska", ".webm": "Matroska",
    ".avi": "AVI", ".mxf": "MXF",
    ".ts": "MPEG-TS", ".m2ts": "MPEG-TS", ".mts": "MPEG-TS",
    ".mpg": "MPEG-PS", ".mpeg": "MPEG-PS", ".vob": "MPEG-PS",
}  # fmt: skip
"""Ending of a name -> container."""
DEMUXERS: dict[str, str] = {
    "MP4": "mov",
    "Matroska": "matroska",
    "AVI": "avi",
    "MXF": "mxf",
    "MPEG-TS": "mpegts",
    "MPEG-PS": "mpeg",
}
"""Container -> ffmpeg's reader of it. No other reader runs: playlists and scripts name other files."""
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
TS_PACKET = 188
HEAD = 4096


def container(path: Path) -> str:
    """Container of a video file.

    Raises
    ------
    NotFoundError
        There is no such file.
    InputError
        A folder or device, an empty file, a name that does not end as a video's, or other contents than the
        name says.

    Examples
    --------
    >>> container(Path("/poster.jpg"))
    Traceback (most recent call last):
    matinee.errors.NotFoundError: /poster.jpg: there is no such file. Check the path.
    """
    if not path.exists():
        raise NotFoundError(f"{path}: there is no such file. Check the path.")
    if not path.is_file():
        raise InputError(f"{path}: is no regular file, expected a video. Name a file.")
    wanted = SUFFIXES.get(path.suffix.lower())
    if wanted is None:
        raise InputError(
            f'{path}: ends in "{path.suffix}", expected a video: {", ".join(SUFFIXES)}. Nothing was written.'
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except PermissionError:
        raise InputError(f"{path}: cannot be read. Make it readable for this user.") from None
    if not head:
        raise InputError(f"{path}: has no bytes, expected a video. Fetch it again.")
    found = _by_bytes(head)
    if found is None:
        raise InputError(f"{path}: holds no video that is known, expected {wanted} as its name says.")
    if found != wanted:
        ending = next(suffix for suffix, name in SUFFIXES.items() if name == found)
        raise InputError(
            f"{path}: holds {found}, expected {wanted} as its name says. Rename it to "
            f"{path.with_suffix(ending).name} if that is what you mean."
        )
    return found


def _by_bytes(head: bytes) -> str | None:
    if head[4:8] in MP4_BOXES:
        return "MP4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "Matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "AVI"
    if b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02" in head:
        return "MXF"
    if head.startswith(b"\x00\x00\x01\xba"):
        return "MPEG-PS"
    for start in (0, 4):  # .m2ts: four bytes of time before each packet
        step = TS_PACKET + start
        if len(head) > start + 2 * step and all(head[start + k * step] == 0x47 for k in range(3)):
            return "MPEG-TS"
    return None
