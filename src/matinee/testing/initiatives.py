"""Contract suite for initiatives: subclass it for your own, and pytest trains it and checks every promise."""

from __future__ import annotations

import atexit
import inspect
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np

from matinee.errors import ConfigError
from matinee.observe.decisions import DecisionRecord
from matinee.observe.home import Home
from matinee.observe.lake.tables import EVENTS, FACTS
from matinee.platform.abilities import Weighs
from matinee.platform.answering import Answering
from matinee.platform.deciding import NO_ACTION, Request
from matinee.platform.forecasting import Forecasting
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.evaluating import Judged, evaluate
from matinee.platform.lifecycle.project import Project, open_project_of
from matinee.platform.lifecycle.releasing import UNKNOWN_UNIT, release, trial_units
from matinee.platform.lifecycle.simulated import FOLDER as SIMULATED
from matinee.platform.lifecycle.simulated import simulated_home
from matinee.platform.lifecycle.training import Trained, train
from matinee.platform.loading import find


@dataclass(frozen=True, slots=True)
class Trial:
    """An initiative that was trained and evaluated once on the simulated service, for a whole suite."""

    project: Project
    trained: Trained
    judged: Judged
    answering: Answering | Forecasting
    units: tuple[str, ...]


class InitiativeContract:
    """What every initiative promises, as tests. It is trained on the simulated service, once per suite.

    Attributes
    ----------
    initiative : Initiative
    slack : float, 1 or more
        A busy machine may take this many times the latency budget.

    Examples
    --------
    In a test file of your own::

        class TestWinback(InitiativeContract):
            initiative = load("winback", Home(Path("shop")))
    """

    initiative: ClassVar[Initiative]
    slack: ClassVar[float] = 5.0

    def trial(self) -> Trial:
        """Train and evaluate, or give what was trained before."""
        return _trial(self.initiative)

    def records(self, n: int = 40) -> Iterator[DecisionRecord]:
        """Decisions about known units and one that nobody knows."""
        trial = self.trial()
        assert isinstance(trial.answering, Answering)
        for turn in range(n):
            unit_id = trial.units[turn % len(trial.units)]
            request = Request(unit_id, trial.project.at_us, seed=turn)
            yield trial.answering.answer(request, decision_id=f"d{turn}")

    def test_it_trains_and_what_it_learned_opens(self) -> None:
        trial = self.trial()
        assert trial.answering.trouble is None, f"the model does not open: {trial.answering.trouble}"
        assert trial.trained.card.files, "training wrote no file"
        for name in trial.trained.card.files:
            assert not name.endswith((".pkl", ".pickle", ".joblib")), f"{name} is a pickle"

    def test_same_seed_same_result(self) -> None:
        trial = self.trial()
        with (
            TemporaryDirectory(prefix="matinee-contract-") as folder,
            project_in(Path(folder), self.initiative) as project,
        ):
            again = train(project)
        assert again.card.files == trial.trained.card.files, "the same log and seed gave another model"

    def test_nothing_is_computed_twice(self) -> None:
        trial = self.trial()
        again = train(trial.project)
        states = {one.name: one.state for one in again.run.steps}
        assert set(states.values()) == {"cached"}, f"steps ran again though nothing changed: {states}"
        assert again.version == trial.trained.version

    def test_it_beats_its_named_baseline(self) -> None:
        report = self.trial().judged.evaluated.report
        assert report.baseline == self.initiative.baseline
        assert report.lift is not None, f"no paired difference to {report.baseline}"
        assert report.lift.low > 0, f"{report.primary.label}: ours minus {report.baseline} is {report.lift}"

    def test_every_figure_has_an_interval_and_every_unit_a_value(self) -> None:
        evaluated = self.trial().judged.evaluated
        for maker, figures in evaluated.report.figures.items():
            for name, figure in figures.items():
                assert figure.low <= figure.mean <= figure.high, f"{maker}, {name}: {figure}"
        assert len(evaluated.unit_ids) == len(evaluated.values) > 0
        assert len(set(evaluated.unit_ids.tolist())) == len(evaluated.unit_ids), "a unit stands twice"

    def test_the_model_answers_and_not_the_fallback(self) -> None:
        trial = self.trial()
        for turn, unit_id in enumerate(trial.units):
            assert not trial.answering.ask(unit_id, trial.project.at_us, turn), self._why(unit_id)

    def _why(self, unit_id: str) -> str:
        """What the fallback says about its reasons."""
        trial = self.trial()
        if isinstance(trial.answering, Forecasting):
            return f"{unit_id}: {trial.answering.forecast([unit_id], trial.project.at_us).why}"
        record = trial.answering.answer(Request(unit_id, trial.project.at_us), decision_id="d")
        return f"{unit_id}: {record.context.get('fallback_reason')}"

    def test_propensities_are_probabilities(self) -> None:
        if self.initiative.kind == "forecasts":
            return
        for record in self.records():
            for slot in record.slots:
                assert 0 < slot.propensity <= 1, f"propensity is {slot.propensity}"

    def test_actions_come_as_often_as_their_propensity_says(self) -> None:
        """Mean of 1 / (K p) over draws is 1 when propensities are true (K actions permitted)."""
        if self.initiative.kind == "forecasts":
            return
        trial, weights = self.trial(), []
        assert isinstance(trial.answering, Answering)
        for unit_id in trial.units[:6]:
            for seed in range(60):
                request = Request(unit_id, trial.project.at_us, seed=seed)
                record = trial.answering.answer(request, decision_id="d")
                if len(record.slots) == 1 and record.actions and not record.actions[0].startswith("mask:"):
                    weights.append(1.0 / (len(record.actions) * record.slots[0].propensity))
        if len(weights) < 60:
            return  # a page, or a certain choice: its slots are checked by the initiative's own tests
        error = max(float(np.std(weights)) / math.sqrt(len(weights)), 1e-9)
        assert abs(float(np.mean(weights)) - 1.0) < 5 * error + 0.02, (
            f"mean of 1 / (K p) is {np.mean(weights):.3f} ± {error:.3f}, expected 1"
        )

    def test_a_decider_that_weighs_says_what_it_logs(self) -> None:
        """Probabilities sum to 1, the logged one is among them, and narrowing to them changes nothing."""
        trial = self.trial()
        decider = trial.answering.decider if isinstance(trial.answering, Answering) else None
        if not isinstance(decider, Weighs):
            return  # `matinee ope --policy-version` and `matinee apprentice` refuse it by name
        for turn, record in enumerate(self.records()):
            request = Request(record.unit_id, trial.project.at_us, seed=turn)
            p = decider.probabilities(request)
            if not record.slots:
                assert p == {}, f"{record.unit_id}: nothing was chosen, and it weighs {p}"
                continue
            (slot,) = record.slots
            assert math.isclose(sum(p.values()), 1.0, abs_tol=1e-6), f"they sum to {sum(p.values())}"
            assert min(p.values()) > 0, "an action with a probability of 0 is named"
            assert math.isclose(p.get(slot.action, 0.0), slot.propensity, rel_tol=1e-6), (
                f'{record.unit_id}: "{slot.action}" was logged with {slot.propensity}, and weighs '
                f"{p.get(slot.action, 0.0)}"
            )
            assert set(p) <= set(record.actions), "it weighs an action that the record does not permit"
            again = decider.probabilities(replace(request, actions=tuple(p), seed=turn + 1))
            assert again.keys() == p.keys()
            assert all(math.isclose(again[name], p[name], rel_tol=1e-6) for name in p), (p, again)

    def test_the_same_question_gets_the_same_answer(self) -> None:
        if self.initiative.kind == "forecasts":
            return
        first, again = list(self.records(8)), list(self.records(8))
        assert first == again

    def test_an_unknown_unit_is_answered_and_not_stored(self) -> None:
        trial = self.trial()
        assert not trial.answering.ask(UNKNOWN_UNIT, trial.project.at_us, 0), "the fallback had to answer"
        assert not trial.answering.ask(UNKNOWN_UNIT, trial.project.at_us, 0)

    def test_nothing_permitted_gives_no_slot_and_a_reason(self) -> None:
        if self.initiative.kind == "forecasts":
            return
        trial = self.trial()
        assert isinstance(trial.answering, Answering)
        request = Request(trial.units[0], trial.project.at_us, actions=())
        record = trial.answering.answer(request, decision_id="d")
        assert record.slots == []
        assert record.context["reason"] == NO_ACTION

    def test_a_request_narrows_what_may_be_chosen(self) -> None:
        if self.initiative.kind == "forecasts":
            return
        trial = self.trial()
        assert isinstance(trial.answering, Answering)
        chosen = next(r.slots[0].action for r in self.records() if r.slots)
        for unit_id in trial.units:
            request = Request(unit_id, trial.project.at_us, actions=(chosen,))
            record = trial.answering.answer(request, decision_id="d")
            assert {slot.action for slot in record.slots} <= {chosen}
            assert not record.fallback, record.context

    def test_without_a_model_the_fallback_answers_and_says_so(self) -> None:
        trial = self.trial()
        if isinstance(trial.answering, Forecasting):
            found = replace(trial.answering, forecaster=None, trouble="gone").forecast(
                list(trial.units), trial.project.at_us
            )
            assert found.fallback
            return
        alone = replace(trial.answering, decider=None, trouble="gone")
        record = alone.answer(Request(trial.units[0], trial.project.at_us), decision_id="d")
        assert record.fallback
        assert record.model == "none"
        assert record.context["fallback_reason"] == "gone"

    def test_a_damaged_model_is_noticed(self) -> None:
        trial = self.trial()
        with TemporaryDirectory(prefix="matinee-contract-") as folder:
            opened = trial.project.open_model(Path(folder), "v0")
            assert opened.trouble is not None
            assert opened.ask(trial.units[0], trial.project.at_us, 0), "an empty folder answered"
            try:
                self.initiative.open(Path(folder), trial.project.surroundings)
            except Exception:  # whatever it says
                return
        raise AssertionError(f"{self.initiative.name}: open takes an empty folder for a model")

    def test_it_reads_only_what_it_declares(self) -> None:
        """It was trained, opened and asked with a home that refuses every other table; here is the proof."""
        home = self.trial().project.surroundings.home
        for table in {*EVENTS, *FACTS} - set(self.initiative.tables):
            try:
                home.check_readable([table])
            except ConfigError:
                continue
            raise AssertionError(f"{table} can be read and is not declared")

    def test_it_stays_in_its_latency_budget(self) -> None:
        trial, spent_ms = self.trial(), []
        for turn in range(40):
            begun = time.perf_counter()
            trial.answering.ask(trial.units[turn % len(trial.units)], trial.project.at_us, turn)
            spent_ms.append(1_000 * (time.perf_counter() - begun))
        budget = self.slack * self.initiative.latency_budget_ms
        assert float(np.median(spent_ms)) <= budget, f"median of 40 answers is {np.median(spent_ms):.1f} ms"

    def test_every_gate_is_asked_and_the_release_is_in_the_history(self) -> None:
        trial, name = self.trial(), self.initiative.name
        history = trial.project.registry.releases.history(name)
        if not history:
            attempt = release(trial.project, released_us=trial.project.at_us, approver="contract")
            assert [one.gate for one in attempt.gates] == [gate.name for gate in self.initiative.gates]
            for one in attempt.refused:  # simulated data stops an initiative of a high tier, and only that
                assert one.gate == "real_data", one.text
            history = trial.project.registry.releases.history(name)
            assert len(history) == (0 if attempt.refused else 1)
        for row in history:
            assert row.version == trial.trained.version
            assert row.evidence["gates"], "the release has no evidence"


