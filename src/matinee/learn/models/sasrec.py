"""A causal transformer over a member's titles, for what comes next; trained on the CPU (extra `sequence`).

Kang & McAuley (2018), "Self-Attentive Sequential Recommendation", ICDM, arXiv 1808.09781.
Klenitskiy & Vasilev (2023), "Turning Dross Into Gold Loss", RecSys, arXiv 2309.07602: full cross-entropy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matinee.errors import ConfigError, MissingExtraError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.base import Scorer
from matinee.learn.models.sasrec_loss import Seen, full_loss, sampled_loss
from matinee.learn.models.storage import load_arrays, save_arrays
from matinee.types import SECOND_US, Scores, derive_seed

Tensor = Any
"""A torch tensor; torch is imported only where it is used."""
Params = dict[str, Tensor]
Ints = NDArray[np.int64]
Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""

N_GAPS = 16
SCORE_BATCH = 64
ROTARY_BASE = 1_000.0


@dataclass(frozen=True, slots=True)
class SasRecConfig:
    """Settings of the transformer.

    Attributes
    ----------
    dim : int, even multiple of n_heads
        Width of title vectors and hidden states.
    n_blocks, n_heads : int, at least 1
        Depth, and attention heads in each block.
    max_len : int, at least 1
        Titles that are looked back upon, in training and in scoring.
    dropout : float, 0 to below 1
        Share of values dropped from the inputs and from what each block adds.
    learning_rate : float, above 0
        Peak of the schedule: 5 % warm-up, then linearly down to 0 (AdamW).
    weight_decay : float, 0 or more
        On the matrices of the blocks only, not on title vectors.
    n_epochs : int, 0 or more; 0: chosen from the size of the data
        Passes over the training events. 0 stands for `epoch_events` / events, between 15 and 60.
    epoch_events : int, at least 1
        Events to train on in all, repeats counted, when `n_epochs` is 0.
    batch_events : int, at least 1
        Events in one step of the optimiser.
    hide_seen : bool
        In training, leave the titles that a member had watched out of the softmax (but not one that is
        watched again). Scores of watched titles then mean little; right where the caller removes them.
    max_softmax_titles : int, at least 2
        In a larger catalogue, the softmax runs over this many titles, drawn anew for each batch.
    n_threads : int, at least 1
        Threads; each takes its share of a batch, so results depend on this number, not on the machine.
    seed : int
        Seed of everything random.
    """

    dim: int = 64
    n_blocks: int = 2
    n_heads: int = 2
    max_len: int = 200
    dropout: float = 0.2
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    n_epochs: int = 0
    epoch_events: int = 25_000_000
    batch_events: int = 2048
    hide_seen: bool = True
    max_softmax_titles: int = 10_000
    n_threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        floors = {"dim": 2, "n_blocks": 1, "n_heads": 1, "max_len": 1, "n_epochs": 0, "epoch_events": 1}
        floors |= {"batch_events": 1, "max_softmax_titles": 2, "n_threads": 1}
        for name, floor in floors.items():
            if not getattr(self, name) >= floor:
                raise ConfigError(
                    f"SasRecScorer: {name} is {getattr(self, name)}, expected at least {floor}."
                )
        if self.dim % (2 * self.n_heads):
            raise ConfigError(
                f"SasRecScorer: dim is {self.dim}, expected a multiple of 2 * n_heads ({2 * self.n_heads}). "
                f"Pass dim={2 * self.n_heads * max(1, round(self.dim / (2 * self.n_heads)))}."
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"SasRecScorer: dropout is {self.dropout}, expected 0 to below 1.")
        if not self.learning_rate > 0:
            raise ConfigError(f"SasRecScorer: learning_rate is {self.learning_rate}, expected above 0.")
        if not self.weight_decay >= 0:
            raise ConfigError(f"SasRecScorer: weight_decay is {self.weight_decay}, expected 0 or more.")


class SasRecScorer(Scorer):
    """What a member watches next, from the order and the pauses of what was watched last.

    Choose it beside the decayed ridge and the sequence neighbours when some minutes of training are
    affordable: its errors differ from theirs, so the sum of log-probabilities beats each. Not for a few
    hundred members, where the closed-form models are as good and a thousand times quicker.

    Parameters
    ----------
    config : SasRecConfig, optional
        Settings.
    progress : callable (str, float), optional
        Called after each epoch with a text and the share done, 0 to 1.

    Attributes
    ----------
    weights_ : dict of str to ndarray of float32
        Matrices of the transformer. `title` has shape (n_titles, dim), `title_bias` (n_titles,).
    prior_ : ndarray of float32, shape (n_titles,)
        Log of the share of training events, add-one smoothed: the scores of an empty history.
    losses_ : list of float
        Mean training loss of each epoch, nats per event.

    Raises
    ------
    MissingExtraError
        torch is not installed (`fit` and `score`; `load` does without).

    Notes
    -----
    Cost of an epoch: about 6 * n_events * dim * (n_titles + 24 * dim) operations. Memory: the events,
    3 times the weights, and per thread 128 * n_titles * 4 bytes of logits.
    Departs from the paper: full softmax over the catalogue instead of one sampled negative; RMS norm
    before each part; rotary positions instead of learned ones; the pause since the title before is an
    input; a bias per title, started at its log popularity. Members with more than `max_len` events are
    cut into windows whose borders move from epoch to epoch.

    Examples
    --------
    >>> SasRecConfig(dim=32).n_blocks
    2
    """

    def __init__(self, config: SasRecConfig | None = None, progress: Progress | None = None) -> None:
        self.config = config or SasRecConfig()
        self.progress = progress
        self.weights_: dict[str, NDArray[np.float32]] | None = None
        self.prior_: Scores | None = None
        self.losses_: list[float] = []

    def fit(self, train: Interactions) -> Self:
        """Learn from all members of `train` with at least two events."""
        torch = _torch()
        config, events = self.config, train.histories
        rng = np.random.default_rng(derive_seed(config.seed, "sasrec"))
        count = np.bincount(events.title, minlength=train.n_titles) + 1.0
        self.prior_ = (
            np.log(count / count.sum()).astype(np.float32) if len(count) else np.zeros(0, np.float32)
        )
        params = _new_params(config, self.prior_, rng)
        self.losses_ = []
        trainable = int(np.maximum(events.lengths - 1, 0).sum())
        if trainable == 0:
            params["title"].zero_()
        with _one_thread_each(torch), ThreadPoolExecutor(config.n_threads) as pool:
            n_epochs = _n_epochs(config, trainable)
            trainer = _Trainer(config, params, train, pool, rng) if n_epochs else None
            for epoch in range(n_epochs):
                assert trainer is not None
                self.losses_.append(trainer.epoch(epoch / n_epochs, (epoch + 1) / n_epochs))
                if self.progress is not None:
                    text = f"transformer: epoch {epoch + 1} of {n_epochs}, loss {self.losses_[-1]:.3f}"
                    self.progress(text, (epoch + 1) / n_epochs)
        self.weights_ = {name: value.detach().numpy() for name, value in params.items()}
        return self

    def score(self, histories: Histories) -> Scores:
        """Log-probabilities of the next title, float32, shape (n_members, n_titles)."""
        weights, prior = self._fitted()
        torch = _torch()
        config = self.config
        params = {name: torch.from_numpy(value) for name, value in weights.items()}
        gaps = _gap_bucket(histories)
        out: Scores = np.empty((len(histories), len(prior)), np.float32)
        used = np.minimum(histories.lengths, config.max_len)
        out[used == 0] = prior
        order = np.argsort(used, kind="stable")
        order = order[used[order] > 0]

        def one(members: Ints) -> None:
            torch.set_num_threads(1)
            size = used[members]
            events = (histories.indptr[1:][members] - size)[:, None] + np.minimum(
                np.arange(size.max()), size[:, None] - 1
            )
            titles = torch.from_numpy(histories.title[events].astype(np.int64))
            with torch.no_grad():
                hidden = _encode(params, config, titles, torch.from_numpy(gaps[events]), None)
                last = hidden[torch.arange(len(size)), torch.from_numpy(size - 1)]
                logits = torch.addmm(params["title_bias"], last, params["title"].t())
                out[members] = torch.log_softmax(logits, 1).numpy()

        with _one_thread_each(torch), ThreadPoolExecutor(config.n_threads) as pool:
            list(pool.map(one, (order[i : i + SCORE_BATCH] for i in range(0, len(order), SCORE_BATCH))))
        return out

    def save(self, folder: Path) -> None:
        """Write the weights, one file each, and the prior."""
        weights, prior = self._fitted()
        save_arrays(folder, self.config, prior=prior, losses=np.array(self.losses_), **weights)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config, arrays = load_arrays(folder, SasRecConfig)
        scorer = cls(config)
        scorer.prior_, scorer.losses_ = arrays.pop("prior"), arrays.pop("losses").tolist()
        scorer.weights_ = arrays
        return scorer

    def _fitted(self) -> tuple[dict[str, NDArray[np.float32]], Scores]:
        if self.weights_ is None or self.prior_ is None:
            raise NotFittedError(
                "SasRecScorer: weights_ is not set, expected a fitted model. Call fit first."
            )
        return self.weights_, self.prior_


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("SasRecScorer", "sequence") from None
    return torch


@contextmanager
def _one_thread_each(torch: Any) -> Iterator[None]:
    """Let every worker of our pool compute alone: threads inside one small product wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _n_epochs(config: SasRecConfig, trainable: int) -> int:
    if trainable == 0:
        return 0
    return config.n_epochs or int(np.clip(round(config.epoch_events / trainable), 15, 60))


