from dataclasses import replace

import numpy as np
import pytest

from matinee.errors import ConfigError
from matinee.initiatives.retention import RETENTION
from matinee.initiatives.retention.config import NONE, RetentionConfig
from matinee.initiatives.retention.features import accounts
from matinee.initiatives.retention.judging import learned
from matinee.initiatives.retention.policy import in_holdout
from matinee.initiatives.retention.serving import IN_HOLDOUT, NOT_ACTIVE, RESTING, NoOffer, RetentionDecider
from matinee.platform.deciding import NO_ACTION, Request, Surroundings
from matinee.types import DAY_US


@pytest.fixture(scope="module")
def folder(service, config, tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    learned(service.home, service.at_us, config, seed=0)[0].save(path)
    return path


def around(service, config=None):
    return Surroundings(service.home.limited_to(RETENTION.tables), service.at_us, config or RetentionConfig())


@pytest.fixture(scope="module")
def decider(service, folder):
    return RetentionDecider.open(folder, around(service))


def decide(decider, unit_id, at_us, **more):
    return decider.decide(Request(unit_id, at_us, **more))


def free(decider, service):
    """Accounts that nothing stands in the way of."""
    return [u for u in decider.row if decide(decider, u, service.at_us).slots[0].reason is None]


def test_the_budget_is_kept_over_all_accounts(decider, service):
    config, spent = decider.config, 0.0
    for unit_id, row in decider.row.items():
        found = decide(decider, unit_id, service.at_us)
        net = (decider.money.value[row] - decider.terms.price * decider.money.cost[row]).astype(np.float32)
        permitted = np.array([name in found.permitted for name in config.actions])
        spent += decider.chooser.probabilities(net, permitted) @ decider.money.cost[row]
    assert spent <= config.budget_minor * len(decider.row) * (1 + 1e-9)


def test_the_holdout_never_gets_an_offer_and_the_log_says_why(decider, service):
    held = [u for u in decider.row if in_holdout(u, decider.config)]
    assert held
    for unit_id in held:
        for seed in range(5):
            found = decide(decider, unit_id, service.at_us, seed=seed)
            assert (found.slots[0].action, found.slots[0].propensity) == (NONE, 1.0)
            assert found.slots[0].reason == IN_HOLDOUT
            assert found.permitted == (NONE,)


def test_no_second_offer_within_the_days_of_rest(decider, service):
    offered = [u for u in decider.row if u in decider.offered_us and not in_holdout(u, decider.config)]
    rest_us = round(decider.config.rest_days * DAY_US)
    for unit_id in offered[:50]:
        last_us = decider.offered_us[unit_id]
        assert decide(decider, unit_id, last_us + rest_us - 1).slots[0].reason == RESTING
        assert decide(decider, unit_id, last_us + rest_us).slots[0].reason is None


def test_draws_come_as_often_as_their_propensities_say(decider, service):
    unit_id = free(decider, service)[0]
    found = [decide(decider, unit_id, service.at_us, seed=s).slots[0] for s in range(3_000)]
    said = {slot.action: slot.propensity for slot in found}
    for action, propensity in said.items():
        share = np.mean([slot.action == action for slot in found])
        assert share == pytest.approx(propensity, abs=5 * np.sqrt(propensity / 3_000))
    assert {slot.explored for slot in found} == {False, True}


def test_an_account_that_nobody_knows_or_that_ended_gets_nothing(decider, service):
    assert decide(decider, "nobody", service.at_us).slots[0].reason == NOT_ACTIVE
    assert decider.account("nobody") is None
    assert "nobody" not in decider.row


def test_a_request_can_narrow_and_leave_nothing(decider, service):
    one, two = free(decider, service)[:2]
    assert decide(decider, one, service.at_us, actions=("reminder",)).slots[0].action == "reminder"
    assert decide(decider, one, service.at_us, actions=("reminder",)).slots[0].propensity == 1.0
    assert decide(decider, two, service.at_us, actions=("gift",)).reason == NO_ACTION
    held = next(u for u in decider.row if in_holdout(u, decider.config))
    assert decide(decider, held, service.at_us, actions=("reminder",)).reason == IN_HOLDOUT


def test_one_can_ask_what_is_thought_of_an_account(decider):
    view = decider.account(next(iter(decider.row)))
    assert 0 < view.p_leave < 1
    assert set(view.uplift) == set(view.value_minor) == {"discount", "extension", "reminder"}


def test_when_the_money_is_gone_nothing_is_offered(service, decider):
    empty = RetentionDecider(
        decider.config, decider.row, decider.p_leave, decider.uplift, decider.money, decider.terms, {}, True
    )
    reasons = {decide(empty, u, service.at_us).slots[0].reason for u in decider.row}
    assert reasons == {"budget_spent", IN_HOLDOUT}


def test_without_a_budget_there_are_no_offers(service, folder):
    poor = RetentionDecider.open(folder, around(service, replace(RetentionConfig(), budget_minor=0.0)))
    assert {decide(poor, u, service.at_us).slots[0].action for u in poor.row} == {NONE}


def test_a_model_of_other_offers_is_refused(service, folder):
    other = replace(RetentionConfig(), offers={"gift": {"cost_minor": 3.0}})
    with pytest.raises(ConfigError, match="the model was trained for none, discount, extension, reminder"):
        RetentionDecider.open(folder, around(service, other))


def test_what_is_learned_at_a_time_is_the_same_again(service, config, folder, tmp_path):
    learned(service.home, service.at_us, config, seed=0)[0].save(tmp_path)
    names = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert [(tmp_path / n).read_bytes() for n in names] == [(folder / n).read_bytes() for n in names]


def test_the_fallback_offers_nothing_and_reads_nothing(tmp_path):
    fallback = NoOffer.open(None)
    assert fallback.decide(Request("a1", 0)).slots[0].action == NONE
    assert fallback.decide(Request("a1", 0, actions=("discount",))).reason == NO_ACTION


def test_accounts_that_ended_are_not_in_it(service, config, decider):
    with accounts(service.home, service.at_us, config) as con:
        ended = con.execute("SELECT account_id FROM account_membership WHERE status = 'ended'").fetchall()
    assert not {one for (one,) in ended} & set(decider.row)
