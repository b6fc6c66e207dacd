"""Show what was in production, since when, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home
from matinee.errors import NotFoundError, unknown_name
from matinee.types import format_at, parse_at

if TYPE_CHECKING:
    from matinee.platform.registry.rollouts import RolloutRow


def history(
    initiative: str,
    *,
    on: str | None = None,
    models: bool = False,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Print every release and rollback of INITIATIVE, the first one first, and what was tried beside them.

    Example: matinee history homepage --home shop

    Example: matinee history homepage --home shop --on 2026-11-20

    Parameters
    ----------
    initiative
        Whose history.
    on
        Only what was in production at this time.
    models
        Also list the trained versions, released or not.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.home_clock import home_clock
    from matinee.platform.lifecycle.project import open_registry
    from matinee.platform.loading import find

    where = find_home(home)
    now_us = home_clock(where).now_us
    with open_registry(where) as registry:
        registered = {row.name for row in registry.initiatives.all()}
        if initiative not in registered:  # one whose folder was removed keeps its history
            if initiative not in (names := {*registered, *find(where)}):
                raise NotFoundError(unknown_name("matinee", "initiative", initiative, names))
            found, versions, tried, current, experiments = [], [], [], None, []
        else:
            current = registry.releases.current(initiative)
            found = registry.releases.history(initiative)
            if on is not None:
                one = registry.releases.current_on(initiative, parse_at(on))
                found = [] if one is None else [one]
            tried = registry.rollouts.history(initiative) if on is None else []
            experiments = registry.experiments.all(initiative)[::-1] if on is None else []
            versions = registry.models.versions(initiative) if models else []
    if json:
        trained = {"models": versions} if models else {}
        told = [{"name": row.name, "state": row.state, "text": row.line(now_us)} for row in experiments]
        print_json(
            {"initiative": initiative, "releases": found, "rollouts": tried, "experiments": told, **trained}
        )
        return 0
    if not found:
        say(f"{initiative}: nothing was in production" + (f" on {on}." if on else " so far."))
    else:
        rows = [
            (
                one.id,
                format_at(one.released_us),
                one.kind,
                one.version + (" (now)" if current and one.id == current.id else ""),
                one.approver or "",
                one.note,
            )
            for one in found
        ]
        print_table(rows, ["release", "when", "kind", "version", "approver", "note"], left=6)
    if tried:
        show_rollouts(tried)
    for row in experiments:
        say(f"experiment since {format_at(row.started_us)[:10]}: {row.line(now_us)}")
    if models:
        listed = [(one.version, format_at(one.at_us), one.data, one.run_id or "") for one in versions]
        print_table(listed, ["trained version", "log until", "data", "run"], left=4)
    return 0


def show_rollouts(rows: list[RolloutRow]) -> None:
    """Print shadows and canaries, the first one first."""
    shown = [
        (
            one.id,
            format_at(one.started_us),
            one.kind,
            f"{one.version} ({100 * one.share:.3g}%)",
            f"{one.verdict} {format_at(one.ended_us)}" if one.ended_us is not None else "runs",
            one.reason or one.note,
        )
        for one in rows
    ]
    print_table(shown, ["rollout", "since", "kind", "version", "end", "why"], left=6)
