from __future__ import annotations

import pytest

from matinee.initiatives.retention import RETENTION
from matinee.initiatives.retention.makers import BASELINE
from matinee.platform.lifecycle.releasing import release
from matinee.testing.initiatives import InitiativeContract


@pytest.mark.slow
class TestRetention(InitiativeContract):
    """The contract on the small simulated service, but for the proof that it is better.

    A few hundred renewals cannot tell: by chance alone more money stays or goes than the policies differ in.
    That it is better is tested against the truth, in `test_against_truth.py`; here the gate must refuse what
    is not proven.
    """

    initiative = RETENTION

    def test_it_beats_its_named_baseline(self) -> None:
        report = self.trial().judged.evaluated.report
        assert report.baseline == BASELINE == self.initiative.baseline
        assert report.lift is not None
        assert report.lift.high > 0, f"surely worse than {BASELINE}: {report.lift}"

    def test_every_gate_is_asked_and_the_release_is_in_the_history(self) -> None:
        trial = self.trial()
        attempt = release(trial.project, released_us=trial.project.at_us, approver="contract")
        assert [one.gate for one in attempt.gates] == [gate.name for gate in self.initiative.gates]
        refused = {one.gate for one in attempt.refused}
        assert "real_data" in refused, "a model of the simulated service went into production"
        proven = trial.judged.evaluated.report.lift.low > 0
        assert refused == {"real_data"} | (set() if proven else {"beats_baseline"})
        assert trial.project.registry.releases.history("retention") == []
