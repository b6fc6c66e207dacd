"""The hot loops of the composer: deal titles to shelves, choose a row, fill it.

A title is *blocked* for a row when it is reserved for a pin, or stands in a row above `limit` (rows count
from 1, 0 means not placed; `limit` 0 therefore allows no repetition at all).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.decide.slates.greedy import TagMix, Wish, greedy_slate, likeness


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


class Shelving(NamedTuple):
    """Candidates of all shelves: shelf s holds `candidate[start[s]:end[s]]`, best first."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    candidate: NDArray[np.int32]


class Placed(NamedTuple):
    """Where titles stand already.

    Attributes
    ----------
    last_row : ndarray of int32, shape (n_titles,)
        Lowest row that holds the title; 0 for none.
    reserved : ndarray of bool, shape (n_titles,)
        Kept for a pin.
    covered : ndarray of float64, shape (n_titles,)
        Chance that the title was seen.
    """

    last_row: NDArray[np.int32]
    reserved: NDArray[np.bool_]
    covered: NDArray[np.float64]


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def choose_row(  # noqa: PLR0915 - numba compiles no objects
    shelves: Shelving,
    play: NDArray[np.float64],
    own_play: NDArray[np.float64],
    n_shared: int,
    all_dealt: bool,
    open_: NDArray[np.bool_],
    min_tiles: NDArray[np.int64],
    weight: NDArray[np.float64],
    in_mix: NDArray[np.bool_],
    placed: Placed,
    limit: int,
    look: NDArray[np.float64],
    mix: TagMix,
    wish: Wish,
) -> Any:
    """Shelf with the highest worth = gain * exp(-calibration * KL after - spread * likeness); and its gain.

    Gain is the expected coverage: the sum over the shelf's first unblocked titles of look[c] * P(play) *
    (1 - chance that the title was seen above), times the shelf's weight. P(play) is `play[title]`, or
    `own_play` for places from `n_shared` on. Likeness is the mean cosine, by tags, of the row's tiles with
    what was placed before. Exact: neither KL nor likeness is below 0, so a shelf whose gain is not above the
    best worth so far cannot win and is not looked at again. (-1, 0) for no shelf; (-2, 0) says that no shelf
    has enough titles but one of the shared ones could, once all titles have been dealt.
    """
    start, end, candidate = shelves.start, shelves.end, shelves.candidate
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
            if placed.reserved[t] or placed.last_row[t] > limit:
                continue
            if count < len(look):
                p = play[t] if i < n_shared else own_play[i - n_shared]
                g += look[count] * p * (1.0 - placed.covered[t])
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
    calibrate = wish.calibration > 0.0 and mix.target.sum() > 0.0
    if not calibrate and wish.spread == 0.0:
        return top, gain[top]
    before = mix.mass.sum()
    usual = (mix.length**2).sum() / before**2 if before > 0.0 else 0.0
    best = -1
    best_worth = -1.0
    shown = np.empty(len(mix.mass))
    for step in range(n + 1):
        s = top if step == 0 else step - 1  # the largest gain first, so that most others are skipped
        if gain[s] < 0.0 or gain[s] <= best_worth or (step > 0 and s == top):
            continue
        shown[:] = mix.mass
        alike = 0.0
        seen = 0.0
        if in_mix[s]:
            count = 0
            for i in range(start[s], end[s]):
                t = candidate[i]
                if placed.reserved[t] or placed.last_row[t] > limit:
                    continue
                n_tags = mix.ptr[t + 1] - mix.ptr[t]
                for j in range(mix.ptr[t], mix.ptr[t + 1]):
                    shown[mix.tag[j]] += look[count] / n_tags
                alike += look[count] * likeness(mix, t, before, usual)
                seen += look[count]
                count += 1
                if count == len(look):
                    break
        cost = 0.0
        if seen > 0.0:
            cost += wish.spread * alike / seen
        total = shown.sum()
        if calibrate and total > 0.0:
            kl = 0.0
            for g_ in range(len(mix.target)):
                if mix.target[g_] > 0.0:
                    q = (1.0 - mix.alpha) * shown[g_] / total + mix.alpha * mix.target[g_]
                    kl += mix.target[g_] * np.log(mix.target[g_] / q)
            cost += wish.calibration * kl
        worth = gain[s] * np.exp(-cost)
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
    placed: Placed,
) -> None:
    """Remember that titles stand at (row, cols), both counted from 1; `look` is that row's browsing model."""
    for i in range(len(titles)):
        t = titles[i]
        placed.last_row[t] = max(placed.last_row[t], row)
        placed.covered[t] += (1.0 - placed.covered[t]) * look[cols[i] - 1]


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def collect(shelves: Shelving, shelf: int, placed: Placed, limit: int, k: int) -> Any:
    """The first k unblocked titles of a shelf, dtype int32."""
    out = np.empty(k, np.int32)
    n = 0
    for i in range(shelves.start[shelf], shelves.end[shelf]):
        t = shelves.candidate[i]
        if placed.reserved[t] or placed.last_row[t] > limit:
            continue
        if n == k:
            break
        out[n] = t
        n += 1
    return out[:n]


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def fill(
    shelves: Shelving,
    shelf: int,
    placed: Placed,
    limit: int,
    row: int,
    cols: NDArray[np.int64],
    k_slate: int,
    pool: int,
    score: NDArray[np.float64],
    given: NDArray[np.int32],
    k_diverse: int,
    vectors: NDArray[np.float32],
    wish: Wish,
    mix: TagMix,
    look: NDArray[np.float64],
) -> Any:
    """Choose and place titles of a shelf at (row, cols); returns them, dtype int32.

    The first `k_slate` come from the `pool` best unblocked candidates under diversity, spread and calibration
    (see `greedy_slate`), the others follow in the order of the shelf.
    """
    out = np.empty(len(cols), np.int32)
    n = 0
    if k_slate > 0:
        best = collect(shelves, shelf, placed, limit, pool)
        quality = np.log(score[best])
        weight = look[cols - 1]
        chosen = greedy_slate(best, quality, given, k_slate, k_diverse, vectors, wish, mix, weight)
        n = len(chosen)
        out[:n] = best[chosen]
        place(out[:n], cols[:n], row, look, placed)
    if n < len(cols) and n == k_slate:
        more = collect(shelves, shelf, placed, limit, len(cols) - n)
        out[n : n + len(more)] = more
        place(more, cols[n : n + len(more)], row, look, placed)
        n += len(more)
    return out[:n]
