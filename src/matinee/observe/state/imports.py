"""Whether the state of members knows the events that were imported into the lake, past the log."""

from __future__ import annotations

from matinee.observe.home import Home
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.state.rebuild import Progress, Rebuild, rebuild
from matinee.observe.state.store import OpenedStore, StateStore

KIND, KEY = "about", "imported"


def imported(home: Home) -> int:
    """Grows with each import of events; compactions of the log leave it as it is."""
    return read_manifest(home.lake).next_seq


def lacks_imports(home: Home, store: StateStore) -> bool:
    """Whether events were imported that the state does not know: it must be rebuilt."""
    known = store.get(KIND, KEY)
    return imported(home) > (0 if known is None else int(known))


def catch_up(
    home: Home,
    store: OpenedStore,
    now_us: int,
    *,
    dedup_h: float = 48,
    progress: Progress | None = None,
) -> Rebuild:
    """Make the state again, and note which imports it knows. Parameters and errors as in `rebuild`."""
    known = imported(home)  # before the lake is read: what is imported meanwhile is taken in the next time
    done = rebuild(home, store, now_us, dedup_h=dedup_h, progress=progress or (lambda _done: None))
    store.put(KIND, [(KEY, str(known).encode())])
    return done
