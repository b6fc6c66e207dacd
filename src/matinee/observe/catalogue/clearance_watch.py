"""Which images may be shown by what is known this moment: a withdrawal is seen in a fraction of a second.

Pages are chosen from facts that were read some time ago. Whoever sends one looks here last.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from matinee.errors import StorageError
from matinee.observe.catalogue.artwork import TABLE
from matinee.observe.catalogue.clearance import COLUMNS, Clearances
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.manifest import MANIFEST_FILE, parquet, read_manifest
from matinee.observe.lake.tables import FACT_KEY
from matinee.types import Mask

LOG = logging.getLogger("matinee.artwork")
EVERY_S = 0.25
PATIENCE_S = 1.0
"""After so long without a readable lake no image is cleared: what was withdrawn meanwhile is not known."""


class _Somewhere(Enum):
    """Stands for any territory, where masks are kept; no name of a territory is equal to it."""

    SOMEWHERE = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Clearance of every image of a home, by the newest facts.

    The newest count whatever a clock says: a withdrawal holds at once in processes whose clocks differ.

    Attributes
    ----------
    version : int
        Of the lake when an image or a title last changed (an episode may be new, and have its series'
        image); grows.
    place : dict of str to int
        Position of each id in `clearances`.
    clearances : Clearances
    withdrawn : frozenset of str
    """

    version: int
    place: dict[str, int]
    clearances: Clearances
    withdrawn: frozenset[str]
    _masks: dict[str | _Somewhere | None, tuple[int, int, Mask]] = field(default_factory=dict)

    def cleared(self, artwork_id: str, at_us: int, territory: str | None) -> bool:
        """Whether an image may be shown at a moment in a territory; an unknown one may not."""
        place = self.place.get(artwork_id)
        return place is not None and bool(self._mask(at_us, territory)[place])

    def cleared_somewhere(self, artwork_id: str, at_us: int) -> bool:
        """Whether an image may be shown at a moment in some territory at least; an unknown one may not."""
        place = self.place.get(artwork_id)
        return place is not None and bool(self._mask(at_us, _Somewhere.SOMEWHERE)[place])

    def uncleared(self, artwork_ids: Sequence[str | None], at_us: int, territory: str | None) -> list[int]:
        """Places in a list of ids whose image may not be shown; None (no image) always may."""
        mask, place = self._mask(at_us, territory), self.place
        out = []
        for i, one in enumerate(artwork_ids):
            if one is None:
                continue
            found = place.get(one)
            if found is None or not mask[found]:
                out.append(i)
        return out

    def _mask(self, at_us: int, where: str | _Somewhere | None) -> Mask:
        """Images that are cleared; kept by territory for as long as it holds."""
        kept = self._masks.get(where)
        if kept is None or not kept[0] <= at_us < kept[1]:
            all_of = self.clearances
            if where is _Somewhere.SOMEWHERE:
                mask = all_of.cleared_somewhere(at_us)
            else:
                mask = all_of.cleared(at_us, where)
            kept = (at_us, all_of.next_change_us(at_us), mask)
            self._masks[where] = kept
        return kept[2]


class ClearanceWatch:
    """Follows the clearance of a home's images.

    Parameters
    ----------
    home : Home
    every_s : float, default 0.25
        The lake's manifest is looked at so often at most.
    monotonic : callable, optional
        Seconds that only grow; for tests.

    Notes
    -----
    A look that finds nothing new is one `stat`. When the manifest changed it is read, and the facts only if
    they are other files than before.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ClearanceWatch(Home.create(Path(folder))).current().cleared("a1", 0, None)
    False
    """

    def __init__(
        self, home: Home, *, every_s: float = EVERY_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.home, self.every_s, self.monotonic = home, every_s, monotonic
        self._lock = threading.Lock()
        self._standing = _nothing(-1)
        self._files: tuple[str, ...] | None = None
        self._titles: tuple[str, ...] = ()
        self._stamp: tuple[int, int, int] | None = None
        self._looked = self._well = float("-inf")

    def current(self) -> Standing:
        """What is known, at most `every_s` old; looks by itself when that is over. Never fails.

        While one thread looks, others go on with what was known before.
        """
        if self.monotonic() - self._looked >= self.every_s and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        if self._standing.version >= 0 or self._files is not None:
            return self._standing
        with self._lock:  # the first look: wait for it
            return self._standing

    def look(self) -> Standing:
        """Look now, whatever the time; for a thread that does it beside the requests."""
        with self._lock:
            self._look()
        return self._standing

    def _look(self) -> None:
        now = self.monotonic()
        try:
            stamp = _stamp(self.home.lake / MANIFEST_FILE)
            if stamp != self._stamp or self._files is None:
                self._read()
                self._stamp = stamp
            self._well = now
        except (StorageError, OSError) as problem:
            self._fail(now, problem)
        self._looked = now

    def _fail(self, now: float, problem: Exception) -> None:
        """Go on with what is known for a while, then without images: it could have been withdrawn."""
        if now - self._well > PATIENCE_S and self._files is not None:
            LOG.error("The clearance of images cannot be read, so none is shown: %s", problem)
            self._standing, self._files, self._stamp = _nothing(self._standing.version), None, None

    def _read(self) -> None:
        manifest = read_manifest(self.home.lake)
        files = manifest.of(TABLE)
        names = tuple(file.path for file in files)
        titles = tuple(file.path for file in manifest.of("titles"))
        if names == self._files:
            if titles != self._titles:
                self._standing, self._titles = replace(self._standing, version=manifest.version), titles
            return
        self._titles = titles
        if not files:
            self._standing, self._files = _nothing(manifest.version), names
            return
        try:
            with connect(threads=1) as con:
                rows = con.execute(
                    f"SELECT artwork_id, {', '.join(COLUMNS)} FROM {parquet(self.home.lake, files)} "
                    f"QUALIFY row_number() OVER (PARTITION BY {FACT_KEY[TABLE]} "
                    "ORDER BY from_us DESC, batch DESC) = 1"
                ).fetchall()
        except Exception as problem:  # replaced meanwhile, or not readable: the next look tells
            raise StorageError(f"{self.home.lake}: {str(problem).splitlines()[0]}") from problem
        found = [dict(zip(COLUMNS, row[1:], strict=True)) for row in rows]
        ids = [sys.intern(str(row[0])) for row in rows]
        clearances = Clearances.from_rows(found)
        self._standing = Standing(
            version=manifest.version,
            place={one: i for i, one in enumerate(ids)},
            clearances=clearances,
            withdrawn=frozenset(one for one, gone in zip(ids, clearances.withdrawn, strict=True) if gone),
        )
        self._files = names


def _nothing(version: int) -> Standing:
    return Standing(version, {}, Clearances.from_rows([]), frozenset())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file is replaced; None without it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