def _gap_bucket(histories: Histories) -> Ints:
    """Pause since the event before, in 14 logarithmic classes; 0: none (same time), last: first event."""
    pause_s = np.zeros(len(histories.title))
    pause_s[1:] = np.diff(histories.at_us) / SECOND_US
    bucket = 1 + np.floor(np.log2(np.maximum(pause_s, 1.0)) / 2)
    bucket = np.where(pause_s <= 0, 0, np.minimum(bucket, N_GAPS - 2)).astype(np.int64)
    bucket[histories.indptr[:-1][histories.lengths > 0]] = N_GAPS - 1
    return bucket


def _new_params(config: SasRecConfig, prior: Scores, rng: np.random.Generator) -> Params:
    torch = _torch()
    dim, wide = config.dim, 4 * config.dim

    def normal(rows: int, columns: int, std: float) -> Tensor:
        return torch.from_numpy(std * rng.standard_normal((rows, columns), dtype=np.float32))

    params = {
        "title": normal(len(prior), dim, 0.05),
        "title_bias": torch.from_numpy(prior - prior.mean() if len(prior) else prior.copy()),
        "gap": normal(N_GAPS, dim, 0.05),
        "norm": torch.ones(dim),
    }
    for i in range(config.n_blocks):
        params |= {
            f"block{i}_norm_attend": torch.ones(dim),
            f"block{i}_query_key_value": normal(3 * dim, dim, dim**-0.5),
            f"block{i}_attended": normal(dim, dim, 0.5 * dim**-0.5),
            f"block{i}_norm_widen": torch.ones(dim),
            f"block{i}_widen": normal(wide, dim, dim**-0.5),
            f"block{i}_widen_bias": torch.zeros(wide),
            f"block{i}_narrow": normal(dim, wide, 0.5 * wide**-0.5),
        }
    return params


