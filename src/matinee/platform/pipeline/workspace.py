"""Where pipelines keep results, what is remembered of them, and records of runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matinee.platform.pipeline.artefacts import ArtefactStore
from matinee.platform.pipeline.cache import StepCache
from matinee.platform.pipeline.record import JsonRunLog


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders below one root. Everything in them can be computed again.

    Attributes
    ----------
    root : Path
        Usually `Home.work`.
    """

    root: Path

    @property
    def store(self) -> ArtefactStore:
        """Results of steps."""
        return ArtefactStore(self.root / "artefacts")

    @property
    def cache(self) -> StepCache:
        """Which result belongs to which ingredients."""
        return StepCache(self.root / "cache")

    @property
    def runs(self) -> JsonRunLog:
        """Records of runs."""
        return JsonRunLog(self.root / "runs")

    @property
    def scratch(self) -> Path:
        """Work in progress; folders of processes that died are cleared."""
        return self.root / "scratch"
