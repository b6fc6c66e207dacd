"""Settings of the page: its size, its rules, and what it pays for diversity, calibration, exploration."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf

from matinee.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Quota:
    """Least and most rows of one kind on a page. The most yields only when the page would be empty."""

    kind: str
    min_rows: int = 0
    max_rows: int | None = None

    def __post_init__(self) -> None:
        if self.min_rows < 0:
            raise ConfigError(
                f'Quota "{self.kind}": min_rows is {self.min_rows}, expected 0 or more. Leave it out.'
            )
        if self.max_rows is not None and self.max_rows < self.min_rows:
            raise ConfigError(
                f'Quota "{self.kind}": max_rows is {self.max_rows}, expected at least min_rows '
                f"({self.min_rows}). Raise it, or leave it out for no limit."
            )


@dataclass(frozen=True, slots=True)
class PageConfig:
    """Settings of a composed homepage.

    Attributes
    ----------
    rows, cols : int
        Largest size of a page.
    viewport_rows : int
        Rows that a screen shows at once: no title stands twice in so many consecutive rows.
    visible_cols : int
        Tiles that a screen shows of a row before any swipe. They are chosen first, in all rows of a
        viewport, before the tiles to their right.
    row_decay, col_decay : float, 0 to 1
        Browsing model: the chance that a member who looked at a row (tile) looks at the next one.
    min_tiles : int
        Shortest discovery row. Rows of the member's own titles may have one tile.
    diversity : float, 0 to 1
        Weight of unlikeness inside a row (0: only the scores count).
    diverse_cols : int
        Leading tiles of a row that pay for diversity; those behind them follow the scores.
    calibration : float, 0 or more
        Log probability of a play that one nat of distance from the member's genre mix is worth.
    calibration_alpha : float, 0 to 1
        Smoothing of the page's genre mix.
    spread : float, 0 or more
        Log probability of a play that a title gives up when its genres are wholly like those of the page so
        far (mean cosine 1): keeps the page as a whole diverse.
    session_share : float, 0 to 1
        Part of the next-title score in P(play); the rest is the score of the coming weeks.
    head_rows, head_kinds : int
        The first `head_rows` rows hold at least `head_kinds` kinds of row.
    repeat_discount : float, 0 to 1
        Worth of a row is multiplied by this for each earlier row of its kind.
    explore_slots : int
        Slots of the page that are drawn at random, one each in consecutive discovery rows.
    explore_row, explore_col : int
        The first row that may hold such a slot, and its column.
    explore_pool : int
        Best candidates of the row among which is drawn.
    explore_temperature, explore_floor : float
        See `SoftmaxConfig`; the scores are log P(play), so temperature 1 draws in proportion to P(play).
    new_days, leaving_days : float
        How long a title counts as new, and how long before its end as leaving.
    anchors : int
        Liked titles of a member that may head a because-you-watched row.
    quotas : tuple of Quota
    """

    rows: int = 40
    cols: int = 40
    viewport_rows: int = 3
    visible_cols: int = 4
    row_decay: float = 0.85
    col_decay: float = 0.75
    min_tiles: int = 4
    diversity: float = 0.4
    diverse_cols: int = 12
    calibration: float = 0.5
    calibration_alpha: float = 0.01
    spread: float = 0.7
    session_share: float = 0.15
    head_rows: int = 6
    head_kinds: int = 4
    repeat_discount: float = 0.7
    explore_slots: int = 1
    explore_row: int = 4
    explore_col: int = 2
    explore_pool: int = 100
    explore_temperature: float = 1.0
    explore_floor: float = 0.1
    new_days: float = 60.0
    leaving_days: float = 14.0
    anchors: int = 8
    quotas: tuple[Quota, ...] = ()

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                wanted = f"{low} or more" if high == inf else f"{low} to {high}"
                raise ConfigError(f"PageConfig: {name} is {value}, expected {wanted}. Set [homepage] {name}.")
        kinds = [quota.kind for quota in self.quotas]
        for kind in kinds:
            if kinds.count(kind) > 1:
                raise ConfigError(
                    f'PageConfig: quotas name "{kind}" {kinds.count(kind)} times, expected once. Join them.'
                )

    def most_rows(self, kind: str) -> float:
        """Rows of a kind that may stand on a page; infinite without a quota."""
        most = (quota.max_rows for quota in self.quotas if quota.kind == kind)
        return next((n for n in most if n is not None), inf)


_RANGES: dict[str, tuple[float, float]] = {
    "rows": (1, inf),
    "cols": (1, inf),
    "viewport_rows": (1, inf),
    "visible_cols": (1, inf),
    "row_decay": (0.01, 1),
    "col_decay": (0.01, 1),
    "min_tiles": (1, inf),
    "diversity": (0, 1),
    "diverse_cols": (0, inf),
    "calibration": (0, inf),
    "calibration_alpha": (1e-6, 0.5),
    "spread": (0, inf),
    "session_share": (0, 1),
    "head_rows": (0, inf),
    "head_kinds": (0, inf),
    "repeat_discount": (0.01, 1),
    "explore_slots": (0, inf),
    "explore_row": (1, inf),
    "explore_col": (1, inf),
    "explore_pool": (1, inf),
    "explore_temperature": (1e-3, inf),
    "explore_floor": (0, 1),
    "new_days": (0, inf),
    "leaving_days": (0, inf),
    "anchors": (0, inf),
}
PAGE_SETTINGS = tuple(f.name for f in fields(PageConfig))
"""Names of all settings, for the settings file."""
