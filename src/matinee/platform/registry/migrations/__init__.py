"""Every change to the tables, in order. To change a table: add a module here and its line to `MIGRATIONS`.

A migration that was published is never edited: databases that ran it would differ from later ones.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from matinee.platform.registry.migrations import (
    m0001_first_tables,
    m0002_rollouts,
    m0003_api_keys,
    m0004_retraining,
    m0005_experiments,
)

Migration = tuple[str, Callable[[Connection], None]]
MIGRATIONS: list[Migration] = [
    ("first tables", m0001_first_tables.upgrade),
    ("rollouts", m0002_rollouts.upgrade),
    ("API keys", m0003_api_keys.upgrade),
    ("retraining", m0004_retraining.upgrade),
    ("experiments", m0005_experiments.upgrade),
]
"""Migration number i + 1 is the i-th of this list."""
