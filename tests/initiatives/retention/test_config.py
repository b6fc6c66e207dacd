import dataclasses

import pytest

from matinee import settings
from matinee.errors import ConfigError
from matinee.initiatives.retention import RETENTION
from matinee.initiatives.retention.config import NONE, RetentionConfig


def test_the_file_beside_the_code_says_what_the_class_says():
    found = settings.load(None, "retention", RetentionConfig, values=RETENTION.values, environ={})
    assert found == RetentionConfig()


def test_nothing_comes_first_and_costs_nothing():
    assert RetentionConfig().actions == (NONE, "discount", "extension", "reminder")
    assert RetentionConfig().offer("reminder").cost_minor == 5.0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"offers": {}}, "offers are none at all, expected at least one"),
        ({"offers": {"none": {}}}, "offers are none, expected at least one and none that is named"),
        ({"offers": {"gift": {"price": 1.0}}}, 'offer gift: unknown key "price". Did you mean "price_share"'),
        ({"offers": {"gift": {"cost_minor": -1.0}}}, "offer gift: cost_minor is -1.0, expected 0 or more"),
        ({"price_minor": 0.0}, "price_minor is 0.0, expected above 0"),
        ({"margin_share": 1.5}, "margin_share is 1.5, expected above 0, at most 1"),
        ({"holdout": 0.6}, "holdout is 0.6, expected 0 or more, at most 0.5"),
        ({"min_decisions": 10}, "min_decisions is 10, expected 50 or more"),
        ({"currency": "euro"}, 'currency is "euro", expected three capital letters'),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_name(changed, said):
    with pytest.raises(ConfigError) as problem:
        dataclasses.replace(RetentionConfig(), **changed)
    assert said in str(problem.value)


def test_own_offers_come_from_the_settings_of_the_home(tmp_path):
    path = tmp_path / "matinee.toml"
    path.write_text("[retention.offers.gift]\ncost_minor = 120.0\n", encoding="utf-8")
    found = settings.load(path, "retention", RetentionConfig, values=RETENTION.values, environ={})
    assert found.actions == (NONE, "gift")
    assert found.offer("gift").cost_minor == 120.0
