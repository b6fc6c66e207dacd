"""The gate off_policy: a candidate beside the offers that it has not learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.platform.gates.candidates import candidate

from matinee.errors import InputError
from matinee.initiatives.retention import RETENTION
from matinee.initiatives.retention.judging import learned
from matinee.initiatives.retention.weighing import beside_the_offers
from matinee.platform.gates.off_policy import GainBound
from matinee.prove.offpolicy.diagnostics import diagnose
from matinee.prove.offpolicy.evaluating import evaluate, gain_lower_bound
from matinee.types import DAY_US


@pytest.fixture(scope="module")
def older(service, config, tmp_path_factory):
    """A model that has not seen the last 75 days, as a candidate."""
    learned_us = service.at_us - 75 * DAY_US
    folder = tmp_path_factory.mktemp("model")
    learned(service.home, learned_us, config, seed=0)[0].save(folder)
    return candidate(
        folder=folder, home=service.home, at_us=service.at_us, config=config, learned_us=learned_us
    )


def test_the_gate_asks_about_offers_that_came_later(older, service):
    problem = beside_the_offers(older)
    assert diagnose(problem).reasons == []
    assert problem.log.left_out["that it may have learned from"] > 0
    assert np.allclose(problem.target.totals(), 1)
    place = {int(n): i for i, n in enumerate(service.truth.notice)}
    true = service.truth.net_minor[[place[int(one[1:])] for one in problem.log.decision_id.tolist()]]
    worth = float((_table(problem) * true).sum(1).mean())
    found = evaluate(problem, ["snips"]).estimates["snips"]
    assert found.low < worth < found.high
    logged = true[np.arange(len(true)), problem.log.action].mean()
    assert gain_lower_bound(problem) < worth - logged


def _table(problem):
    entries = problem.target
    out = np.zeros((len(problem.log), len(problem.log.names)))
    out[entries.entry_row, entries.action] = entries.p
    return out[entries.row]


def test_a_candidate_that_was_just_trained_is_not_measured(older, service):
    gate = next(one for one in RETENTION.gates if one.name == "off_policy")
    found = gate.check(replace(older, learned_us=service.at_us))
    assert found.verdict == "not_measured"
    assert "that it may have learned from" in found.text
    assert gate.check(older).verdict in ("passed", "failed")
    assert gate.check(older).figure is not None


def test_a_model_of_other_offers_and_a_log_without_offers_are_named(older, config, tmp_path):
    other = replace(older, config=replace(config, offers={"letter": {"cost_minor": 90.0}}))
    with pytest.raises(InputError, match="was trained for"):
        beside_the_offers(other)
    renamed = GainBound(beside_the_offers)(replace(older, config=replace(config, offer_log="none such")))
    assert (renamed.verdict, "has no offer under the name" in renamed.text) == ("failed", True)
