// @ts-check
/**
 * Which tiles were seen, and for how long.
 *
 * A tile was seen when at least half of it was in the viewport for a second without a break, in a document that is
 * visible and not behind a panel. There is one event per tile and decision in a visit: `dwell_ms` is the sum of the
 * times in view. It is written when the tile has been out of view for five seconds, when it is taken off the page,
 * or when the page is hidden or left; what is seen of the tile after that adds nothing. The server adds up the
 * dwell of a slot and asks whether there was an impression at all, so one event says what it needs, and a title
 * that a member scrolls past again is not counted as shown again.
 *
 * A tile that was seen carries `data-seen`.
 */
import { add, beacon } from "./outbox.js";

const SHARE = 0.5, SEEN_MS = 1000, GONE_MS = 5000;

/** @typedef {{
 *   place: Record<string, any>, element: HTMLElement, since: number | undefined, dwell_ms: number,
 *   seen: boolean, reported: boolean, timer: number, showing: boolean
 * }} Look */

/** @type {Map<string, Look>} */
const looks = new Map();
/** @type {WeakMap<Element, Look>} */
const byTile = new WeakMap();

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, intersectionRatio, isIntersecting } of entries) {
      const look = byTile.get(target);
      if (look) ((look.showing = isIntersecting && intersectionRatio >= SHARE), judge(look));
    }
  },
  { threshold: SHARE },
);

/** Whether the document shows this tile at all. @param {HTMLElement} tile */
function uncovered(tile) {
  const panel = document.querySelector("dialog[open]");
  return document.visibilityState === "visible" && (!panel || panel.contains(tile)) && tile.isConnected;
}

/** Begin or end a stay. @param {Look} look */
function judge(look) {
  if (look.reported) return;
  const inView = look.showing && uncovered(look.element);
  if (inView === (look.since !== undefined)) return;
  clearTimeout(look.timer);
  if (inView) {
    look.since = performance.now();
    look.timer = setTimeout(seen, SEEN_MS, look);
  } else {
    leave(look);
    if (look.seen) look.timer = setTimeout(report, GONE_MS, look);
  }
}

/** @param {Look} look */
function seen(look) {
  look.seen = true;
  look.element.dataset.seen = "";
}

/** @param {Look} look */
function leave(look) {
  if (look.since === undefined) return;
  const stay_ms = performance.now() - look.since;
  look.since = undefined;
  if (stay_ms < SEEN_MS) return; // scrolled past: no look at it
  if (!look.seen) seen(look);
  look.dwell_ms += stay_ms;
}

/** @param {Look} look */
function report(look) {
  clearTimeout(look.timer);
  leave(look);
  if (look.reported || !look.seen) return;
  look.reported = true;
  observer.unobserve(look.element);
  add({ type: "impression", ...look.place, dwell_ms: Math.round(look.dwell_ms) });
}

/** @param {HTMLElement} tile */
function watch(tile) {
  const { title, decision, row, col } = tile.dataset;
  if (!title || !decision || byTile.has(tile)) return;
  const key = [decision, row, col, title].join("\n");
  let look = looks.get(key);
  if (!look) {
    const place = { title_id: title, decision_id: decision, row: Number(row), col: Number(col) };
    look = {
      place, element: tile, since: undefined, dwell_ms: 0, seen: false, reported: false, timer: 0, showing: false,
    };
    looks.set(key, look);
  } else if (!look.element.isConnected) {
    look.element = tile; // the same place, drawn anew
  }
  byTile.set(tile, look);
  if (!look.reported) observer.observe(tile);
}

/** @param {ParentNode} place */
const watchAll = (place) => place.querySelectorAll(".tile[data-decision]").forEach((tile) =>
  watch(/** @type {HTMLElement} */ (tile)));

function tilesChanged() {
  for (const look of looks.values()) {
    if (!look.element.isConnected) {
      look.showing = false;
      report(look);
    }
  }
  watchAll(document);
}

/** The page is hidden or left: everything that was seen is written and sent. */
function end() {
  for (const look of looks.values()) report(look);
  beacon();
}

export function start() {
  watchAll(document);
  let due = false;
  new MutationObserver((changes) => {
    if (due || !changes.some(({ addedNodes, removedNodes }) => addedNodes.length || removedNodes.length)) return;
    due = true;
    requestAnimationFrame(() => ((due = false), tilesChanged()));
  }).observe(document.body, { childList: true, subtree: true });
  // A panel covers the page, or uncovers it.
  new MutationObserver(() => looks.forEach(judge)).observe(document.body, {
    attributes: true, attributeFilter: ["open"], subtree: true,
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? end() : looks.forEach(judge)));
  addEventListener("pagehide", end);
}
