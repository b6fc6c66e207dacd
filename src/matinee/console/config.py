"""Settings of the web pages."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError

LONGEST_H = 24 * 365


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """Section [console]: the web pages of the server.

    Attributes
    ----------
    enabled : bool
        Serve the pages. Off: the server has its API only.
    session_h : float
        Hours without any use after which a session is over: the key has to be shown again.
    session_most_h : float
        Hours after which a session is over however much it is used.
    tls : bool
        Visitors come over TLS, though the server cannot see it: its proxy runs on another machine. Cookies
        are then always marked Secure. A proxy on this machine is believed by its X-Forwarded-Proto.
    reload : bool
        Read templates, texts and files again at each request: for whoever works on them.
    """

    enabled: bool = True
    session_h: float = 12.0
    session_most_h: float = 168.0
    tls: bool = False
    reload: bool = False

    def __post_init__(self) -> None:
        for name, hours in (("session_h", self.session_h), ("session_most_h", self.session_most_h)):
            if not 0 < hours <= LONGEST_H:
                raise ConfigError(f"[console] {name} is {hours}, expected above 0, at most {LONGEST_H}.")
