import json

import numpy as np
import pytest

from matinee.initiatives.retention.config import RetentionConfig
from matinee.initiatives.retention.features import COLUMNS, STANDING, accounts, standing
from matinee.types import DAY_US


def test_an_account_is_known_by_what_all_its_members_did(service, config):
    """What the simulated service knows of an account is what the features say, from the log alone."""
    with accounts(service.home, service.at_us, config) as con:
        rows = con.execute(
            "SELECT unit_id, at_us, context FROM decisions WHERE initiative = 'offers' ORDER BY decision_id"
        ).fetchall()
        ids, at_us = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
        x = standing(con, config, ids, at_us)
    said = [json.loads(r[2]) for r in rows]
    assert x.shape == (len(rows), len(COLUMNS))
    for name, allowed in (("plays_28d", 0.02), ("quality_plays_28d", 0.02), ("searches_28d", 0.02)):
        ours, theirs = x[:, COLUMNS.index(name)], np.array([s[name] for s in said])
        wrong = (ours != theirs).mean()
        assert wrong < allowed, f"{name}: {wrong:.1%} differ"  # watched offline, and reported a day later
    tenure = np.array([s["tenure_days"] for s in said])
    assert (np.floor(x[:, COLUMNS.index("tenure_s")]) - tenure).clip(-1, 0).min() >= -1
    assert (np.abs(np.floor(x[:, COLUMNS.index("tenure_s")]) - tenure) <= 1).all()


def test_a_decision_does_not_see_itself(service, config):
    with accounts(service.home, service.at_us, config) as con:
        first = con.execute(
            "SELECT account_id, min(at_us) FROM account_offers WHERE action <> 'none' GROUP BY ALL ORDER BY 1"
        ).fetchall()
        ids, at_us = np.array([r[0] for r in first]), np.array([r[1] for r in first])
        at, later = (standing(con, config, ids, at_us + shift) for shift in (0, DAY_US))
    column = COLUMNS.index("offers_180d")
    assert (at[:, column] == 0).all()
    assert (later[:, column] == 1).all()


def test_an_account_that_nobody_knows_has_nothing(service, config):
    with accounts(service.home, service.at_us, config) as con:
        x = standing(con, config, np.array(["nobody"]), np.array([service.at_us]))[0]
    assert x[COLUMNS.index("plays_84d")] == 0
    assert np.isnan(x[COLUMNS.index("tenure_s")])


def test_each_member_of_an_account_does_not_count_its_start_again(service, config):
    with accounts(service.home, service.at_us, config) as con:
        (members,) = con.execute("SELECT count(*) FROM membership WHERE status = 'started'").fetchall()[0]
        (once,) = con.execute("SELECT count(*) FROM account_membership WHERE status = 'started'").fetchall()[
            0
        ]
        (known,) = con.execute("SELECT count(DISTINCT account_id) FROM account_of").fetchall()[0]
    assert members > once
    assert once <= known


def test_the_view_is_of_accounts_and_is_served_online_too():
    assert STANDING.entity == "account"
    assert STANDING.batch_only == ()
    assert RetentionConfig().period_days == 30
    with pytest.raises(Exception, match="unknown feature"):
        STANDING.only("p_leave")
