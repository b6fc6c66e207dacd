"""Whether the state of members knows the events that were imported into the lake, past the log."""

from __future__ import annotations

from matinee.observe.home import Home
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.state.store import StateStore

KIND, KEY = "about", "imported"


def imported(home: Home) -> int:
    """Grows with each import of events; compactions of the log leave it as it is."""
    return read_manifest(home.lake).next_seq


def note_imported(store: StateStore, known: int) -> None:
    """Note that the state knows the imports up to here (`imported`, read before the lake was)."""
    store.put(KIND, [(KEY, str(known).encode())])


def lacks_imports(home: Home, store: StateStore) -> bool:
    """Whether events were imported that the state does not know: it must be rebuilt."""
    known = store.get(KIND, KEY)
    return imported(home) > (0 if known is None else int(known))
