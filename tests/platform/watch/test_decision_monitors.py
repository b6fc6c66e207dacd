"""Faults planted in logged decisions and their rewards are found; without decisions nothing is claimed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matinee.learn.features.aggregates import Count
from matinee.learn.features.declaration import Feature, FeatureView
from matinee.learn.features.sources import lake_source
from matinee.observe.outages import declare
from matinee.platform.initiative import Reward
from matinee.platform.outcomes.join import join
from matinee.platform.outcomes.rule import FromPlays
from matinee.platform.watch.monitors.calibration import Calibration
from matinee.platform.watch.monitors.fallback_rate import FallbackRate
from matinee.platform.watch.monitors.prediction_drift import PredictionDrift
from matinee.platform.watch.monitors.reward_trend import RewardTrend
from matinee.platform.watch.monitors.serving_skew import ServingSkew
from matinee.types import DAY_US, HOUR_US

DAYS, LAST_WEEK, MEMBERS = 70, 63, 80
START_US = 20_000 * DAY_US
NOW_US = START_US + DAYS * DAY_US
ALL = (Calibration(), FallbackRate(), PredictionDrift(), RewardTrend(), ServingSkew())
Fields = dict[str, Any]
VIEW = FeatureView("taste", "member", (Feature("plays_7d", lake_source("plays"), Count(), "7d"),))


@pytest.mark.parametrize("monitor", ALL, ids=lambda one: one.name)
def test_without_decisions_nothing_is_measured(service: Any, look: Any, monitor: Any) -> None:
    found = look.one(monitor, service.plays().home())
    assert found.verdict == "not_measured"
    assert found.text == "no decisions are logged yet."


def test_decisions_of_another_initiative_are_none_of_ours(service: Any, look: Any) -> None:
    home = service.decisions(lambda day, m, fields: fields | {"initiative": "other"}).home()
    assert look.one(FallbackRate(), home).verdict == "not_measured"
    assert look.one(FallbackRate(), home, log="other").verdict == "ok"


def test_fallbacks_are_counted_with_their_reason(service: Any, look: Any) -> None:
    def failing(day: int, m: int, fields: Fields) -> Fields:
        late = {"fallback": True, "context": {"fallback_reason": "TimeoutError: slow"}}
        return fields | (late if day >= LAST_WEEK and m % 8 == 0 else {})

    home = service.decisions(failing).home()
    found = look.one(FallbackRate(), home)
    assert found.verdict == "alert"
    assert found.text.startswith("the fallback made 10.71% of 280 decisions, at most 1.00%.")
    assert "Most frequent reason: TimeoutError: slow." in found.text


def test_fallbacks_of_an_outage_are_not_counted(service: Any, look: Any) -> None:
    def failing(day: int, m: int, fields: Fields) -> Fields:
        return fields | {"fallback": day == DAYS - 2}

    home = service.decisions(failing).home()
    assert look.one(FallbackRate(), home).verdict == "alert"
    declare(home, NOW_US - 2 * DAY_US, NOW_US - DAY_US, note="down", from_us=NOW_US)
    assert look.one(FallbackRate(), home).verdict == "ok"


def test_other_actions_are_found_and_another_model_is_no_drift(service: Any, look: Any) -> None:
    def letters(day: int, m: int, fields: Fields) -> Fields:
        return fields | ({"action": "letter"} if day >= LAST_WEEK else {})

    home = service.decisions(letters).home()
    found = look.one(PredictionDrift(), home)
    assert found.verdict == "alert"
    assert "action (Jensen-Shannon" in found.text


def test_a_new_release_decides_otherwise_without_an_alarm(service: Any, look: Any) -> None:
    def released(day: int, m: int, fields: Fields) -> Fields:
        return fields | ({"action": "letter", "model": "v2"} if day >= LAST_WEEK else {})

    assert look.one(PredictionDrift(), service.decisions(released).home()).verdict == "not_measured"


def test_pages_are_compared_by_the_kind_of_their_first_row(service: Any, look: Any) -> None:
    def page(day: int, m: int, fields: Fields) -> Fields:
        first = "trending" if day >= LAST_WEEK or m % 4 == 0 else "top_picks"
        slots = [{"action": "t1", "propensity": 1.0, "row": 1, "col": 1, "row_kind": first}]
        return fields | {"action": None, "propensity": None, "slots": slots}

    found = look.one(PredictionDrift(), service.decisions(page).home())
    assert found.verdict == "alert"
    assert "first_row (Jensen-Shannon" in found.text


def test_a_loss_of_reward_is_found_and_young_decisions_do_not_count(service: Any, look: Any) -> None:
    def half(day: int, m: int) -> float:
        return 1.0 + m % 2 if day < LAST_WEEK - 1 else 0.5

    found = look.one(RewardTrend(), service.decisions(reward=half).home())
    assert found.verdict == "alert"
    assert "plays per decision is 0.5, 1.5 before" in found.text
    assert found.figure == pytest.approx(2 / 3, abs=0.01)


def test_decisions_whose_reward_cannot_be_known_yet_are_not_judged(service: Any, look: Any) -> None:
    def not_yet(day: int, m: int) -> float | None:
        return None if day == DAYS - 1 else 1.0  # of the last day nothing has arrived

    at_us = NOW_US - 11 * HOUR_US
    found = look.one(RewardTrend(), service.decisions(reward=not_yet).home(), at_us=at_us)
    assert (found.verdict, found.figure) == ("ok", 0.0)


def test_rewards_that_stopped_coming_are_a_loss(service: Any, look: Any) -> None:
    found = look.one(RewardTrend(), service.decisions(reward=lambda day, m: 1.0 if day < 60 else None).home())
    assert found.verdict == "alert"


def test_noise_in_rewards_is_no_loss(service: Any, look: Any) -> None:
    rng = np.random.default_rng(3)
    home = service.decisions(reward=lambda day, m: float(rng.exponential(1.0))).home()
    assert look.one(RewardTrend(), home).verdict == "ok"


def test_a_reward_that_the_log_does_not_have_is_named(service: Any, look: Any) -> None:
    service.decisions()
    for kind in ("net_minor", "stayed"):
        more = {"decision_id": "d0-0", "initiative": "winback", "unit_id": "m0"}
        service.event("reward", START_US + DAY_US, reward=kind, value=1.0, **more)
    home = service.home()
    found = look.one(RewardTrend(), home, reward="revenue")
    assert found.text == 'no reward is named "revenue"; logged are net_minor, plays, stayed.'
    assert look.one(RewardTrend(), home, reward="plays").verdict == "ok"


def predicted(service: Any, factor: float) -> Any:
    """Decisions that logged a prediction, and rewards of `factor` times its size."""
    rng = np.random.default_rng(4)
    p = rng.random((DAYS, 80))

    def logged(day: int, m: int, fields: Fields) -> Fields:
        return fields | {"context": {"prediction": float(p[day, m])}}

    def came(day: int, m: int) -> float:
        return float(rng.random() < factor * p[day, m])

    return service.decisions(logged, reward=came).home()


def test_true_predictions_are_calibrated(service: Any, look: Any) -> None:
    found = look.one(Calibration(), predicted(service, 1.0))
    assert found.verdict == "ok", found.text


def test_predictions_that_are_too_high_are_found(service: Any, look: Any) -> None:
    found = look.one(Calibration(), predicted(service, 0.5))
    assert found.verdict == "alert"
    assert "on average they are +" in found.text


def test_decisions_without_predictions_are_not_calibrated(service: Any, look: Any) -> None:
    found = look.one(Calibration(), service.decisions().home())
    assert 'units with a logged "prediction"' in found.text


def plays_before(service: Any, wrong: int) -> Any:
    """Decisions that logged the feature as of their moment; every `wrong`th one counts one play too many."""
    service.plays()
    times: dict[str, list[int]] = {}
    for line in service.lines:
        times.setdefault(line["member_id"], []).append(line["at_us"])

    def logged(day: int, m: int, fields: Fields) -> Fields:
        at_us = START_US + day * DAY_US + 12 * HOUR_US
        since_us = (at_us - 7 * DAY_US) // DAY_US * DAY_US  # a window beyond the tail begins with a day
        n = sum(since_us <= one < at_us for one in times.get(f"m{m}", []))
        return fields | {"context": {"plays_7d": n + (wrong > 0 and m % wrong == 0), "other": 1}}

    return service.decisions(logged, days=range(LAST_WEEK, DAYS)).home()


def test_features_that_were_served_as_the_lake_has_them_have_no_skew(
    service: Any, look: Any, make_initiative: Any
) -> None:
    found = look.one(ServingSkew(), plays_before(service, 0), make_initiative("plays", features=VIEW))
    assert (found.verdict, found.figure) == ("ok", 0.0), found.text


def test_a_feature_that_serving_computes_otherwise_is_found(
    service: Any, look: Any, make_initiative: Any
) -> None:
    found = look.one(ServingSkew(), plays_before(service, 10), make_initiative("plays", features=VIEW))
    assert found.verdict == "alert"
    assert found.figure == pytest.approx(0.1, abs=0.03)
    assert "logged values of plays_7d differ" in found.text


def test_decisions_that_logged_no_feature_have_no_measured_skew(
    service: Any, look: Any, make_initiative: Any
) -> None:
    home = service.plays().decisions().home()
    found = look.one(ServingSkew(), home, make_initiative("plays", features=VIEW))
    assert found.text == "no decision has a declared feature in its context."
    assert "no features are declared" in look.one(ServingSkew(), home).text


def test_a_reward_that_follows_from_plays_is_read_from_the_outcomes(
    service: Any, look: Any, make_initiative: Any
) -> None:
    """Pages of one tile; from day 50 on nobody plays it any more."""
    reward = Reward("quality plays", "plays", "as tested", 24.0, FromPlays(), grace_h=0.0)
    toy = replace(make_initiative("plays"), reward=reward)
    for day in range(DAYS):
        for m in range(MEMBERS):
            at_us, name = START_US + day * DAY_US + m, f"d{day}-{m}"
            fields = {"decision_id": name, "unit_id": f"m{m}", "initiative": "winback", "action": "t1"}
            service.event("decision", at_us, propensity=1.0, model="v1", **fields)
            if day < 50:
                service.event("play", at_us + 5, member_id=f"m{m}", title_id="t1", watch_s=900.0)
    home = service.home()
    with look.at(home, toy) as subject:
        (before,) = RewardTrend().check(subject)
        assert before.verdict == "not_measured"
        assert "no outcomes are joined yet" in before.text
    join(home, toy, now_us=NOW_US)
    with look.at(home, toy) as subject:
        (found,) = RewardTrend().check(subject)
    assert found.verdict == "alert"
    assert found.figure == pytest.approx(1.0)
