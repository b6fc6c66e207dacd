"""Bounds of ingestion in one process, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.observe.log import ROTATE_BYTES

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """Bounds of ingestion in one process.

    Attributes
    ----------
    queue_events, queue_bytes : int
        Events and bytes that may wait for the disk; more are refused.
    aside_bytes : int
        Bytes of records and values that may wait; more drop the oldest.
    group_events : int
        Events from which a group is full.
    rotate_bytes : int
        Size of a log segment.
    rotate_s : float
        Age at which a segment is closed, so that compaction finds it; 0: never.
    linger_s : float
        How long a group that nobody waits for waits for more: each costs a sync and two transactions.
    retry_s : float
        Pause before a store that failed, or a full disk, is tried again.
    """

    queue_events: int = 100_000
    queue_bytes: int = 64 * MB
    aside_bytes: int = 32 * MB
    group_events: int = 8_192
    rotate_bytes: int = ROTATE_BYTES
    rotate_s: float = 0.0
    linger_s: float = 0.005
    retry_s: float = 1.0


@dataclass(slots=True)
class Counters:
    """What ingestion did since it began, and what waits.

    Attributes
    ----------
    accepted, duplicate : int
        Events that were acknowledged.
    refused, failed : int
        Events for which there was no room (429), or no disk (503).
    lagging : int
        Events that were accepted while the state could not be reached.
    records, dropped : int
        Lines of the service written, and lines and values lost since the disk or the store did not keep up
        (those that were left at the end too).
    groups, bytes : int
        Groups and bytes written.
    sync_s, store_s : float
        Seconds spent in fsync, and in the state store.
    waiting_events, waiting_bytes : int
        Of requests that are not answered yet.
    replayed : int
        Events that the state was given after an outage.
    """

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    failed: int = 0
    lagging: int = 0
    records: int = 0
    dropped: int = 0
    groups: int = 0
    bytes: int = 0
    sync_s: float = 0.0
    store_s: float = 0.0
    waiting_events: int = 0
    waiting_bytes: int = 0
    replayed: int = 0
