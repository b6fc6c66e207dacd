// @ts-check
/**
 * The rows below, before they are reached.
 *
 * When `#more` comes within two screens the next rows are fetched and put before it; it is not seen meanwhile. A link
 * that could not be followed is shown, and is tried again when it comes near again, the network is back, or the server
 * has taken events.
 */
import { part } from "./session.js";
import { number, say, word } from "./words.js";

const NEAR = "200% 0px";

/** What a row is, whatever decision it came from. @param {Element} row */
export const rowKey = (row) =>
  `${/** @type {HTMLElement} */ (row).dataset.kind}\n${row.querySelector(".row__title")?.textContent?.trim()}`;

/**
 * Rows of a fragment that the page has not yet; a later page may bring one again.
 * @param {Document} page @param {Iterable<Element>} shown @returns {Element[]}
 */
export function newRows(page, shown) {
  const known = new Set(Array.from(shown, rowKey));
  const rows = Array.from(page.querySelectorAll("section.row")).filter((row) => !known.has(rowKey(row)));
  return rows.map((row) => ownId(document.importNode(row, true)));
}

/** Rows of two decisions have the same numbers, so a heading's id gets its decision. @param {Element} row */
function ownId(row) {
  const title = row.querySelector(".row__title");
  if (title) {
    title.id = `${title.id}-${/** @type {HTMLElement} */ (row).dataset.decision ?? ""}`;
    row.setAttribute("aria-labelledby", title.id);
  }
  return row;
}

/** Point the link at the rows after those of a fragment, or take it away. @param {Document} page */
export function moveOn(page) {
  const more = /** @type {HTMLAnchorElement | null} */ (document.getElementById("more"));
  const next = /** @type {HTMLAnchorElement | null} */ (page.getElementById("more"));
  if (!more) return;
  if (next?.dataset.rows) {
    more.href = next.getAttribute("href") ?? "";
    more.dataset.rows = next.dataset.rows;
    look(more);
  } else more.remove();
}

let busy = false;
let asked = false; // again, while it was busy

/** @param {HTMLAnchorElement} more */
async function fetchMore(more) {
  const rows = document.getElementById("rows"), address = more.dataset.rows;
  asked = busy;
  if (busy || more.hidden || !rows || !address) return;
  busy = true;
  more.setAttribute("aria-busy", "true");
  try {
    const page = await part(address);
    if (more.dataset.rows !== address) return look(more); // the page has changed: these belong to another one
    const fresh = newRows(page, rows.querySelectorAll(".row"));
    rows.append(...fresh);
    if (document.activeElement === more) say(word("rows-loaded", { n: number(fresh.length) }), { quiet: true });
    moveOn(page);
    more.dataset.follows = "";
  } catch (problem) {
    delete more.dataset.follows; // a link to be seen and followed by hand
    throw problem;
  } finally {
    busy = false;
    more.removeAttribute("aria-busy");
    if (asked && more.isConnected) look(more);
  }
}

const nearness = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) fetchMore(/** @type {HTMLAnchorElement} */ (target)).catch(() => {});
    }
  },
  { rootMargin: NEAR },
);

/** Ask again whether it is near: an observer tells only of changes. @param {HTMLAnchorElement} more */
function look(more) {
  nearness.unobserve(more);
  nearness.observe(more);
}

/** @param {() => void} run */
function whenLoaded(run) {
  const soon = () => setTimeout(run, 200);
  if (document.readyState === "complete") soon();
  else addEventListener("load", soon, { once: true });
}

export function start() {
  const more = /** @type {HTMLAnchorElement | null} */ (document.getElementById("more"));
  if (!more) return;
  more.dataset.follows = "";
  whenLoaded(() => look(more)); // what is in view comes before what is below it
  const again = () => more.isConnected && look(more);
  addEventListener("online", again);
  document.addEventListener("matinee:settled", again); // the server is there, as it has taken events
  more.addEventListener("click", (event) => {
    event.preventDefault();
    fetchMore(more).catch(() => location.assign(more.href));
  });
}
