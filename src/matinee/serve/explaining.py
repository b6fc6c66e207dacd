"""Why a decision was made: what was logged about it, what came of it, and how it comes about, for people."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from matinee.errors import NotFoundError
from matinee.observe.decision_log import actions_of, find_decision, rewards_of, rows_of
from matinee.observe.decisions import DecisionRecord
from matinee.observe.home import Home
from matinee.platform.initiative import Initiative
from matinee.serve.deciding_again import Again, decide_again
from matinee.serve.images_again import images_of
from matinee.serve.lane import Lane
from matinee.types import format_at

if TYPE_CHECKING:
    from matinee.serve.services import Services

EXPLAINING = Lane("explanations", threads=2, most=16)
"""Where a server makes them: whatever is asked, probes, figures and erasures have threads left."""
_ONE_AT_A_TIME = threading.Lock()
"""Opening a model as of a past moment takes memory and a processor; answers to members go before."""


def explain(services: Services, decision_id: str) -> dict[str, Any]:
    """What `GET /v1/decisions/{id}` answers. Takes as long as opening a model; run it in `EXPLAINING`.

    Raises
    ------
    NotFoundError
        No decision of this id was logged, or it was pruned or erased.
    StorageError
        The lake or the log cannot be read.
    """
    return explanation(services.home, services.initiatives, decision_id)


def explanation(home: Home, initiatives: Mapping[str, Initiative], decision_id: str) -> dict[str, Any]:
    """Everything that is known about a decision.

    Parameters
    ----------
    initiatives : dict of str to Initiative
        By name; a decision of another one is told without its stages.

    Returns
    -------
    dict
        Plain values. What was logged: `decision_id`, `initiative`, `unit_id`, `at`, `policy`, `model`,
        `experiment`, `arm`, `fallback`, `fallback_reason`, `context`, `slots`, `rows`, `unmet`,
        `n_permitted`. `artwork`: for each slot its image, with propensity, number of images and why. What
        came of it: `rewards` (reported), `outcomes` (one per slot, once they are final,
        from `final_at` on). How it comes about: `stages` and `absent`, `scores` (for each slot
        what it weighed, stage by stage), `reproduced` (whether the decision
        comes out the same when it is made again), `differences` and `note`.

    Raises
    ------
    NotFoundError
        No decision of this id was logged, or it was pruned or erased.
    StorageError
        The lake or the log cannot be read.
    """
    record = find_decision(home, decision_id)
    if record is None:
        raise NotFoundError(
            f'decision "{decision_id}" is not in the log, expected the decision_id of an answer of this '
            "service that was neither pruned nor erased."
        )
    made = record if record.sticky_of is None else find_decision(home, record.sticky_of)
    initiative = initiatives.get(record.initiative)
    out = _logged(home, record, made or record)
    out |= _came_of(home, made or record, initiative)
    out["artwork"] = _images(home, initiatives, record, made or record)
    return out | _again(home, initiative, record, made)


def _logged(home: Home, record: DecisionRecord, made: DecisionRecord) -> dict[str, Any]:
    reference = made.actions[0] if made.actions and made.actions[0].startswith("mask:") else None
    permitted = made.actions if reference is None else actions_of(home, reference)
    return {
        "decision_id": record.decision_id,
        "initiative": record.initiative,
        "unit_id": record.unit_id,
        "at": format_at(record.at_us),
        "policy": record.policy,
        "model": record.model,
        "experiment": made.context.get("experiment"),
        "arm": made.context.get("arm"),
        "fallback": record.fallback,
        "fallback_reason": made.context.get("fallback_reason"),
        "sticky_of": record.sticky_of,
        "latency_ms": record.latency_ms,
        "context": dict(made.context),
        "rows": msgspec.to_builtins(made.rows),
        "slots": msgspec.to_builtins(record.slots or made.slots),
        "unmet": made.unmet,
        "permitted": reference,
        "n_permitted": None if permitted is None else len(permitted),
    }


def _images(
    home: Home, initiatives: Mapping[str, Initiative], record: DecisionRecord, made: DecisionRecord
) -> list[dict[str, Any]]:
    """The images of a page; a repeated one has slots of its own where its images are other ones."""
    slots = record.slots or made.slots
    if all(slot.artwork_id is None for slot in slots):
        return []
    with _ONE_AT_A_TIME:
        return images_of(home, initiatives, made, slots)


def _came_of(home: Home, made: DecisionRecord, initiative: Initiative | None) -> dict[str, Any]:
    rewards = [
        {"reward": r.reward, "value": r.value, "at": format_at(r.at_us), "action": r.action}
        for r in rewards_of(home, made.decision_id)
    ]
    found = rows_of(home, "outcomes", "decision_id", made.decision_id, made.at_us, made.at_us)
    outcomes = [
        {
            "slot": row["slot"],
            "action": row["action"],
            "impressed": row.get("impressed"),
            "dwell_ms": row.get("dwell_ms"),
            "reward": row["reward"],
            "value": row.get("value"),
            "reward_at": None if row.get("reward_at_us") is None else format_at(row["reward_at_us"]),
        }
        for row in sorted(found, key=lambda row: row["slot"])
    ]
    final_at = None if initiative is None else format_at(made.at_us + initiative.reward.final_us)
    return {"rewards": rewards, "outcomes": outcomes, "final_at": final_at}


def _again(
    home: Home, initiative: Initiative | None, record: DecisionRecord, made: DecisionRecord | None
) -> dict[str, Any]:
    if made is None:
        again = Again(
            None, None, note=f"It repeats the decision {record.sticky_of}, which is not in the log."
        )
    elif initiative is None:
        again = Again(None, None, note=f"The initiative {record.initiative} is not known here.")
    else:
        with _ONE_AT_A_TIME:
            again = decide_again(home, initiative, made)
    note = again.note
    if made is not None and made is not record:
        note = f"A decision was served again; what is said here is of {made.decision_id}. {note}".strip()
    explained = again.explained
    return {
        "reproduced": again.reproduced,
        "note": note,
        "differences": again.differences,
        "stages": [] if explained is None else [_stage(stage) for stage in explained.stages],
        "scores": [] if explained is None else list(explained.scores),
        "absent": {} if explained is None else explained.absent,
    }


def _stage(stage: Any) -> dict[str, Any]:
    return {
        "name": stage.name,
        "candidates": stage.candidates,
        "removed": stage.removed,
        "left": stage.left,
        "note": stage.note,
    }
