"""Lines of requests reach the log soon, whatever comes between."""

from __future__ import annotations

import io
import logging
import time
from collections import deque

from matinee.serve.logging import JsonLines, _Handler

TOLD = ("GET", "/x", 200, 1.0, "r", None)


def test_a_line_that_comes_while_others_are_written_is_written_soon() -> None:
    out = io.StringIO()
    handler = _Handler(out, JsonLines())

    class Waiting(deque[str]):
        def popleft(self) -> str:
            found = super().popleft()
            if not came:
                came.append(1)
                handler.request(logging.INFO, TOLD)
            return found

    came: list[int] = []
    handler._waiting = Waiting()
    for _ in range(2):
        handler.request(logging.INFO, TOLD)
    give_up = time.monotonic() + 30
    while out.getvalue().count("\n") < 3:
        assert time.monotonic() < give_up, out.getvalue()
        time.sleep(0.01)
    handler.close()
