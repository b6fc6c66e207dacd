"""What every test shares: names of parametrised tests that are alike in each process that collects them."""

from __future__ import annotations


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named after their argument, never after what they hold.

    The header of a gzip body tells the second at which it was packed: two processes that collect the same
    tests a moment apart would give them different names, and pytest-xdist then refuses to run any.
    """
    return argname if isinstance(val, bytes) else None
