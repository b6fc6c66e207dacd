"""What is in production for one initiative, in one server process: it answers inside the budget, in any case.

The released model decides in a thread. If it is missing, late, raises, or breaks the contract of a decision,
the named fallback decides in what is left of the time, and the record says why. A canary answers its share of
the units; a shadow answers beside and is not shown.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from matinee.errors import StorageError
from matinee.observe.clock import wall_us
from matinee.observe.decisions import DecisionRecord, Slot
from matinee.observe.home import Home
from matinee.observe.state.reading import MemberReader
from matinee.platform.deciding import NO_ACTION, Context, Decided, Request
from matinee.platform.loading import load
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.rollouts import RolloutRow
from matinee.serve.arms import arm_counter, arm_counts, arms_of
from matinee.serve.attempt import GRACE_S, NO_MODEL, Attempt, BrokenContractError
from matinee.serve.budget import LATE, OVERLOADED, RAISED, RESTING, STUCK, Outcome, Pool, Then
from matinee.serve.config import ServeConfig
from matinee.serve.keeping import Keeper
from matinee.serve.known import Known
from matinee.serve.moment import Moment
from matinee.serve.opening import UNKNOWN_UNIT, WARM_S, Opener
from matinee.serve.rollouts import (
    ANSWERS,
    BAD,
    CANARY,
    EMPTY,
    FALLBACK,
    INCUMBENT,
    OVER,
    VIOLATIONS,
    counter,
)
from matinee.serve.shadow import Log
from matinee.serve.tally import Count, Tally
from matinee.serve.trials import Place
from matinee.serve.turns import Turns

UNREACHABLE, BROKE = "state unreachable", "broke its contract"
UNANSWERED = "unanswered"
"""Reason of an empty answer: not even the fallback answered."""
OPEN_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and how it came about.

    Attributes
    ----------
    record : DecisionRecord
        What is logged; `latency_ms` is filled.
    stages : dict of str to float
        Milliseconds: `wait` for a thread, `decide` by the model, `fallback`.
    arm : {"canary", "incumbent"} or None
        During a canary: whose answer it counts as.
    refreshed_us : int
        Wall clock: when what answered last read the log.
    fallback : str or None
        Short reason why the fallback answered, for counters: "late", "no model", "raised", "state
        unreachable", ...; None when the model did.
    unanswered : bool
        Not even the fallback answered: the record is empty.
    """

    record: DecisionRecord
    stages: dict[str, float] = field(default_factory=dict)
    arm: str | None = None
    refreshed_us: int = 0
    fallback: str | None = None
    unanswered: bool = False


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with one initiative in this process, for /readyz and the console.

    Attributes
    ----------
    version : str
        Answers now; "none" while the fallback does.
    opened_us, refreshed_us : int
        Wall clock.
    age_s : float
        Since it was refreshed.
    troubles : list of str
        What is not as it should be.
    rollout : RolloutRow or None
    beside : str or None
        Version of the rollout, once it is open here.
    experiments : list of str
        Those that this process takes part in.
    threads : dict of str to int
        Of the version in production: at work, late, waiting.
    counters : dict of str to int
        Since the process began.
    """

    initiative: str
    version: str
    opened_us: int
    refreshed_us: int
    age_s: float
    troubles: list[str] = []
    rollout: RolloutRow | None = None
    beside: str | None = None
    experiments: list[str] = []
    threads: dict[str, int] = {}
    counters: dict[str, int] = {}


class Released:
    """Answers for one initiative. Requests may come from an event loop or from threads.

    Attributes
    ----------
    name : str
        The initiative.
    keeper : Keeper
        Swaps and refreshes what answers.
    tally : Tally
    """

    def __init__(self, opener: Opener, config: ServeConfig, keeper: Keeper, tally: Tally) -> None:
        self.name, self.keeper, self.tally = opener.initiative.name, keeper, tally
        self.config, self._opener = config, opener
        self._fallbacks = Pool(max(2, config.threads // 2), name=f"fallback-{self.name}")
        trial = Request(UNKNOWN_UNIT, opener.moment.now_us)
        # The first answer is slow: seconds where nothing is compiled yet, and nobody could answer meanwhile.
        self._fallbacks.ask(lambda: keeper.now.fallback.decide(trial), WARM_S)
        self._fallback_s = self._fallbacks.ask(lambda: keeper.now.fallback.decide(trial), GRACE_S).took_s

    @staticmethod
    def open(
        home: Home,
        name: str,
        config: ServeConfig,
        *,
        members: MemberReader | None = None,
        count: Count | None = None,
        log: Log | None = None,
        moment: Moment | None = None,
        registry: Registry | None = None,
        turns: Turns | None = None,
        holdout: float = 0.0,
        wait_s: float = OPEN_S,
    ) -> Released:
        """Open the fallback, then the release in production; what does not open is told by `status`.

        Parameters
        ----------
        members : MemberReader, optional
            State of the members.
        count : callable, optional
            `StateStore.count`: counters that all processes share. Without it no canary can be judged.
        log : callable, optional
            Gets the records of a shadow, in a thread of its own.
        moment : Moment, optional
            The server's clock; default: that of the home.
        registry : Registry, optional
            An open one to share.
        turns : Turns, optional
            Of the process: all that answers takes them.
        holdout : float
            Share of the units that are in no experiment.
        wait_s : float
            Longest time to wait for the release; it goes on opening after that, and the fallback answers.

        Raises
        ------
        NotFoundError
            No such initiative.
        InputError
            It forecasts.
        ConfigError
            Its settings are wrong.
        """
        moment = Moment.open(home) if moment is None else moment
        opener = Opener(home, load(name, home), moment, members)
        return Released.over(
            opener,
            config,
            count=count,
            log=log,
            registry=registry,
            turns=turns,
            holdout=holdout,
            wait_s=wait_s,
        )

    @staticmethod
    def over(
        opener: Opener,
        config: ServeConfig,
        *,
        count: Count | None = None,
        log: Log | None = None,
        registry: Registry | None = None,
        turns: Turns | None = None,
        holdout: float = 0.0,
        wait_s: float = OPEN_S,
    ) -> Released:
        """The same for an initiative that is at hand. Parameters and errors as in `open`."""
        opener.check_kind()
        tally = Tally()
        keeper = Keeper(
            opener, config, tally, count=count, log=log, registry=registry, turns=turns, holdout=holdout
        )
        found = Released(opener, config, keeper, tally)
        keeper.settle(wait_s)
        return found

    def start(self) -> None:
        """Follow the registry, the log and the catalogue from now on."""
        self.keeper.start()

    def close(self) -> None:
        """Follow no more, and hand over what was counted. Answers that are being computed still come."""
        self.keeper.close()
        self._fallbacks.retire()

    @property
    def serving(self) -> str:
        """What answers now, as one word: another one after each swap, and when a canary begins or ends."""
        now = self.keeper.now
        rollout = now.rollout
        if rollout is None or rollout.kind != "canary":
            return now.incumbent.version
        return f"{now.incumbent.version}+{rollout.id}"

    def place(self, unit_id: str, known: Known, context: Context) -> Place | None:
        """Where a unit stands in the experiments that run here; None: in none, and not in the holdout."""
        return self.keeper.now.trials.place(unit_id, known, context)

    def place_again(self, experiment: str, arm: str, *, kept_out: bool) -> Place | None:
        """A place that a unit had before; None: the experiment does not run here any more."""
        return self.keeper.now.trials.again(experiment, arm, kept_out=kept_out)

    def answering(self, place: Place | None) -> str:
        """Who answers a unit that stands there, as one word: another one when somebody else does."""
        if place is None or place.experiment is None:
            return self.serving
        return place.word if place.answers else f"{place.word}{self.keeper.now.incumbent.version}"

    async def answer_async(
        self,
        request: Request,
        *,
        decision_id: str,
        budget_ms: float | None = None,
        place: Place | None = None,
        pinned: Collection[str] = (),
        then: Then | None = None,
    ) -> Answer:
        """Answer inside the budget, without blocking the event loop. Never raises for what a model does.

        Parameters
        ----------
        budget_ms : float, optional
            At most that of the settings, which is the default.
        place : Place, optional
            Where the unit stands in an experiment.
        pinned : collection of str
            Titles that editors pinned: interleaving leaves them where both answers have them.
        then : Then, optional
            Is given what the model decided, in the same thread; not what the fallback decides.
        """
        asked = self._attempt(request, decision_id, budget_ms, place, pinned)
        if request.actions is not None and not request.actions:
            return self._nothing(asked)
        why, outcome = asked.ready(), None
        if why is None:
            outcome = await asked.ask_async(then)
            if outcome.why is None:
                return self._answered(asked, outcome)
        last = await self._fallbacks.ask_async(asked.fall_back, asked.left_s())
        return self._fell_back(asked, why, outcome, last)

    def answer(
        self,
        request: Request,
        *,
        decision_id: str,
        budget_ms: float | None = None,
        place: Place | None = None,
        pinned: Collection[str] = (),
    ) -> Answer:
        """The same for callers that may block."""
        asked = self._attempt(request, decision_id, budget_ms, place, pinned)
        if request.actions is not None and not request.actions:
            return self._nothing(asked)
        why, outcome = asked.ready(), None
        if why is None:
            outcome = asked.ask()
            if outcome.why is None:
                return self._answered(asked, outcome)
        last = self._fallbacks.ask(asked.fall_back, asked.left_s())
        return self._fell_back(asked, why, outcome, last)

    def count_violations(self, record: DecisionRecord, bad: Sequence[Slot]) -> None:
        """Count slots that a check after the answer found forbidden; one ends a canary and stops an arm."""
        rollout, n = self.keeper.now.rollout, len(bad)
        self.tally.add(VIOLATIONS, n=n)
        if rollout is not None and rollout.kind == "canary":
            ours = record.context.get("canary") == str(rollout.id)
            self.tally.share({counter(rollout, VIOLATIONS, CANARY if ours else INCUMBENT): n})
        experiment = str(record.context.get("experiment"))
        arms = arms_of(self.keeper.now.trials, record, bad)
        self.tally.share({arm_counter(experiment, arm, VIOLATIONS): m for arm, m in arms.items()})

    def forget(self, unit_ids: Container[str]) -> None:
        """Drop what this process holds about units: to try new versions on, and in what answers."""
        recent = self.keeper.recent
        for unit_id in [one for one in tuple(recent) if one in unit_ids]:
            with suppress(ValueError):  # another request pushed it out meanwhile
                recent.remove(unit_id)
        self.keeper.forget(unit_ids)

    def status(self) -> Standing:
        """How it stands."""
        now, keeper = self.keeper.now, self.keeper
        one = now.incumbent
        troubles = [f"{version}: {why}" for version, why in keeper.troubles.items()]
        if keeper.trouble is not None:
            troubles.append(f"the registry cannot be read: {keeper.trouble}")
        if keeper.refresh_trouble is not None:
            troubles.append(f"not refreshed: {keeper.refresh_trouble}")
        threads = one.pool.figures()
        if threads["late"] >= threads["threads"]:
            troubles.append(f"{one.version}: every thread holds a computation that is late")
        elif threads["resting"]:
            troubles.append(f"{one.version}: is late again and again, and rests")
        return Standing(
            initiative=self.name,
            version=one.version,
            opened_us=one.opened_us,
            refreshed_us=one.refreshed_us,
            age_s=max(0.0, (wall_us() - one.refreshed_us) / 1e6),
            troubles=troubles,
            rollout=now.rollout,
            beside=None if now.beside is None else now.beside.version,
            experiments=list(now.trials.by_name),
            threads=threads,
            counters=self.tally.counts,
        )

    def _attempt(
        self,
        request: Request,
        decision_id: str,
        budget_ms: float | None,
        place: Place | None,
        pinned: Collection[str],
    ) -> Attempt:
        keeper, most_ms = self.keeper, self.config.budget_ms
        keeper.recent.append(request.unit_id)
        given_ms = most_ms if budget_ms is None else min(max(budget_ms, 0.0), most_ms)
        return Attempt(
            keeper.now,
            request,
            decision_id=decision_id,
            budget_ms=given_ms,
            fallback_s=self._fallback_s,
            place=place,
            pinned=pinned,
        )

    def _nothing(self, asked: Attempt) -> Answer:
        """The caller permits no action: nobody needs to be asked."""
        record = asked.record(Decided((), (), NO_ACTION), asked.policy)
        self.tally.add(ANSWERS)
        return Answer(record, refreshed_us=asked.opened.refreshed_us)

    def _answered(self, asked: Attempt, outcome: Outcome) -> Answer:
        decided: Decided = outcome.value
        record = asked.record(decided, asked.policy)
        stages = {"wait": 1e3 * outcome.waited_s, "decide": 1e3 * outcome.took_s}
        self._count(asked, record, None)
        if asked.now.shadow is not None:
            asked.now.shadow.offer(asked.request, record)
        return Answer(record, stages, asked.arm, asked.opened.refreshed_us)

    def _fell_back(self, asked: Attempt, why: str | None, outcome: Outcome | None, last: Outcome) -> Answer:
        short, text = (NO_MODEL, why or NO_MODEL) if outcome is None else self._reason(outcome)
        stages = {"fallback": 1e3 * last.took_s}
        if outcome is not None:
            stages |= {"wait": 1e3 * outcome.waited_s, "decide": 1e3 * outcome.took_s}
        if last.why is None:
            self._fallback_s += 0.2 * (last.took_s - self._fallback_s)
            decided: Decided = last.value
        else:
            text = f"{text}; the fallback: {_told(last)}"
            decided = Decided((), (), UNANSWERED)
        record = asked.record(decided, asked.now.fallback.policy, why=text)
        broke = outcome is not None and isinstance(outcome.error, BrokenContractError)
        self._count(asked, record, short, broke=broke, unanswered=last.why is not None)
        if asked.now.shadow is not None and last.why is None:
            asked.now.shadow.offer(asked.request, record)
        refreshed_us = asked.opened.refreshed_us
        return Answer(record, stages, asked.arm, refreshed_us, short, last.why is not None)

    def _reason(self, outcome: Outcome) -> tuple[str, str]:
        """Why the model did not answer: one word for counters, and a sentence for the record."""
        error = outcome.error
        if isinstance(error, BrokenContractError):
            return BROKE, f"{BROKE}: {error}"[:300]
        if isinstance(error, StorageError) and self._opener.members is not None:
            return UNREACHABLE, UNREACHABLE
        return outcome.why or RAISED, _told(outcome)

    def _count(
        self,
        asked: Attempt,
        record: DecisionRecord,
        why: str | None,
        *,
        broke: bool = False,
        unanswered: bool = False,
    ) -> None:
        over = (record.latency_ms or 0.0) > asked.budget_ms
        empty = not record.slots and not asked.request.after
        names = [ANSWERS]
        if why is not None:
            names += [FALLBACK, f"{FALLBACK}:{why}"]
        if why in (LATE, OVERLOADED, STUCK, RESTING):
            names.append(LATE)
        names += [name for name, on in ((EMPTY, empty), (OVER, over), (VIOLATIONS, broke)) if on]
        self.tally.add(*names, *([UNANSWERED] if unanswered else []))
        self.tally.share(arm_counts(asked, names))
        if asked.arm is None:
            return
        if len(names) > 1 or asked.missing is not None:
            names.append(BAD)
        rollout = asked.now.rollout
        assert rollout is not None
        self.tally.share({counter(rollout, name, asked.arm): 1 for name in names if ":" not in name})


def _told(outcome: Outcome) -> str:
    """What went wrong, in a few words."""
    if outcome.error is None:
        return str(outcome.why)
    return f"{outcome.why}: {type(outcome.error).__name__}: {outcome.error}"[:300]
