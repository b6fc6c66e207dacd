from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from matinee.errors import ConfigError, MissingExtraError, NotFittedError
from matinee.learn.interactions import Histories, Interactions
from matinee.learn.models.sasrec import SasRecConfig, SasRecScorer, _windows

SMALL = SasRecConfig(dim=16, n_blocks=1, max_len=12, dropout=0.1, n_epochs=12, batch_events=128, n_threads=2)


@pytest.fixture(scope="module", autouse=True)
def torch():
    return pytest.importorskip("torch", reason="needs the extra 'sequence' (torch)")


def log_of(rows: list[list[int]], n_titles: int, repeat: int = 1) -> Interactions:
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    titles = np.array([t for row in rows for t in row], np.int32)
    at_us = np.arange(len(titles), dtype=np.int64) * 60_000_000
    return Interactions(
        np.array([f"m{i}" for i in range(len(rows))], object),
        np.array([f"t{i}" for i in range(n_titles)], object),
        Histories(indptr, titles, at_us),
        np.ones(len(titles), np.float32),
    )


def cyclic(n_members: int = 60, n_titles: int = 9, length: int = 7, seed: int = 0) -> Interactions:
    """Each member watches the next number, starting anywhere: after t comes t + 1."""
    starts = np.random.default_rng(seed).integers(0, n_titles, n_members)
    return log_of([[(s + i) % n_titles for i in range(length)] for s in starts], n_titles)


@pytest.fixture(scope="module")
def fitted() -> SasRecScorer:
    return SasRecScorer(SMALL).fit(cyclic())


def test_learns_that_the_next_number_follows(fitted: SasRecScorer) -> None:
    rows = [[3, 4, 5], [7, 8, 0, 1], [5]]
    scores = fitted.score(log_of(rows, 9).histories)
    assert scores.shape == (3, 9)
    assert scores.dtype == np.float32
    for row, score in zip(rows, scores, strict=True):
        unseen = np.setdiff1d(np.arange(9), row)
        assert unseen[score[unseen].argmax()] == (row[-1] + 1) % 9


def test_scores_are_log_probabilities(fitted: SasRecScorer) -> None:
    scores = fitted.score(log_of([[3, 4], [], [1]], 9).histories)
    assert np.exp(scores).sum(1) == pytest.approx(np.ones(3), abs=1e-5)


def test_learns_that_titles_are_watched_again() -> None:
    train = log_of([[i % 2, 1 - i % 2] * 6 for i in range(40)], 4)
    config = SasRecConfig(dim=16, n_blocks=1, n_epochs=12, batch_events=128, hide_seen=False)
    scores = SasRecScorer(config).fit(train).score(log_of([[0, 1, 0], [1, 0, 1]], 4).histories)
    assert scores.argmax(1).tolist() == [1, 0]


def test_empty_history_gets_the_log_popularity() -> None:
    train = log_of([[0, 1], [0, 2], [0, 1]], 4)
    scores = SasRecScorer(SMALL).fit(train).score(log_of([[], [1]], 4).histories)
    assert scores[0] == pytest.approx(np.log(np.array([4, 3, 2, 1]) / 10), abs=1e-6)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("rows", [[], [[]], [[0], [1]]])
def test_a_log_without_a_next_title_gives_popularity(rows: list[list[int]]) -> None:
    scorer = SasRecScorer(SMALL).fit(log_of(rows, 3))
    scores = scorer.score(log_of([[0], [1, 2], []], 3).histories)
    assert scores == pytest.approx(np.tile(scorer.prior_, (3, 1)), abs=1e-5)


def test_only_the_latest_max_len_events_count(fitted: SasRecScorer) -> None:
    tail = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2]
    one = log_of([[5, 5, *tail]], 9).histories
    cut = Histories(np.array([0, 12]), one.title[2:], one.at_us[2:])
    long = fitted.score(Histories(np.array([0, 14]), np.r_[np.int32([7, 7]), one.title[2:]], one.at_us))
    assert fitted.score(one) == pytest.approx(long, abs=1e-5)
    assert fitted.score(cut).shape == (1, 9)


def test_scores_do_not_depend_on_the_other_members(fitted: SasRecScorer) -> None:
    histories = log_of([[3], [1, 2, 3, 4], [], [8, 0, 1, 2, 3, 4, 5]], 9).histories
    together = fitted.score(histories)
    alone = np.concatenate([fitted.score(histories.take(np.array([i]))) for i in range(4)])
    assert together == pytest.approx(alone, abs=1e-5)


def test_same_seed_same_weights_and_global_state_is_left_alone(torch) -> None:
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, again = (SasRecScorer(SMALL).fit(cyclic()).weights_ for _ in range(2))
    other = SasRecScorer(SasRecConfig(dim=16, n_blocks=1, n_epochs=1, seed=1)).fit(cyclic()).weights_
    assert first is not None
    assert again is not None
    assert other is not None
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["title"], other["title"])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_saved_and_loaded_scores_are_identical(fitted: SasRecScorer, tmp_path: Path) -> None:
    histories = log_of([[3, 4], [], [1]], 9).histories
    fitted.save(tmp_path / "model")
    loaded = SasRecScorer.load(tmp_path / "model")
    assert loaded.config == fitted.config
    assert loaded.losses_ == fitted.losses_
    assert np.array_equal(loaded.score(histories), fitted.score(histories))
    assert {file.suffix for file in (tmp_path / "model").iterdir()} == {".npy", ".json"}


