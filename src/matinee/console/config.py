"""Settings of the web pages."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """Section [console]: the web pages of the server.

    Attributes
    ----------
    enabled : bool
        Serve the pages. Off: the server has its API only.
    session_h : float
        Hours after which somebody who came in has to show the key again.
    tls : bool
        Visitors come over TLS, though the server cannot see it: its proxy runs on another machine. Cookies
        are then always marked Secure. A proxy on this machine is believed by its X-Forwarded-Proto.
    reload : bool
        Read templates, texts and files again at each request: for whoever works on them.
    """

    enabled: bool = True
    session_h: float = 12.0
    tls: bool = False
    reload: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.session_h <= 24 * 365:
            raise ConfigError(f"[console] session_h is {self.session_h}, expected above 0, at most 8760.")
