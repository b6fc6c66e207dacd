import numpy as np
import pytest

from matinee.errors import InputError
from matinee.initiatives.retention.features import accounts
from matinee.initiatives.retention.judging import P_LEAVE, Trial, judge, learned
from matinee.initiatives.retention.makers import BASELINE, NOTHING, OURS, RANDOM, Makers
from matinee.initiatives.retention.offer_log import read_offer_log


@pytest.fixture(scope="module")
def evaluated(service, config):
    return judge(service.home, service.at_us, config, cut=0.6, seed=0)


def test_it_says_what_every_policy_is_worth_on_the_same_decisions(evaluated):
    report = evaluated.report
    assert set(report.figures) == {OURS, BASELINE, RANDOM, NOTHING}
    assert set(report.differences) == {BASELINE, RANDOM, NOTHING}
    assert report.lift is not None
    assert report.figures[NOTHING]["offered"].mean == 0
    for name in (OURS, BASELINE, RANDOM):
        assert report.figures[name]["budget_used"].mean <= 1.0 + 1e-9
    lift = report.figures[OURS]["net_minor"].mean - report.figures[NOTHING]["net_minor"].mean
    assert report.differences[NOTHING]["net_minor"].mean == pytest.approx(lift)


def test_every_account_has_one_value_for_pairs(evaluated):
    ids = evaluated.unit_ids
    assert len(set(ids.tolist())) == len(ids) == len(evaluated.values)
    assert evaluated.report.value.n == len(ids)


def test_groups_are_the_territories_of_all_accounts(evaluated):
    groups = evaluated.report.groups
    assert set(groups) <= {f"territory={t}" for t in ("DE", "ES", "FR", "NL")}
    assert sum(figure.n for figure in groups.values()) == len(evaluated.unit_ids)


def test_leaving_is_foretold_better_than_by_tenure_or_by_one_rate(evaluated):
    found = evaluated.report.apart[P_LEAVE]
    ours, tenure, rate = (
        found[n]["brier"].mean for n in ("this model", "Kaplan-Meier by tenure", "one rate for all")
    )
    assert ours < min(tenure, rate)
    assert evaluated.report.figures[OURS]["calibration_error"].mean < 0.1


def test_the_later_decisions_were_not_learned_from(service, config, evaluated):
    model, past, _ = learned(service.home, evaluated.report.cut_us, config, seed=0)
    with accounts(service.home, service.at_us, config) as con:
        later = read_offer_log(con, config, service.at_us).after(evaluated.report.cut_us)
    assert past.at_us.max() < later.at_us.min()
    assert not set(past.decision_id) & set(later.decision_id)
    makers = Makers.of(model, config, past, later)
    for p in makers.p.values():
        assert np.allclose(p.sum(1), 1)
        assert (p >= 0).all()


def test_off_policy_values_agree_with_the_truth(service, config, evaluated):
    """The value of giving everybody the same, by the log and by the world."""
    cut_us = evaluated.report.cut_us
    model, _, _ = learned(service.home, cut_us, config, seed=0)
    with accounts(service.home, service.at_us, config) as con:
        later = read_offer_log(con, config, service.at_us).after(cut_us)
    trial = Trial(later, model, config)
    place = {int(n): i for i, n in enumerate(service.truth.notice)}
    true = service.truth.net_minor[[place[int(one[1:])] for one in later.decision_id]]
    for action in range(4):
        p = np.eye(4)[np.full(len(later), action)]
        for estimate in ((p * trial.net).sum(1), trial.snips(p)):
            error = estimate.std() / np.sqrt(len(estimate))
            assert abs(estimate.mean() - true[:, action].mean()) < 4 * error


def test_a_log_that_lies_on_one_side_of_the_cut_is_refused(service, config):
    with pytest.raises(InputError, match="Choose an earlier cut"):
        judge(service.home, service.at_us, config, cut=1.0, seed=0)
