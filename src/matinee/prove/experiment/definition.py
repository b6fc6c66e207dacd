"""What an experiment is, written down before it starts and never changed after."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from matinee.errors import InputError, unknown_name
from matinee.prove.experiment.metrics.definition import Metric

NAME = re.compile(r"[a-z][a-z0-9-]{1,59}")
PRODUCTION, FALLBACK = "production", "fallback"
SEGMENTS = ("device", "territory", "kids", "tenure")
"""What units can be told apart by; see `Experiment.segments`."""
MOST_LOOKS = 1_000
ROUNDING = 1e-9
"""Shares that sum to 1 within this do: 0.1 + 0.2 is not 0.3."""
Kind = Literal["ab", "interleaving"]
Analysis = Literal["spending", "fixed", "sequence"]
Direction = Literal["up", "down"]


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the ways that are compared.

    Attributes
    ----------
    name : str
    share : float, above 0
        Of the units in the experiment; the shares of all arms sum to 1.
    answers : str
        Who answers: a version of the initiative's model; "production", which the start turns into the version
        in production at that moment; or "fallback", the initiative's answer without a model.
    """

    name: str
    share: float
    answers: str = PRODUCTION


class Guardrail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that an arm may not make worse by more than a margin.

    Attributes
    ----------
    metric : str
    margin : float, 0 or more
        Of the control's mean: 0.02 permits two percent. Which way is worse follows from the metric.
    stop : bool
        The arm is stopped by itself as soon as it is shown to be worse by more than that.
    """

    metric: str
    margin: float = 0.02
    stop: bool = True


class Design(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How, when and how often one looks.

    Attributes
    ----------
    analysis : {"spending", "fixed", "sequence"}
        "spending": at most `looks` looks until a planned end, O'Brien-Fleming bounds (most power);
        "fixed": one look, at the end; "sequence": as often and as long as one likes, by asymptotic
        confidence sequences.
    days : int, 1 or more
        Planned length. A sequence may go on after it.
    looks : int, 1 or more
        Planned looks of "spending", evenly over the days.
    alpha : float
        Probability of finding a difference where there is none, over all looks and comparisons of one metric.
    power : float
        Wanted probability of finding `effect`.
    effect : float, above 0
        Smallest relative difference in the primary metric that matters, such as 0.05.
    """

    analysis: Analysis = "spending"
    days: int = 28
    looks: int = 28
    alpha: float = 0.05
    power: float = 0.8
    effect: float = 0.05


