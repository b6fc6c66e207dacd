"""A text or bytes as one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matinee.errors import InputError
from matinee.platform.pipeline.annotations import plain

FILES: dict[type, str] = {str: "value.txt", bytes: "value.bin"}


@dataclass(frozen=True, slots=True)
class TextCodec:
    """`value.txt` (UTF-8) for `str`, `value.bin` for `bytes`."""

    kind: Any
    in_memory: bool = True

    @property
    def name(self) -> str:
        """Name of the format: "text" or "bytes"."""
        return "text" if self.kind is str else "bytes"

    def save(self, value: Any, folder: Path) -> None:
        """Write a text or bytes."""
        if not isinstance(value, self.kind):
            raise InputError(
                f"result is a {type(value).__name__}, expected {self.kind.__name__} as annotated."
            )
        (folder / FILES[self.kind]).write_bytes(value.encode() if self.kind is str else value)

    def load(self, folder: Path) -> str | bytes:
        """Read a text or bytes."""
        data = (folder / FILES[self.kind]).read_bytes()
        return data.decode() if self.kind is str else data


def text_codec(annotation: object) -> TextCodec | None:
    """Codec of `str` and `bytes`, else None."""
    kind = plain(annotation)
    return TextCodec(kind) if isinstance(kind, type) and kind in FILES else None
