"""What takes long has threads of its own, and a bound."""

from __future__ import annotations

import asyncio
import threading

import pytest

from matinee.serve.lane import Lane
from matinee.serve.problems import ProblemError


def test_more_than_the_bound_is_refused_and_who_hangs_up_frees_no_thread() -> None:
    go = threading.Event()

    async def ask() -> list[int]:
        lane = Lane("explanations", threads=1, most=2)
        first, second = (asyncio.ensure_future(lane.run(go.wait)) for _ in range(2))
        await asyncio.sleep(0)
        busy = [lane.busy]
        with pytest.raises(ProblemError, match="explanations: 2 wait already") as refused:
            await lane.run(go.wait)
        assert refused.value.status == 503
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        busy.append(lane.busy)
        go.set()
        assert await second
        await lane.run(int)
        await asyncio.sleep(0)
        return [*busy, lane.busy]

    assert asyncio.run(ask()) == [2, 2, 0]


def test_what_a_call_raises_is_raised() -> None:
    async def ask() -> None:
        lane = Lane("sums", threads=1, most=1)
        with pytest.raises(TypeError):
            await lane.run(sum, None)
        assert lane.busy == 0

    asyncio.run(ask())
