"""Deciders over the small services of the tests, with members that a test can change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from matinee.initiatives.homepage.compose import Composer
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.members import Past
from matinee.initiatives.homepage.page import MemberState, Page, Row, Tile, TitleState
from matinee.initiatives.homepage.popular import PopularHomepage
from matinee.initiatives.homepage.rows import row_kinds
from matinee.initiatives.homepage.scoring import with_scores
from matinee.initiatives.homepage.serving import HomepageDecider
from matinee.observe.member_state import MemberMarks, TitleTable
from matinee.platform.deciding import Decided
from matinee.types import Scores


class FixedScoring:
    """The same scores for everybody."""

    def __init__(self, following: Scores, window: Scores) -> None:
        self.following, self.window, self.n_titles = following, window, len(following)

    def scores(self, pasts: Sequence[Past], _asked_us: int) -> tuple[Scores, Scores]:
        return np.stack([self.following] * len(pasts)), np.stack([self.window] * len(pasts))

    def states(self, pasts: Sequence[Past], _asked_us: int) -> list[MemberState]:
        return [with_scores(past, self.following, self.window) for past in pasts]


@dataclass
class OneMember:
    """Knows one past, whoever is asked about; `broken` is raised instead."""

    past: Past
    broken: Exception | None = None

    def of(self, member_ids: Sequence[str], _at_us: int) -> list[Past]:
        if self.broken is not None:
            raise self.broken
        return [replace(self.past, member_id=member_id) for member_id in member_ids]

    def since(self, member_id: str, acted: int, at_us: int) -> Past:
        (past,) = self.of([member_id], at_us)
        if past.acted != acted:
            return past
        nothing = past.history[:0], past.history_at_us[:0], past.history_weight[:0]
        return Past(member_id, *nothing, past.limits, past.last_territory, MemberMarks(), acted)


def past_of(state: MemberState, acted: int = 1) -> Past:
    marks = MemberMarks(state.in_progress, state.in_progress_share, state.my_list, state.disliked)
    return Past(
        state.member_id,
        state.history,
        state.history_at_us,
        state.history_weight,
        state.limits,
        state.last_territory,
        marks,
        acted,
    )


def decider_of(titles: TitleState, member: MemberState, config: PageConfig, at_us: int) -> HomepageDecider:
    return HomepageDecider(
        None,  # type: ignore[arg-type]
        FixedScoring(member.next_scores, member.window_scores),  # type: ignore[arg-type]
        OneMember(past_of(member)),
        TitleTable.of(titles.catalogue),
        Composer(titles, at_us=at_us, config=config),
        "model-1",
    )


def fallback_of(titles: TitleState, member: MemberState, config: PageConfig, at_us: int) -> PopularHomepage:
    members, table = OneMember(past_of(member)), TitleTable.of(titles.catalogue)
    return PopularHomepage.of(titles, members, table, at_us, config)


def page_of(titles: TitleState, member_id: str, at_us: int, *parts: Decided) -> Page:
    """What was decided, as one page."""
    position = {title_id: t for t, title_id in enumerate(titles.catalogue.title_ids)}
    rows = []
    for part in parts:
        for note in part.rows:
            tiles = [
                Tile(s.col, position[s.action], s.action, s.reason, s.propensity, s.explored)
                for s in part.slots
                if s.row == note.row
            ]
            rows.append(Row(note.row, note.kind, row_kinds()[note.kind].intent, note.reason, tiles))
    unmet = [line for part in parts for line in part.unmet]
    return Page(member_id, at_us, rows, unmet, parts[0].reason)
