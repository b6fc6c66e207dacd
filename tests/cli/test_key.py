from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matinee.cli.main import main
from matinee.observe.clock import wall_us
from matinee.platform.registry.registry import Registry
from matinee.serve.keys import Keys
from matinee.serve.tokens import PREFIX

FORM = re.compile(rf"{PREFIX}_[0-9A-Za-z]{{10}}_[0-9A-Za-z]{{43}}")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "shop"), "--json"]) == 0
    return tmp_path / "shop"


def test_the_key_is_printed_once_and_never_stored(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["key", "create", "player", "--scope", "ingest", "--home", str(shop)]) == 0
    printed = capsys.readouterr()
    text = printed.out.strip()
    assert FORM.fullmatch(text)
    assert "valid until it is revoked. Keep it now: it is not shown again." in printed.err
    assert main(["key", "rotate", "player", "--home", str(shop)]) == 0
    turned = capsys.readouterr()
    assert FORM.fullmatch(turned.out.strip()), "nothing but the key, so that it can be piped"
    assert "The key before" in turned.err
    assert main(["key", "list", "--home", str(shop)]) == 0
    secret = text.rpartition("_")[2]
    assert secret not in capsys.readouterr().out
    assert not [path for path in shop.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_from_create_to_revoke(shop: Path, answer: Callable[..., Any]) -> None:
    made = answer(
        "key", "create", "app", "--scope", "decide", "--scope", "ingest", "--rate", 50, "--home", shop
    )
    assert (made["scopes"], made["rate"], made["expires_at"]) == (["decide", "ingest"], 50.0, None)
    turned = answer("key", "rotate", "app", "--overlap-h", 2, "--home", shop)
    assert (turned["before"]["key_id"], turned["before"]["state"]) == (made["key_id"], "replaced")
    with Registry.open(shop / "meta.db") as registry:
        keys = Keys(registry.api_keys, "127.0.0.1")
        keys.load()
        for one in (made, turned):
            assert keys.check(f"Bearer {one['key']}", "decide").key_id == one["key_id"]
    assert [one["state"] for one in answer("key", "list", "--home", shop)["keys"]] == ["replaced", "valid"]
    ended = answer("key", "revoke", "app", "--home", shop)["revoked"]
    assert {one["key_id"] for one in ended} == {made["key_id"], turned["key_id"]}
    assert answer("key", "list", "--home", shop)["keys"] == []
    assert len(answer("key", "list", "--ended", "--home", shop)["keys"]) == 2


def test_a_key_expires_after_its_days(shop: Path, answer: Callable[..., Any]) -> None:
    answer("key", "create", "app", "--scope", "admin", "--expires-days", 90, "--home", shop)
    with Registry.open(shop / "meta.db") as registry:
        (row,) = registry.api_keys.all()
    assert row.expires_us is not None
    assert 89.9 < (row.expires_us - wall_us()) / 86_400e6 < 90.1


def test_what_is_wrong_is_told(shop: Path, answer: Callable[..., Any]) -> None:
    def refused(*command: object) -> str:
        return str(answer("key", *command, "--home", shop, code=2)["error"])

    assert 'unknown scope "write"' in refused("create", "app", "--scope", "write")
    assert "--scope" in refused("create", "app")
    assert "--expires-days is 0, expected days above 0" in refused(
        "create", "app", "--scope", "ingest", "--expires-days", 0
    )
    assert "--overlap-h is -1, expected hours, 0 or more" in refused("rotate", "app", "--overlap-h", -1)
    assert 'unknown name "app"' in refused("revoke", "app")