@cache
def _trial(initiative: Initiative) -> Trial:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="matinee-contract-")))
        project = stack.enter_context(project_in(folder, initiative))
        trained = train(project)
        judged = evaluate(project)
        answering = project.open_model(trained.folder, trained.version)
        units = trial_units(project, judged.evaluated)
        atexit.register(stack.pop_all().close)  # kept until the process ends
    return Trial(project, trained, judged, answering, units)


@contextmanager
def project_in(folder: Path, initiative: Initiative) -> Iterator[Project]:
    """An initiative in a new home in a folder, on the simulated service (one copy of it for all suites)."""
    home = Home.create(folder / "home")
    home.settings.write_text('[clock]\nnow = "last_event"\n', encoding="utf-8")
    home.work.mkdir(exist_ok=True)
    shutil.copytree(simulated_home(Home(_shared())).root, home.work / SIMULATED)
    if initiative.name not in find():  # a home's own: a new process must find it, too
        shutil.copytree(package_of(initiative), home.initiatives / initiative.name)
    with open_project_of(home, initiative, data="simulated") as project:
        yield project


def package_of(initiative: Initiative) -> Path:
    """Folder of an initiative's code: the one of its name above the file of its settings."""
    file = Path(inspect.getfile(initiative.config))
    return next((folder for folder in file.parents if folder.name == initiative.name), file.parent)


@cache
def _shared() -> Path:
    folder = TemporaryDirectory(prefix="matinee-simulated-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
