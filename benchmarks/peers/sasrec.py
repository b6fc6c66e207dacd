"""SASRec of RecTools with full softmax loss (Kang, McAuley 2018, doi:10.1109/ICDM.2018.00035).

d = 64, two blocks, two heads, dropout 0.2, Adam at 0.003 (thrice the library's rate: training on a CPU is
slow). The number of epochs is chosen on validation with patience; sequences keep their last
`session_max_len` events (90 % quantile of the lengths of members with two events, 20 to 100).
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from tuning import Tuned, quality, validation

from matinee.learn.interactions import Histories, Interactions
from matinee.learn.splits.queries import Queries


class Sasrec(Tuned):
    """Trained on the CPU; scores are the inner products with all titles."""

    def __init__(self, max_epochs: int = 60, check_every: int = 3, patience: int = 2) -> None:
        super().__init__()
        self.max_epochs, self.check_every, self.patience = max_epochs, check_every, patience

    def tune(self, train: Interactions, objective: str) -> dict[str, Any]:
        inner, queries = validation(train, objective)
        lengths = train.histories.lengths
        longest = int(np.clip(np.quantile(lengths[lengths > 1], 0.9), 20, 100))
        batch = 64 if train.n_members < 5_000 else 128
        self.config = {"epochs": self.max_epochs, "session_max_len": longest, "batch_size": batch}
        watch = StopEarly(self, queries, self.check_every, self.patience)
        self._fit(inner, [watch])
        self.config["epochs"] = watch.best_epoch
        return self.config | {"validation": watch.history}

    def fit(self, train: Interactions) -> None:
        self._fit(train, [])

    def _fit(self, train: Interactions, callbacks: list[Callback]) -> None:
        warnings.filterwarnings("ignore")
        seed_everything(0, verbose=False)
        epochs = self.config["epochs"]
        self.n_titles_ = train.n_titles
        self.model_ = SASRecModel(
            n_factors=64,
            n_blocks=2,
            n_heads=2,
            dropout_rate=0.2,
            loss="softmax",
            lr=0.003,
            epochs=epochs,
            batch_size=self.config["batch_size"],
            session_max_len=self.config["session_max_len"],
            get_trainer_func=lambda: Trainer(
                max_epochs=epochs,
                min_epochs=1,
                enable_progress_bar=False,
                enable_model_summary=False,
                logger=False,
                enable_checkpointing=False,
                accelerator="cpu",
                devices=1,
                callbacks=list(callbacks),
            ),
        )
        self.model_.fit(dataset(train))
        self.learned_ = self.model_.lightning_model

    def score(self, histories: Histories) -> np.ndarray:
        return score(self.learned_, histories, self.config["session_max_len"], self.n_titles_)


class StopEarly(Callback):
    """Measures validation every few epochs, remembers the best, stops after `patience` worse ones."""

    def __init__(self, peer: Sasrec, queries: Queries, every: int, patience: int) -> None:
        self.longest, self.n_titles = peer.config["session_max_len"], 0
        self.queries, self.every, self.patience = queries, every, patience
        self.best_epoch, self.history = 1, {}

    def __deepcopy__(self, memo: object) -> StopEarly:
        return self  # the trainer is copied before it runs; what is measured must come back

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        epoch = trainer.current_epoch + 1
        if epoch % self.every:
            return
        n_titles = max(int(self.queries.log.title.max()) + 1, self.n_titles)
        value = quality(lambda h: score(pl_module, h, self.longest, n_titles), self.queries)
        pl_module.train()
        self.history[epoch] = round(value, 4)
        best = max(self.history, key=self.history.__getitem__)
        self.best_epoch = best
        print(f"    epoch {epoch}: validation NDCG@10 {value:.4f}", file=sys.stderr, flush=True)
        if epoch - best >= self.patience * self.every:
            trainer.should_stop = True


def dataset(train: Interactions) -> Dataset:
    """Events with their position as time: the library sorts by time only and would mix up equal times."""
    events = train.histories
    frame = pd.DataFrame(
        {
            Columns.User: events.member_of_event(),
            Columns.Item: events.title,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.to_datetime(np.arange(len(events.title)), unit="s"),
        }
    )
    return Dataset.construct(frame)


def score(module: Any, histories: Histories, longest: int, n_titles: int) -> np.ndarray:
    """Last position's embedding times all titles'; titles not in training get minus infinity."""
    ids = module.data_preparator.item_id_map
    known = np.array([e for e in ids.external_ids if not isinstance(e, str)], dtype=np.int64)
    inner = np.zeros(n_titles, np.int64)
    inner[known] = ids.convert_to_internal(known)
    backbone = module.torch_model.eval()
    out = np.full((len(histories), n_titles), -np.inf, np.float32)
    with torch.no_grad():
        embeddings = backbone.item_model.get_all_embeddings()
        for start in range(0, len(histories), 256):
            stop = min(start + 256, len(histories))
            x = np.zeros((stop - start, longest), np.int64)
            for row, member in enumerate(range(start, stop)):
                session = inner[histories.of(member)]
                session = session[session > 0][-longest:]
                if len(session):
                    x[row, -len(session) :] = session
            last = backbone.encode_sessions({"x": torch.from_numpy(x)}, embeddings)[:, -1, :]
            out[start:stop, known] = (last @ embeddings[inner[known]].T).numpy()
    return out
