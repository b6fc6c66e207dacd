"""One request of a visitor: their session and look, and what of it the reply has to keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from litestar import Request
from litestar.types import Message, Scope

from matinee.console import look as looks
from matinee.console.look import Look
from matinee.console.session import Session, Sessions
from matinee.console.texts import Language

AnyRequest = Request[Any, Any, Any]
STATE = "visit"


@dataclass(slots=True)
class Visit:
    """What one request is about; change it, and the reply has the cookies.

    Attributes
    ----------
    session : Session
    look : Look
    language : Language
        That the page is made in.
    secure : bool
        The visitor came over TLS.
    open : bool
        The server needs no key of them, so there is nothing to sign out of.
    new : bool
        No valid cookie came with the request.
    kept : dict of str to (value, seconds)
        Cookies of the reply.
    """

    session: Session
    look: Look
    language: Language
    secure: bool
    open: bool = False
    new: bool = False
    kept: dict[str, tuple[str, int]] = field(default_factory=dict)


def visit_of(request: AnyRequest) -> Visit:
    """The visit of a request that came past the entrance."""
    return cast("Visit", request.scope["state"][STATE])


def session_of(request: AnyRequest) -> Session:
    """The session of a request that came past the entrance; handlers take it by the name `session`."""
    return visit_of(request).session


async def send_cookies(message: Message, scope: Scope) -> None:
    """Before anything is sent: add the cookies that the visit keeps."""
    if message["type"] != "http.response.start":
        return
    visit: Visit | None = scope.get("state", {}).get(STATE)
    if visit is None or not visit.kept:
        return
    headers = list(message.get("headers", ()))
    for name, (value, seconds) in visit.kept.items():
        headers.append((b"set-cookie", set_cookie(name, value, seconds, secure=visit.secure).encode()))
    message["headers"] = headers


def set_cookie(name: str, value: str, seconds: int, *, secure: bool) -> str:
    """A Set-Cookie header: not for scripts, not for other sites, over TLS only where there is TLS.

    Examples
    --------
    >>> set_cookie("a", "b", 60, secure=True)
    'a=b; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure'
    """
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax" + (
        "; Secure" if secure else ""
    )


def keep_session(visit: Visit, session: Session, sessions: Sessions) -> None:
    """Have the reply keep a session, until it is over."""
    visit.session = session
    seconds = max(0, (session.expires_us - sessions.now_us()) // 1_000_000)
    visit.kept[sessions.name] = (sessions.cookie(session), seconds)


def keep_look(visit: Visit, look: Look) -> None:
    """Have the reply keep a look."""
    visit.look = look
    visit.kept[looks.COOKIE] = (look.cookie, looks.KEPT_S)