def _drop(x: Tensor, share: float, rng: np.random.Generator | None) -> Tensor:
    """Dropout from one random byte per value (20 times cheaper than torch's); none without `rng`."""
    level = round(share * 256)
    if rng is None or level == 0:
        return x
    torch = _torch()
    kept = torch.from_numpy(rng.integers(0, 256, x.shape, dtype=np.uint8)) >= level
    return x * kept.float().mul_(256 / (256 - level))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021, arXiv 2104.09864): attention sees distances, not places."""
    first, second = x.chunk(2, -1)
    return _torch().cat([first * cos - second * sin, first * sin + second * cos], -1)


def _encode(
    params: Params, config: SasRecConfig, titles: Tensor, gaps: Tensor, rng: np.random.Generator | None
) -> Tensor:
    """Hidden states, shape (n, length, dim), of titles and gaps, int64 (n, length), right-padded.

    `rng` is given in training only, for dropout. A state depends on no later event, so padding at the
    right needs no mask.
    """
    torch = _torch()
    functional = torch.nn.functional
    n, length = titles.shape
    dim, half = config.dim, config.dim // config.n_heads // 2
    angle = torch.outer(torch.arange(length), ROTARY_BASE ** (-torch.arange(half) / half))
    cos, sin = angle.cos(), angle.sin()
    x = functional.embedding(titles, params["title"]) + functional.embedding(gaps, params["gap"])
    x = _drop(x, config.dropout, rng)
    for i in range(config.n_blocks):
        block = f"block{i}_"
        y = functional.rms_norm(x, (dim,), params[block + "norm_attend"], 1e-6)
        y = functional.linear(y, params[block + "query_key_value"])
        query, key, value = y.view(n, length, 3, config.n_heads, 2 * half).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(
            _rotate(query, cos, sin), _rotate(key, cos, sin), value, is_causal=True
        )
        y = functional.linear(y.transpose(1, 2).reshape(n, length, dim), params[block + "attended"])
        x = x + _drop(y, config.dropout, rng)
        y = functional.rms_norm(x, (dim,), params[block + "norm_widen"], 1e-6)
        y = functional.gelu(functional.linear(y, params[block + "widen"], params[block + "widen_bias"]))
        x = x + _drop(functional.linear(y, params[block + "narrow"]), config.dropout, rng)
    return functional.rms_norm(x, (dim,), params["norm"], 1e-6)


def _windows(indptr: Ints, max_len: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """First event and number of inputs of each training window; each event but a first is a target once.

    A history longer than `max_len` is cut at a random place and every `max_len` events from there.
    """
    inputs = np.diff(indptr) - 1
    short = (inputs >= 1) & (inputs <= max_len)
    firsts, sizes = [indptr[:-1][short]], [inputs[short]]
    for first, n in zip(indptr[:-1][inputs > max_len], inputs[inputs > max_len], strict=True):
        cuts = np.r_[0, np.arange(rng.integers(1, max_len + 1), n, max_len), n]
        firsts.append(first + cuts[:-1])
        sizes.append(np.diff(cuts))
    return np.concatenate(firsts), np.concatenate(sizes)


def _shares(sizes: Ints, events: int, rng: np.random.Generator) -> list[Ints]:
    """Windows of nearly equal length in groups of about `events` events, groups in random order."""
    order = np.lexsort((rng.random(len(sizes)), sizes))[::-1]
    groups, at = [], 0
    while at < len(order):
        take = max(1, events // int(sizes[order[at]]))
        groups.append(order[at : at + take])
        at += take
    return [groups[i] for i in rng.permutation(len(groups))]


class _Trainer:
    """Runs epochs: cuts windows, spreads each batch over threads, sums their gradients in a fixed order."""

    def __init__(
        self,
        config: SasRecConfig,
        params: Params,
        train: Interactions,
        pool: ThreadPoolExecutor,
        rng: np.random.Generator,
    ) -> None:
        torch = _torch()
        self.config, self.params, self.pool, self.rng = config, params, pool, rng
        self.events = train.histories
        self.first = np.repeat(train.histories.indptr[:-1], train.histories.lengths)
        self.titles = torch.from_numpy(train.histories.title.astype(np.int64))
        self.gaps = torch.from_numpy(_gap_bucket(train.histories))
        self.thread_rngs = rng.spawn(config.n_threads)
        matrices = [p for name, p in params.items() if name.startswith("block") and p.ndim == 2]
        others = [p for name, p in params.items() if not (name.startswith("block") and p.ndim == 2)]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )

    def epoch(self, done_from: float, done_to: float) -> float:
        """Train on every event once; `done_from` and `done_to` place the epoch in the schedule. Mean loss."""
        config, n = self.config, self.config.n_threads
        firsts, sizes = _windows(self.events.indptr, config.max_len, self.rng)
        shares = _shares(sizes, max(1, config.batch_events // n), self.rng)
        batches = [shares[i : i + n] for i in range(0, len(shares), n)]
        loss = 0.0
        for step, batch in enumerate(batches):
            done = done_from + (done_to - done_from) * step / len(batches)
            rate = config.learning_rate * min((done + 1e-3) / 0.05, (1.0 - done) / 0.95)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            n_events = sum(int(sizes[share].sum()) for share in batch)
            sample = self._sample()
            jobs = [
                self.pool.submit(self._gradients, firsts[share], sizes[share], sample, self.thread_rngs[i])
                for i, share in enumerate(batch)
            ]
            results = [job.result() for job in jobs]
            loss += sum(result[0] for result in results)
            for name, param in self.params.items():
                param.grad = results[0][1][name]
                for _, gradients in results[1:]:
                    param.grad.add_(gradients[name])
                param.grad.div_(n_events)
            self.optimizer.step()
        return loss / int(sizes.sum())

    def _sample(self) -> Tensor | None:
        n_titles, limit = len(self.params["title"]), self.config.max_softmax_titles
        if n_titles <= limit:
            return None
        drawn = self.rng.choice(n_titles, limit, replace=False, shuffle=False)
        return _torch().from_numpy(np.sort(drawn).astype(np.int64))

    def _gradients(
        self, firsts: Ints, sizes: Ints, sample: Tensor | None, rng: np.random.Generator
    ) -> tuple[float, Params]:
        """Summed loss of some windows and its gradients, computed by the calling thread alone."""
        torch = _torch()
        torch.set_num_threads(1)
        leaves = {name: param.detach().requires_grad_() for name, param in self.params.items()}
        places = np.arange(sizes.max())
        events = torch.from_numpy(firsts[:, None] + np.minimum(places, sizes[:, None] - 1))
        real = torch.from_numpy(np.flatnonzero(places < sizes[:, None]))
        hidden = _encode(leaves, self.config, self.titles[events], self.gaps[events], rng)
        hidden = hidden.flatten(0, 1)[real]
        target = self.titles[(events + 1).flatten()[real]]
        title, bias, seen = self.params["title"], self.params["title_bias"], None
        if self.config.hide_seen:
            last = events.flatten()[real].numpy()
            seen = Seen(self.events.title, self.first[last], last)
        with torch.no_grad():
            if sample is None:
                loss, d_hidden, d_title, d_bias = full_loss(hidden, title, bias, target, seen)
            else:
                loss, d_hidden, d_title, d_bias = sampled_loss(
                    hidden, title, bias, target, sample=sample, seen=seen
                )
        hidden.backward(d_hidden)
        gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
        gradients["title"] += d_title
        gradients["title_bias"] = d_bias
        return loss, gradients
