"""The composer: from scores to a homepage, stage by stage, under masks, with a reason for every tile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy

import numpy as np

from matinee.decide.policies.softmax import SoftmaxConfig, SoftmaxPolicy
from matinee.decide.policy import Policy
from matinee.decide.slates.calibration import Mix, tag_mix
from matinee.errors import ConfigError, InputError, unknown_name
from matinee.initiatives.homepage.audience import SharedShelves
from matinee.initiatives.homepage.audiences import Audiences
from matinee.initiatives.homepage.board import Board
from matinee.initiatives.homepage.browsing import examine
from matinee.initiatives.homepage.build import PageBuilder
from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.page import NO_ELIGIBLE_TITLE, MemberState, Page, Row, TitleState
from matinee.initiatives.homepage.pins import plan_pins
from matinee.initiatives.homepage.rows import row_kinds
from matinee.initiatives.homepage.rows.base import RowKind
from matinee.initiatives.homepage.stock import see, stock_up
from matinee.initiatives.homepage.trace import PageTrace
from matinee.observe.catalogue.catalogue import Limits
from matinee.types import DAY_US, derive_seed


class Composer:
    """Composes pages for many members at one moment; what members share is computed once.

    Parameters
    ----------
    titles : TitleState
    at_us : int
        Moment of the page: availability, new and leaving titles are judged by it.
    config : PageConfig, optional
    kinds : mapping of str to RowKind, optional
        Row kinds by name; all declared ones by default.
    policy : Policy, optional
        Draws the explored slots; by default softmax with the settings of `config`.

    Raises
    ------
    ConfigError
        A quota names a kind that does not exist.
    InputError
        An array of `titles` does not have one row per title.

    Notes
    -----
    Same titles, member, settings and seed: same page, whatever was composed before.
    Cost: one page O(n log n) in titles for ordering, plus O(rows * (shelves + cols * d)). See
    `benchmarks/page.py`.
    """

    def __init__(
        self,
        titles: TitleState,
        *,
        at_us: int,
        config: PageConfig | None = None,
        kinds: Mapping[str, RowKind] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.titles, self.at_us, self.config = titles, at_us, config or PageConfig()
        self.kinds = dict(row_kinds() if kinds is None else kinds)
        self.policy = policy or SoftmaxPolicy(
            SoftmaxConfig(self.config.explore_temperature, self.config.explore_floor)
        )
        for quota in self.config.quotas:
            if quota.kind not in self.kinds:
                raise ConfigError(unknown_name("PageConfig quotas", "row kind", quota.kind, self.kinds))
        n = len(titles.catalogue)
        for name in ("popularity", "trending", "vectors", "neighbours"):
            if len(getattr(titles, name)) != n:
                raise InputError(
                    f"TitleState: {name} has {len(getattr(titles, name))} rows, expected {n}, one per title "
                    "of the catalogue. Rebuild the release for this catalogue."
                )
        self.unit = titles.catalogue.unit()
        self.audiences = Audiences(titles, self.config, self.kinds)

    def moved(self, at_us: int) -> Composer:
        """The same composer at another moment; what audiences share is taken over where it still holds."""
        if at_us == self.at_us:
            return self
        other = copy(self)
        other.at_us = at_us
        return other

    def page(
        self,
        member: MemberState,
        *,
        seed: int = 0,
        rows: int | None = None,
        cols: int | None = None,
        trace: PageTrace | None = None,
        above: Sequence[Row] = (),
        certain: bool = False,
    ) -> Page:
        """Compose one page, or the rows below those that stand already.

        Parameters
        ----------
        member : MemberState
        seed : int
            Of the explored slots; each member has a stream of their own for each day.
        rows, cols : int, optional
            Largest size; the settings' by default.
        trace : PageTrace, optional
            Filled with the reasons of the page and the odds of its explored slots.
        above : sequence of Row
            First rows of the page, as they were shown: the page gets `rows` further ones, numbered on, which
            follow from them as if the page were composed as one.
        certain : bool
            Draw nothing: for a page that many members get.

        Returns
        -------
        Page
            Never empty while a title is eligible; otherwise without rows, with `reason` set.

        Raises
        ------
        InputError
            `rows` or `cols` is below 1, or the scores do not fit the catalogue.
        """
        n_rows = self.config.rows if rows is None else rows
        n_cols = self.config.cols if cols is None else cols
        if n_rows < 1 or n_cols < 1:
            raise InputError(
                f"Page: rows is {n_rows} and cols is {n_cols}, expected 1 or more. Ask for at least one tile."
            )
        n_rows += len(above)
        shared = self.audience(member.here)
        viewer = see(member, shared, self.unit)
        stock = stock_up(viewer, shared, self.kinds, tiles=(n_rows + 1) * n_cols)
        look = examine(n_rows, n_cols, row_decay=self.config.row_decay, col_decay=self.config.col_decay)
        genres, alpha = self.titles.catalogue.genres, self.config.calibration_alpha
        board = Board(genres, self._taste(member), look, alpha=alpha)
        plan = plan_pins(viewer, self.kinds, n_rows, n_cols, above=above)

        stream: list[str | int] = [seed, "page", member.member_id, self.at_us // DAY_US]
        stream += ["below", len(above)] if above else []

        def rng() -> np.random.Generator:
            return np.random.default_rng(derive_seed(*stream))  # type: ignore[arg-type]

        builder = PageBuilder(
            stock, self.kinds, plan, board, policy=self.policy, rng=rng, trace=trace, above=above
        )
        if certain:
            builder.draw_nothing()
        built = builder.build()
        reason = None if built or above else NO_ELIGIBLE_TITLE
        return Page(member.member_id, self.at_us, built, builder.unmet, reason, builder.drawn)

    def pages(
        self,
        members: Iterable[MemberState],
        *,
        seed: int = 0,
        rows: int | None = None,
        cols: int | None = None,
    ) -> Iterator[Page]:
        """Compose the pages of many members, one after the other; memory does not grow with members."""
        for member in members:
            yield self.page(member, seed=seed, rows=rows, cols=cols)

    def audience(self, limits: Limits) -> SharedShelves:
        """Masks and shared shelves of members with these limits."""
        return self.audiences.at(limits, self.at_us)

    def _taste(self, member: MemberState) -> Mix:
        """The member's mix of genres: each event counts as much as it was liked."""
        weight = np.maximum(member.history_weight, 0.0)
        return tag_mix(self.titles.catalogue.genres, self.unit[member.history], weight)


