"""What every test shares: names and random examples that are alike in each process and each run."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None)
settings.register_profile("random", derandomize=False)
settings.load_profile("repeatable")
"""A change is judged on the same examples each time; `pytest --hypothesis-profile=random` tries others."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named after their argument, never after what they hold.

    The header of a gzip body tells the second at which it was packed: two processes that collect the same
    tests a moment apart would give them different names, and pytest-xdist then refuses to run any.
    """
    return argname if isinstance(val, bytes) else None
