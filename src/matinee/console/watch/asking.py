"""What the initiative that makes pages knows besides: which titles are alike, and what a member prefers.

It is asked through optional abilities of whatever decides now (`FindsSimilar`, `Prefers`), in its own threads
and for a bounded time. Where it lacks them (no model, the fallback decides), is late or fails, the catalogue
answers: shared genres, and what is popular.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from matinee.console.titles import PAGES, Seen, Titles
from matinee.platform.abilities import FindsSimilar, Prefers
from matinee.platform.deciding import Request
from matinee.serve.opened import Opened
from matinee.serve.services import Services
from matinee.types import Scores

ASK_S = 0.1
"""Longest time to wait for an answer; a page goes on without it."""
MORE = 3
"""So many times as many titles are asked for as are shown, since a member may not see all of them."""


async def similar(services: Services, seen: Seen, title_id: str, n: int) -> list[str]:
    """Titles like one that the member may see, the most alike first.

    What is in production is asked, also for a member in an experiment.
    """
    unit = seen.titles.unit(title_id)
    found = await _asked(services, FindsSimilar, lambda decider: decider.similar(unit, MORE * n))
    near = list(found or seen.titles.alike(unit, MORE * n))
    return [one for one in seen.only(near) if one != unit][:n]


async def preferences(
    services: Services, titles: Titles, member_id: str, title_ids: Sequence[str], at_us: int
) -> Scores:
    """How much a member would like each of some titles, 0 to 1, 1 for the first of them.

    Returns
    -------
    ndarray of float32, shape (n_titles,)
    """
    request = Request(member_id, at_us, actions=tuple(title_ids))
    found = await _asked(services, Prefers, lambda decider: decider.preferences(request))
    if found is None or len(found) != len(title_ids):
        places = [titles.position(one) for one in title_ids]
        found = [float(titles.plays[one]) if one >= 0 else 0.0 for one in places]
    scores = np.asarray(found, np.float32)
    best = float(scores.max(initial=0.0))
    return (scores / best).astype(np.float32, copy=False) if best > 0 else scores


async def _asked(services: Services, ability: type[Any], ask: Callable[[Any], Any]) -> Any:
    """What the decider in production says; None if it lacks the ability, is late or fails."""
    released = services.released.get(PAGES)
    if released is None:
        return None
    opened: Opened = released.keeper.now.incumbent
    decider = opened.answering.decider
    if not isinstance(decider, ability):
        return None
    outcome = await opened.pool.ask_async(lambda: ask(decider), ASK_S)
    return outcome.value if outcome.why is None else None
