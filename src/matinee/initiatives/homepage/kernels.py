"""The hot loops of the composer: deal titles to shelves, choose a row, fill it.

A title is *blocked* for a row when it is reserved for a pin, or stands in a row above `limit` (rows count
from 1, 0 means not placed; `limit` 0 therefore allows no repetition at all).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.decide.slates.greedy import greedy_slate


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def deal(
    order: NDArray[np.int64],
    shelf_ptr: NDArray[np.int64],
    shelf_of: NDArray[np.int32],
    fill: NDArray[np.int64],
    stop: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Append each title, best first, to all shelves that hold it, until a shelf is full.

    `shelf_of[shelf_ptr[t]:shelf_ptr[t + 1]]` are the shelves of title t; `fill` (changed) is the next free
    place of each shelf in `out`, `stop` its last place plus one.
    """
    for t in order:
        for j in range(shelf_ptr[t], shelf_ptr[t + 1]):
            s = shelf_of[j]
            if fill[s] < stop[s]:
                out[fill[s]] = t
                fill[s] += 1


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def choose_row(  # noqa: PLR0915 - numba compiles no objects
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    candidate: NDArray[np.int32],
    play: NDArray[np.float64],
    own_play: NDArray[np.float64],
    n_shared: int,
    all_dealt: bool,
    open_: NDArray[np.bool_],
    min_tiles: NDArray[np.int64],
    weight: NDArray[np.float64],
    in_mix: NDArray[np.bool_],
    last_row: NDArray[np.int32],
    reserved: NDArray[np.bool_],
    covered: NDArray[np.float64],
    limit: int,
    look: NDArray[np.float64],
    tag_ptr: NDArray[np.int64],
    tag: NDArray[np.int32],
    target: NDArray[np.float64],
    mass: NDArray[np.float64],
    alpha: float,
    calibration: float,
) -> Any:
    """Shelf with the highest worth = gain * exp(-calibration * KL after), and its gain; (-1, 0) for none.

    Gain is the expected coverage: the sum over the shelf's first unblocked titles of look[c] * P(play) *
    (1 - chance that the title was seen above), times the shelf's weight. P(play) is `play[title]`, or
    `own_play` for places from `n_shared` on. Exact: as KL >= 0, a shelf whose gain is not above the best
    worth so far cannot win and its divergence is not computed. (-2, 0) says that no shelf has enough titles
    but one of the shared ones could, once all titles have been dealt.
    """
    n = len(start)
    gain = np.full(n, -1.0)
    top = -1
    waiting = False
    for s in range(n):
        if not open_[s]:
            continue
        count = 0
        g = 0.0
        for i in range(start[s], end[s]):
            t = candidate[i]
            if reserved[t] or last_row[t] > limit:
                continue
            if count < len(look):
                p = play[t] if i < n_shared else own_play[i - n_shared]
                g += look[count] * p * (1.0 - covered[t])
            count += 1
            if count >= len(look) and count >= min_tiles[s]:
                break
        if count >= min_tiles[s]:
            gain[s] = g * weight[s]
            if top < 0 or gain[s] > gain[top]:
                top = s
        elif start[s] < n_shared and not all_dealt:
            waiting = True
    if top < 0:
        return (-2 if waiting else -1), 0.0
    if calibration == 0.0 or target.sum() == 0.0:
        return top, gain[top]
    best = -1
    best_worth = -1.0
    mix = np.empty(len(mass))
    for step in range(n + 1):
        s = top if step == 0 else step - 1  # the largest gain first, so that most others are skipped
        if gain[s] < 0.0 or gain[s] <= best_worth or (step > 0 and s == top):
            continue
        mix[:] = mass
        if in_mix[s]:
            count = 0
            for i in range(start[s], end[s]):
                t = candidate[i]
                if reserved[t] or last_row[t] > limit:
                    continue
                n_tags = tag_ptr[t + 1] - tag_ptr[t]
                for j in range(tag_ptr[t], tag_ptr[t + 1]):
                    mix[tag[j]] += look[count] / n_tags
                count += 1
                if count == len(look):
                    break
        total = mix.sum()
        kl = 0.0
        if total > 0.0:
            for g_ in range(len(target)):
                if target[g_] > 0.0:
                    q = (1.0 - alpha) * mix[g_] / total + alpha * target[g_]
                    kl += target[g_] * np.log(target[g_] / q)
        worth = gain[s] * np.exp(-calibration * kl)
        if worth > best_worth:
            best = s
            best_worth = worth
    return best, gain[best]


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def place(
    titles: NDArray[np.int32],
    cols: NDArray[np.int64],
    row: int,
    look: NDArray[np.float64],
    last_row: NDArray[np.int32],
    covered: NDArray[np.float64],
) -> None:
    """Remember that titles stand at (row, cols), both counted from 1; `look` is that row's browsing model."""
    for i in range(len(titles)):
        t = titles[i]
        last_row[t] = max(last_row[t], row)
        covered[t] += (1.0 - covered[t]) * look[cols[i] - 1]


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def collect(
    candidate: NDArray[np.int32],
    first: int,
    last: int,
    last_row: NDArray[np.int32],
    reserved: NDArray[np.bool_],
    limit: int,
    k: int,
) -> Any:
    """The first k unblocked titles of candidate[first:last], dtype int32."""
    out = np.empty(k, np.int32)
    n = 0
    for i in range(first, last):
        t = candidate[i]
        if reserved[t] or last_row[t] > limit:
            continue
        if n == k:
            break
        out[n] = t
        n += 1
    return out[:n]


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def fill(
    candidate: NDArray[np.int32],
    first: int,
    last: int,
    last_row: NDArray[np.int32],
    reserved: NDArray[np.bool_],
    covered: NDArray[np.float64],
    limit: int,
    row: int,
    cols: NDArray[np.int64],
    k_slate: int,
    pool: int,
    score: NDArray[np.float64],
    given: NDArray[np.int32],
    k_diverse: int,
    vectors: NDArray[np.float32],
    diversity: float,
    calibration: float,
    tag_ptr: NDArray[np.int64],
    tag: NDArray[np.int32],
    target: NDArray[np.float64],
    mass: NDArray[np.float64],
    alpha: float,
    look: NDArray[np.float64],
) -> Any:
    """Choose and place titles of candidate[first:last] at (row, cols); returns them, dtype int32.

    The first `k_slate` come from the `pool` best unblocked candidates under diversity and calibration
    (see `greedy_slate`), the others follow in the order of the shelf.
    """
    out = np.empty(len(cols), np.int32)
    n = 0
    if k_slate > 0:
        best = collect(candidate, first, last, last_row, reserved, limit, pool)
        quality = np.log(score[best])
        chosen = greedy_slate(
            best,
            quality,
            given,
            k_slate,
            k_diverse,
            vectors,
            diversity,
            calibration,
            tag_ptr,
            tag,
            target,
            mass,
            alpha,
            look[cols - 1],
        )
        n = len(chosen)
        out[:n] = best[chosen]
        place(out[:n], cols[:n], row, look, last_row, covered)
    if n < len(cols) and n == k_slate:
        more = collect(candidate, first, last, last_row, reserved, limit, len(cols) - n)
        out[n : n + len(more)] = more
        place(more, cols[n : n + len(more)], row, look, last_row, covered)
        n += len(more)
    return out[:n]
