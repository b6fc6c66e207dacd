"""The impressions that the server has are the tiles that were in view, by a clock and a ruler of our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.visiting import Visit, new_row, until
from tests.serve.running import Running

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
SEEN_MS = 1_000
UNSURE_MS = 350
"""The page hears of a tile by a task of its own, which a busy machine runs late."""
RULER = """
// Every frame: which tiles have half of their box inside of the window and of the row that scrolls them?
// A stay lasted from some moment between two frames to another: it has a least and a most.
window.ruler = {stays: new Map(), open: new Map()};
const inside = (tile) => {
  const box = tile.getBoundingClientRect();
  const row = tile.closest(".row__tiles").getBoundingClientRect();
  const width = Math.min(box.right, row.right, innerWidth) - Math.max(box.left, row.left, 0);
  const height = Math.min(box.bottom, row.bottom, innerHeight) - Math.max(box.top, row.top, 0);
  return width > 0 && height > 0 && width * height >= 0.5 * box.width * box.height;
};
const {stays, open} = window.ruler;
let before = performance.now();
const look = () => {
  const now = performance.now();
  const covered = document.querySelector("dialog[open]") !== null || document.hidden;
  const shown = new Set();
  for (const tile of covered ? [] : document.querySelectorAll("#rows .tile")) {
    const {title, row, col, decision} = tile.dataset;
    const key = [decision, row, col, title].join(" ");
    if (!inside(tile)) continue;
    shown.add(key);
    open.set(key, {...(open.get(key) ?? {before, first: now}), last: now});
  }
  for (const [key, stay] of open) {
    if (shown.has(key)) continue;
    open.delete(key);
    stays.set(key, [...(stays.get(key) ?? []), [stay.last - stay.first, now - stay.before]]);
  }
  before = now;
  requestAnimationFrame(look);
};
document.addEventListener("DOMContentLoaded", look);
const ruled = () => {
  const all = new Map([...stays].map(([key, some]) => [key, [...some]]));
  const now = performance.now();
  for (const [key, stay] of open) {
    all.set(key, [...(all.get(key) ?? []), [stay.last - stay.first, now - stay.before]]);
  }
  return [...all];
};
addEventListener("pagehide", () => {
  if (stays.size || open.size) sessionStorage.setItem("ruled", JSON.stringify(ruled()));
});
"""


@dataclass(frozen=True)
class Slot:
    """Where a tile stood."""

    decision_id: str
    row: int
    col: int
    title_id: str


def test_they_are_what_was_in_view(visit: Callable[..., Visit], member: str, server: Running) -> None:
    seen = visit()
    seen.context.add_init_script(RULER)
    page = seen.enter(member)
    page.wait_for_load_state("load")
    stay(page)
    row = new_row(page).locator(".row__tiles")
    row.evaluate("(one) => one.scrollTo({left: 3 * one.clientWidth / 4, behavior: 'instant'})")
    stay(page)
    for top in (900, 1_800, 2_700, 3_600):  # passed by, in less than anybody can read
        page.evaluate("(top) => scrollTo({top, behavior: 'instant'})", top)
    page.evaluate("scrollTo({top: 1200, behavior: 'instant'})")
    stay(page)
    page.locator("#rows .tile__link").first.evaluate("(one) => one.focus({preventScroll: true})")
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    stay(page)
    seen.open("/console/style")  # the page is left: what it saw is sent
    told = page.evaluate("JSON.parse(sessionStorage.getItem('ruled'))")
    ruled = {slot(key): stays for key, stays in told}
    sure = {one for one, stays in ruled.items() if max(least for least, _ in stays) >= SEEN_MS + UNSURE_MS}
    perhaps = {one for one, stays in ruled.items() if max(most for _, most in stays) >= SEEN_MS - UNSURE_MS}
    assert len(sure) >= 10

    def late() -> set[Slot]:
        return sure - set(recorded(server.home.root, member))

    until(page, lambda: not late(), lambda: f"impressions of {sorted(map(str, late()))}")
    found = recorded(server.home.root, member)
    assert set(found) <= perhaps, "the server has impressions of tiles that were not in view"
    assert all(len(events) == 1 for events in found.values()), "a tile counts once in a visit"
    for one in sure:
        (event,) = found[one]
        # Of a tile that comes back after more than five seconds the first stay alone counts.
        least = next(stay for stay, _ in ruled[one] if stay >= SEEN_MS + UNSURE_MS)
        most = sum(stay for _, stay in ruled[one] if stay >= SEEN_MS - UNSURE_MS)
        unsure = UNSURE_MS * len(ruled[one])
        assert least - unsure <= event["dwell_ms"] <= most + unsure, one


def stay(page: Page) -> None:
    """Until everything that is in view now has been there for long enough to be sure."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
    )
    page.wait_for_function(
        """(ms) => {
          const {open} = window.ruler;
          return open.size > 3 && [...open.values()].every(({first, last}) => last - first > ms);
        }""",
        arg=SEEN_MS + 2 * UNSURE_MS,
    )


def slot(key: str) -> Slot:
    decision, row, col, title = key.split(" ", 3)
    return Slot(decision, int(row), int(col), title)


def recorded(home: Path, member: str) -> dict[Slot, list[dict[str, Any]]]:
    """Impressions of a member in the log of the server."""
    found: dict[Slot, list[dict[str, Any]]] = {}
    for file in sorted((home / "log").glob("*.ndjson")):
        for line in file.read_bytes().splitlines():
            event = json.loads(line)
            if event["type"] == "impression" and event["member_id"] == member:
                place = Slot(event["decision_id"], event["row"], event["col"], event["title_id"])
                found.setdefault(place, []).append(event)
    return found
