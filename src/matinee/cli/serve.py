"""Run the decision server: events in, decisions out."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from matinee import settings
from matinee.cli.console import print_json, progress, say
from matinee.cli.context import find_home

if TYPE_CHECKING:
    from matinee.serve.preparing import Ready


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    state: str | None = None,
    mode: str | None = None,
    home: Path | None = None,
    json: bool = False,
) -> int:
    """Run the decision server of a home until it is stopped (Ctrl-C, SIGTERM).

    It takes events, answers with pages and decisions, and says why; `/openapi.json` describes its routes.
    In a browser, `/watch` is the homepage as a member sees it, `/console` the team's pages. It listens on
    this machine only, unless told otherwise; then it needs keys (`matinee key create`).

    Example: matinee serve --home shop --port 8080

    Parameters
    ----------
    host
        Address to listen on; default [serve] host, 127.0.0.1.
    port
        Default [serve] port, 8080; 0 takes any that is free.
    workers
        Processes; default [serve] workers, 1.
    state
        Where the state of members is: empty for state.db in the home, or redis://HOST:PORT/DB.
    mode
        How pages are made: request, precomputed or hybrid; default [serve] mode, request.
    home
        The service home; else MATINEE_HOME, else the current folder.
    json
        Print where it listens as JSON, and log as JSON.
    """
    from matinee.console.config import ConsoleConfig
    from matinee.serve.config import ServeConfig
    from matinee.serve.preparing import prepare
    from matinee.serve.process import bind, run

    place = find_home(home)
    options: dict[str, Any] = {"host": host, "port": port, "workers": workers, "state": state, "mode": mode}
    config = settings.load(place.settings, "serve", ServeConfig, options=options)
    pages = settings.load(place.settings, "console", ConsoleConfig).enabled
    with progress("Preparing", quiet=json) as report:
        ready = _discreet(prepare(place, config, report))
    with bind(config) as listening:
        number = int(listening.getsockname()[1])
        address = f"http://{'[' + config.host + ']' if ':' in config.host else config.host}:{number}"
        if json:
            told = {"address": address, "home": str(place.root), "workers": config.workers, "ready": ready}
            print_json({**told, "watch": f"{address}/watch" if pages else None})
        else:
            _tell(address, place.root, config.workers, ready, pages)
        run(place, config, listening)
    return 0


def _discreet(ready: Ready) -> Ready:
    """Without an id that would stand in a file for longer than its member may be known."""
    return ready if sys.stdout.isatty() else replace(ready, somebody="MEMBER_ID")


def _tell(address: str, root: Path, workers: int, ready: Ready, pages: bool) -> None:
    say(f"Matinee serves {root} on {address} ({workers} {'process' if workers == 1 else 'processes'}).")
    live = ", ".join(f"{name} {version}" for name, version in ready.releases.items())
    say(f"   {ready.members:,} members in the state; in production: {live or 'nothing yet'}.")
    if ready.open:
        say("   No keys are needed on this machine. Make some before others may ask: matinee key create")
    if pages:
        say(f"   In a browser: {address}/watch   (the team's pages: {address}/console)")
    say(f"   A page:   curl '{address}/v1/members/{quote(ready.somebody, safe='')}/homepage'")
    say(f"   Routes:   {address}/openapi.json")
    say("   Stop it with Ctrl-C.")
