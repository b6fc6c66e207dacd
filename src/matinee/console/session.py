"""Who visits, from one request to the next: a signed cookie, so that all processes of a home know them.

Nothing about a visitor is kept on the server. The cookie says which admin key was shown (by its public id)
and whose page is looked at; whether that key still counts is asked at each request. A session goes on while
it is used, to an end that no use puts off.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from matinee.observe.clock import wall_us
from matinee.types import HOUR_US

COOKIE = "matinee_session"
"""Begin of the cookie's name. The rest tells homes apart: browsers keep cookies by host, not by port."""
LONGEST_COOKIE = 2_000
"""Characters of a cookie that are looked at; ours have about 200, and more with long ids of members."""
NONCE_BYTES = 16
PAGE_SHARE, PART_SHARE = 0.1, 0.5
"""Share of its time after which a session is prolonged: by a page, and by what goes on behind it."""
_COOKIE_USE, _TOKEN_USE = b"matinee console cookie 1:", b"matinee console csrf 1:"
_NAME_USE = b"matinee console name 1:"
"""What the key is used for stands in what is signed: one signature is never taken for another."""


@dataclass(frozen=True, slots=True)
class Session:
    """One visit.

    Attributes
    ----------
    member_id : str or None
        Whose page is looked at; None: no profile is chosen.
    staff : bool
        May see everything: a valid admin key was shown, or the server needs none. Judged at each request.
    began_us : int
        Wall time at which it began.
    expires_us : int
        Wall time from which the session is over, unless it is used before.
    key_id : str
        Public part of the admin key that was shown; empty if none was.
    nonce : str
        Random name of the session; new after each change of what it may do.
    """

    member_id: str | None
    staff: bool
    began_us: int
    expires_us: int
    key_id: str
    nonce: str


class _Payload(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What stands in the cookie."""

    nonce: str
    began_us: int
    expires_us: int
    key_id: str
    member_id: str | None


class Sessions:
    """Makes, signs and reads sessions.

    Parameters
    ----------
    key : bytes, 32 long
        Of the home (`secret.signing_key`).
    hours : float, > 0
        How long a session lasts without being used.
    most_h : float, optional
        How long it lasts at most; default: `hours`, so that no use prolongs it.
    now_us : callable
        Clock by which they expire.

    Attributes
    ----------
    name : str
        Of the cookie.

    References
    ----------
    Krawczyk, Bellare, Canetti (1997), HMAC, RFC 2104; with SHA-256.

    Examples
    --------
    >>> sessions = Sessions(bytes(32), 12)
    >>> one = sessions.new()
    >>> sessions.read(sessions.cookie(one)) == one, sessions.read(sessions.cookie(one) + "x")
    (True, None)
    """

    def __init__(
        self, key: bytes, hours: float, most_h: float | None = None, *, now_us: Callable[[], int] = wall_us
    ) -> None:
        self.key, self.now_us = key, now_us
        self.lasts_us = int(hours * HOUR_US)
        self.most_us = self.lasts_us if most_h is None else int(most_h * HOUR_US)
        self.name = f"{COOKIE}_{self._sign(_NAME_USE)[:4].hex()}"

    def new(self, *, key_id: str = "", staff: bool = False) -> Session:
        """A session that begins now; nobody can guess its nonce."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        now_us = self.now_us()
        return Session(None, staff, now_us, now_us + min(self.lasts_us, self.most_us), key_id, nonce)

    def prolonged(self, session: Session, *, page: bool) -> Session | None:
        """The same session with a later end, where it is time for one; None where it is not.

        A page that somebody opens prolongs it once a tenth of its time has passed. What modules send in the
        background does so only when half of it has: a reply to something sent before the visitor took another
        profile, and heard after it, would bring the old cookie back.

        Parameters
        ----------
        page : bool
            Somebody opens a page.
        """
        now_us = self.now_us()
        until_us = min(now_us + self.lasts_us, session.began_us + self.most_us)
        passed = 1.0 - (session.expires_us - now_us) / self.lasts_us
        if passed < (PAGE_SHARE if page else PART_SHARE) or until_us <= session.expires_us:
            return None
        return replace(session, expires_us=until_us)

    def cookie(self, session: Session) -> str:
        """The value of its cookie: what it says, and the signature."""
        said = msgspec.json.encode(
            _Payload(session.nonce, session.began_us, session.expires_us, session.key_id, session.member_id)
        )
        return f"{_text(said)}.{_text(self._sign(_COOKIE_USE + said))}"

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie, not yet staff; None if it is missing, changed, foreign or over."""
        if not cookie or len(cookie) > LONGEST_COOKIE:
            return None
        said_text, _, signature_text = cookie.partition(".")
        said, signature = _bytes(said_text), _bytes(signature_text)
        if not hmac.compare_digest(signature, self._sign(_COOKIE_USE + said)):
            return None
        try:
            found = msgspec.json.decode(said, type=_Payload)
        except msgspec.DecodeError:  # of an earlier version, signed with the same key
            return None
        if found.expires_us <= self.now_us():
            return None
        if found.began_us + self.most_us <= self.now_us():  # the longest time was made shorter since
            return None
        return Session(found.member_id, False, found.began_us, found.expires_us, found.key_id, found.nonce)

    def token(self, session: Session) -> str:
        """The CSRF token of a session, another text each time.

        The secret is hidden under a random mask: a page that is compressed together with what a visitor typed
        would else tell it letter by letter by its length.

        References
        ----------
        Gluck, Harris, Prado (2013), BREACH: reviving the CRIME attack, section 4.3 (masking secrets).
        """
        secret = self._secret(session)
        mask = secrets.token_bytes(len(secret))
        return _text(mask + _xor(mask, secret))

    def is_token(self, session: Session, token: str) -> bool:
        """Whether a token was made for this session."""
        secret = self._secret(session)
        given = _bytes(token[:LONGEST_COOKIE])
        if len(given) != 2 * len(secret):
            return False
        mask, hidden = given[: len(secret)], given[len(secret) :]
        return hmac.compare_digest(_xor(mask, hidden), secret)

    def _secret(self, session: Session) -> bytes:
        return self._sign(_TOKEN_USE + session.nonce.encode())

    def _sign(self, said: bytes) -> bytes:
        return hmac.digest(self.key, said, hashlib.sha256)


def for_member(session: Session, member_id: str | None) -> Session:
    """The same session, with another profile or none."""
    return replace(session, member_id=member_id)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """What a text stands for; nothing, if it is not written as `_text` writes."""
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
    return found if _text(found) == text else b""
