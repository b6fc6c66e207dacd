from dataclasses import replace

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.initiatives.retention.features import accounts
from matinee.initiatives.retention.model import fit_uplift
from matinee.initiatives.retention.offer_log import OfferLog, read_offer_log
from matinee.observe.home import Home
from matinee.observe.lake.connection import connect
from matinee.observe.lake.spans import store_events
from matinee.observe.lake.writer import writing
from matinee.types import DAY_US

AT_US = 40 * DAY_US


@pytest.fixture(scope="module")
def log(service, config):
    with accounts(service.home, service.at_us, config) as con:
        return read_offer_log(con, config, service.at_us)


def test_who_stayed_is_what_the_service_rewarded(service, log):
    """The outcome is read from membership; the simulated service logs it as a reward too."""
    from matinee.observe.lake.connection import spilling
    from matinee.observe.lake.reader import open_events

    with spilling() as con:
        open_events(con, service.home, "rewards")
        rewards = dict(
            con.execute("SELECT decision_id, value FROM rewards WHERE reward = 'stayed'").fetchall()
        )
    assert len(log) > 500
    assert [rewards[one] for one in log.decision_id] == log.stayed.tolist()


def test_decisions_that_are_too_young_are_left_out_whoever_left_already(service, config, log):
    assert log.at_us.max() <= service.at_us - config.outcome_days * DAY_US
    assert log.left_out.tolist()[:2] == [0, 0]
    assert log.left_out[2] > 50


def test_as_of_an_earlier_moment_it_is_the_beginning_of_itself(service, config, log):
    earlier_us = service.at_us - 30 * DAY_US
    with accounts(service.home, earlier_us, config) as con:
        past = read_offer_log(con, config, earlier_us)
    n = len(past)
    assert 0 < n < len(log)
    assert np.array_equal(past.decision_id, log.decision_id[:n])
    assert np.array_equal(past.stayed, log.stayed[:n])
    assert np.array_equal(past.x, log.x[:n], equal_nan=True)


def test_propensities_undo_what_the_rule_of_the_log_preferred(log):
    """The mean of 1 / propensity over those who got an action is the number of all."""
    for action in range(4):
        assert (1 / log.propensity[log.action == action]).sum() == pytest.approx(len(log), rel=0.2)


def test_saved_and_loaded_it_is_the_same(log, tmp_path):
    log.save(tmp_path)
    again = OfferLog.load(tmp_path)
    assert all(
        np.array_equal(getattr(again, n), getattr(log, n)) for n in ("decision_id", "stayed", "action")
    )
    assert np.array_equal(again.x, log.x, equal_nan=True)
    assert len(again.after(int(np.median(log.at_us)))) < len(log)


def test_other_offers_than_ours_are_left_out_and_counted(service, config):
    fewer = replace(config, offers={"reminder": {"cost_minor": 5.0}}, min_decisions=50)
    with accounts(service.home, service.at_us, fewer) as con:
        found = read_offer_log(con, fewer, service.at_us)
    assert set(found.action.tolist()) == {0, 1}
    assert found.left_out[1] > 100


def test_a_log_under_another_name_is_looked_for_by_that_name(service, config):
    other = replace(config, offer_log="letters")
    with (
        accounts(service.home, service.at_us, other) as con,
        pytest.raises(InputError, match=r'decisions has no offer under the name "letters".*offer_log'),
    ):
        read_offer_log(con, other, service.at_us)


def test_an_empty_home_is_told_what_to_import(tmp_path, config):
    with (
        accounts(Home.create(tmp_path), 0, config) as con,
        pytest.raises(InputError, match=r"table membership is empty.*matinee import events FILE"),
    ):
        read_offer_log(con, config, 0)


def test_too_few_offers_are_told_with_what_there_is(service, config):
    early = service.at_us - 100 * DAY_US
    with (
        accounts(service.home, early, config) as con,
        pytest.raises(InputError, match=r"offers of none, discount.*expected 150 or more.*are too young"),
    ):
        read_offer_log(con, config, early)


def test_an_offer_that_was_never_made_cannot_be_learned(log, config):
    rare = replace(config, offers=config.offers | {"gift": {"cost_minor": 9.0}})
    with pytest.raises(InputError, match=r'"gift" was logged 0 times, expected each of none, discount'):
        fit_uplift(log, rare)


def test_decisions_that_were_certain_teach_nothing(tmp_path, config):
    with (
        accounts(offered(tmp_path, "NULL"), AT_US, config) as con,
        pytest.raises(InputError, match=r"retention: 0 offers .*\(79 were certain, 0 are too young\)"),
    ):
        read_offer_log(con, config, AT_US)


def test_what_a_shadow_chose_was_offered_to_nobody_and_accounts_that_are_kept_out_teach_nothing(
    tmp_path, config
):
    said = (
        """CASE WHEN i <= 20 THEN '{"shadow": true}' WHEN i <= 30 THEN '{"kept_out": true}' ELSE '{}' END"""
    )
    with accounts(offered(tmp_path, said), AT_US, config) as con:
        assert con.execute("SELECT count(*) FROM account_offers").fetchall() == [(59,)]
        with pytest.raises(InputError, match=r"\(49 were certain, 0 are too young\)"):
            read_offer_log(con, config, AT_US)


def offered(folder, context):
    """A home in which 79 accounts got nothing for certain; `context` is SQL of a decision's context."""
    home = Home.create(folder)
    with writing(home.lake) as write, connect(write.scratch / "spill") as con:
        for table, extra in (
            ("membership", "'m' || i AS member_id, 'started' AS status"),
            ("plays", "'m' || i AS member_id, 't' AS title_id, 900.0 AS watch_s"),
            (
                "decisions",
                "NULL AS member_id, 'o' || i AS event_id, 'o' || i AS decision_id, 'offers' AS initiative, "
                "'m' || i AS unit_id, 'none' AS action, 1.0 AS propensity, 'p' AS policy, 'm' AS model, "
                f"{context} AS context",
            ),
        ):
            missing = "" if "title_id" in extra else ", NULL::VARCHAR AS title_id"
            con.execute(
                f"CREATE OR REPLACE TEMP VIEW incoming AS SELECT {extra}{missing}, i * 1000 AS at_us, "
                "i::BIGINT AS seq FROM range(1, 80) AS r(i)"
            )
            store_events(write, con, table, "incoming", has_ids="event_id" in extra)
    return home
