"""Try a version beside the one in production: as a shadow, or as a canary for a share of the units."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from matinee.cli.console import EXIT_FAILED, EXIT_OK, note, print_json, print_table, say
from matinee.cli.context import find_home, recorded_at
from matinee.errors import InputError, StorageError

if TYPE_CHECKING:
    from matinee.observe.home import Home
    from matinee.platform.lifecycle.rolling_out import Begun
    from matinee.platform.registry.rollouts import RolloutRow
    from matinee.serve.rollouts import ArmCounts, ShadowSeen


def rollout(
    initiative: str,
    *,
    shadow: bool = False,
    canary: float | None = None,
    stop: bool = False,
    version: str | None = None,
    share: float | None = None,
    approver: str | None = None,
    note: str = "",
    dry_run: bool = False,
    home: Path | None = None,
    at: str | None = None,
    data: Literal["home", "simulated"] | None = None,
    json: bool = False,
) -> int:
    """Start or stop a rollout of INITIATIVE; with none of --shadow, --canary and --stop, print the rollouts.

    A shadow answers beside what is in production; its answers are logged and not shown, and it needs only
    that the model loads. A canary answers a share of the units, needs what a release needs, and is taken
    back by itself when it does worse. `matinee release` of the version ends it well.

    Example: matinee rollout homepage --canary 0.05 --approver kim --home shop

    Example: matinee rollout homepage --shadow --home shop

    Example: matinee rollout homepage --stop --home shop

    Parameters
    ----------
    initiative
        What to try.
    shadow
        Start a shadow.
    canary
        Start a canary for this share of the units, above 0 and at most 1.
    stop
        End what runs; what is in production answers everybody again.
    version
        This version instead of the newest one; `matinee history INITIATIVE --models` lists them.
    share
        Share of the requests that a shadow answers too; 1 if left out.
    approver
        Who takes the responsibility; for a canary, tiers 1 and 2 need somebody.
    note
        Why; it stands in the history.
    dry_run
        Ask the gates, or try to load the model, and change nothing.
    home
        Service home; else MATINEE_HOME, else the current folder.
    at
        Answer and record as of this time.
    data
        Read the home's log or the simulated service; else what the initiative declares.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.lifecycle.project import open_project
    from matinee.platform.lifecycle.rolling_out import start_canary, start_shadow

    where, now_us = find_home(home), recorded_at(at)
    _check_options(initiative, shadow=shadow, canary=canary, stop=stop, share=share, version=version)
    if stop:
        return _stop(where, initiative, now_us, by=approver, note=note, dry_run=dry_run, json=json)
    if not shadow and canary is None:
        return _show(where, initiative, json=json)
    with open_project(where, initiative, at=at, data=data) as project:
        if canary is not None:
            found = start_canary(
                project, started_us=now_us, share=canary, version=version, approver=approver, note=note,
                dry_run=dry_run,
            )  # fmt: skip
        else:
            found = start_shadow(
                project, started_us=now_us, share=1.0 if share is None else share, version=version,
                by=approver, note=note, dry_run=dry_run,
            )  # fmt: skip
    if json:
        print_json({"initiative": initiative, "started": found.rollout is not None, "attempt": found})
    else:
        _say_begun(initiative, found, dry_run=dry_run)
    return EXIT_FAILED if found.refused else EXIT_OK


def _check_options(
    initiative: str,
    *,
    shadow: bool,
    canary: float | None,
    stop: bool,
    share: float | None,
    version: str | None,
) -> None:
    asked = [
        name for name, on in (("--shadow", shadow), ("--canary", canary is not None), ("--stop", stop)) if on
    ]
    if len(asked) > 1:
        raise InputError(
            f"matinee rollout: {' and '.join(asked)} were given, expected one of them. Nothing was changed."
        )
    if share is not None and not shadow:
        raise InputError(
            f"matinee rollout: --share is {share}, expected it with --shadow only. The share of a canary "
            f"stands behind --canary: matinee rollout {initiative} --canary {share}"
        )
    if version is not None and not shadow and canary is None:
        raise InputError(
            f'matinee rollout: --version is "{version}", expected it with --shadow or --canary, as in: '
            f"matinee rollout {initiative} --version {version} --shadow"
        )


def _stop(
    where: Home, initiative: str, now_us: int, *, by: str | None, note: str, dry_run: bool, json: bool
) -> int:
    from matinee.platform.lifecycle.project import open_registry
    from matinee.platform.lifecycle.rolling_out import stop_rollout
    from matinee.platform.registry.rollouts import told

    with open_registry(where) as registry:
        row = stop_rollout(registry, initiative, ended_us=now_us, by=by, note=note, dry_run=dry_run)
    if json:
        print_json({"initiative": initiative, "stopped": not dry_run, "rollout": row})
    elif dry_run:
        say(f"Would stop: {told(row)}. Nothing was changed (--dry-run).")
    else:
        say(f"Stopped: {told(row)}. What is in production answers everybody.")
    return EXIT_OK


def _show(where: Home, initiative: str, *, json: bool) -> int:
    from matinee.cli.history import show_rollouts
    from matinee.platform.lifecycle.project import open_registry
    from matinee.platform.registry.rollouts import told

    with open_registry(where) as registry:
        found = registry.rollouts.history(initiative)
        running = registry.rollouts.running(initiative)
    seen = None if running is None else _counted(where, running)
    if json:
        print_json({"initiative": initiative, "running": running, "seen": seen, "rollouts": found})
        return EXIT_OK
    say(f"{initiative}: {'no rollout runs.' if running is None else told(running) + '.'}")
    if isinstance(seen, dict):
        heads = ["answers", "bad", "fallback", "late", "empty", "over_budget", "violations"]
        print_table(
            [(arm, *(getattr(counts, head) for head in heads)) for arm, counts in seen.items()],
            ["arm", *(head.replace("_", " ") for head in heads)],
        )
    elif seen is not None:
        heads = ["answers", "failed", "dropped", "agreement", "took_ms", "shown_ms"]
        print_table([[getattr(seen, head) for head in heads]], heads, left=0)
    if found:
        show_rollouts(found)
    return EXIT_OK


def _counted(where: Home, running: RolloutRow) -> dict[str, ArmCounts] | ShadowSeen | None:
    """What the servers counted so far; None where no server has run, or its state cannot be reached."""
    from matinee import settings
    from matinee.observe.state.open import open_store
    from matinee.serve.config import ServeConfig
    from matinee.serve.rollouts import seen_so_far

    config = settings.load(where.settings, "serve", ServeConfig)
    if not config.state and not where.state_db.exists():
        return None
    try:
        store = open_store(where, config.state, config.dedup_h, folds=None)
        try:
            return seen_so_far(running, store.count)
        finally:
            store.close()
    except StorageError as problem:
        note(f"what was counted so far is not known: {problem}")
        return None


def _say_begun(initiative: str, found: Begun, *, dry_run: bool) -> None:
    from matinee.cli.release import SIGNS
    from matinee.platform.registry.rollouts import told

    if found.gates:
        rows = [(one.gate, SIGNS[one.verdict], one.text) for one in found.gates]
        print_table(rows, ["gate", "passes", "what it found"], title=f"{initiative} {found.version}", left=3)
    if found.refused:
        names = ", ".join(one.gate for one in found.refused)
        say(f"Not started: {names} said no. What is in production answers everybody.")
    elif dry_run:
        say(f"Nothing stands against {found.version}. Nothing was started (--dry-run).")
    elif found.rollout is not None:
        say(f"Started: {told(found.rollout)} (rollout {found.rollout.id}).")
