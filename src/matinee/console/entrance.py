"""Who may come in: whoever shows an admin key, and anybody on this machine while the server needs no key.

Everything of the console passes here before its handler: `opt={"entrance": "anyone"}` opens an address to
everybody, all others need a session of the staff. Whatever changes something also needs the token of the
session, and must come from one of our own pages.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Request
from litestar.types import Scope

from matinee.console import look as looks
from matinee.console.config import ConsoleConfig
from matinee.console.look import Look
from matinee.console.origin import is_ours
from matinee.console.session import Session, Sessions
from matinee.console.texts import Texts
from matinee.console.visit import STATE, AnyRequest, Visit, keep_look, keep_session, visit_of
from matinee.serve.problems import ProblemError
from matinee.serve.services import Services

ANYONE = {"entrance": "anyone"}
"""`opt` of an address that needs no session."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD, HEADER = "csrf", "x-csrf-token"
ADMIN = "admin"


NO_STAFF = (
    "session: there is none that may see this, expected one of somebody who showed an admin key. Sign in at "
    "/console/enter."
)
NO_PROFILE = "session: no profile is chosen, expected one. Choose it at /watch, then ask again."


class StaffNeededError(ProblemError):
    """For the staff, and the request has no session of theirs. A browser is led to the door."""


class ProfileNeededError(ProblemError):
    """For a member's page, and the session names no member. A browser is led to the choice."""


class Entrance:
    """Lets requests in.

    Parameters
    ----------
    services : Services
    sessions : Sessions
    texts : Texts
    config : ConsoleConfig
    """

    def __init__(self, services: Services, sessions: Sessions, texts: Texts, config: ConsoleConfig) -> None:
        self.services, self.sessions, self.texts, self.config = services, sessions, texts, config

    async def admit(self, request: Request[Any, Any, Any]) -> None:
        """Before each handler: who it is, whether they may, and whether the request is really theirs.

        Raises
        ------
        ProblemError
            401 without a session of the staff, 403 for a change that is not shown to be made by our own page.
        """
        visit = self.visit(request)
        if request.scope["route_handler"].opt.get("entrance") != ANYONE["entrance"]:
            staff(request)
        if request.method not in SAFE_METHODS:
            await self._check_change(request, visit.session)

    def visit(self, request: AnyRequest) -> Visit:
        """The visit that a request belongs to; a new one, if it belongs to none."""
        state = request.scope["state"]
        if STATE not in state:
            state[STATE] = self._visit(request)
        found: Visit = state[STATE]
        return found

    def choose(self, request: AnyRequest, member_id: str | None) -> None:
        """From now on the session looks at the page of this member, or at nobody's."""
        visit = visit_of(request)
        self._keep(visit, replace(visit.session, member_id=member_id))

    def come_in(self, request: AnyRequest, key_id: str) -> None:
        """Begin a session of the staff, under a new name: one that somebody planted is worth nothing."""
        self._keep(visit_of(request), self.sessions.new(key_id=key_id, staff=True))

    def leave(self, request: AnyRequest) -> None:
        """End the session."""
        self._keep(visit_of(request), self.sessions.new())

    def wear(self, request: AnyRequest, look: Look) -> None:
        """Keep a language and a theme."""
        known = look.language if look.language in self.texts.languages else ""
        keep_look(visit_of(request), Look(known, look.theme))

    def _keep(self, visit: Visit, session: Session) -> None:
        keep_session(visit, session, self.sessions)

    def _visit(self, request: AnyRequest) -> Visit:
        kept = looks.read(request.cookies.get(looks.COOKIE))
        asked = str(request.query_params.get("lang") or "")
        code = self.texts.choose(asked, kept.language, request.headers.get("accept-language", ""))
        found = self.sessions.read(request.cookies.get(self.sessions.name))
        visit = Visit(
            self._judged(found or self.sessions.new(), request.scope),
            kept,
            self.texts.languages[code],
            secure=self.config.tls or request.scope["scheme"] == "https",
            open=self.services.admission.is_open_to(request.scope),
            new=found is None,
        )
        if asked and asked == code != kept.language:
            keep_look(visit, Look(code, kept.theme))
        if found is None:
            self._keep(visit, visit.session)
        elif (longer := self.sessions.prolonged(visit.session, page=_opens_page(request))) is not None:
            self._keep(visit, longer)
        return visit

    def _judged(self, session: Session, scope: Scope) -> Session:
        """What a session may do now: keys are revoked, and members erased, while sessions last."""
        admission = self.services.admission
        staff = admission.is_open_to(scope) or admission.keys.holds(session.key_id, ADMIN)
        member_id = session.member_id
        if member_id is not None and self.services.erased.refuses(member_id):
            member_id = None
        return replace(session, staff=staff, member_id=member_id)

    async def _check_change(self, request: AnyRequest, session: Session) -> None:
        if not is_ours(request.headers):
            raise ProblemError(
                403,
                "the request was made by a page of another site, expected one of this server. Open it there.",
            )
        token = request.headers.get(HEADER)
        if token is None:
            token = str((await request.form()).get(FIELD, ""))
        if not self.sessions.is_token(session, token):
            raise ProblemError(
                403,
                f"{FIELD}: is not the token of this session, expected the one that stands in the page. "
                "Reload the page, then try again: the session may have ended.",
            )


def _opens_page(request: AnyRequest) -> bool:
    """Whether a visitor goes to an address; modules that fetch say so, and older browsers say nothing."""
    return request.method == "GET" and request.headers.get("sec-fetch-mode", "navigate") == "navigate"


def staff(request: AnyRequest) -> Session:
    """The session of a request, if it is one of the staff.

    Raises
    ------
    StaffNeededError
        It is not.
    """
    session = visit_of(request).session
    if not session.staff:
        raise StaffNeededError(401, NO_STAFF)
    return session


def watcher(request: AnyRequest) -> str:
    """The member whose page is looked at.

    Raises
    ------
    StaffNeededError, ProfileNeededError
        Not of the staff, or no profile is chosen.
    """
    member_id = staff(request).member_id
    if member_id is None:
        raise ProfileNeededError(409, NO_PROFILE)
    return member_id
