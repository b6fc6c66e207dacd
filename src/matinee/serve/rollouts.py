"""Shadows and canaries of a server: who is in one, what is counted, and when a canary is taken back.

All processes add to the counters `canary:<rollout>:<arm>:<what>` and `shadow:<rollout>:<what>` of the state;
one process judges them every few seconds and writes the verdict into the registry, where every process sees
it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import msgspec

from matinee.observe.decisions import DecisionRecord, Slot
from matinee.platform.lifecycle.rolling_out import MONITOR
from matinee.platform.registry.alerts import AlertRow
from matinee.platform.registry.initiatives import InitiativeRow
from matinee.platform.registry.registry import Registry
from matinee.platform.registry.rollouts import End, RolloutRow
from matinee.platform.watch.severity import severity
from matinee.platform.watch.watching import WEBHOOK
from matinee.platform.watch.webhook import send
from matinee.prove.stats.excess_rate import Seen, log_evidence_of_excess
from matinee.serve.tally import Count

ALPHA = 0.01
"""Most probability with which a canary that is not worse is ever taken back by the test."""
MARGIN = 0.01
"""A canary may fail this much more often than what is in production: one point."""
INCUMBENT, CANARY = "incumbent", "canary"
ANSWERS, BAD, FALLBACK, LATE, EMPTY, OVER, VIOLATIONS = (
    "answers",
    "bad",
    "fallback",
    "late",
    "empty",
    "over_budget",
    "violations",
)
WHAT = (ANSWERS, BAD, FALLBACK, LATE, EMPTY, OVER, VIOLATIONS)
"""Counted for each arm. An answer is bad when the fallback made it, it came late or it is empty."""
OF_SHADOW = ("answers", "failed", "dropped", "slots", "equal", "took_us", "shown_us")
"""Counted for a shadow: its answers, failures and requests it had no time for; slots of the first screen that
are compared and equal; microseconds that it and the shown answers took."""
SCREEN_ROWS = 6
"""Rows of a page that make its first screen."""


def chosen(salt: str, unit_id: str, share: float) -> bool:
    """Whether a unit is in a rollout: the same answer in every process, for as long as it runs.

    Examples
    --------
    >>> sum(chosen("s", f"m{i}", 0.2) for i in range(1_000))
    214
    """
    drawn = hashlib.blake2b(f"{salt}\x1f{unit_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") < share * 2.0**64


def counter(rollout: RolloutRow, what: str, arm: str | None = None) -> str:
    """Name of a counter that all processes share."""
    middle = f":{arm}" if arm else ""
    return f"{rollout.kind}:{rollout.id}{middle}:{what}"


def equal_slots(shown: DecisionRecord, other: list[Slot]) -> tuple[int, int]:
    """How many slots of the first screen hold the same action, and how many are compared.

    Examples
    --------
    >>> shown = DecisionRecord("d", "demo", "m1", 0, "p", "v1", [Slot("a", 1.0), Slot("b", 1.0, col=2)])
    >>> equal_slots(shown, [Slot("a", 0.5)])
    (1, 2)
    """
    ours = {(s.row, s.col): s.action for s in shown.slots if (s.row or 1) <= SCREEN_ROWS}
    theirs = {(s.row, s.col): s.action for s in other if (s.row or 1) <= SCREEN_ROWS}
    equal = sum(theirs.get(place) == action for place, action in ours.items())
    return equal, len({*ours, *theirs})


class ArmCounts(msgspec.Struct, frozen=True):
    """What all processes counted for one arm of a canary; `bad` is what the test looks at."""

    answers: int = 0
    bad: int = 0
    fallback: int = 0
    late: int = 0
    empty: int = 0
    over_budget: int = 0
    violations: int = 0

    @property
    def seen(self) -> Seen:
        """For the test."""
        return Seen(self.answers, min(self.bad, self.answers))


class Judged(msgspec.Struct, frozen=True):
    """A look at a canary.

    Attributes
    ----------
    evidence : float
        That the canary fails more than a point more often: 1 is none, 1 / ALPHA ends it.
    reason : str or None
        Why it is taken back; None: it goes on.
    ended : bool
        By this look.
    """

    rollout: RolloutRow
    canary: ArmCounts
    incumbent: ArmCounts
    evidence: float
    reason: str | None = None
    ended: bool = False


class ShadowSeen(msgspec.Struct, frozen=True):
    """What was counted for a shadow: `agreement` is the share of equal slots in the first screen."""

    answers: int
    failed: int
    dropped: int
    agreement: float | None
    took_ms: float | None
    shown_ms: float | None


def arms(rollout: RolloutRow, count: Count) -> tuple[ArmCounts, ArmCounts]:
    """Counters of the canary and of what is in production beside it.

    Raises
    ------
    StorageError
        They cannot be read.
    """
    found = [
        ArmCounts(**{what: count(counter(rollout, what, arm), 0) for what in WHAT})
        for arm in (CANARY, INCUMBENT)
    ]
    return found[0], found[1]


def shadow_seen(rollout: RolloutRow, count: Count) -> ShadowSeen:
    """What is known about a shadow so far.

    Raises
    ------
    StorageError
        The counters cannot be read.
    """
    n = {what: count(counter(rollout, what), 0) for what in OF_SHADOW}
    return ShadowSeen(
        n["answers"],
        n["failed"],
        n["dropped"],
        n["equal"] / n["slots"] if n["slots"] else None,
        n["took_us"] / 1e3 / n["answers"] if n["answers"] else None,
        n["shown_us"] / 1e3 / n["answers"] if n["answers"] else None,
    )


def seen_so_far(rollout: RolloutRow, count: Count) -> dict[str, ArmCounts] | ShadowSeen:
    """What all processes counted for a rollout: for each arm of a canary, or for a shadow.

    Raises
    ------
    StorageError
        The counters cannot be read.
    """
    if rollout.kind == "shadow":
        return shadow_seen(rollout, count)
    canary, incumbent = arms(rollout, count)
    return {CANARY: canary, INCUMBENT: incumbent}


def why_back(canary: ArmCounts, incumbent: ArmCounts, *, least: int) -> tuple[str | None, float]:
    """Why a canary is to be taken back (None: it is not), and the evidence.

    A broken constraint ends it at once. Else it is looked at from `least` answers on, as often as one likes:
    the test is anytime-valid (`prove/stats/excess_rate.py`).

    Examples
    --------
    >>> why_back(ArmCounts(500, 3), ArmCounts(9_500, 57), least=200)[0] is None
    True
    >>> why_back(ArmCounts(500, 50), ArmCounts(9_500, 57), least=200)[0]
    '10.0% of 500 answers late, empty or by the fallback, against 0.6% of 9500: more than 1 point above'
    """
    if canary.violations:
        return f"{canary.violations} constraint violations in {canary.answers} answers, expected none", 1.0
    if canary.answers < least:
        return None, 1.0
    log = log_evidence_of_excess(canary.seen, incumbent.seen, MARGIN)
    evidence = math.exp(min(log, 700.0))
    if log < math.log(1.0 / ALPHA):
        return None, evidence
    return (
        f"{100 * canary.seen.rate:.1f}% of {canary.answers} answers late, empty or by the fallback, against "
        f"{100 * incumbent.seen.rate:.1f}% of {incumbent.answers}: more than {100 * MARGIN:.0f} point above",
        evidence,
    )


def judge(
    registry: Registry, count: Count, name: str, *, canary_answers: int, now_us: int, webhook: str = ""
) -> Judged | None:
    """Look at the canary of an initiative; take it back if it does worse, and tell the owner.

    For one process, every few seconds. Several at once do no harm: the first end counts.

    Parameters
    ----------
    canary_answers : int
        Answers of the canary before the test is looked at.
    now_us : int
        Wall clock.
    webhook : str
        Address that gets a message ([platform] webhook); empty for none.

    Returns
    -------
    Judged or None
        None: no canary runs.

    Raises
    ------
    StorageError
        The registry or the counters cannot be reached; nothing was decided.
    """
    rollout = registry.rollouts.running(name)
    if rollout is None or rollout.kind != "canary":
        return None
    canary, incumbent = arms(rollout, count)
    reason, evidence = why_back(canary, incumbent, least=canary_answers)
    if reason is None:
        return Judged(rollout, canary, incumbent, evidence)
    end = End(ended_us=max(now_us, rollout.started_us), verdict="rolled back", reason=reason)
    owner = registry.initiatives.read(name)
    alert = None
    with registry.transaction():
        ended = registry.rollouts.end(rollout.id, end)
        if ended:
            alert = registry.alerts.see(_alert(rollout, owner, reason, canary, now_us))
    if alert is not None and webhook:
        tell(registry, owner, alert, webhook)
    return Judged(rollout, canary, incumbent, evidence, reason, ended)


def judge_all(
    registry: Registry,
    count: Count,
    names: Iterable[str],
    *,
    canary_answers: int,
    now_us: int,
    webhook: str = "",
) -> list[Judged]:
    """`judge` for every initiative with a canary, of those that `tried` gave.

    Raises
    ------
    StorageError
        As `judge`.
    """
    found = (
        judge(registry, count, name, canary_answers=canary_answers, now_us=now_us, webhook=webhook)
        for name in names
    )
    return [one for one in found if one is not None]


def tried(registry: Registry) -> list[str]:
    """Initiatives of which a version is being tried.

    Raises
    ------
    StorageError
        The registry cannot be reached.
    """
    return list(registry.rollouts.all_running([row.name for row in registry.initiatives.all()]))


def _alert(
    rollout: RolloutRow, owner: InitiativeRow, reason: str, canary: ArmCounts, now_us: int
) -> AlertRow:
    return AlertRow(
        initiative=rollout.initiative,
        monitor=MONITOR,
        key=rollout.version,
        severity=severity(owner.tier, "harm"),
        owner=owner.owner,
        text=f"canary of {rollout.version} was taken back: {reason}.",
        value=float(canary.violations) if canary.violations else canary.seen.rate,
        bound=0.0 if canary.violations else MARGIN,
        opened_us=now_us,
        seen_us=now_us,
    )


def tell(registry: Registry, owner: InitiativeRow, alert: AlertRow, webhook: str) -> None:
    """Send a message; one that does not arrive is sent again by the next `matinee watch`."""
    text = f"{alert.severity}: {alert.initiative}, {alert.monitor}: {alert.text} (owner: {alert.owner})"
    message = {"text": text, "initiative": alert.initiative, "opened": [alert], "closed": []}
    delivery = send(webhook, message)
    if not delivery.ok:
        registry.alerts.see(
            AlertRow(
                initiative=alert.initiative,
                monitor=WEBHOOK,
                severity=severity(owner.tier, "early"),
                owner=owner.owner,
                text=f"a message about 1 alert was not delivered: {delivery.error}.",
                opened_us=alert.opened_us,
                seen_us=alert.seen_us,
            )
        )
