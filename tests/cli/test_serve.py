from __future__ import annotations

from pathlib import Path

import pytest

from matinee.cli.main import main
from matinee.cli.serve import _discreet, _tell
from matinee.observe.home import Home
from matinee.serve.preparing import Ready


def test_the_address_of_a_page_can_be_asked_for_whatever_the_id(capsys: pytest.CaptureFixture[str]) -> None:
    _tell("http://127.0.0.1:1", Path("shop"), 1, Ready(1, {}, False, "a b/ü'?"), pages=False)
    assert "curl 'http://127.0.0.1:1/v1/members/a%20b%2F%C3%BC%27%3F/homepage'" in capsys.readouterr().out


@pytest.mark.parametrize(("terminal", "shown"), [(True, "m1"), (False, "MEMBER_ID")])
def test_a_member_is_named_on_a_terminal_only(
    terminal: bool, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert _discreet(Ready(1, {}, True, "m1")) == Ready(1, {}, True, shown)


@pytest.mark.parametrize(
    ("setting", "url", "shown", "extra"),
    [
        ("[serve] state", "redis://ana:s3cret@127.0.0.1:1/2", "redis://ana:***@127.0.0.1:1/2", "redis"),
        (
            *("[platform] registry", "postgresql://ana:s3cret@127.0.0.1:1/shop"),
            *("postgresql://ana@127.0.0.1:1/shop", "psycopg"),
        ),
    ],
)
def test_a_database_that_is_down_at_the_start_is_named(
    setting: str,
    url: str,
    shown: str,
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip(extra)
    part, name = setting[1:].split("] ")
    monkeypatch.setenv(f"MATINEE_{part.upper()}__{name.upper()}", url)
    Home.create(tmp_path / "shop").settings.touch()
    assert main(["serve", "--home", str(tmp_path / "shop"), "--port", "0"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"error: {shown}: ")
    assert setting in told
    assert "s3cret" not in told
    assert told.count("\n") == 1
