"""Whether the state of members knows the events that were imported into the lake, past the log."""

from __future__ import annotations

from matinee.observe.home import Home
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.state.marks import IMPORTED, MEMBERS, tell, told
from matinee.observe.state.rebuild import Progress, Rebuild, rebuild
from matinee.observe.state.store import OpenedStore, StateStore


def lacks_imports(home: Home, store: StateStore) -> bool:
    """Whether events were imported that the state does not know: it must be rebuilt."""
    return read_manifest(home.lake).next_seq > (told(store, IMPORTED) or 0)


def catch_up(
    home: Home,
    store: OpenedStore,
    now_us: int,
    *,
    dedup_h: float = 48,
    progress: Progress | None = None,
) -> Rebuild:
    """Make the state again, and note what it knows. Parameters and errors as in `rebuild`."""
    known = read_manifest(home.lake)  # before the rest: what is imported meanwhile is taken in the next time
    done = rebuild(home, store, now_us, dedup_h=dedup_h, progress=progress or (lambda _done: None))
    tell(store, **{IMPORTED: known.next_seq, MEMBERS: known.version})
    return done
