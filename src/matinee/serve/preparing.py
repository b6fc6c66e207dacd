"""Makes a home ready to be served, before the first process listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matinee.observe.clock import wall_us
from matinee.observe.home import Home
from matinee.observe.home_format import require_format
from matinee.observe.state.imports import catch_up, is_behind
from matinee.observe.state.open import open_store
from matinee.observe.state.replay import replay
from matinee.observe.state.sync_members import sync_members
from matinee.platform.lifecycle.project import open_registry
from matinee.platform.served_features import served_folds
from matinee.serve.config import ServeConfig
from matinee.serve.keys import check_bind, required
from matinee.serve.moment import Moment

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Ready:
    """What will be served.

    Attributes
    ----------
    members : int
        Members in the state.
    releases : dict of str to str
        Initiative -> version in production.
    open : bool
        No key is needed.
    somebody : str
        A member, for an example.
    """

    members: int
    releases: dict[str, str]
    open: bool
    somebody: str


def prepare(home: Home, config: ServeConfig, progress: Progress) -> Ready:
    """Refuse an unsafe address, bring the state up to the log and the lake.

    Raises
    ------
    ConfigError
        The address can be reached from elsewhere, and there are no keys.
    StorageError
        The home is of another format, or the state or the registry cannot be opened.
    """
    require_format(home.root)
    with open_registry(home) as registry:
        keys = registry.api_keys.all()
        check_bind(config.host, keys, wall_us())
        current = {row.name: registry.releases.current(row.name) for row in registry.initiatives.all()}
        releases = {name: row.version for name, row in current.items() if row is not None}
    now_us = Moment.open(home).now_us
    store = open_store(home, config.state, config.dedup_h, served_folds(home))
    try:
        if is_behind(home, store):
            catch_up(
                home,
                store,
                now_us,
                dedup_h=config.dedup_h,
                progress=lambda share: progress("State of members", share),
            )
        sync_members(home, store)  # no page before the limits of those who were imported meanwhile
        progress("Log", 0.99)
        replay(home, store, now_us)
        ids = store.member_ids(limit=1)
        members = store.size().get("members", 0)
    finally:
        store.close()
    return Ready(members, releases, not required(config.host, keys), ids[0] if ids else "somebody")
