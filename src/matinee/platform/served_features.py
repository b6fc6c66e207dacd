"""The features of members that a server keeps up to date, of all initiatives of a home."""

from __future__ import annotations

from contextlib import suppress

from matinee.errors import ConfigError
from matinee.learn.features.declaration import FeatureView
from matinee.learn.features.served import ServedFeatures, read_facts, servable
from matinee.observe.home import Home
from matinee.platform.initiative import Initiative
from matinee.platform.loading import find


def served_folds(home: Home) -> list[ServedFeatures]:
    """Views of initiatives that a state store can keep, each once.

    An initiative that does not load has none: `matinee status` names it.

    Raises
    ------
    StorageError
        The facts that features group by cannot be read.
    """
    out: dict[str, ServedFeatures] = {}
    for found in find(home).values():
        with suppress(ConfigError):
            view = served_view(found.load())
            if view is not None:
                one = ServedFeatures(view, read_facts(home, view))
                out.setdefault(one.name, one)
    return [out[name] for name in sorted(out)]


def served_view(initiative: Initiative) -> FeatureView | None:
    """Features of an initiative that can be served fresh: declared on the lake's own events of members."""
    view = initiative.features
    if view is None or initiative.feature_tables is not None or servable(view):
        return None
    return view