class Eligible(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may be in the experiment; an empty tuple permits all. Judged when a decision is asked for."""

    territories: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    kids: bool | None = None


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An experiment of one initiative.

    Attributes
    ----------
    name : str
        Small letters, digits and hyphens.
    owner, hypothesis : str
    kind : {"ab", "interleaving"}
        "interleaving": every unit gets both arms' answers in one (two arms).
    unit : {"member", "account"}
        Who is assigned. All members of an account get the same arm.
    layer : str
        Experiments of one layer exclude each other; a unit's places in different layers are independent.
        Experiments of one initiative stand in one layer; its name is the default.
    share : float, above 0 and at most 1
        Of the layer's units; can be raised while it runs (`ramp`), and nobody changes arm by that.
    from_share : float, 0 to below 1
        Where its part of the layer begins; chosen at the start, beside those that run.
    arms : tuple of Arm
        The first one is the control.
    primary : str
        The metric that decides.
    secondary : tuple of str
        Reported, corrected for their number.
    guardrails : tuple of Guardrail
    segments : tuple of str
        Declared ahead: "device", "territory", "kids", "tenure".
    covariate_days : int, 0 or more
        Days before the first exposure whose same metric adjusts the estimate; 0 for none.
    kept_out : float, 0 to below 1
        Share of each arm's units from whose decisions no policy of the arms may learn.
    salt : str
        Of the assignment; drawn at the start.
    defined : tuple of Metric
        Its metrics as they were defined at the start; later changes of the files are for later experiments.

    Raises
    ------
    InputError
        From `checked`: something in it contradicts itself.
    """

    name: str
    initiative: str
    owner: str
    hypothesis: str
    arms: tuple[Arm, ...]
    primary: str
    kind: Kind = "ab"
    unit: Literal["member", "account"] = "member"
    layer: str = ""
    share: float = 1.0
    from_share: float = 0.0
    eligible: Eligible = Eligible()
    secondary: tuple[str, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    segments: tuple[str, ...] = ()
    design: Design = Design()
    covariate_days: int = 28
    kept_out: float = 0.0
    salt: str = ""
    defined: tuple[Metric, ...] = ()

    @property
    def in_layer(self) -> str:
        """Name of its layer."""
        return self.layer or self.initiative

    @property
    def until_share(self) -> float:
        """Where its part of the layer ends."""
        return self.from_share + self.share

    @property
    def control(self) -> Arm:
        """What the others are compared with."""
        return self.arms[0]

    @property
    def digest(self) -> str:
        """Hash of what it says; a changed definition has another one."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that it needs, each once, the primary first."""
        return tuple(
            dict.fromkeys([self.primary, *self.secondary, *(guard.metric for guard in self.guardrails)])
        )

    def checked(self) -> Experiment:
        """Itself, if nothing in it contradicts itself.

        Raises
        ------
        InputError
            Naming the first thing that does.
        """
        if not NAME.fullmatch(self.name):
            raise InputError(
                f'experiment: name is "{self.name}", expected small letters, digits and hyphens, 2 to 60 of '
                "them, a letter first."
            )
        for key in ("initiative", "owner", "hypothesis", "primary"):
            if not str(getattr(self, key)).strip():
                raise InputError(f"experiment {self.name}: {key} is empty, expected a text.")
        self._check_arms()
        self._check_numbers()
        self._check_metrics()
        return self

    def _check_arms(self) -> None:
        where = f"experiment {self.name}"
        names = [arm.name for arm in self.arms]
        if len(names) < 2 or len(set(names)) < len(names) or "" in names:
            raise InputError(f"{where}: arms are {names}, expected at least two, each with its own name.")
        if any(not arm.answers for arm in self.arms):
            raise InputError(
                f'{where}: an arm answers "", expected a version, "{PRODUCTION}" or "{FALLBACK}".'
            )
        total = sum(arm.share for arm in self.arms)
        if any(not arm.share > 0 for arm in self.arms) or not abs(total - 1) <= ROUNDING:
            shares = ", ".join(f"{arm.name} {arm.share:g}" for arm in self.arms)
            raise InputError(f"{where}: shares of the arms are {shares}, expected above 0 with the sum 1.")
        if self.kind == "interleaving" and len(names) != 2:
            raise InputError(f"{where}: interleaving with {len(names)} arms, expected two.")

    def _check_numbers(self) -> None:
        where, design = f"experiment {self.name}", self.design
        for key, value, good, expected in (
            ("share", self.share, 0 < self.share <= 1, "above 0 and at most 1"),
            ("from_share", self.from_share, 0 <= self.from_share < 1, "from 0 to below 1"),
            ("from_share + share", self.until_share, self.until_share <= 1 + ROUNDING, "at most 1"),
            ("kept_out", self.kept_out, 0 <= self.kept_out < 1, "from 0 to below 1"),
            ("design.alpha", design.alpha, 0 < design.alpha < 0.5, "above 0 and below 0.5"),
            ("design.power", design.power, 0.5 <= design.power < 1, "from 0.5 to below 1"),
            ("design.effect", design.effect, 0 < design.effect < math.inf, "above 0"),
            ("design.days", design.days, design.days >= 1, "1 or more"),
            ("design.looks", design.looks, 1 <= design.looks <= MOST_LOOKS, f"1 to {MOST_LOOKS:,}"),
            ("covariate_days", self.covariate_days, self.covariate_days >= 0, "0 or more"),
        ):
            if not good:
                raise InputError(f"{where}: {key} is {value:g}, expected {expected}.")

    def _check_metrics(self) -> None:
        where = f"experiment {self.name}"
        for guardrail in self.guardrails:
            if not 0 <= guardrail.margin < math.inf:
                raise InputError(
                    f"{where}: margin of {guardrail.metric} is {guardrail.margin:g}, expected 0 or more."
                )
        for key, names in (
            ("primary and secondary", [self.primary, *self.secondary]),
            ("guardrails", [guard.metric for guard in self.guardrails]),
            ("segments", self.segments),
        ):
            for name in _twice(names):
                raise InputError(f'{where}: {key} name "{name}" twice, expected it once.')
        for name in self.segments:
            if name not in SEGMENTS:
                raise InputError(unknown_name(where, "segment", name, SEGMENTS))


def _twice(names: Iterable[str]) -> list[str]:
    seen = list(names)
    return sorted({name for name in seen if seen.count(name) > 1})
