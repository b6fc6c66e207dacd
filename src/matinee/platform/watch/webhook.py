"""Sends a message about alerts to an address, in bounded time; a failure is told, never raised."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec

TIMEOUT_S = 5.0
TRIES = 3
PAUSE_S = 0.5
"""Before the second attempt; it doubles."""


class Delivery(msgspec.Struct, frozen=True):
    """How sending went.

    Attributes
    ----------
    ok : bool
    tries : int
    error : str
        Why the last attempt failed; empty when it did not.
    """

    ok: bool
    tries: int
    error: str = ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the POST into a GET and lose the message: it is an error."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send(
    url: str,
    message: object,
    *,
    timeout_s: float = TIMEOUT_S,
    tries: int = TRIES,
    pause_s: float = PAUSE_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivery:
    """POST a message as JSON.

    An answer of 4xx is not asked for again, except 408 and 429: the same message would be refused again.

    Parameters
    ----------
    url : str
        http or https.
    message : object
        Anything that msgspec can write as JSON.
    timeout_s, pause_s : float
        Of one attempt; before the second attempt. All in all at most
        `tries * timeout_s + (2 ** (tries - 1) - 1) * pause_s` seconds.
    sleep : callable
        For tests.
    """
    if not url.startswith(("http://", "https://")):  # urllib would also open files
        return Delivery(False, 0, f'the address is "{url}", expected http:// or https://')
    body = msgspec.json.encode(message)
    headers = {"Content-Type": "application/json", "User-Agent": "matinee"}
    opener = urllib.request.build_opener(_NoRedirect)
    error = ""
    for attempt in range(1, tries + 1):
        if attempt > 1:
            sleep(pause_s * 2 ** (attempt - 2))
        try:
            request = urllib.request.Request(url, data=body, headers=headers, method="POST")
            with opener.open(request, timeout=timeout_s):
                return Delivery(True, attempt)
        except urllib.error.HTTPError as problem:
            problem.close()
            error = f"the answer is {problem.code}, expected 2xx"
            if problem.code < 500 and problem.code not in (
                HTTPStatus.REQUEST_TIMEOUT,
                HTTPStatus.TOO_MANY_REQUESTS,
            ):
                return Delivery(False, attempt, error)
        except Exception as problem:  # refused, slow, no such host, no HTTP: nothing may stop the monitors
            reason = getattr(problem, "reason", problem)
            error = f"{type(problem).__name__}: {reason}"[:200]
    return Delivery(False, tries, error)
