from __future__ import annotations

from typing import Any

import msgspec
import pytest

from matinee.errors import InputError, NotFoundError
from matinee.platform.registry.edges import experiment_node
from matinee.platform.registry.experiments import ExperimentRow

TRIAL = ExperimentRow(
    name="art-1", initiative="art", owner="ana", arms={"old": None, "new": "v1"}, metric="plays", started_us=5
)


def test_from_start_to_readout(story: Any) -> None:
    experiments = story.registry.experiments
    story.initiative("art")
    story.model("art", "v1")
    experiments.register(TRIAL)
    experiments.register(TRIAL)
    assert experiments.all() == [TRIAL]
    experiments.stop("art-1", ended_us=9, result={"lift": 0.1})
    (stopped,) = experiments.all("art")
    assert (stopped.state, stopped.ended_us, stopped.result) == ("stopped", 9, {"lift": 0.1})
    with pytest.raises(InputError, match="experiment art-1: was stopped before, expected a running one"):
        experiments.stop("art-1", ended_us=10, result={})
    assert story.registry.lineage.upstream(experiment_node("art-1")).of("model") == ["art/v1"]


def test_what_is_wrong_is_told(story: Any) -> None:
    experiments = story.registry.experiments
    story.initiative("art")
    with pytest.raises(NotFoundError, match='experiment art-1: unknown model version "v1"'):
        experiments.register(TRIAL)
    with pytest.raises(InputError, match="experiment art-1: arms are old, expected at least two"):
        experiments.register(msgspec.structs.replace(TRIAL, arms={"old": None}))
    with pytest.raises(NotFoundError, match='unknown experiment "art-2"'):
        experiments.stop("art-2", ended_us=1, result={})
    story.model("art", "v1")
    experiments.register(TRIAL)
    with pytest.raises(InputError, match=r"experiment art-1: metric is .* Two versions cannot have one name"):
        experiments.register(msgspec.structs.replace(TRIAL, metric="minutes"))
