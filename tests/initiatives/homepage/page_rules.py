"""An independent reading of the page's rules: plain loops over the page, none of the composer's masks."""

from __future__ import annotations

from matinee.initiatives.homepage.config import PageConfig
from matinee.initiatives.homepage.page import MemberState, Page, TitleState
from matinee.observe.catalogue.catalogue import Catalogue, Limits

MAY_SHOW_WATCHED = {"continue_watching", "watch_again"}
OWN = MAY_SHOW_WATCHED | {"my_list"}
MAY_STAND_TWICE = {"because_you_watched", "genre"}


def may_show(titles: TitleState, limits: Limits, at_us: int, title: int) -> bool:
    catalogue = titles.catalogue
    if catalogue.release_us[title] > at_us and titles.popularity[title] == 0:
        return False
    windows = [i for i, t in enumerate(catalogue.windows.title) if t == title]
    if windows and not any(
        catalogue.windows.territory[i] == limits.territory
        and catalogue.windows.from_us[i] <= at_us < catalogue.windows.until_us[i]
        for i in windows
    ):
        return False
    age = int(catalogue.maturity[title])
    if limits.kids and (age < 0 or age > 12):
        return False
    if age >= 0 and age > limits.maturity_max:
        return False
    spoken = catalogue.languages.of(title)
    return not (limits.languages and spoken and not set(spoken) & set(limits.languages))


def counted_as(catalogue: Catalogue, title: int) -> int:
    return int(catalogue.series[title]) if catalogue.series[title] >= 0 else title


def eligible(titles: TitleState, member: MemberState, at_us: int) -> list[int]:
    """Titles that some row could show: any allowed title that is not an episode, or is in progress."""
    catalogue = titles.catalogue
    bad = set(member.disliked.tolist())
    out = []
    for t in range(len(catalogue)):
        unit = counted_as(catalogue, t)
        if t in bad or unit in bad:
            continue
        if not may_show(titles, member.here, at_us, t) or not may_show(titles, member.here, at_us, unit):
            continue
        if unit == t or t in member.in_progress:
            out.append(t)
    return out


def violations(
    titles: TitleState,
    member: MemberState,
    page: Page,
    config: PageConfig,
    *,
    rows: int,
    cols: int,
) -> list[str]:
    catalogue = titles.catalogue
    found: list[str] = []
    watched = {counted_as(catalogue, int(t)) for t in [*member.history, *member.in_progress]}
    bad = set(member.disliked.tolist())
    kept = _kept(titles, member, page, config)
    if len(page.rows) > rows:
        found.append("too many rows")
    for position, row in enumerate(page.rows, 1):
        if row.row != position:
            found.append(f"row number {row.row} at {position}")
        if not row.reason or not row.tiles or len(row.tiles) > cols:
            found.append(f"row {row.row}: empty, too long or without a reason")
        for c, tile in enumerate(row.tiles, 1):
            t = tile.title
            where = f"({row.row}, {c}) {row.kind} {tile.title_id}"
            if tile.col != c or catalogue.title_ids[t] != tile.title_id or not tile.reason:
                found.append(f"{where}: column, id or reason")
            if not may_show(titles, member.here, page.at_us, t):
                found.append(f"{where}: not allowed")
            if t in bad or counted_as(catalogue, t) in bad:
                found.append(f"{where}: disliked")
            if catalogue.series[t] >= 0 and row.kind != "continue_watching":
                found.append(f"{where}: an episode")
            if counted_as(catalogue, t) in watched and row.kind not in MAY_SHOW_WATCHED:
                found.append(f"{where}: watched")
            pinned = any(pin.title_id == tile.title_id for pin in catalogue.pins)
            if t in kept and row.kind not in OWN and not pinned:
                found.append(f"{where}: on the list, and not in its row")
            if row.kind == "watch_again" and counted_as(catalogue, t) not in watched and not pinned:
                found.append(f"{where}: not watched")
            if not 0 < tile.propensity <= 1 or (tile.propensity < 1 and not tile.explored):
                found.append(f"{where}: propensity {tile.propensity}")
    for top in range(len(page.rows)):
        screen = [tile.title for row in page.rows[top : top + config.viewport_rows] for tile in row.tiles]
        if len(set(screen)) < len(screen):
            found.append(f"twice in the viewport from row {top + 1}")
    head = [row.kind for row in page.rows[: config.head_rows]]
    for kind in set(head) - MAY_STAND_TWICE:
        if head.count(kind) > 1:
            found.append(f"{kind} twice in the first rows")
    wanted = min(config.head_kinds, config.head_rows, rows)
    if len(set(head)) < wanted and page.rows and not any("kinds of row" in u for u in page.unmet):
        found.append("too few kinds in the first rows, not reported")
    return found + _quotas(page, config) + _pins(catalogue, member, page, rows, cols)


def _kept(titles: TitleState, member: MemberState, page: Page, config: PageConfig) -> list[int]:
    """The latest titles of the list, as many as are seen at once."""
    if any(quota.kind == "my_list" and quota.max_rows == 0 for quota in config.quotas):
        return []
    watched = {counted_as(titles.catalogue, int(t)) for t in [*member.history, *member.in_progress]}
    fresh: list[int] = []
    for t in member.my_list.tolist():
        if t in watched or t in member.disliked or titles.catalogue.series[t] >= 0 or t in fresh:
            continue
        if may_show(titles, member.here, page.at_us, t):
            fresh.append(t)
    return fresh[: config.visible_cols]


def _quotas(page: Page, config: PageConfig) -> list[str]:
    found = []
    for quota in config.quotas:
        n = sum(row.kind == quota.kind for row in page.rows)
        said = any(f'quota "{quota.kind}"' in u for u in page.unmet)
        if page.rows and n < quota.min_rows and not said:
            found.append(f"{quota.kind}: {n} rows below the quota, not reported")
        # it yields, and says so, where the page would have nothing but pins that moved up
        alone = all(row.kind in (quota.kind, "editorial") for row in page.rows)
        if quota.max_rows is not None and n > quota.max_rows and not (said and alone):
            found.append(f"{quota.kind}: {n} rows above the quota")
    return found


def _pins(catalogue: Catalogue, member: MemberState, page: Page, rows: int, cols: int) -> list[str]:
    found = []
    for pin in catalogue.pins:
        if pin.territory not in {None, member.here.territory} or pin.row > rows:
            continue
        if not pin.from_us <= page.at_us < pin.until_us or (pin.col or 1) > cols or not page.rows:
            continue
        said = any(
            u.startswith(f"pin row {pin.row} ") and (pin.title_id or pin.row_kind or "") in u
            for u in page.unmet
        )
        row = page.rows[pin.row - 1] if pin.row <= len(page.rows) else None
        if row is None:
            kept = False
        elif pin.title_id is None:
            kept = row.kind == pin.row_kind
        else:
            kept = any(tile.title_id == pin.title_id and pin.col in {None, tile.col} for tile in row.tiles)
        if not kept and not said:
            found.append(f"{pin}: neither kept nor reported")
    return found
