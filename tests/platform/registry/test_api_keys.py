from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.api_keys import ApiKeyRow
from matinee.platform.registry.registry import Registry
from matinee.types import DAY_US, HOUR_US


def key(key_id: str = "k1", name: str = "player", **values: Any) -> ApiKeyRow:
    given: dict[str, Any] = {"scopes": ["ingest"], "rate": 100.0, "created_us": 10, **values}
    return ApiKeyRow(key_id=key_id, name=name, secret_hash=f"hash of {key_id}", **given)


def test_a_key_comes_back_as_it_was(registry: Registry) -> None:
    row = key(scopes=["ingest", "decide"], expires_us=DAY_US)
    registry.api_keys.create(row)
    assert registry.api_keys.all() == [row]
    assert (row.is_valid(DAY_US - 1), row.is_valid(DAY_US)) == (True, False)
    assert (row.state(0), row.state(DAY_US)) == ("valid", "expired")


def test_one_valid_key_of_a_name(registry: Registry) -> None:
    keys = registry.api_keys
    keys.create(key(expires_us=DAY_US))
    with pytest.raises(InputError, match=r"key player: exists, expected a new name.* matinee key rotate"):
        keys.create(key("k2"))
    keys.create(key("k3", created_us=DAY_US))
    with pytest.raises(InputError, match="key player: exists"):
        keys.create(key("k4", created_us=DAY_US))
    assert [row.state(DAY_US) for row in keys.all()] == ["expired", "valid"]
    keys.revoke("player", revoked_us=2 * DAY_US)
    keys.create(key("k5", created_us=2 * DAY_US))


def test_rotation_leaves_the_old_secret_for_the_overlap(registry: Registry) -> None:
    keys = registry.api_keys
    keys.create(key(scopes=["decide"], rate=7.0))
    old, new = keys.rotate(key("k2", created_us=100), overlap_us=HOUR_US)
    assert (old.key_id, old.replaced_us, old.expires_us) == ("k1", 100, 100 + HOUR_US)
    assert (new.key_id, new.scopes, new.rate) == ("k2", ["decide"], 7.0)
    assert [row.state(101) for row in keys.all()] == ["replaced", "valid"]
    assert [row.state(100 + HOUR_US) for row in keys.all()] == ["expired", "valid"]
    keys.rotate(key("k3", created_us=200), overlap_us=0)
    assert {row.key_id: row.is_valid(200) for row in keys.all()} == {"k1": True, "k2": False, "k3": True}
    assert {row.key_id for row in keys.revoke("player", revoked_us=300)} == {"k1", "k3"}
    assert not any(row.is_valid(300) for row in keys.all())


def test_rotation_never_lengthens_a_life_and_the_new_key_has_one_as_long(registry: Registry) -> None:
    registry.api_keys.create(key(expires_us=50))
    old, new = registry.api_keys.rotate(key("k2", created_us=40), overlap_us=HOUR_US)
    assert (old.expires_us, new.expires_us) == (50, 80)


def test_the_day_of_use_only_grows(registry: Registry) -> None:
    keys = registry.api_keys
    keys.create(key())
    keys.used({"k1": 2 * DAY_US, "gone": DAY_US})
    keys.used({"k1": DAY_US})
    assert [row.used_us for row in keys.all()] == [2 * DAY_US]


def test_what_is_wrong_is_told(registry: Registry) -> None:
    keys = registry.api_keys
    with pytest.raises(NotFoundError, match="None is registered yet"):
        keys.revoke("player", revoked_us=1)
    for wrong, text in [
        ({"scopes": ["read"]}, 'key player: unknown scope "read"'),
        ({"scopes": []}, "has no scope, expected one or more of ingest, decide, admin"),
        ({"rate": 0.0}, "rate is 0, expected requests per second, above 0"),
        ({"rate": float("inf")}, "rate is inf"),
        ({"expires_us": 5}, "expires at 1970-01-01T00:00:00Z, expected a time to come"),
        ({"name": "a\nb"}, "expected 1 to 64 printable characters"),
    ]:
        with pytest.raises(InputError, match=text):
            keys.create(msgspec.structs.replace(key(), **wrong))
    keys.create(key())
    with pytest.raises(NotFoundError, match=r'unknown name "plaier"\. Did you mean "player"'):
        keys.rotate(key("k2", "plaier"), overlap_us=0)
    with pytest.raises(InputError, match="overlap is negative"):
        keys.rotate(key("k2"), overlap_us=-1)
    keys.revoke("player", revoked_us=20)
    with pytest.raises(NotFoundError, match="key player: is revoked, expected a valid one"):
        keys.rotate(key("k2", created_us=30), overlap_us=0)
