from __future__ import annotations

import pytest
from tests.platform.gates.candidates import candidate, evaluated

from matinee.errors import ConfigError
from matinee.platform.gates.guardrails import Guardrail, Guardrails

COMPLAINTS = Guardrail("complaints", "members must not be annoyed", at_most=0.1)
VARIETY = Guardrail("variety", "more than one genre", at_least=0.5)
GATE = Guardrails((COMPLAINTS, VARIETY))


def measured(**figures: float):
    return candidate(evaluation=evaluated(**figures))


def test_the_one_nearest_to_its_bound_is_named_when_all_hold() -> None:
    found = GATE.check(measured(complaints=0.02, variety=0.52))
    assert (found.verdict, found.figure, found.bound) == ("passed", 0.52, 0.5)
    assert found.text == "variety is 0.5200, at least 0.5: more than one genre."
    assert GATE.check(measured(complaints=0.1, variety=0.5)).verdict == "passed"


def test_the_one_that_is_broken_is_named_with_its_bound() -> None:
    found = GATE.check(measured(complaints=0.2, variety=0.9))
    assert (found.verdict, found.figure, found.bound) == ("failed", 0.2, 0.1)
    assert found.text == "complaints is 0.2000, expected at most 0.1: members must not be annoyed."
    assert GATE.check(measured(complaints=0.0, variety=0.4)).verdict == "failed"


def test_a_guardrail_that_is_not_measured_fails() -> None:
    found = GATE.check(measured(complaints=0.0))
    assert found.verdict == "failed"
    assert "The evaluation has no variety" in found.text
    found = GATE.check(candidate(evaluation=None))
    assert "Run: matinee evaluate toy" in found.text
    assert Guardrails(()).check(candidate()).verdict == "not_measured"


@pytest.mark.parametrize("bounds", [{}, {"at_most": 1.0, "at_least": 0.0}])
def test_a_guardrail_has_one_bound(bounds: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"guardrail clicks: .*expected one of the two"):
        Guardrail("clicks", "why", **bounds)
