"""Figures of several processes: added up, or told with the process that they are of."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from matinee.serve import metrics
from matinee.serve.metrics import SHARED, Metrics, Reading


def told(found: Metrics, name: str) -> list[dict[str, str]]:
    families = text_string_to_metric_families(found.text().decode())
    return [sample.labels for one in families for sample in one.samples if sample.name == name]


def test_readings_of_one_process_among_several_carry_its_pid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Metrics()
    found.read_from(
        lambda: [
            Reading("matinee_groups", "Groups written.", 3, counter=True),
            Reading("matinee_size", "Size of the state.", 4, (("of", "members"),), shared=True),
        ]
    )
    assert told(found, "matinee_groups_total") == [{}]
    monkeypatch.setenv(SHARED, str(tmp_path))
    monkeypatch.setattr(metrics.os, "getpid", lambda: 77)
    assert told(found, "matinee_groups_total") == [{"pid": "77"}]
    assert told(found, "matinee_size") == [{"of": "members"}]
