// @ts-check
/**
 * The page by keyboard or remote control.
 *
 * A row is one stop of Tab. In it, arrows left and right go from tile to tile, Home and End to its ends; up and down
 * go to the tile of the next row that stands nearest on the screen; Page Up and Page Down go as many rows as are in
 * view. On a tile Enter opens, `p` plays, `/` goes to the search. On a ten-foot screen arrows also move between everything else
 * that can be pressed, and the Back key goes back.
 */
import { smooth } from "./words.js";

const LINK = ".tile:not(.tile--gone) .tile__link";
/** Links that Tab stops at, or did. */
const STOPS = ".tile__link[data-stop], .tile__link[tabindex='0']";
const PRESSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const TEXT = "input:not([type=range], [type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select";

/** @type {Record<string, readonly [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const tenFoot = () =>
  document.documentElement.dataset.device === "tv" || matchMedia("(min-width: 1800px)").matches;

/** @param {ParentNode} place @returns {HTMLElement[]} */
const linksIn = (place) => Array.from(place.querySelectorAll(LINK));

/** The part of the page that keys are about: an open panel, else everything. @returns {HTMLElement} */
const scene = () => document.querySelector("dialog[open]") ?? document.body;

/** One stop of Tab in each row: where the member was last, else its first tile. @param {Element} tiles */
function oneStop(tiles) {
  const links = linksIn(tiles);
  const stop = links.find((link) => link.dataset.stop !== undefined) ?? links[0];
  for (const link of links) {
    const index = link === stop ? 0 : -1;
    if (link.getAttribute("tabindex") !== String(index)) link.tabIndex = index; // what is written is looked at again
  }
}

/** @param {HTMLElement} link @param {boolean} [quick] held down: no gliding */
function goTo(link, quick = false) {
  const behavior = quick ? "instant" : smooth();
  // Where things are is asked before anything changes: a layout in between is what a key would wait for.
  const tiles = /** @type {HTMLElement | null} */ (link.closest(".row .row__tiles"));
  if (tiles) scrollAlong(tiles, link, behavior);
  // The page scrolls to the whole row, with its title; the row by itself, since a second glide would stop the first.
  (link.closest(".row") ?? link).scrollIntoView({ block: "nearest", inline: "nearest", behavior });
  link.focus({ preventScroll: true });
}

/** Bring a tile into view, between the margins of its row. The distance from the first tile is the same however far
 * the row has glided. @param {HTMLElement} tiles @param {Element} link @param {ScrollBehavior} behavior */
function scrollAlong(tiles, link, behavior) {
  const tile = (link.closest(".tile") ?? link).getBoundingClientRect();
  const first = (tiles.firstElementChild ?? link).getBoundingClientRect();
  const style = getComputedStyle(tiles), turned = style.direction === "rtl" ? -1 : 1;
  const at = turned > 0 ? tile.left - first.left : first.right - tile.right;
  const room = tiles.clientWidth - parseFloat(style.paddingInlineStart) - parseFloat(style.paddingInlineEnd);
  const now = Math.abs(tiles.scrollLeft), to = Math.min(at, Math.max(now, at + tile.width - room));
  if (Math.abs(to - now) >= 1) tiles.scrollTo({ left: turned * to, behavior });
}

/** The tile nearest to `x` among those that a row shows. @param {Element} row @param {number} x */
function nearest(row, x) {
  const frame = (row.querySelector(".row__tiles") ?? row).getBoundingClientRect();
  let best, least = Infinity;
  for (const link of linksIn(row)) {
    const { left, right } = link.getBoundingClientRect();
    const hidden = Math.max(0, frame.left - left, right - frame.right);
    const away = Math.abs((left + right) / 2 - x) + 2 * hidden;
    if (away < least) [best, least] = [link, away];
  }
  return best;
}

/** @param {Element} link */
const middle = (link) => {
  const { left, right } = link.getBoundingClientRect();
  return (left + right) / 2;
};

/** @param {HTMLElement} link @param {number} by rows down @param {boolean} quick @returns {boolean} */
function upOrDown(link, by, quick) {
  // A list of several lines, as of search results: its next line first.
  const inside = towards(link, [0, Math.sign(by)], linksIn(link.closest(".row__tiles") ?? link));
  const rows = Array.from(scene().querySelectorAll(".row")).filter((row) =>
    row.querySelector(LINK) && row.getClientRects().length);
  const here = rows.findIndex((row) => row.contains(link));
  const there = Math.min(rows.length - 1, Math.max(0, here + by));
  const target = inside ?? (here < 0 || there === here ? undefined : nearest(rows[there], middle(link)));
  if (target) goTo(target, quick);
  return Boolean(target);
}

/** The nearest in a direction; what lies aside counts double. @returns {HTMLElement | undefined}
 * @param {Element} from @param {readonly [number, number]} direction @param {HTMLElement[]} among */
