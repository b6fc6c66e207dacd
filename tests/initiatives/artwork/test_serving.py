from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from matinee.errors import InputError
from matinee.initiatives.artwork import ARTWORK
from matinee.initiatives.artwork.assets import load_images
from matinee.initiatives.artwork.config import ArtworkConfig
from matinee.initiatives.artwork.explaining import Reasons
from matinee.initiatives.artwork.holdout import Generation, GenerationsHold, generations
from matinee.initiatives.artwork.log import read_image_log
from matinee.initiatives.artwork.serving import ArtworkDecider, DefaultImages, in_holdout, unit_key
from matinee.initiatives.artwork.training import impressions, model, updated
from matinee.observe.home import Home
from matinee.observe.lake.reader import last_event_us
from matinee.platform.abilities import ChoosesArtwork
from matinee.platform.deciding import Request, Surroundings
from matinee.settings import load as load_settings
from matinee.types import DAY_US
from matinee.world.service import WorldConfig, simulate, write_home


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A home of 120 members, and a model that learned from its random images."""
    home = Home.create(tmp_path_factory.mktemp("service"))
    write_home(home, simulate(WorldConfig(n_members=120, n_titles=40, n_days=60, seed=2)))
    at_us, config = last_event_us(home) or 0, ArtworkConfig(min_impressions=500, rank=8)
    home = home.limited_to(ARTWORK.tables)
    return home, at_us, config, model(impressions(home, at_us, config), home, at_us, config)


@pytest.fixture(scope="module")
def decider(service):
    home, at_us, config, learned = service
    return ArtworkDecider.of(learned, Surroundings(home, at_us, config))


TITLES = [f"t{i:05d}" for i in range(40)]


def ask(service, member="m000007", **context):
    return Request(member, service[1], {"device": "tv", "territory": "DE", **context})


def chooses(decider):
    return isinstance(decider, ChoosesArtwork)


def test_both_can_choose_the_images_of_a_page(service, decider):
    home, at_us, config, _ = service
    assert chooses(decider)
    assert chooses(DefaultImages.open(Surroundings(home, at_us, config)))


def test_a_page_in_one_call(service, decider):
    found = decider.choose_artwork(ask(service), [*TITLES, "t00000", "nobody"])
    assert found.artwork_id[:3] != [None] * 3
    assert all(one.startswith(title) for one, title in zip(found.artwork_id, TITLES, strict=False))
    assert found.artwork_id[40] == found.artwork_id[0]
    assert found.propensity[40] == 1.0
    assert (found.artwork_id[41], found.n[41], found.propensity[41]) == (None, 0, 1.0)
    assert all(2 <= n <= 4 for n in found.n[:40])


def test_an_episode_has_the_image_of_its_series(service, decider):
    series = next(t for t in TITLES if f"{t}-e01" in decider.assets.place)
    found = decider.choose_artwork(ask(service), [f"{series}-e01", series])
    assert found.artwork_id[0] == found.artwork_id[1] is not None


def test_the_same_page_again_has_the_same_images_whatever_the_seed(service, decider):
    first = decider.choose_artwork(ask(service), TITLES)
    later = replace(ask(service), seed=9, at_us=service[1] + 1)
    assert decider.choose_artwork(later, TITLES) == first
    assert decider.choose_artwork(ask(service, "m000011"), TITLES).artwork_id != first.artwork_id


def test_a_period_ends_on_another_day_for_each_member(config):
    ends = []
    for m in range(40):
        keys = [unit_key(f"m{m}", day * DAY_US, config) for day in range(60)]
        changes = [day for day in range(1, 60) if keys[day] != keys[day - 1]]
        assert {b - a for a, b in pairwise(changes)} <= {14}
        ends.append(changes[0] % 14)
    assert len(set(ends)) > 8


def test_the_holdout_sees_each_image_alike(service, decider):
    held = next(f"h{i}" for i in range(2000) if in_holdout(f"h{i}", service[2]))
    found = decider.choose_artwork(ask(service, held), TITLES)
    assert found.propensity == pytest.approx([1 / n for n in found.n])
    assert found.why == [None] * 40


def test_an_uncleared_image_is_never_chosen(service, decider):
    at_us = int(decider.assets.art.clearances.approved_us[0]) - 1
    found = decider.choose_artwork(Request("m000007", at_us), TITLES)
    assert found.artwork_id == [None] * 40


def test_a_single_decision_weighs_what_it_draws(service, decider):
    p = decider.probabilities(ask(service, title_id="t00003"))
    assert sum(p.values()) == pytest.approx(1.0)
    slot = decider.decide(ask(service, title_id="t00003")).slots[0]
    assert slot.propensity == pytest.approx(p[slot.action])
    one = replace(ask(service), actions=(slot.action,))
    assert decider.decide(one).slots[0].propensity == 1.0
    assert decider.decide(replace(ask(service), actions=("no-such",))).slots == ()


def test_the_default_image_is_certain(service):
    home, at_us, config, _ = service
    found = DefaultImages.open(Surroundings(home, at_us, config)).choose_artwork(ask(service), [*TITLES, "x"])
    assert found.artwork_id == [*(f"{t}-i1" for t in TITLES), None]
    assert set(found.propensity) == {1.0}


def test_reasons_are_said_once_images_are_proven_to_differ(service, decider):
    learner = decider.model.learner
    sure = replace(learner, evidence=replace(learner.evidence, log_most=9.0))
    strong = replace(sure, lift=replace(learner.lift, coef=learner.lift.coef + 0.5))
    found = ArtworkDecider.of(
        replace(decider.model, learner=strong), Surroundings(service[0], service[1], service[2])
    ).choose_artwork(ask(service), TITLES)
    said = [one for one in found.why if one]
    assert any(one.startswith("chosen because you watch") for one in said)
    assert decider.choose_artwork(ask(service), TITLES).why == [None] * 40 or learner.proven


def test_sentences_are_made_when_they_are_read_and_not_before(service, decider, monkeypatch):
    learner = decider.model.learner
    sure = replace(learner, evidence=replace(learner.evidence, log_most=9.0))
    one = ArtworkDecider.of(
        replace(decider.model, learner=sure), Surroundings(service[0], service[1], service[2])
    )
    made = []
    whole = Reasons.of_images
    monkeypatch.setattr(Reasons, "of_images", lambda *given: made.append(1) or whole(*given))
    member = next(m for m in (f"m{i:06d}" for i in range(99)) if not in_holdout(m, service[2]))
    found = one.choose_artwork(ask(service, member), TITLES)
    assert (len(found.why), made) == (40, [])
    assert list(found.why) == found.why == one.choose_artwork(ask(service, member), TITLES).why
    assert made == [1, 1]


def test_it_follows_the_log(service):
    home, at_us, config, whole = service
    early = at_us - 10 * DAY_US
    before = model(impressions(home, early, config), home, early, config)
    after = updated(before, home, at_us, config)
    assert before.learner.sums.n < after.learner.sums.n == whole.learner.sums.n
    assert updated(after, home, at_us, config).learner.sums.n == after.learner.sums.n


def test_territories_that_no_image_names_are_kept_once(decider):
    for i in range(50):
        decider.assets.cleared(7, f"nowhere-{i}")
    assert len(decider.assets._masks) <= 1 + len(decider.assets.art.clearances.territories.names)


def test_images_whose_tags_changed_are_seen_anew(service):
    home, at_us, _, whole = service
    art = load_images(home, at_us)
    assert whole.on(art) is whole
    other = whole.on(replace(art, tags=art.tags[::-1]))
    assert other.artwork_ids == whole.artwork_ids
    assert not np.array_equal(other.learner.images.features, whole.learner.images.features)


def test_a_model_opens_as_it_was_saved(service, tmp_path, decider):
    service[3].save(tmp_path)
    opened = ArtworkDecider.open(tmp_path, Surroundings(service[0], service[1], service[2]))
    assert opened.choose_artwork(ask(service), TITLES) == decider.choose_artwork(ask(service), TITLES)


def test_the_log_has_what_was_logged(service):
    home, at_us, config, _ = service
    log = read_image_log(home, at_us, config)
    assert log.propensity == pytest.approx(1.0 / log.n_images)
    assert set(np.unique(log.plays).tolist()) == {0.0, 1.0}
    assert (np.diff(log.at_us) >= 0).all()
    assert log.shares.max() < 1.0
    later = read_image_log(home, at_us, config, after_us=int(log.at_us[len(log) // 2]))
    assert 0 < len(later) < len(log)


def test_a_play_from_an_image_that_was_kept_is_known_again(service):
    home, at_us, config, _ = service
    log = read_image_log(home, at_us, config)
    played = np.flatnonzero(log.plays > 0)[:1]
    one = log.rows(np.repeat(played, 4))
    days = np.array([0.0, 13.9, 14.1, 29.0])
    one = replace(one, at_us=one.at_us + (days * DAY_US).astype(np.int64))
    assert one.again(14.0).tolist() == [False, True, False, False]
    assert not replace(one, plays=np.zeros(4)).again(14.0).any()
    assert not replace(one, member_id=np.array(list("abcd"))).again(14.0).any()


def test_a_short_log_is_told(service):
    home, at_us, _, _ = service
    with pytest.raises(InputError, match="expected 10,000,000 or more"):
        impressions(home, at_us, ArtworkConfig(min_impressions=10_000_000))


def test_generations_are_compared_on_the_holdout(service, monkeypatch):
    assert generations(service[0], service[1], service[2]) == []
    gate = GenerationsHold()
    candidate = type("C", (), {"home": service[0], "at_us": service[1], "config": service[2]})()
    assert gate.check(candidate).verdict == "not_measured"
    for change, verdict in ((0.01, "passed"), (-0.2, "failed")):
        rows = [Generation("v1", 0, 0.1, 0.02, 900, 30), Generation("v2", 9, 0.1 + change, 0.02, 900, 30)]
        asked = []
        monkeypatch.setattr(
            "matinee.initiatives.artwork.holdout.generations",
            lambda *given, rows=rows, asked=asked: asked.append(given) or rows,
        )
        assert gate.check(candidate).verdict == verdict
        assert asked == [(service[0], service[1], service[2])]


def test_the_file_beside_the_code_says_what_the_class_says():
    found = load_settings(None, "artwork", ArtworkConfig, values=ARTWORK.values, environ={})
    assert found == ArtworkConfig()
