"""Make, list, rotate and revoke the API keys of the decision server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from matinee.cli.console import note, print_json, print_table, say
from matinee.cli.context import find_home, recorded_at
from matinee.errors import InputError
from matinee.types import DAY_US, HOUR_US, format_at

RATE = 1_000.0

key = App(
    name="key",
    help="Make and end API keys.\n\nExample: matinee key create player --scope ingest --home shop",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)


@key.command
def create(
    name: str,
    *,
    scope: Annotated[list[str], Parameter(negative=())],
    expires_days: float | None = None,
    rate: float = RATE,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Make a key and print it. This is the only time that it can be read: the registry keeps a hash of it.

    Running servers know it within two seconds. From the first key on, a server asks for keys on loopback too.

    Example: matinee key create player --scope ingest --expires-days 90 --home shop

    Example: matinee key create backend --scope ingest --scope decide --rate 5000 --home shop

    Parameters
    ----------
    name
        Who uses it, for people. One valid key has a name at a time.
    scope
        ingest: send events and rewards. decide: ask for pages, decisions and reasons. admin: forget members,
        read metrics. None includes another; give it several times.
    expires_days
        Days until it is refused; without it, it works until it is revoked.
    rate
        Requests per second that each host answers before it says 429.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry
    from matinee.platform.registry.api_keys import ApiKeyRow
    from matinee.serve.tokens import Token

    now_us, token = recorded_at(None), Token.make()
    row = ApiKeyRow(
        key_id=token.key_id,
        name=name,
        secret_hash=token.hash,
        scopes=sorted(set(scope)),
        rate=rate,
        created_us=now_us,
        expires_us=_end(now_us, expires_days),
    )
    with open_registry(find_home(home)) as registry:
        registry.api_keys.create(row)
    if json:
        print_json({**_shown(row, now_us), "key": token.text})
    else:
        _tell(token.text, row)
    return 0


@key.command(name="list")
def list_(*, ended: bool = False, home: Path | None = None, json: bool = False) -> int:
    """Print the keys, without their secrets.

    Example: matinee key list --home shop

    Parameters
    ----------
    ended
        Also those that expired or were revoked.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry

    now_us = recorded_at(None)
    with open_registry(find_home(home)) as registry:
        found = [row for row in registry.api_keys.all() if ended or row.is_valid(now_us)]
    if json:
        print_json({"keys": [_shown(row, now_us) for row in found]})
    elif not found:
        say("No key." if ended else "No valid key.")
    else:
        rows = [
            (
                row.name,
                row.key_id,
                row.state(now_us),
                " ".join(row.scopes),
                _day(row.created_us),
                _day(row.expires_us, "never"),
                _day(row.used_us, "-"),
                f"{row.rate:g}",
            )
            for row in found
        ]
        heads = ["name", "key", "state", "scopes", "made", "expires", "last used", "rate"]
        print_table(rows, heads, left=len(heads) - 1)
    return 0


@key.command
def rotate(
    name: str,
    *,
    overlap_h: float = 24.0,
    expires_days: float | None = None,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Give a name a new secret and print it. The one before works for the overlap, so that nobody is cut off.

    The new one has the same scopes and rate, and lives as long as the one before was made for.

    Example: matinee key rotate player --overlap-h 24 --home shop

    Parameters
    ----------
    name
        As `matinee key list` shows it.
    overlap_h
        Hours for which the secret before goes on; 0 if it was stolen.
    expires_days
        Days until the new one is refused; else as many as the one before had.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry
    from matinee.platform.registry.api_keys import ApiKeyRow
    from matinee.serve.tokens import Token

    if not 0 <= overlap_h < float("inf"):
        raise InputError(f"matinee key rotate: --overlap-h is {overlap_h:g}, expected hours, 0 or more.")
    now_us, token = recorded_at(None), Token.make()
    row = ApiKeyRow(
        key_id=token.key_id,
        name=name,
        secret_hash=token.hash,
        scopes=[],
        rate=RATE,
        created_us=now_us,
        expires_us=_end(now_us, expires_days),
    )
    with open_registry(find_home(home)) as registry:
        old, new = registry.api_keys.rotate(row, overlap_us=round(overlap_h * HOUR_US))
    if json:
        print_json({**_shown(new, now_us), "key": token.text, "before": _shown(old, now_us)})
    else:
        _tell(token.text, new)
        note(f"The key before, {old.key_id}, is valid until {format_at(old.expires_us or now_us)}.")
    return 0


@key.command
def revoke(name: str, *, home: Path | None = None, json: bool = False) -> int:
    """End every key of a name. Running servers refuse them within two seconds.

    Example: matinee key revoke player --home shop

    Parameters
    ----------
    name
        As `matinee key list` shows it.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_registry

    now_us = recorded_at(None)
    with open_registry(find_home(home)) as registry:
        ended = registry.api_keys.revoke(name, revoked_us=now_us)
    if json:
        print_json({"revoked": [_shown(row, now_us) for row in ended]})
    else:
        say(f"Revoked {name}: {', '.join(row.key_id for row in ended)}. It cannot be taken back.")
    return 0


def _tell(text: str, row: Any) -> None:
    """The key alone on standard output, so that it can be piped into a secret store; the rest beside it."""
    until = "until it is revoked" if row.expires_us is None else f"until {format_at(row.expires_us)}"
    note(f"Key of {row.name} ({', '.join(row.scopes)}), valid {until}. Keep it now: it is not shown again.")
    say(text)


def _shown(row: Any, now_us: int) -> dict[str, Any]:
    return {
        "key_id": row.key_id,
        "name": row.name,
        "state": row.state(now_us),
        "scopes": row.scopes,
        "rate": row.rate,
        "created_at": format_at(row.created_us),
        "expires_at": None if row.expires_us is None else format_at(row.expires_us),
        "last_used_day": None if row.used_us is None else format_at(row.used_us)[:10],
    }


def _end(now_us: int, days: float | None) -> int | None:
    if days is None:
        return None
    if not 0 < days <= 36_500:
        raise InputError(f"matinee key: --expires-days is {days:g}, expected days above 0.")
    return now_us + round(days * DAY_US)


def _day(at_us: int | None, otherwise: str = "") -> str:
    return otherwise if at_us is None else format_at(at_us)[:10]
