"""Experiments in one process: where a unit stands, who answers it, and what its decisions say about that.

Nothing is stored about anybody: a unit's arm follows from hashes (`prove/experiment/assignment.py`). Each
place that a unit can have is made once for an experiment, so that a request only looks it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matinee.platform.deciding import Context
from matinee.prove.experiment.assignment import assign, in_holdout
from matinee.prove.experiment.definition import Arm, Experiment
from matinee.serve.known import Known
from matinee.serve.opened import Opened

BOTH = "both"
"""Arm of every unit of an interleaving."""
CONTEXT = frozenset(
    {"alone", "arm", "arm_missing", "arm_stopped", "experiment", "holdout", "kept_out", "teams"}
)
"""Names in the context of a decision that an experiment writes."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a unit stands in an experiment, or outside of all for ever.

    Attributes
    ----------
    noted : dict
        What its decisions say about it.
    experiment, arm : str or None
        None: in the holdout.
    kept_out : bool
    answers : tuple of Opened
        One; two, whose answers are interleaved; or none: what is in production answers.
    names : tuple of str
        Whose arm each of `answers` is.
    faulty : tuple of str
        Arms that do not open here.
    word : str
        Changes when somebody else answers.
    """

    noted: Context
    experiment: str | None = None
    arm: str | None = None
    kept_out: bool = False
    answers: tuple[Opened, ...] = ()
    names: tuple[str, ...] = ()
    faulty: tuple[str, ...] = ()
    word: str = ""


HELD_OUT = Place({"holdout": True})


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """An experiment that this process takes part in. Use `of`.

    Attributes
    ----------
    definition : Experiment
    opened : tuple of (Opened or None)
        For each arm; None: it was stopped, or does not open here.
    places : dict of (str, bool) to Place
        By arm ("both" of an interleaving) and whether it is kept out.
    """

    definition: Experiment
    opened: tuple[Opened | None, ...]
    places: Mapping[tuple[str, bool], Place]

    @staticmethod
    def of(definition: Experiment, stopped: frozenset[str], opened: Mapping[str, Opened]) -> Trial:
        """Put together.

        Parameters
        ----------
        stopped : set of str
            Arms whose units get the control's answer.
        opened : mapping of str to Opened
            By version, "fallback" among them. An arm whose version is absent does not open.
        """
        arms = definition.arms
        found = tuple(None if arm.name in stopped else opened.get(arm.answers) for arm in arms)
        make = _interleaved if definition.kind == "interleaving" else _split
        places = {}
        for kept_out in (False, True):
            for place in make(definition, stopped, found, kept_out):
                assert place.arm is not None
                places[place.arm, kept_out] = place
        return Trial(definition, found, places)

    def place(self, unit_id: str, known: Known, context: Context, holdout: float) -> Place | None:
        """Where a unit stands; None: it is not in it.

        An account that is not known is its member's own.
        """
        one = self.definition
        if one.unit == "account" and known.member is not None and known.member.account_id:
            unit_id = known.member.account_id
        found = assign(one, unit_id, holdout=holdout)
        if found is None or not self._eligible(known, context):
            return None
        arm = BOTH if one.kind == "interleaving" else one.arms[found.arm].name
        return self.places[arm, found.kept_out]

    def _eligible(self, known: Known, context: Context) -> bool:
        who = self.definition.eligible
        if who.devices and context.get("device") not in who.devices:
            return False
        if not who.territories and who.kids is None:
            return True
        limits = known.limits(context)
        if who.territories and limits.territory not in who.territories:
            return False
        return who.kids is None or limits.kids == who.kids


@dataclass(frozen=True, slots=True)
class Trials:
    """The experiments of an initiative, and the units that are in none.

    Attributes
    ----------
    running : tuple of Trial
        Experiments of one layer exclude each other; of others the one that was started first has a unit.
    holdout : float
        Share of all units that are in no experiment.
    """

    running: tuple[Trial, ...] = ()
    holdout: float = 0.0
    by_name: Mapping[str, Trial] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.definition.name: one for one in self.running})

    def place(self, unit_id: str, known: Known, context: Context) -> Place | None:
        """Where a unit stands; None: in no experiment. Nobody is in one whose facts cannot be read."""
        if not known.reached or not (self.running or self.holdout):
            return None
        if in_holdout(self.holdout, unit_id):
            return HELD_OUT
        for trial in self.running:
            found = trial.place(unit_id, known, context, self.holdout)
            if found is not None:
                return found
        return None

    def again(self, experiment: str, arm: str, *, kept_out: bool) -> Place | None:
        """The place that a page began with; None: the experiment is over."""
        trial = self.by_name.get(experiment)
        return None if trial is None else trial.places.get((arm, kept_out))


def _split(
    definition: Experiment, stopped: frozenset[str], opened: tuple[Opened | None, ...], kept_out: bool
) -> list[Place]:
    """Places of an A/B test. The units of a stopped arm get the control's answer."""
    places = []
    for arm, own in zip(definition.arms, opened, strict=True):
        over = arm.name in stopped
        answers = opened[0] if over else own
        who, faulty = (definition.control, ()) if over else (arm, () if own else (arm.name,))
        places.append(
            _place(
                definition, arm.name, [(who, answers)] if answers else [],
                kept_out=kept_out, over=over, faulty=faulty,
            )
        )  # fmt: skip
    return places


def _interleaved(
    definition: Experiment, stopped: frozenset[str], opened: tuple[Opened | None, ...], kept_out: bool
) -> list[Place]:
    """The one place of an interleaving: both arms answer, or the one that is left."""
    there = [(arm, one) for arm, one in zip(definition.arms, opened, strict=True) if one is not None]
    going = [arm.name for arm in definition.arms if arm.name not in stopped]
    faulty = tuple(name for name in going if name not in {arm.name for arm, _ in there})
    over = len(going) < len(definition.arms)
    return [_place(definition, BOTH, there, kept_out=kept_out, over=over, faulty=faulty)]


def _place(
    definition: Experiment,
    arm: str,
    answers: list[tuple[Arm, Opened]],
    *,
    kept_out: bool,
    over: bool,
    faulty: tuple[str, ...],
) -> Place:
    noted: Context = {"experiment": definition.name, "arm": arm}
    marks = {"kept_out": kept_out, "arm_stopped": over, "arm_missing": bool(faulty)}
    noted |= {name: True for name, on in marks.items() if on}
    if arm == BOTH and len(answers) == 1:
        noted["alone"] = answers[0][0].name
    versions = "+".join(one.version for _, one in answers)
    return Place(
        noted,
        definition.name,
        arm,
        kept_out,
        tuple(one for _, one in answers),
        tuple(who.name for who, _ in answers),
        faulty,
        f"{definition.name}:{definition.salt}/{arm}/{'stopped' if over else ''}/{versions}",
    )
