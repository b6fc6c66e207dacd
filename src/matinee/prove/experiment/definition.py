"""What an experiment is, written down before it starts and never changed after."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

import msgspec

from matinee.errors import InputError

NAME = re.compile(r"[a-z][a-z0-9-]{1,59}")
PRODUCTION, FALLBACK = "production", "fallback"
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

    def checked(self) -> Experiment:
        """Itself, if nothing in it contradicts itself.

        Raises
        ------
        InputError
            Naming the first thing that does.
        """
        where = f"experiment {self.name}"
        if not NAME.fullmatch(self.name):
            raise InputError(
                f'experiment: name is "{self.name}", expected small letters, digits and hyphens, 2 to 60 of '
                "them, a letter first."
            )
        names = [arm.name for arm in self.arms]
        if len(names) < 2 or len(set(names)) < len(names) or "" in names:
            raise InputError(f"{where}: arms are {names}, expected at least two, each with its own name.")
        total = sum(arm.share for arm in self.arms)
        if any(not arm.share > 0 for arm in self.arms) or abs(total - 1) > 1e-9:
            shares = ", ".join(f"{arm.name} {arm.share:g}" for arm in self.arms)
            raise InputError(f"{where}: shares of the arms are {shares}, expected above 0 with the sum 1.")
        if self.kind == "interleaving" and len(names) != 2:
            raise InputError(f"{where}: interleaving with {len(names)} arms, expected two.")
        for key, value, good in (
            ("share", self.share, 0 < self.share <= 1),
            (
                "from_share",
                self.from_share,
                self.from_share >= 0 and self.until_share <= 1 + 1e-9,
            ),
            ("kept_out", self.kept_out, 0 <= self.kept_out < 1),
            ("design.alpha", self.design.alpha, 0 < self.design.alpha < 0.5),
            ("design.power", self.design.power, 0.5 <= self.design.power < 1),
        ):
            if not good:
                raise InputError(f"{where}: {key} is {value:g}, expected a share in its range.")
        if not self.design.effect > 0:
            raise InputError(f"{where}: design.effect is {self.design.effect:g}, expected above 0.")
        if self.design.days < 1 or not 1 <= self.design.looks <= 1_000:
            raise InputError(
                f"{where}: design has {self.design.days} days and {self.design.looks} looks, "
                "expected 1 or more of each."
            )
        if self.covariate_days < 0:
            raise InputError(f"{where}: covariate_days is {self.covariate_days}, expected 0 or more.")
        for guardrail in self.guardrails:
            if not guardrail.margin >= 0:
                raise InputError(
                    f"{where}: margin of {guardrail.metric} is {guardrail.margin:g}, expected 0 or more."
                )
        used = [self.primary, *self.secondary, *(g.metric for g in self.guardrails)]
        twice = {name for name in used[: 1 + len(self.secondary)] if used.count(name) > 1} & {self.primary}
        if twice:
            raise InputError(f'{where}: "{self.primary}" is primary and stands there again, expected once.')
        return self
