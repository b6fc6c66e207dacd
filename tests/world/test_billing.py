from __future__ import annotations

import numpy as np

from matinee.world.billing import BillingConfig, p_decline, p_lost
from matinee.world.service import Run


def test_an_invoice_is_lost_when_it_declines_and_every_retry_fails(history: Run) -> None:
    config, people = BillingConfig(recovery=(0.0,) * 6), history.world.people
    assert np.allclose(p_lost(config, people), p_decline(config, people))
    sure = BillingConfig(recovery=(1.0,) * 6)
    assert np.allclose(p_lost(sure, people), 0.0)


def test_every_invoice_is_charged_until_it_is_paid_or_given_up(history: Run) -> None:
    invoices, charges = history.record.table("invoices"), history.record.table("charges")
    assert len(np.unique(invoices["invoice"])) == len(invoices["invoice"])
    assert np.isin(charges["invoice"], invoices["invoice"]).all()
    order = np.lexsort((charges["attempt"], charges["invoice"]))
    invoice, attempt = charges["invoice"][order], charges["attempt"][order].astype(int)
    first = np.concatenate([[True], invoice[1:] != invoice[:-1]])
    assert (attempt[first] == 1).all()
    assert (np.diff(attempt)[~first[1:]] == 1).all()
    approved = charges["approved"][order]
    last = np.append(first[1:], True)
    assert not approved[~last].any()  # nothing is charged again after it was paid
    assert attempt.max() <= 5
    assert ((charges["reason"] >= 0) == ~charges["approved"]).all()


def test_declines_are_as_frequent_as_the_truth_says(history: Run) -> None:
    charges = history.record.table("charges")
    first = charges["attempt"] == 1
    account = charges["invoice"][first] // 10_000
    day = charges["invoice"][first] % 10_000
    renewal = day != history.world.people.start_day[account]  # a sign-up is paid
    p = p_decline(history.world.config.billing, history.world.people)[account][renewal]
    declined = ~charges["approved"][first][renewal]
    assert abs(declined.sum() - p.sum()) < 3.5 * np.sqrt((p * (1 - p)).sum())


def test_revenue_is_what_was_collected(history: Run) -> None:
    invoices, charges = history.record.table("invoices"), history.record.table("charges")
    state = history.state
    paid = np.isin(invoices["invoice"], charges["invoice"][charges["approved"]])
    collected = np.bincount(
        invoices["account"][paid], invoices["amount_minor"][paid], minlength=len(state.active)
    )
    settled = ~state.on_hold  # an invoice in its retries counts until it is given up
    assert np.array_equal(collected[settled], state.revenue_minor[settled])
