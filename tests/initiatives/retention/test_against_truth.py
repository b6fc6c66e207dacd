"""Against what is known to be true in a simulated service of a size at which offers can be learned."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import accounts
from matinee.initiatives.retention.judging import learned
from matinee.initiatives.retention.makers import BASELINE, NOTHING, OURS, RANDOM, Makers
from matinee.initiatives.retention.offer_log import read_offer_log
from matinee.observe.home import Home
from matinee.observe.lake.reader import last_event_us
from matinee.prove.metrics.qini import qini
from matinee.world.service import WorldConfig, simulate, write_home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    run = simulate(WorldConfig(n_members=8_000, n_titles=150, n_days=240, impressions=0.0, seed=5))
    home, config = Home.create(tmp_path_factory.mktemp("large")), RetentionConfig()
    write_home(home, run)
    at_us = last_event_us(home) or 0
    with accounts(home, at_us, config) as con:
        log = read_offer_log(con, config, at_us)
    cut_us = int(np.quantile(log.at_us, 0.7, method="lower"))
    model, past, _ = learned(home, cut_us, config, seed=0)
    later = log.after(cut_us)
    truth = run.truth.offers()
    place = {int(n): i for i, n in enumerate(truth.notice)}
    row = np.array([place[int(one[1:])] for one in later.decision_id])
    return Makers.of(model, config, past, later), truth.net_minor[row], truth.p_leave[row], truth.kind[row]


def test_it_is_worth_more_than_offering_to_the_likeliest_leavers(found):
    makers, net, _, _ = found
    gain = {name: float(((p * net).sum(1) - net[:, 0]).mean()) for name, p in makers.p.items()}
    oracle = float((net.max(1) - net[:, 0]).mean())
    assert gain[NOTHING] == 0
    assert gain[OURS] > gain[BASELINE] + 0.2 * oracle
    assert gain[OURS] > 0 > gain[RANDOM]


def test_it_ranks_accounts_by_what_an_offer_really_changes(found):
    makers, _, leave, _ = found
    effect = leave[:, :1] - leave
    for offer in (1, 3):
        ours = qini(makers.scores[OURS][:, offer], effect[:, offer]).mean()
        theirs = qini(makers.scores[BASELINE][:, offer], effect[:, offer]).mean()
        assert ours > max(theirs, 0)


def test_it_lets_sleeping_dogs_lie(found):
    makers, _, _, kind = found
    offered = 1 - makers.p[OURS][:, 0]
    dogs, persuadable = offered[kind == 3].mean(), offered[kind == 1].mean()
    assert dogs < 0.5 * persuadable