function towards(from, [dx, dy], among) {
  const a = from.getBoundingClientRect();
  let best, least = Infinity;
  for (const one of among) {
    const b = one.getBoundingClientRect();
    if (one === from || !b.width || one.closest("[inert]")) continue;
    const along = dx ? dx * (dx > 0 ? b.left - a.right : b.right - a.left) : dy * (dy > 0 ? b.top - a.bottom : b.bottom - a.top);
    if (along < -1) continue;
    const aside = dx
      ? Math.max(0, b.top - a.bottom, a.top - b.bottom)
      : Math.max(0, b.left - a.right, a.left - b.right) + Math.abs(a.left + a.right - b.left - b.right) / 8;
    if (along + 2 * aside < least) [best, least] = [one, along + 2 * aside];
  }
  return best;
}

/** @param {HTMLElement} link @param {KeyboardEvent} event @returns {boolean} whether the key was for us */
function inTiles(link, event) {
  const tiles = link.closest(".row__tiles") ?? link;
  const links = linksIn(tiles), here = links.indexOf(link), quick = event.repeat;
  const forward = getComputedStyle(tiles).direction === "rtl" ? -1 : 1;
  const screen = Math.max(1, Math.floor(innerHeight / (link.closest(".row")?.clientHeight || innerHeight)));
  const step = { ArrowRight: forward, ArrowLeft: -forward, Home: -here, End: links.length - 1 - here }[event.key];
  if (step !== undefined) {
    const target = links[here + step];
    if (target && target !== link) goTo(target, quick);
    return true; // at the end of a row the page stays where it is
  }
  const down = { ArrowDown: 1, ArrowUp: -1, PageDown: screen, PageUp: -screen }[event.key];
  if (down !== undefined) return upOrDown(link, down, quick) || (down > 0 && !tenFoot());
  if (event.key === "p") {
    location.assign(playAddress(link));
    return true;
  }
  return false;
}

/** @param {HTMLElement} link of a tile */
function playAddress(link) {
  const tile = /** @type {HTMLElement | null} */ (link.closest(".tile"));
  const { title = "", decision, row, col, surface } = tile?.dataset ?? {};
  const found = decision ? `${decision}.${row}.${col}` : surface;
  const from = found ? `?from=${encodeURIComponent(found)}` : "";
  return `/watch/play/${encodeURIComponent(title)}${from}`;
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || !(target instanceof HTMLElement)) return;
  if (target.matches(TEXT)) {
    if (!tenFoot() || !["ArrowDown", "ArrowUp"].includes(key) || target.matches("textarea, select")) return;
  } else if (target.matches("[type=range]")) return;
  const link = /** @type {HTMLElement | null} */ (target.closest(LINK));
  if ((link && inTiles(link, event)) || elsewhere(event, target)) event.preventDefault();
}

/** @param {KeyboardEvent} event @param {HTMLElement} target @returns {boolean} */
function elsewhere({ key }, target) {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#search input[name=q]"));
  // Single letters act only on a tile that has the focus: whoever speaks or slips elsewhere sets nothing off.
  if (key === "/" && field && target.closest(LINK) && scene() === document.body) {
    field.focus();
    field.select();
    return true;
  }
  if (["GoBack", "BrowserBack"].includes(key) || (key === "Backspace" && tenFoot() && !target.matches(TEXT))) {
    history.back();
    return true;
  }
  if (!(key in ARROWS) || !tenFoot()) return false;
  const all = /** @type {HTMLElement[]} */ (Array.from(scene().querySelectorAll(PRESSABLE)));
  const near = all.filter((one) => one.tabIndex >= 0 || one.matches(LINK));
  const next = target === document.body || target === scene()
    ? scene().querySelector(LINK) ?? near[0]
    : towards(target, ARROWS[key], near);
  if (next instanceof HTMLElement) goTo(next);
  return next instanceof HTMLElement;
}

export function start() {
  const setUp = () => document.querySelectorAll(".row__tiles").forEach(oneStop);
  setUp();
  document.addEventListener("keydown", pressed);
  document.addEventListener("focusin", ({ target }) => {
    const tiles = target instanceof HTMLElement && target.closest(LINK) && target.closest(".row__tiles");
    if (!tiles || !(target instanceof HTMLElement)) return;
    for (const link of /** @type {NodeListOf<HTMLElement>} */ (tiles.querySelectorAll(STOPS))) {
      delete link.dataset.stop;
      link.tabIndex = -1;
    }
    target.dataset.stop = "";
    target.tabIndex = 0;
  });
  let due = false;
  new MutationObserver((changes) => {
    if (due || !changes.some(({ addedNodes }) => addedNodes.length)) return;
    due = true;
    requestAnimationFrame(() => ((due = false), setUp()));
  }).observe(document.body, { childList: true, subtree: true });
}
