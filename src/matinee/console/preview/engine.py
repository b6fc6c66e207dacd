"""Computes previews: a page as of a moment, on a release, for a member as they were or might have been.

Nothing is logged, stored or counted: what is computed here is no decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from matinee.console.preview.imagined import Imagined
from matinee.console.preview.measures import measure
from matinee.console.preview.openings import Opened, Openings
from matinee.console.preview.question import Question, WrongError
from matinee.console.preview.seen import Image, Page, Play, Row, Tile, Title
from matinee.console.preview.titles_then import Then, find_titles, title_at
from matinee.errors import NotFoundError
from matinee.learn.member_history import history_of
from matinee.observe.catalogue.catalogue import Limits
from matinee.observe.clock import Clock
from matinee.observe.decisions import RowNote, Slot
from matinee.observe.erasure.erased import Erased
from matinee.observe.members import Member
from matinee.observe.state.record import MemberRecord
from matinee.platform.abilities import Explains
from matinee.platform.deciding import Context, Explained, Request, Stage
from matinee.platform.dresser import Shown
from matinee.platform.whereabouts import Located, Locates
from matinee.serve.artworks import NAME as ARTWORK

MOST_PLAYS = 12
"""Latest plays that are shown."""
Address = Callable[[str], str | None]
"""Where the file of an image is; None: it may not be given out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A previewed page, with what it was made from.

    Attributes
    ----------
    found : tuple of Title
        Titles that may be meant by the title that is asked about; one if `page.located` tells of it.
    """

    page: Page
    explained: Explained
    found: tuple[Title, ...] = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """Answers previews. Threads may share it.

    Attributes
    ----------
    openings : Openings
    erased : Erased
    now : function
        The home's clock.
    address : function
        Where images are.
    """

    openings: Openings
    erased: Erased
    now: Callable[[], Clock]
    address: Address

    def answer(self, question: Question, title: str = "") -> Answer:
        """Compute a page, and what became of one title.

        Parameters
        ----------
        title : str
            Id or name of a title that is asked about; "" for none.

        Raises
        ------
        WrongError
            The member was erased, there is no such release, or no such title.
        StorageError
            A model, the lake, the log or the registry cannot be read.
        Exception
            Whatever a model raises.
        """
        self.refuse_erased(question.member_id)
        clock = self.now()
        now_us = clock.now_us
        at_us = now_us if question.at_us is None else question.at_us
        latest_us = clock.latest_us if question.at_us is None else at_us
        opened = self._open(question, now_us)
        imagined = Imagined(question.member_id, at_us, latest_us, at_us, question.changes, question.facts)
        for change in question.changes:
            if change.title_id not in opened.then.titles.position:
                raise WrongError(
                    "change",
                    f'change is "{change}", expected a title of the catalogue of that moment. '
                    "Look for its id with the field for a title.",
                )
        with opened.members.being(imagined) as record:
            return _answer(opened, question, imagined, record, title, self.address)

    def titles(self, question: Question, text: str) -> list[Title]:
        """Titles of the catalogue then that are meant by an id or a name. Raises as `answer` does."""
        opened = self._open(question, self.now().now_us)
        catalogue = opened.then.catalogue
        return meant([title_at(catalogue, i) for i in find_titles(catalogue, text)], text)

    def _open(self, question: Question, now_us: int) -> Opened:
        found = {}
        for field, release, name in (("release", question.release, ""), (ARTWORK, question.artwork, ARTWORK)):
            try:
                found[field] = self.openings.version_of(release, name)
            except NotFoundError as problem:
                raise WrongError(field, str(problem)) from None
        return self.openings.open(found["release"], question.at_us, now_us, artwork=found[ARTWORK])

    def refuse_erased(self, member_id: str) -> None:
        """Say that there is nothing to see.

        Raises
        ------
        WrongError
            The member was erased.
        """
        if self.erased.refuses(member_id):
            raise WrongError("member", "member is one who was erased, expected a member of the service.")


def _answer(
    opened: Opened,
    question: Question,
    imagined: Imagined,
    record: MemberRecord,
    title: str,
    address: Address,
) -> Answer:
    stored = opened.members.member(question.member_id)
    request = request_of(question, imagined.at_us)
    explained = explain(opened, request)
    slots, shown = dressed(opened, explained, request, limits_of(stored, record))
    catalogue = opened.then.catalogue
    found = meant([title_at(catalogue, i) for i in find_titles(catalogue, title)], title)
    located = locate(opened, request, found[0].title_id) if len(found) == 1 else None
    whys = {title_id: one.why for title_id, one in shown.items()}
    page = seen(opened.then, question, explained, slots, whys, record, address)
    page = replace(
        page,
        version=opened.version,
        policy=opened.decider.policy,
        at_us=imagined.at_us,
        opened_us=opened.at_us,
        limits=limits_of(stored, record),
        known=stored is not None or record != MemberRecord(),
        located=located,
        names={one.title_id: opened.then.title(one.title_id).name for one in question.changes},
    )
    return Answer(page, explained, tuple(found))


def meant(found: list[Title], text: str) -> list[Title]:
    """The one title whose id or whole name was written, else all that may be meant."""
    wanted = text.strip().casefold()
    exact = [one for one in found if wanted in (one.title_id.casefold(), one.name.casefold())]
    return exact if len(exact) == 1 else found


def request_of(question: Question, at_us: int) -> Request:
    """What the initiative is asked."""
    context: Context = {"rows": question.rows, "cols": question.cols}
    if question.device is not None:
        context["device"] = question.device
    return Request(question.member_id, at_us, context=context, seed=question.seed)


def explain(opened: Opened, request: Request) -> Explained:
    """Decide, with the stages where the decider tells them."""
    if isinstance(opened.decider, Explains):
        return opened.decider.explain(request)
    return Explained(opened.decider.decide(request), ())


def locate(opened: Opened, request: Request, title_id: str) -> Located | None:
    """What became of a title; None where the decider does not say, or does not know it."""
    if not isinstance(opened.decider, Locates):
        return None
    try:
        return opened.decider.locate(request, title_id)
    except NotFoundError:
        return None


def dressed(
    opened: Opened, explained: Explained, request: Request, limits: Limits
) -> tuple[list[Slot], dict[str, Shown]]:
    """The slots with their images, and why each is that one."""
    slots = list(explained.decided.slots)
    dresser = opened.dresser_at(request.at_us)
    if dresser is None:
        return slots, {}
    device = request.context.get("device")
    context: Context = {} if device is None else {"device": device}
    return dresser.dressed(request.unit_id, slots, context, limits.territory)


def limits_of(stored: Member | None, record: MemberRecord) -> Limits:
    """What a member may be shown; without a stored territory they are where they played last."""
    limits = Limits() if stored is None else stored.limits
    territory = next((play.territory for play in reversed(record.plays) if play.territory), None)
    return limits.located(territory)


def seen(
    then: Then,
    question: Question,
    explained: Explained,
    slots: Sequence[Slot],
    whys: Mapping[str, str],
    record: MemberRecord,
    address: Address,
) -> Page:
    """A page for people, from what was decided.

    Parameters
    ----------
    slots : sequence of Slot
        Those of `explained`, with their images.
    whys : mapping of str to str
        Title -> why it has its image.
    """
    history = history_of(record, then.titles)
    position, unit = then.titles.position, then.titles.unit
    played = set(history.title.tolist())
    decided, scores = explained.decided, explained.scores
    tiles = [
        Tile(
            slot.row or 1,
            slot.col or 1,
            then.title(slot.action),
            slot.reason or "",
            slot.propensity,
            slot.n_permitted,
            slot.explored,
            (t := position.get(slot.action, -1)) < 0 or unit[t] not in played,
            image_of(slot, whys.get(slot.action, ""), address),
            dict(scores[i]) if i < len(scores) else {},
        )
        for i, slot in enumerate(slots)
    ]
    stages = {stage.name: stage for stage in explained.stages}
    return Page(
        question,
        "",
        "",
        0,
        0,
        Limits(),
        rows_of(decided.rows, tiles, stages),
        measure(slots, scores, then.catalogue, history.title, history.weight),
        stages.get("eligible"),
        dict(explained.absent),
        tuple(decided.unmet),
        decided.reason,
        _plays(then, question, record),
        len(record.plays) + len(record.older),
        _signals(then, record),
    )


def rows_of(notes: Sequence[RowNote], tiles: Sequence[Tile], stages: dict[str, Stage]) -> tuple[Row, ...]:
    """Rows with their tiles and what is known about how each came about."""
    said = {note.row: note for note in notes}
    rows = []
    for number, some in groupby(tiles, key=lambda tile: tile.row):
        note = said.get(number) or RowNote(number, "", "")
        stage = stages.get(f"row {number}: {note.kind}")
        rows.append(Row(number, note.kind, note.reason, tuple(some), stage))
    return tuple(rows)


def image_of(slot: Slot, why: str, address: Address) -> Image | None:
    """The image of a slot."""
    if slot.artwork_id is None:
        return None
    return Image(slot.artwork_id, address(slot.artwork_id), slot.artwork_propensity, slot.artwork_n, why)


def _plays(then: Then, question: Question, record: MemberRecord) -> tuple[Play, ...]:
    """The latest plays, newest first; of one title played several times in a row, the last."""
    at_us, imagined = record.plays[-1].at_us if record.plays else 0, set()
    if question.changes:
        imagined = {change.title_id for change in question.changes if change.kind in {"play", "begin"}}
    found: list[Play] = []
    for play in reversed(record.plays):
        if found and found[-1].title.title_id == play.title_id:
            continue
        t = then.titles.position.get(play.title_id, -1)
        share = play.share
        if share is None and t >= 0 and play.watch_s is not None and then.titles.runtime_s[t]:
            share = min(1.0, play.watch_s / then.titles.runtime_s[t])
        mine = play.title_id in imagined and at_us - play.at_us <= len(question.changes)
        found.append(Play(then.title(play.title_id), play.at_us, share, mine))
        if len(found) == MOST_PLAYS:
            break
    return tuple(found)


def _signals(then: Then, record: MemberRecord) -> tuple[tuple[str, Title], ...]:
    """Last words that say something, the latest first."""
    words = [*record.thumbs.items(), *record.listing.items()]
    words.sort(key=lambda pair: (-pair[1].at_us, -pair[1].seq))
    return tuple(
        (said.signal, then.title(title_id))
        for title_id, said in words
        if said.signal in {"thumb_up", "thumb_down", "list_add"}
    )
