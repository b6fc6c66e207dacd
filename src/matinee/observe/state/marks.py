"""What a state of members says about itself: which writes of the lake are in it."""

from __future__ import annotations

from matinee.observe.state.store import StateStore

KIND = "about"
IMPORTED = "imported"
"""`Manifest.next_seq` up to which imported events are in the state."""
MEMBERS = "members"
"""`Manifest.version` up to which the facts of members are in the state."""
COMPACTED = "compacted"
"""`Manifest.compactions` up to which the events of deleted segments are in the state."""


def told(store: StateStore, key: str) -> int | None:
    """A mark; None in a state that was never marked, or that was lost.

    Raises
    ------
    StorageError
        The state cannot be reached.
    """
    value = store.get(KIND, key)
    return None if value is None else int(value)


def tell(store: StateStore, **marks: int) -> None:
    """Set marks. Errors as in `told`."""
    store.put(KIND, [(key, str(value).encode()) for key, value in marks.items()])
