import numpy as np

from matinee.learn.interactions import Interactions
from matinee.learn.splits.global_time import global_time
from matinee.learn.splits.leave_last_out import leave_last_out
from matinee.prove.metrics.ranking import ask


def log(n_members=30, n_titles=20, seed=0):
    rng = np.random.default_rng(seed)
    rows = [(m, t) for m in range(n_members) for t in rng.choice(n_titles, 8, replace=False)]
    member, title = np.array(rows).T
    return Interactions.from_arrays(
        np.char.mod("m%02d", member), np.char.mod("t%02d", title), rng.permutation(len(rows)).astype(np.int64)
    )


def last_title_is_best(histories):
    """A scorer that can be checked by hand: titles after the last one, in a circle."""
    last = np.array([histories.of(m)[-1] if len(histories.of(m)) else 0 for m in range(len(histories))])
    return ((last[:, None] - np.arange(20)) % 20).astype(np.float32)


def test_batches_do_not_change_the_answer():
    queries = global_time(log(), 0.5).queries("successive")
    whole, pieces = ask(last_title_is_best, queries), ask(last_title_is_best, queries, batch_scores=60)
    assert (whole.ranks.rank == pieces.ranks.rank).all()
    assert (whole.lists == pieces.lists).all()


def test_lists_hold_no_seen_title_and_ranks_agree_with_them():
    queries = leave_last_out(log()).test
    answers = ask(last_title_is_best, queries, k=5)
    for q in range(len(queries)):
        assert not set(answers.lists[q]) & set(queries.histories().of(q))
        place = np.flatnonzero(answers.lists[q] == queries.target[q])
        assert answers.ranks.rank[q] == (place[0] + 1 if len(place) else answers.ranks.rank[q])
        assert len(place) or answers.ranks.rank[q] > 5


def test_no_queries_no_answers():
    queries = leave_last_out(log()).test.take(np.zeros(0, np.int64))
    answers = ask(last_title_is_best, queries)
    assert len(answers.ranks) == 0
    assert answers.lists.shape == (0, 10)
