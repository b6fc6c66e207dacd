"""Opens the models and the fallback of an initiative for a server, and brings them up to the present."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from matinee import settings
from matinee.errors import InputError, StorageError, VerdictError
from matinee.observe.catalogue.artwork import TABLE as ARTWORK
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.clock import Clock
from matinee.observe.home import Home
from matinee.observe.lake.changes import SHARED_FACTS, FactsVersion
from matinee.observe.lake.reader import last_event_us
from matinee.observe.members import Member
from matinee.observe.state.reading import MemberReader
from matinee.observe.state.record import MemberRecord
from matinee.platform.abilities import ChoosesArtwork, Refreshes
from matinee.platform.answering import check
from matinee.platform.deciding import Decider, Request, Surroundings
from matinee.platform.initiative import Initiative
from matinee.platform.lifecycle.model_folder import check_files, read_card
from matinee.platform.lifecycle.simulated import simulated_home
from matinee.serve.budget import Pool
from matinee.serve.moment import Moment

WARM_S = 60.0
"""Longest time that the trial answers of a model which was just opened may take."""
ASK_AGAIN_S = 0.5
"""After a failure the state is left alone for so long, so that a dead one does not eat every budget."""
UNKNOWN_UNIT = "a unit that nobody has heard of"


class Undaunted:
    """Members for a fallback that does not deal with a state that cannot be reached: nobody is known then.

    Parameters
    ----------
    reader : MemberReader
    """

    def __init__(self, reader: MemberReader) -> None:
        self.reader = reader
        self.n_failed = 0
        self._again = 0.0

    def record(self, member_id: str) -> MemberRecord:
        """What the member did; an empty record while the state cannot be reached."""
        if time.monotonic() >= self._again:
            try:
                return self.reader.record(member_id)
            except StorageError:
                self._failed()
        return MemberRecord()

    def member(self, member_id: str) -> Member | None:
        """What was imported about a member; the strictest limits while the state cannot be reached.

        The territory is none that exists: only titles without any window may surely be shown, and a request
        that names a territory changes nothing about that.
        """
        if time.monotonic() >= self._again:
            try:
                return self.reader.member(member_id)
            except StorageError:
                self._failed()
        return Member(
            member_id, territory=STRICTEST.territory, maturity_max=STRICTEST.maturity_max, kids=STRICTEST.kids
        )

    def _failed(self) -> None:
        self.n_failed += 1
        self._again = time.monotonic() + ASK_AGAIN_S


STRICTEST = Limits("", 0, kids=True)
"""What anybody may be shown anywhere."""


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens what an initiative declares.

    Attributes
    ----------
    home : Home
    initiative : Initiative
    moment : Moment
        The server's clock.
    members : MemberReader or None
        The server's state of members.
    """

    home: Home
    initiative: Initiative
    moment: Moment
    members: MemberReader | None = None

    def check_kind(self) -> None:
        """Refuse an initiative that does not decide.

        Raises
        ------
        InputError
            It forecasts.
        """
        if self.initiative.kind != "decides":
            name = self.initiative.name
            raise InputError(
                f"{name}: forecasts, expected an initiative that decides. Its forecasts are made by "
                f"matinee train {name} and matinee evaluate {name}; a server does not answer with them."
            )

    def model(self, version: str) -> Decider:
        """Open a version after seeing that its files are those that were trained.

        Raises
        ------
        Exception
            Whatever the files, the settings or the initiative's code raise.
        """
        folder = self.home.releases / self.initiative.name / version
        check_files(folder, read_card(folder).files)
        opened: Any = self.initiative.open(folder, self._around(self.members))
        return _decider(opened)

    def model_now(self, version: str, before: Decider) -> Decider:
        """A model at the present moment: the same one, or opened again where it cannot follow."""
        if isinstance(before, Refreshes):
            return before.refreshed(self._around(self.members))
        folder = self.home.releases / self.initiative.name / version
        opened: Any = self.initiative.open(folder, self._around(self.members))
        return _decider(opened)

    def fallback(self, before: Decider | None = None) -> Decider:
        """The fallback at the present moment. While the state cannot be reached limits are the strictest.

        One that says so (`Fallback.without_state`) sees to that itself.
        """
        members = self.members
        if members is not None and not self.initiative.fallback.without_state:
            members = Undaunted(members)
        around = self._around(members)
        if isinstance(before, Refreshes):
            return before.refreshed(around)
        opened: Any = self.initiative.fallback.open(around)
        return _decider(opened)

    def warm(self, decider: Decider, pool: Pool, unit_ids: tuple[str, ...]) -> None:
        """Let a decider answer about some units and about one that nobody has heard of.

        Raises
        ------
        VerdictError
            It answered none of them.
        """
        at_us, name = self.moment.now_us, self.initiative.name
        problem = ""
        for unit_id in (*unit_ids, UNKNOWN_UNIT):
            request = Request(unit_id, at_us)
            found = pool.ask(lambda request=request: _tried(name, decider, request), WARM_S)  # type: ignore[misc]
            if found.why is None:
                return
            problem = str(found.error or found.why)
        raise VerdictError(f"{name}: opens and does not answer ({problem}).")

    def facts(self) -> FactsVersion | None:
        """What the catalogue rests on; None while it cannot be told."""
        try:
            images = [ARTWORK] if ARTWORK in self.initiative.tables else []
            return FactsVersion.of(self._lake(), self.moment.now_us, *SHARED_FACTS, *images)
        except StorageError:
            return None

    def _around(self, members: MemberReader | None) -> Surroundings:
        one = self.initiative
        config = settings.load(self.home.settings, one.name, one.config, values=one.values)
        lake = self._lake()
        if one.data == "simulated":  # its members are made up: what is known about real ones is not theirs
            at_us = Clock.choose("last_event", last_at_us=last_event_us(lake)).now_us
            return Surroundings(lake.limited_to(one.tables), at_us, config)
        return Surroundings(lake.limited_to(one.tables), self.moment.now_us, config, members)

    def _lake(self) -> Home:
        return simulated_home(self.home) if self.initiative.data == "simulated" else self.home


def _tried(name: str, decider: Decider, request: Request) -> None:
    check(name, request, decider.decide(request))
    if isinstance(decider, ChoosesArtwork):
        decider.choose_artwork(request, [])  # the first choice compiles


def _decider(opened: Any) -> Decider:
    found: Decider = opened
    return found
