"""A small service written into the open log line by line, so that each test plants its own fault."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from matinee.learn.features.declaration import FeatureView
from matinee.observe.home import Home
from matinee.platform.deciding import Decided, Request
from matinee.platform.evaluation import Evaluated, Evaluation, Figure, Metric
from matinee.platform.initiative import Fallback, Initiative, Input, Reward
from matinee.platform.pipeline.pipeline import Pipeline
from matinee.platform.watch.config import WatchConfig
from matinee.platform.watch.monitor import Finding, Monitor
from matinee.platform.watch.subject import Subject, subject_of
from matinee.types import DAY_US, HOUR_US

START_US = 20_000 * DAY_US
"""A Friday."""
DAYS, MEMBERS = 70, 80
NOW_US = START_US + DAYS * DAY_US
CONFIG = WatchConfig(fewest=40)


@dataclass(frozen=True, slots=True)
class NoSettings:
    """Settings of an initiative without any."""


class Still:
    """Decides nothing."""

    policy = "still"

    @staticmethod
    def open(*_: object) -> Still:
        return Still()

    def decide(self, request: Request) -> Decided:
        return Decided(())


def learned() -> dict[str, int]:
    return {"n": 1}


def judged() -> Evaluated:
    one = {"worth": Figure(1.0, 0.9, 1.1, 10)}
    return Evaluated(
        Evaluation(
            initiative="winback", cut_us=0, metrics=[Metric("worth", "worth")], ours="ours", baseline="none",
            figures={"ours": one, "none": one},
        )
    )  # fmt: skip


def initiative_of(*tables: str, tier: int = 2, features: FeatureView | None = None) -> Initiative:
    """Reads tables and decides about members."""
    return Initiative(
        name="winback", title="Who gets a letter", owner="growth", tier=tier, stage="built", unit="member",
        hypothesis="If we write, then they come back, because they had forgotten.", next_step="try it",
        actions=("letter", "none"),
        reward=Reward("plays", "plays", "plays in the day after the decision", 24.0),
        inputs=[Input(table, "to look at it") for table in tables or ("plays",)],
        config=NoSettings, features=features,
        pipeline=Pipeline("train", [learned]), evaluation=Pipeline("evaluate", [judged]),
        open=Still.open, baseline="none", fallback=Fallback("still", Still.open), gates=[],
        latency_budget_ms=10.0,
    )  # fmt: skip


@dataclass(slots=True)
class Service:
    """What happened; `home` writes it."""

    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    def event(self, kind: str, at_us: int, **fields: Any) -> None:
        n = len(self.lines)
        line = {"type": kind, "event_id": f"e{n}", "at_us": at_us, "seen_us": at_us, "seq": n}
        self.lines.append(line | fields)

    def plays(
        self,
        change: Callable[[int, int, dict[str, Any]], dict[str, Any] | None] | None = None,
        *,
        seed: int = 0,
    ) -> Service:
        """Each member watches on most days; `change(day, member, fields)` gives other fields, or None."""
        rng = np.random.default_rng(seed)
        for day in range(DAYS):
            for m in np.flatnonzero(rng.random(MEMBERS) < 0.8):
                fields: dict[str, Any] | None = {
                    "member_id": f"m{m}", "title_id": f"t{rng.integers(20)}",
                    "watch_s": float(rng.gamma(2.0, 1_800.0)), "device": ["tv", "mobile", "web"][m % 3],
                    "territory": ["NL", "BE"][m % 2],
                }  # fmt: skip
                at_us = START_US + day * DAY_US + int(rng.integers(1, DAY_US))
                if change is not None:
                    fields = change(day, int(m), fields or {})
                if fields is not None:
                    self.event("play", at_us, **fields)
        return self

    def decisions(
        self,
        change: Callable[[int, int, dict[str, Any]], dict[str, Any]] | None = None,
        *,
        reward: Callable[[int, int], float | None] | None = None,
        days: range = range(DAYS),
        seed: int = 1,
    ) -> Service:
        """One decision for each member every other day, at noon, with its reward six hours later."""
        rng = np.random.default_rng(seed)
        for day in days:
            for m in range(day % 2, MEMBERS, 2):
                at_us = START_US + day * DAY_US + 12 * HOUR_US
                action = "letter" if rng.random() < 0.3 else "none"
                key = f"d{day}-{m}"
                fields: dict[str, Any] = {
                    "event_id": key, "decision_id": key, "initiative": "winback", "unit_id": f"m{m}",
                    "member_id": f"m{m}", "action": action, "propensity": 0.3 if action == "letter" else 0.7,
                    "policy": "p1", "model": "v1", "fallback": False, "context": {},
                }  # fmt: skip
                if change is not None:
                    fields = change(day, m, fields)
                self.event("decision", at_us, **fields)
                value = float(rng.poisson(1.0)) if reward is None else reward(day, m)
                if value is not None:
                    more = {"decision_id": key, "initiative": "winback", "unit_id": f"m{m}"}
                    self.event("reward", at_us + 6 * HOUR_US, reward="plays", value=value, **more)
        return self

    def home(self) -> Home:
        """A home with this log, whose clock stands at its last event."""
        made = Home.create(self.folder / "home")
        made.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
        body = b"".join(msgspec.json.encode(line) + b"\n" for line in self.lines)
        (made.log / "1-a-0001.ndjson").write_bytes(body)
        return made


@dataclass(frozen=True, slots=True)
class Look:
    """Asks monitors about a home."""

    def at(
        self, home: Home, initiative: Initiative | None = None, *, at_us: int = NOW_US, **more: Any
    ) -> AbstractContextManager[Subject]:
        return subject_of(
            initiative or initiative_of("plays"), home, at_us=at_us, **{"config": CONFIG, **more}
        )

    def by(
        self,
        monitor: Monitor,
        home: Home,
        initiative: Initiative | None = None,
        *,
        at_us: int = NOW_US,
        **more: Any,
    ) -> list[Finding]:
        with self.at(home, initiative, at_us=at_us, **more) as subject:
            return monitor.check(subject)

    def one(self, monitor: Monitor, home: Home, *args: Any, **more: Any) -> Finding:
        (found,) = self.by(monitor, home, *args, **more)
        return found


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.fixture
def look() -> Look:
    return Look()


@pytest.fixture
def make_initiative() -> Callable[..., Initiative]:
    return initiative_of
