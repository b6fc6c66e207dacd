"""Bring what is imported about members into the state, as soon as it is in the lake."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.observe.erasure.erased import Erased
from matinee.observe.home import Home
from matinee.observe.lake.connection import spilling
from matinee.observe.lake.facts import as_of
from matinee.observe.lake.manifest import parquet, read_manifest
from matinee.observe.members import MATURITY_MAX, Member
from matinee.observe.state.marks import MEMBERS, tell, told
from matinee.observe.state.store import StateStore
from matinee.observe.state.whole import newest_write

PORTION = 5_000


@dataclass(frozen=True, slots=True)
class Synced:
    """How many members were written, and up to which write of the lake their facts are in the state."""

    members: int
    version: int


def sync_members(home: Home, store: StateStore) -> Synced:
    """Store the facts of members that changed in the lake since the state was last told.

    Raises
    ------
    StorageError
        The lake or the store cannot be read or written.

    Notes
    -----
    The state itself holds how far it was told (`marks.MEMBERS`), so that one that was lost is told
    everything. Costs the reading of two small things while the facts stay as they are, and of the members
    that changed otherwise.
    """
    manifest = read_manifest(home.lake)
    files = manifest.of("members")
    known = told(store, MEMBERS)
    if not files or (known is not None and newest_write(files) <= known <= manifest.version):
        return Synced(0, manifest.version)
    since = -1 if known is None or known > manifest.version else known  # another lake was put in its place
    source = parquet(home.lake, files)
    written = 0
    erased = Erased.of(home)
    with spilling() as con:
        con.execute(
            "SELECT member_id, account_id, territory, coalesce(maturity_max, ?), coalesce(kids, false), "
            f"coalesce(languages, []) FROM ({as_of('members', source, None)}) "
            f"WHERE member_id IN (SELECT member_id FROM {source} WHERE batch > ?)",
            [MATURITY_MAX, since],
        )
        while rows := con.fetchmany(PORTION):
            members = [
                Member(row[0], row[1], row[2], row[3], row[4], tuple(row[5]))
                for row in rows
                if not erased.refuses(row[0])
            ]
            store.put_members(members)
            written += len(members)
    tell(store, **{MEMBERS: manifest.version})
    return Synced(written, manifest.version)
