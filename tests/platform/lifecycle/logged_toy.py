"""A toy in production whose decisions, and those of a version in its shadow, are in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from tests.platform.toys import ACTIONS, TOY, ToyModel

from matinee.observe.decision_log import RewardRow, decision_line, new_decision_id, reward_id, reward_line
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.model_folder import ModelCard, publish
from matinee.platform.lifecycle.project import open_project_of, open_registry
from matinee.platform.outcomes.join import join
from matinee.platform.registry.models import ModelRow
from matinee.types import DAY_US, SECOND_US, format_at

LEARNED = 1_730_000_000_000_000
START = LEARNED + DAY_US
AT = format_at(START + 30 * DAY_US)
BRINGS = {"call": 0.2, "mail": 0.8, "nothing": 0.1}
"""Probability that an action brings a reward of 1."""
BOUNDED: Initiative = replace(TOY, gates=(), reward=replace(TOY.reward, low=0.0, high=1.0))


def version(
    home: Home, weights: Sequence[float], *, at_us: int = LEARNED, release: bool = False, name: str = "toy"
) -> str:
    """Publish a version of the toy with these weights, and release it if asked."""
    source = home.root / "made"
    source.mkdir(exist_ok=True)
    ToyModel(np.array(weights, np.float64)).save(source)
    with open_project_of(home, replace(BOUNDED, name=name)) as project:
        card = ModelCard(initiative=name, at=format_at(at_us), data="home", seed=0, code="c", run_id="r")
        folder = publish(home, card, source, at_us=at_us)
        n_before = len(project.registry.models.versions(name))
        row = ModelRow(
            initiative=name, version=folder.name, folder=str(folder.relative_to(home.root)), at_us=at_us,
            code="c", data="home", files={}, registered_us=LEARNED + n_before,
        )  # fmt: skip
        project.registry.models.register(row)
        if release:
            project.registry.releases.release(name, folder.name, expected_previous=None, released_us=at_us)
    return folder.name


def decide(
    home: Home,
    model: str,
    weights: Sequence[float],
    n: int,
    *,
    from_us: int = START,
    shadow: tuple[str, Sequence[float]] | None = None,
    seed: int = 0,
    **context: object,
) -> None:
    """Log decisions of a version and their rewards, a minute apart, and what a shadow chose beside them."""
    rng = np.random.default_rng(seed)
    p = np.array(weights) / np.sum(weights)
    lines: list[bytes] = []
    for i in range(n):
        at_us = from_us + i * 60 * SECOND_US
        drawn = int(rng.choice(len(p), p=p))
        made = _record(model, at_us, i, p, drawn, dict(context))
        value = float(rng.random() < BRINGS[ACTIONS[drawn]])
        row = RewardRow(
            reward_id(made.decision_id, TOY.reward.name), made.decision_id, "toy", made.unit_id,
            TOY.reward.name, value, at_us + 1, at_us + 2,
        )  # fmt: skip
        lines += [decision_line(made, at_us, 3 * i), reward_line(row, 3 * i + 1)]
        if shadow is not None:
            q = np.array(shadow[1]) / np.sum(shadow[1])
            noted = {"shadow": True, "shadow_of": made.decision_id}
            beside = _record(shadow[0], at_us, i, q, int(rng.choice(len(q), p=q)), noted)
            lines.append(decision_line(beside, at_us, 3 * i + 2))
    with (home.log / f"{from_us}-{seed}-0001.ndjson").open("ab") as file:
        file.writelines(lines)
    join(home, TOY, now_us=from_us + 30 * DAY_US)


def _record(
    model: str, at_us: int, i: int, p: np.ndarray, drawn: int, context: dict[str, object]
) -> DecisionRecord:
    able = np.flatnonzero(p > 0)
    return DecisionRecord(
        new_decision_id(at_us), "toy", f"m{i % 500}", at_us, "toy/weights-1", model,
        [Slot(ACTIONS[drawn], float(p[drawn]), n_permitted=len(able))],
        actions=[ACTIONS[j] for j in able], context=context,  # type: ignore[arg-type]
    )  # fmt: skip


def running(home: Home):  # type: ignore[no-untyped-def]
    """The rollout of the toy."""
    with open_registry(home) as registry:
        return registry.rollouts.running("toy")