def reference_loss(torch, hidden, title, bias, target, hidden_titles=None):
    leaves = [x.clone().requires_grad_() for x in (hidden, title, bias)]
    logits = leaves[0] @ leaves[1].t() + leaves[2]
    if hidden_titles is not None:
        logits = logits.masked_fill(hidden_titles, -torch.inf)
    loss = torch.nn.functional.cross_entropy(logits, target, reduction="sum")
    loss.backward()
    return loss.item(), *(leaf.grad for leaf in leaves)


def loss_inputs(torch, n_rows: int = 300, n_titles: int = 40):
    rng = np.random.default_rng(0)
    hidden, title, bias = (
        torch.from_numpy(rng.standard_normal(s).astype(np.float32))
        for s in ((n_rows, 8), (n_titles, 8), n_titles)
    )
    return hidden, title, bias, torch.from_numpy(rng.integers(0, n_titles, n_rows))


def test_chunked_loss_equals_cross_entropy_of_torch(torch) -> None:
    from matinee.learn.models.sasrec_loss import full_loss

    inputs = loss_inputs(torch)
    for ours, theirs in zip(full_loss(*inputs), reference_loss(torch, *inputs), strict=True):
        assert np.asarray(ours) == pytest.approx(np.asarray(theirs), rel=1e-4, abs=1e-4)


def test_seen_titles_take_no_part_unless_they_are_the_target(torch) -> None:
    from matinee.learn.models.sasrec_loss import Seen, full_loss

    hidden, title, bias, target = loss_inputs(torch)
    log = np.random.default_rng(1).integers(0, 40, 301).astype(np.int32)
    last = np.arange(300)
    first = last - last % 5
    log[5:] = np.where(np.arange(296) % 7 == 0, target[np.arange(296)].numpy(), log[5:])  # some watched again
    out = torch.zeros(300, 40, dtype=torch.bool)
    for row in range(300):
        out[row, log[first[row] : row + 1].astype(np.int64)] = True
        out[row, target[row]] = False
    ours = full_loss(hidden, title, bias, target, Seen(log, first, last))
    for mine, theirs in zip(ours, reference_loss(torch, hidden, title, bias, target, out), strict=True):
        assert np.asarray(mine) == pytest.approx(np.asarray(theirs), rel=1e-4, abs=1e-4)


def test_sample_of_all_titles_gives_the_full_loss(torch) -> None:
    from matinee.learn.models.sasrec_loss import Seen, full_loss, sampled_loss

    inputs = loss_inputs(torch)
    log, last = np.arange(300, dtype=np.int32) % 40, np.arange(300)
    seen = Seen(log, np.maximum(last - 3, 0), last)
    sampled = sampled_loss(*inputs, sample=torch.arange(40), seen=seen)
    for ours, full in zip(sampled, full_loss(*inputs, seen), strict=True):
        assert np.asarray(ours) == pytest.approx(np.asarray(full), rel=1e-4, abs=1e-4)


def test_sampled_loss_counts_a_sampled_title_for_those_left_out(torch) -> None:
    from matinee.learn.models.sasrec_loss import full_loss, sampled_loss

    hidden, title, bias, target = loss_inputs(torch, n_titles=40)
    title, bias = torch.zeros_like(title), torch.zeros_like(bias)  # all titles alike: any sample is exact
    target = torch.full_like(target, 3)
    ours = sampled_loss(hidden, title, bias, target, sample=torch.arange(20, 40))
    # own weight 1, the 20 sampled titles stand for 40: log(1 + 40) instead of log(40)
    assert ours[0] / 300 == pytest.approx(np.log(41), rel=1e-4)
    assert full_loss(hidden, title, bias, target)[0] / 300 == pytest.approx(np.log(40), rel=1e-4)


def test_learns_with_a_sampled_softmax() -> None:
    config = SasRecConfig(dim=16, n_blocks=1, n_epochs=12, batch_events=128, max_softmax_titles=6)
    scores = SasRecScorer(config).fit(cyclic()).score(log_of([[3, 4, 5]], 9).histories)
    unseen = np.array([0, 1, 2, 6, 7, 8])
    assert unseen[scores[0, unseen].argmax()] == 6


def test_every_event_but_a_members_first_is_a_target_once() -> None:
    indptr = np.concatenate([[0], np.cumsum([1, 7, 0, 40, 11, 10])]).astype(np.int64)
    for seed in range(20):
        first, size = _windows(indptr, 10, np.random.default_rng(seed))
        targets = np.sort(
            np.concatenate([np.arange(a + 1, a + n + 1) for a, n in zip(first, size, strict=True)])
        )
        assert size.max() <= 10
        assert np.array_equal(targets, np.setdiff1d(np.arange(indptr[-1]), indptr[:-1]))


def test_progress_is_told_after_each_epoch() -> None:
    told: list[tuple[str, float]] = []
    config = SasRecConfig(dim=8, n_blocks=1, n_epochs=2)
    SasRecScorer(config, progress=lambda text, done: told.append((text, done))).fit(cyclic(5))
    assert [done for _, done in told] == [0.5, 1.0]
    assert told[1][0].startswith("transformer: epoch 2 of 2, loss ")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"dim": 30, "n_heads": 4}, "dim is 30, expected a multiple of 2 * n_heads (8). Pass dim=32."),
        ({"dropout": 1.0}, "dropout is 1.0, expected 0 to below 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0, expected above 0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0, expected 0 or more"),
        ({"n_epochs": -1}, "n_epochs is -1, expected at least 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SasRecConfig(**wrong)
    assert text in str(caught.value)


def test_asking_before_fit_says_so() -> None:
    with pytest.raises(NotFittedError, match="Call fit first"):
        SasRecScorer().score(log_of([[0]], 1).histories)


def test_missing_torch_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"matinee\[sequence\]"):
        SasRecScorer().fit(cyclic(2))