def compose_page(
    titles: TitleState,
    member: MemberState,
    *,
    at_us: int,
    config: PageConfig | None = None,
    seed: int = 0,
    rows: int | None = None,
    cols: int | None = None,
    trace: PageTrace | None = None,
) -> Page:
    """Compose one page. For more than one, make a `Composer` and keep it.

    Examples
    --------
    >>> from matinee.observe.catalogue.catalogue import Catalogue, Limits
    >>> titles = TitleState(
    ...     catalogue=Catalogue.from_rows([{"title_id": "t1", "name": "Fargo"}]),
    ...     popularity=np.ones(1, np.float32),
    ...     trending=np.zeros(1, np.float32),
    ...     territory_popularity={},
    ...     vectors=np.ones((1, 1), np.float32),
    ...     neighbours=np.full((1, 1), -1, np.int32),
    ...     neighbour_scores=np.zeros((1, 1), np.float32),
    ... )
    >>> nothing = np.zeros(0)
    >>> new_member = MemberState(
    ...     "m1", Limits(), nothing.astype(np.int32), nothing.astype(np.int64), nothing.astype(np.float32),
    ...     np.zeros(1, np.float32), np.zeros(1, np.float32),
    ... )
    >>> page = compose_page(titles, new_member, at_us=0)
    >>> [(row.reason, [tile.title_id for tile in row.tiles]) for row in page.rows]
    [('Popular on the service', ['t1'])]
    """
    composer = Composer(titles, at_us=at_us, config=config)
    return composer.page(member, seed=seed, rows=rows, cols=cols, trace=trace)
