"""Whether the state of members has all that the lake has, and what keeps it so."""

from __future__ import annotations

from matinee.observe.home import Home
from matinee.observe.lake.manifest import read_manifest
from matinee.observe.state.marks import COMPACTED, IMPORTED, MEMBERS, tell, told
from matinee.observe.state.rebuild import Progress, Rebuild, rebuild
from matinee.observe.state.replay import replay
from matinee.observe.state.store import OpenedStore, StateStore


def is_behind(home: Home, store: StateStore) -> bool:
    """Whether the lake has events that the state lacks and that no log has any more: it must be rebuilt.

    They were imported, or their segments were deleted and the state has lost them since: its file is gone, or
    a power cut or another server's restart took it back to an earlier moment.

    Raises
    ------
    StorageError
        The lake or the state cannot be read.
    """
    lake = read_manifest(home.lake)
    return lake.next_seq > (told(store, IMPORTED) or 0) or lake.compactions > (told(store, COMPACTED) or 0)


def take_in(home: Home, store: StateStore, now_us: int) -> int:
    """Take in what stands in the log, durably, before its segments are deleted (`lake.compaction`).

    Returns the number of that compaction, which is higher than all before. A state that is behind does not
    note it, and stays behind until it is rebuilt.

    Raises
    ------
    StorageError
        The log or the state cannot be read or written. Nothing must be deleted.
    """
    replay(home, store, now_us)
    before = told(store, COMPACTED) or 0
    number = max(read_manifest(home.lake).compactions, before) + 1
    if not is_behind(home, store):
        tell(store, **{COMPACTED: number})
    store.sync()
    return number


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
    compacted = max(known.compactions, told(store, COMPACTED) or 0)
    tell(store, **{IMPORTED: known.next_seq, MEMBERS: known.version, COMPACTED: compacted})
    return done
