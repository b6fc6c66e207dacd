// @ts-check
/**
 * What a play, a thumb or the list changes on the page, without moving what is under the member's hand.
 *
 * The first screen is fetched as it is now, and taken over where nobody looks or points: the continue-watching row
 * when neither pointer nor focus is in it (else when they have left), and rows wholly below the fold. A title that
 * was thumbed down fades; its place closes when nothing in view moves by it. All else waits for the next visit.
 * Other tabs of the same profile are told through the outbox, so they change too.
 */
import { moveOn, newRows } from "./further.js";
import { part } from "./session.js";

const ADDRESS = "/watch/rows", GOING_ON = "continue_watching", SETTLE_MS = 250, FADE_MS = 300, LEAST_TILES = 3, IDLE_MS = 1000;

const rows = document.getElementById("rows");
let timer = 0, request = new AbortController();
/** What waits until the hand has left its row. @type {Element | undefined} */
let waiting;

/** @param {Element} row */
const tilesOf = (row) => /** @type {HTMLElement[]} */ (Array.from(row.querySelectorAll(".tile")));
/** @param {ParentNode} page @returns {HTMLElement | null} */
const goingOn = (page) => page.querySelector(`.row[data-kind="${GOING_ON}"]`);
/** Whether pointer or focus is here. @param {Element} place */
const inHand = (place) => place.matches(":hover, :focus-within");
/** @param {Element} row */
const belowFold = (row) => row.getBoundingClientRect().top >= innerHeight;

async function update() {
  if (!rows || document.hidden) return; // pageshow and visibilitychange come back to it
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const page = await part(rows.dataset.rows || ADDRESS, signal);
  await idle(); // a hand that is busy comes first
  if (signal.aborted) return;
  stale = false;
  takeGoingOn(goingOn(page));
  takeBelow(page);
}

let stale = false;

/** Wait until nobody waits for the page, or for a second. @returns {Promise<void>} */
const idle = () => new Promise((done) => {
  if (globalThis.requestIdleCallback) requestIdleCallback(() => done(), { timeout: IDLE_MS });
  else setTimeout(done, 50);
});

/** @param {HTMLElement | null} row of the page as it is now */
function takeGoingOn(row) {
  const here = rows && goingOn(rows);
  waiting = undefined;
  if (!here || !row || same(here, row)) return;
  if (inHand(here)) {
    waiting = row;
    return;
  }
  const [old, fresh] = [here.querySelector(".row__tiles"), row.querySelector(".row__tiles")];
  if (!old || !fresh) return;
  here.dataset.decision = row.dataset.decision;
  // New elements in the old list: nothing that stood in view moves, and the list keeps its place and height.
  old.replaceChildren(...Array.from(fresh.children, (tile) => document.importNode(tile, true)));
  old.scrollLeft = 0;
}

/** Whether two rows show the same, however far each title has come since; that is put right on the way.
 * @param {Element} here @param {Element} row */
function same(here, row) {
  const [before, after] = [tilesOf(here), tilesOf(row)];
  if (before.length !== after.length || before.some((tile, i) => tile.dataset.title !== after[i].dataset.title)) {
    return false;
  }
  before.forEach((tile, i) => {
    const [bar, fresh] = [tile.querySelector("progress"), after[i].querySelector("progress")];
    if (bar && fresh) bar.value = fresh.value;
  });
  return true;
}

/** @param {Document} page */
function takeBelow(page) {
  if (!rows) return;
  const all = Array.from(rows.querySelectorAll(".row"));
  let kept = all.findIndex((row) => belowFold(row));
  if (kept < 0) return;
  for (let i = all.length - 1; i >= kept; i--) if (inHand(all[i])) kept = i + 1; // all above a hand stays too
  if (kept === all.length) return;
  const stay = all.slice(0, kept);
  const known = new Set(stay.flatMap(tilesOf).map((tile) => tile.dataset.title));
  const fresh = newRows(page, stay).filter((row) => {
    for (const tile of tilesOf(row)) if (known.has(tile.dataset.title)) tile.remove(); // each title once on a page
    return tilesOf(row).length >= LEAST_TILES && /** @type {HTMLElement} */ (row).dataset.kind !== GOING_ON;
  });
  for (const row of all.slice(kept)) row.remove();
  rows.append(...fresh);
  if (!document.getElementById("more")) addMore(page);
  moveOn(page);
}

/** The old page had no more rows; the new one may. @param {Document} page */
function addMore(page) {
  const more = page.getElementById("more");
  if (more && rows) rows.after(document.importNode(more, true));
}

/** A title goes, or comes back. @param {string} titleId @param {boolean} gone */
function fade(titleId, gone) {
  for (const tile of rows ? tilesOf(rows) : []) {
    if (tile.dataset.title !== titleId) continue;
    tile.classList.toggle("tile--gone", gone);
    tile.toggleAttribute("inert", gone);
    if (gone) setTimeout(closeUp, FADE_MS, tile);
  }
}

/** Take a tile out where no tile in view moves by it; else its place stays empty until the next visit.
 * @param {HTMLElement} tile */
function closeUp(tile) {
  const list = tile.parentElement;
  if (!list || !tile.classList.contains("tile--gone")) return;
  const frame = list.getBoundingClientRect(), place = tile.getBoundingClientRect();
  const row = tile.closest(".row");
  const outOfView = place.left >= frame.right || !row || belowFold(row) || row.getBoundingClientRect().bottom <= 0;
  if (outOfView || (tile === list.lastElementChild && !inHand(row))) tile.remove();
}

/** @param {{event: any, outcome: string}[]} settled */
function changed(settled) {
  const known = settled.filter(({ event, outcome }) => outcome === "accepted" && ["play", "signal"].includes(event.type));
  for (const { event } of known) {
    if (event.signal === "thumb_down") fade(event.title_id, true);
    if (event.signal === "thumb_up") fade(event.title_id, false);
  }
  if (known.length) soon();
}

function soon() {
  stale = true;
  clearTimeout(timer);
  timer = setTimeout(() => update().catch(() => {}), SETTLE_MS); // what failed now is there at the next visit
}

/** The hand has left: what waited may come. */
function left() {
  if (!waiting) return;
  const here = rows && goingOn(rows);
  if (here && !inHand(here)) takeGoingOn(/** @type {HTMLElement} */ (waiting));
}

export function start() {
  if (!rows || document.body.dataset.page !== "watch") return;
  document.addEventListener("matinee:settled", (told) => changed(/** @type {CustomEvent} */ (told).detail));
  document.addEventListener("matinee:changed", soon); // by a form that went around the outbox
  document.addEventListener("pointerover", left, { passive: true });
  document.addEventListener("focusin", () => requestAnimationFrame(left));
  document.addEventListener("visibilitychange", () => !document.hidden && stale && soon());
  addEventListener("pageshow", ({ persisted }) => persisted && soon());
}
