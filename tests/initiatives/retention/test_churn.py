from dataclasses import replace

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.initiatives.retention.churn import active_accounts, read_churn, tenure_curve
from matinee.initiatives.retention.features import accounts
from matinee.types import DAY_US


@pytest.fixture(scope="module")
def rows(service, config):
    with accounts(service.home, service.at_us, config) as con:
        return read_churn(con, config, service.at_us)


def test_periods_follow_each_other_and_the_last_is_just_over(service, config, rows):
    begins = np.unique(rows.at_us)
    assert (np.diff(begins) == config.period_days * DAY_US).all()
    assert begins[-1] + config.period_days * DAY_US == service.at_us
    assert rows.period.max() == len(begins) - 1


def test_an_account_gives_a_row_for_each_period_until_it_ends(rows):
    for account in np.unique(rows.account_id)[:80]:
        own = rows.account_id == account
        assert len(set(rows.period[own].tolist())) == own.sum()
        last = rows.period[own] == rows.period[own].max()
        assert not rows.ended[own][~last].any(), "it goes on after its end"


def test_who_ended_is_what_membership_says(service, config, rows):
    with accounts(service.home, service.at_us, config) as con:
        ended = con.execute(
            "SELECT count(*) FROM account_membership WHERE status = 'ended' AND at_us >= ?",
            [int(rows.at_us.min())],
        ).fetchall()[0][0]
        starts = "SELECT account_id FROM account_membership WHERE status = 'started' AND at_us < ?"
        short = con.execute(  # came and went within one period, so that no row could begin
            f"SELECT count(*) FROM account_membership WHERE status = 'ended' "
            f"AND account_id NOT IN ({starts})",
            [int(rows.at_us.max())],
        ).fetchall()[0][0]
    assert ended - short <= rows.ended.sum() <= ended


def test_a_period_that_is_not_over_is_left_out_for_everybody(service, config, rows):
    shorter = replace(config, period_days=50)
    with accounts(service.home, service.at_us, shorter) as con:
        found = read_churn(con, shorter, service.at_us)
    assert found.at_us.max() == service.at_us - 50 * DAY_US
    assert found.ended.mean() > rows.ended.mean()


def test_the_rate_agrees_with_kaplan_meier(service, config, rows):
    """Two ways to the same number: person-periods, and the curve of tenures."""
    with accounts(service.home, service.at_us, config) as con:
        curve = tenure_curve(con, service.at_us)
    tenure = rows.x[:, 14]
    assert curve.p_end(tenure, config.period_days).mean() == pytest.approx(rows.ended.mean(), rel=0.15)


def test_active_accounts_started_and_did_not_end(service, config):
    with accounts(service.home, service.at_us, config) as con:
        active = set(active_accounts(con, service.at_us).tolist())
        changes = con.execute(
            "SELECT account_id, arg_max(status, at_us) FROM account_membership "
            "WHERE status IN ('started', 'ended') GROUP BY 1"
        ).fetchall()
    assert active == {account for account, status in changes if status == "started"}


def test_a_log_that_is_too_short_is_told(service, config):
    early = service.at_us - 110 * DAY_US
    with (
        accounts(service.home, early, config) as con,
        pytest.raises(InputError, match="0 periods of 30 days are over"),
    ):
        read_churn(con, config, early)
