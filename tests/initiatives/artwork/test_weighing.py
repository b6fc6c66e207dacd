"""The gate off_policy: a candidate beside the images that it has not learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.platform.gates.candidates import candidate

from matinee.initiatives.artwork import ARTWORK
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.training import impressions, model
from matinee.initiatives.artwork.weighing import beside_the_images
from matinee.observe.home import Home
from matinee.observe.lake.reader import last_event_us
from matinee.prove.offpolicy.diagnostics import diagnose
from matinee.types import DAY_US
from matinee.world.service import WorldConfig, simulate, write_home


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """A model that has not seen the last 20 days of random images, as a candidate."""
    home = Home.create(tmp_path_factory.mktemp("service"))
    write_home(home, simulate(WorldConfig(n_members=120, n_titles=40, n_days=60, seed=2)))
    at_us, config = last_event_us(home) or 0, ArtworkConfig(min_impressions=500)
    home, folder = home.limited_to(ARTWORK.tables), tmp_path_factory.mktemp("model")
    learned_us = at_us - 20 * DAY_US
    model(impressions(home, learned_us, config), home, learned_us, config).save(folder)
    return candidate(folder=folder, home=home, at_us=at_us, config=config, learned_us=learned_us)


def test_the_gate_asks_about_images_that_came_later(older):
    problem = beside_the_images(older)
    assert diagnose(problem).reasons == []
    assert np.allclose(problem.target.totals(), 1)
    assert problem.log.n_actions is not None
    assert problem.log.propensity == pytest.approx(1 / problem.log.n_actions)
    assert problem.weight.max() > 1


def test_one_that_was_just_trained_is_not_measured(older):
    gate = next(one for one in ARTWORK.gates if one.name == "off_policy")
    assert gate.check(older).figure is not None
    found = gate.check(replace(older, learned_us=older.at_us))
    assert found.verdict == "not_measured"
    assert "no image was drawn, and judged, after the candidate had learned" in found.text
