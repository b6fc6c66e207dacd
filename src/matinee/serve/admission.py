"""The door of the server: looks at the key, its scope and its rate, before anything is read."""

from __future__ import annotations

from litestar.types import Scope

from matinee.serve.keys import OPEN, KeyFound, Keys, from_elsewhere
from matinee.serve.limits import KeyLimits, Strangers, retry_after
from matinee.serve.problems import ProblemError

UNAUTHORISED = 401


class Admission:
    """Lets a request in, or says why not. All routes of one process share it.

    Parameters
    ----------
    keys : Keys
    workers : int, 1 or more
        Processes of this host; they share the rate of a key evenly.
    """

    def __init__(self, keys: Keys, *, workers: int = 1) -> None:
        self.keys = keys
        self.limits = KeyLimits(workers)
        self.strangers = Strangers()

    def admit(self, scope: Scope, needed: str | None) -> KeyFound:
        """Who asks. The id of the key is put into `scope["state"]`, from where the log takes it.

        Parameters
        ----------
        scope : Scope
            Of the request.
        needed : {"ingest", "decide", "admin"} or None
            What the route needs; None: nothing.

        Raises
        ------
        ProblemError
            401 without a valid key, 403 without the scope, 429 with `Retry-After` above the rate.
        """
        if needed is None:
            return OPEN
        given = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        return self.admit_with(scope, needed, None if given is None else given.decode("latin-1"))

    def admit_with(self, scope: Scope, needed: str, header: str | None) -> KeyFound:
        """The same for a key that came another way than in the header, as in a form: "Bearer KEY"."""
        try:
            found = self.keys.check(
                header,
                needed,
                elsewhere=self.keys.is_open and from_elsewhere(scope["headers"]),
            )
        except ProblemError as problem:
            if problem.status == UNAUTHORISED:
                self._slow_down(scope)
            raise
        if found.key_id:
            scope["state"]["key_id"] = found.key_id
            wait_s = self.limits.wait_s(found.key_id, found.rate)
            if wait_s > 0:
                raise ProblemError(
                    429,
                    f"key {found.key_id}: more than {found.rate:g} requests per second, expected fewer. Wait "
                    "for the time in Retry-After, send more events per request, or have the rate raised.",
                    headers={"Retry-After": retry_after(wait_s)},
                )
        return found

    def is_open_to(self, scope: Scope) -> bool:
        """Whether no key is needed for this request: none was ever made, and it comes from this machine."""
        return self.keys.is_open and not from_elsewhere(scope["headers"])

    def is_admin(self, scope: Scope) -> bool:
        """Whether somebody asks who may know everything, at a route that anybody may ask.

        Examples
        --------
        A probe without a key: False. With a key of the scope admin, or on a server that needs none: True.
        """
        headers = scope["headers"]
        if not self.is_open_to(scope) and not any(name == b"authorization" for name, _ in headers):
            return False
        try:
            self.admit(scope, "admin")
        except ProblemError:  # not valid, without the scope, or too often: no more than a stranger
            return False
        return True

    def _slow_down(self, scope: Scope) -> None:
        client = scope.get("client")
        wait_s = self.strangers.wait_s(client[0] if client else "")
        if wait_s > 0:
            raise ProblemError(
                429,
                "too many requests without a valid key came from this address, expected one that is valid. "
                "Correct the key, and wait for the time in Retry-After.",
                headers={"Retry-After": retry_after(wait_s)},
            ) from None
