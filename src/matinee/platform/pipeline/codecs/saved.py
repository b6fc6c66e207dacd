"""Classes that write and read their own folder: native model files."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matinee.errors import ConfigError, InputError
from matinee.platform.pipeline.annotations import plain


@dataclass(frozen=True, slots=True)
class SavedCodec:
    """`value.save(folder)` and `Kind.load(folder)`; `load` is static or a class method."""

    kind: Any
    name: str = "folder"
    in_memory: bool = True

    def save(self, value: Any, folder: Path) -> None:
        """Let the value write itself.

        A subclass is refused: at loading the annotated class reads the files, not the one that wrote them.
        """
        if type(value) is not self.kind:
            raise InputError(
                f"result is a {type(value).__name__}, expected exactly {self.kind.__name__} as annotated, "
                f"whose load will read it. Annotate the step with {type(value).__name__}."
            )
        value.save(folder)

    def load(self, folder: Path) -> Any:
        """Let the class read the folder."""
        return self.kind.load(folder)


def saved_codec(annotation: object) -> SavedCodec | None:
    """Codec of a class with `save` and `load`, else None.

    Raises
    ------
    ConfigError
        `load` cannot be called with a folder alone.
    """
    kind = plain(annotation)
    if not isinstance(kind, type) or not callable(getattr(kind, "save", None)):
        return None
    load = inspect.getattr_static(kind, "load", None)
    if load is None:
        return None
    if not isinstance(load, staticmethod | classmethod) or not _takes_only_a_folder(kind.load):  # type: ignore[attr-defined]
        raise ConfigError(
            f"{kind.__name__}.load: is {_signature(kind)}, expected a static or class method that needs the "
            "folder and nothing else. What it needs besides belongs into the folder, or into the step "
            "that uses it."
        )
    return SavedCodec(kind)


def _takes_only_a_folder(load: Any) -> bool:
    try:
        inspect.signature(load).bind(Path())
    except TypeError:
        return False
    return True


def _signature(kind: Any) -> str:
    return f"load{inspect.signature(kind.load)}"
