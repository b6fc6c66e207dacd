from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.alerts import AlertRow

DRIFT = AlertRow(
    initiative="art", monitor="drift", key="n_plays", severity="medium", owner="ana", text="PSI 0.3",
    value=0.3, bound=0.2, opened_us=10, seen_us=10,
)  # fmt: skip


def test_what_is_seen_again_is_one_alert(story: Any) -> None:
    alerts = story.registry.alerts
    story.initiative("art")
    first = alerts.see(DRIFT)
    assert first == msgspec.structs.replace(DRIFT, id=first.id)
    worse = alerts.see(
        msgspec.structs.replace(DRIFT, severity="high", value=0.5, text="PSI 0.5", opened_us=20, seen_us=20)
    )
    assert (worse.id, worse.n_seen, worse.opened_us, worse.seen_us) == (first.id, 2, 10, 20)
    assert (worse.severity, worse.value, worse.text) == ("high", 0.5, "PSI 0.5")
    other = alerts.see(msgspec.structs.replace(DRIFT, key="n_titles", severity="critical"))
    assert alerts.open("art") == [other, worse]
    assert alerts.open("pay") == []


def test_what_comes_back_after_its_end_is_a_new_alert(story: Any) -> None:
    alerts = story.registry.alerts
    story.initiative("art")
    first = alerts.see(DRIFT)
    alerts.close(first.id, closed_us=30)
    alerts.close(first.id, closed_us=99)
    again = alerts.see(msgspec.structs.replace(DRIFT, opened_us=40, seen_us=40))
    assert again.n_seen == 1
    assert [(row.id, row.state, row.closed_us) for row in alerts.history("art")] == [
        (again.id, "open", None),
        (first.id, "closed", 30),
    ]


def test_what_is_well_again_is_cleared_by_its_name(story: Any) -> None:
    alerts = story.registry.alerts
    story.initiative("art")
    alerts.see(DRIFT)
    assert not alerts.clear("art", "drift", key="n_titles", closed_us=50)
    assert alerts.clear("art", "drift", key="n_plays", closed_us=50)
    assert not alerts.clear("art", "drift", key="n_plays", closed_us=60)
    assert alerts.open() == []
    assert alerts.history("art")[0].closed_us == 50


def test_unknown_names_and_words_are_told(story: Any) -> None:
    alerts = story.registry.alerts
    with pytest.raises(NotFoundError, match='alert drift: unknown initiative "art"'):
        alerts.see(DRIFT)
    story.initiative("art")
    with pytest.raises(InputError, match=r'alert drift: unknown severity "hihg". Did you mean "high"'):
        alerts.see(msgspec.structs.replace(DRIFT, severity="hihg"))
    with pytest.raises(NotFoundError, match='unknown alert "7"'):
        alerts.close(7, closed_us=1)
