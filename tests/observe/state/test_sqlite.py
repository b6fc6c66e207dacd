from __future__ import annotations

from pathlib import Path

from matinee.testing.state_stores import Opening, StateStoreContract


class TestSqliteStore(StateStoreContract):
    def opening(self, tmp_path: Path) -> Opening:
        return Opening("matinee.observe.state.sqlite:SqliteStore", (str(tmp_path / "state.db"),))
