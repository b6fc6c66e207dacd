"""Routes for operators."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from matinee.serve.routes.operations import healthz


@pytest.mark.parametrize(("alive", "status"), [(True, 200), (False, 503)])
def test_a_process_whose_writer_has_ended_is_not_healthy(alive: bool, status: int) -> None:
    services = cast("Any", SimpleNamespace(ingestor=SimpleNamespace(alive=alive)))
    reply = cast("Any", healthz.fn(services))
    assert (reply.status_code or 200) == status
    assert (reply.content.status == "ok") == alive
