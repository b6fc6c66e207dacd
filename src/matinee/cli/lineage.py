"""Ask the registry's graph: what feeds this, who uses that, what breaks if a source stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App, Parameter

from matinee.cli.console import print_json, print_table, say
from matinee.cli.context import find_home
from matinee.errors import InputError
from matinee.types import format_at, parse_at

lineage = App(
    name="lineage",
    help="Ask what feeds what.\n\nExample: matinee lineage feeds homepage --home shop",
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
    version_flags=(),
)


@lineage.command
def feeds(
    initiative: str, *, version: str | None = None, home: Path | None = None, json: bool = False
) -> int:
    """Print everything that INITIATIVE (or one version of its model) comes from: sources, features, runs.

    Example: matinee lineage feeds homepage --home shop

    Parameters
    ----------
    initiative
        What to look at.
    version
        Only what this version of its model comes from.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.platform.registry.edges import initiative_node, model_node

    with _registry(home) as registry:
        node = initiative_node(initiative) if version is None else model_node(initiative, version)
        found = registry.lineage.upstream(node)
    _show(found.nodes, json=json, none=f"Nothing feeds {initiative} yet.", graph=found)
    return 0


@lineage.command
def uses(feature: str, *, version: str | None = None, home: Path | None = None, json: bool = False) -> int:
    """Print what depends on FEATURE: datasets, models, what is in production, initiatives.

    Example: matinee lineage uses account_standing.plays_28d --home shop

    Parameters
    ----------
    feature
        Name of a registered feature.
    version
        Only this version of it.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    with _registry(home) as registry:
        found = registry.lineage.users_of_feature(feature, version)
    _impact(found, json=json, none=f"Nobody uses {feature}.")
    return 0


@lineage.command
def breaks(source: str, *, home: Path | None = None, json: bool = False) -> int:
    """Print what breaks if SOURCE (a table of the lake) stops: features, models in production, initiatives.

    Example: matinee lineage breaks plays --home shop

    Parameters
    ----------
    source
        Name of a table.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    with _registry(home) as registry:
        found = registry.lineage.breaks_if_stops(source)
    _impact(found, json=json, none=f"Nothing depends on {source}.")
    return 0


@lineage.command
def production(*, on: str | None = None, home: Path | None = None, json: bool = False) -> int:
    """Print what was in production, of all initiatives, now or at a time.

    Example: matinee lineage production --on 2026-11-20 --home shop

    Parameters
    ----------
    on
        This time instead of now.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    with _registry(home) as registry:
        found = registry.portfolio.in_production(on_us=parse_at(on) if on else None)
    if json:
        print_json(found)
    elif not found:
        say("Nothing was in production.")
    else:
        rows = [(n, one.version, format_at(one.released_us), one.approver or "") for n, one in found.items()]
        print_table(rows, ["initiative", "version", "since", "approver"], left=4)
    return 0


@lineage.command
def models(
    *,
    state: str = "unused",
    older_than_days: float = 30.0,
    at: str | None = None,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Print models that are `unused`, `stale` (in production on old data) or `alerted`.

    Example: matinee lineage models --state stale --older-than-days 14 --home shop

    Parameters
    ----------
    state
        unused, stale or alerted.
    older_than_days
        For stale: age of the data that a model in production learned from.
    at
        Age as of this time, instead of by the home's clock.
    home
        Service home; else MATINEE_HOME, else the current folder.
    json
        Print machine-readable JSON.
    """
    from matinee.observe.home_clock import home_clock

    if state not in ("unused", "stale", "alerted"):
        raise InputError(f'matinee lineage models: state is "{state}", expected unused, stale or alerted.')
    rows: list[tuple[Any, ...]]
    with _registry(home) as registry:
        if state == "unused":
            unused = registry.portfolio.unused()
            found: Any = unused
            rows = [
                (
                    u.model.initiative,
                    u.model.version,
                    "was in production" if u.last_release else "never released",
                )
                for u in unused
            ]
        elif state == "stale":
            now_us = home_clock(find_home(home), at).now_us
            stale = registry.portfolio.stale(now_us=now_us, older_than_days=older_than_days)
            found = stale
            rows = [(s.model.initiative, s.model.version, f"{s.age_days:.0f} days") for s in stale]
        else:
            alerted = registry.portfolio.alerted()
            found = alerted
            rows = [
                (a.release.initiative, a.release.version, f"{a.worst}: {len(a.alerts)} open") for a in alerted
            ]
    if json:
        print_json(found)
    elif rows:
        print_table(rows, ["initiative", "version", state], left=3)
    else:
        say(f"No model is {state}.")
    return 0


def _registry(home: Path | None) -> Any:
    from matinee.platform.lifecycle.project import open_registry

    return open_registry(find_home(home))


def _show(nodes: list[Any], *, json: bool, none: str, graph: Any) -> None:
    if json:
        print_json(graph)
    elif nodes:
        print_table([(node.kind, node.id) for node in nodes], ["what", "name"], left=2)
    else:
        say(none)


def _impact(found: Any, *, json: bool, none: str) -> None:
    if json:
        print_json(found)
        return
    import msgspec

    rows = [
        (kind.replace("_", " "), one)
        for kind, names in msgspec.to_builtins(found).items()
        if isinstance(names, list)
        for one in names
        if isinstance(one, str)
    ]
    if rows:
        print_table(rows, ["what", "name"], left=2)
    else:
        say(none)
