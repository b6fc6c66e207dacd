"""Settings of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Section [serve]: the decision server.

    Attributes
    ----------
    host : str
        Address to listen on. Anything but a loopback address needs API keys.
    port : int
    workers : int
        Processes. They share nothing but files and databases.
    state : str
        Where the state of members is: empty for state.db in the home, or redis://HOST:PORT/DB (also
        rediss://, and unix:// with a path), which several hosts can share.
    mode : "request", "precomputed" or "hybrid"
        How pages are made: computed when asked for; taken from `matinee precompute` and corrected; or
        computed where the time allows, else corrected.
    budget_ms : float
        Time for a decision, after which the fallback answers; a request may ask for less, not for more.
    artwork_ms : float
        Time for choosing the images of a page, inside that; then each title has its default image.
    threads : int
        Decisions under way at a time in one process; they take turns at the interpreter.
    session_s : int
        Seconds in which a member finds the same page again, unless they did something.
    refresh_s : int
        Seconds after which popularity and trends are read from the log again. New titles, windows and pins
        are noticed within a second.
    canary_answers : int
        Answers of a canary before its guardrails are judged.
    max_body_mb : float
        Largest body of a request, also after it is unpacked.
    max_batch : int
        Most events in one request.
    max_depth : int
        Deepest nesting of JSON.
    queue_events : int
        Events that may wait for the disk in one process; more are refused (429) until there is room.
    dedup_h : int
        Hours in which an event that is sent again is told from a new one at once. (In the lake it is told
        from all events, however old.)
    rotate_mb : float
        Size of a log segment.
    compact_s : int
        Seconds between compactions of the log into the lake.
    drain_s : float
        Seconds that a server which is stopped gives its open requests.
    log : "auto", "json" or "text"
        Form of the server's own log, on standard error. "auto": text on a terminal, else JSON.
    log_level : "debug", "info", "warning" or "error"
        "info" has a line per request. "debug" adds messages of exceptions, which may hold ids of members.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    state: str = ""
    mode: Literal["request", "precomputed", "hybrid"] = "request"
    budget_ms: float = 250.0
    artwork_ms: float = 20.0
    threads: int = 4
    session_s: int = 1_800
    refresh_s: int = 600
    canary_answers: int = 200
    max_body_mb: float = 4.0
    max_batch: int = 1_000
    max_depth: int = 32
    queue_events: int = 100_000
    dedup_h: int = 48
    rotate_mb: float = 64.0
    compact_s: int = 60
    drain_s: float = 10.0
    log: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not value >= least:
                raise ConfigError(f"[serve] {name} is {value}, expected {least} or more.")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"[serve] port is {self.port}, expected 0 to 65535 (0: any that is free).")


_LEAST = {
    "workers": 1,
    "budget_ms": 1,
    "artwork_ms": 0,
    "threads": 1,
    "session_s": 0,
    "refresh_s": 1,
    "canary_answers": 10,
    "max_body_mb": 0.001,
    "max_batch": 1,
    "max_depth": 2,
    "queue_events": 1_000,
    "dedup_h": 1,
    "rotate_mb": 0.001,
    "compact_s": 1,
    "drain_s": 0,
}
