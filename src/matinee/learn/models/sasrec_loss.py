"""Cross-entropy over all titles and its gradients, computed in chunks that stay in the processor's cache.

The logits of a batch (rows x titles) never exist at once: each chunk of rows is scored, turned into
probabilities, and spent on the gradients before the next. Called by `sasrec.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from matinee.types import Index, Scores

Tensor = Any
"""A torch tensor; torch is imported only where it is used."""
Ints = NDArray[np.int64]
Gradients = tuple[float, Tensor, Tensor, Tensor]

CHUNK_ROWS = 128
HIDDEN_LOGIT = -1e30
ABSENT_SHIFT = -30.0


class Seen(NamedTuple):
    """What the member of each row had watched: events `first[r]` to `last[r]` of the log.

    Attributes
    ----------
    titles : ndarray of int32, shape (n_events,)
        Title of every event of the log.
    first, last : ndarray of int64, shape (n_rows,)
        First and last event, both included.
    """

    titles: Index
    first: Ints
    last: Ints


def full_loss(
    hidden: Tensor, title: Tensor, bias: Tensor, target: Tensor, seen: Seen | None = None
) -> Gradients:
    """Softmax over all titles; with `seen`, over the titles that the row's member had not watched.

    A target that the member had watched before (watched again) takes part in its own row.

    Parameters
    ----------
    hidden : tensor of float32, shape (n_rows, dim)
    title : tensor of float32, shape (n_titles, dim)
    bias : tensor of float32, shape (n_titles,)
    target : tensor of int64, shape (n_rows,)
        Index of the title that was watched next.
    seen : Seen, optional
        Titles to leave out of each row's softmax.

    Returns
    -------
    loss : float
        Cross-entropy in nats, summed over rows.
    d_hidden, d_title, d_bias : tensors
        Gradients of that sum, shaped like `hidden`, `title` and `bias`.
    """
    return _loss(hidden, title, bias, target, seen=seen, column=np.arange(len(title)), shift=None)


def sampled_loss(
    hidden: Tensor, title: Tensor, bias: Tensor, target: Tensor, *, sample: Tensor, seen: Seen | None = None
) -> Gradients:
    """Softmax over the row's target and `sample`: distinct titles (int64), drawn uniformly from all.

    Each sampled title counts for n_titles / len(sample) titles, so that the sum of exponentials has the
    expectation of the full one. Targets of other rows take no part unless they were drawn.
    """
    import torch

    candidates, inverse = torch.unique(torch.cat([sample, target]), return_inverse=True)
    shift = hidden.new_full((len(candidates),), ABSENT_SHIFT)
    shift[inverse[: len(sample)]] = float(np.log(len(title) / len(sample)))
    column = np.full(len(title), -1, np.int64)
    column[candidates.numpy()] = np.arange(len(candidates))
    loss, d_hidden, d_some, d_bias_some = _loss(
        hidden,
        title[candidates],
        bias[candidates],
        inverse[len(sample) :],
        seen=seen,
        column=column,
        shift=shift,
    )
    d_title, d_bias = torch.zeros_like(title), torch.zeros_like(bias)
    d_title[candidates], d_bias[candidates] = d_some, d_bias_some
    return loss, d_hidden, d_title, d_bias


def _loss(
    hidden: Tensor,
    title: Tensor,
    bias: Tensor,
    target: Tensor,
    *,
    seen: Seen | None,
    column: Ints,
    shift: Tensor | None,
) -> Gradients:
    """`column` gives each title's row in `title`, or -1; `shift` is added to all logits but the target's."""
    import torch

    d_hidden, d_title, d_bias = torch.empty_like(hidden), torch.zeros_like(title), torch.zeros_like(bias)
    buffer = hidden.new_empty(min(CHUNK_ROWS, len(hidden)), len(title))
    minus_one = hidden.new_full((len(buffer), 1), -1.0)
    offset = bias if shift is None else bias + shift
    across, tiny, loss = title.t(), torch.finfo(hidden.dtype).tiny, 0.0
    for start in range(0, len(hidden), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        rows, y = hidden[chunk], target[chunk, None]
        p = buffer[: len(rows)]
        torch.addmm(offset, rows, across, out=p)
        if shift is not None:
            p.scatter_add_(1, y, -shift[y])
        if seen is not None:
            part = Seen(seen.titles, seen.first[chunk], seen.last[chunk])
            _hide(p.numpy(), target[chunk].numpy(), column, part)
        torch.softmax(p, 1, out=p)
        loss -= float(p.gather(1, y).clamp_min_(tiny).log_().sum())
        p.scatter_add_(1, y, minus_one[: len(rows)])
        torch.mm(p, title, out=d_hidden[chunk])
        d_title.addmm_(p.t(), rows)
        d_bias += p.sum(0)
    return loss, d_hidden, d_title, d_bias


@njit(cache=True, nogil=True)
def _hide(logits: Scores, target: Ints, column: Ints, seen: Seen) -> None:
    """Give the watched titles of each row a logit of -1e30, except its target."""
    for row in range(len(logits)):
        kept = logits[row, target[row]]
        for event in range(seen.first[row], seen.last[row] + 1):
            place = column[seen.titles[event]]
            if place >= 0:
                logits[row, place] = HIDDEN_LOGIT
        logits[row, target[row]] = kept
