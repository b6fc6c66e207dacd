"""What a way of storing results has to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class Codec(Protocol):
    """Writes a value as files into an empty folder, and reads it back.

    The same value gives the same bytes, and what is read back is worth the same to the steps that take it:
    a pipeline that is resumed goes on with values that were read. Never a pickle.

    Attributes
    ----------
    name : str
        Kept with the files; another one at loading is refused.
    in_memory : bool
        True: the value itself is handed to the next step of the same process. False: what `load` gives is,
        because the value is cheap to read or refers to files that go away.
    """

    @property
    def name(self) -> str: ...

    @property
    def in_memory(self) -> bool: ...

    def save(self, value: Any, folder: Path) -> None:
        """Write a value.

        Raises
        ------
        InputError
            The value is not of the type that was annotated; nothing is kept.
        """

    def load(self, folder: Path) -> Any:
        """Read what `save` wrote.

        Raises
        ------
        StorageError
            The files are damaged or hold pickled objects.
        """
