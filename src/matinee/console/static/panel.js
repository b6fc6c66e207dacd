// @ts-check
/**
 * The details of a title beside the page instead of in its place.
 *
 * The address changes with the panel, so that it can be shared and Back closes it. If anything goes wrong the link is
 * followed as usual. A `<dialog>` keeps the focus in itself and gives it back.
 */
import { part } from "./session.js";
import { smooth, word } from "./words.js";

const LINK = ".tile__link, a[data-panel]";

const panel = /** @type {HTMLDialogElement | null} */ (document.getElementById("panel"));
/** The address of the page under the panel. */
const ground = location.pathname + location.search;
let inHand = new AbortController();
/** What had the focus when the panel came. @type {HTMLElement | null} */
let opener = null;

/** @param {MouseEvent} event */
function clicked(event) {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element && event.target.closest(LINK);
  if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin) return;
  if (!link.pathname.startsWith("/watch/title/")) return;
  event.preventDefault();
  if (link.classList.contains("is-pressed")) return; // the second tap of a double one
  link.classList.add("is-pressed");
  afterPaint(() => follow(link));
}

/** Run when the browser has shown what the hand did: the answer to a tap comes before the work for it.
 * @param {() => void} run */
const afterPaint = (run) => requestAnimationFrame(() => setTimeout(run));

/** @param {HTMLAnchorElement} link */
function follow(link) {
  link.classList.remove("is-pressed");
  const address = link.pathname + link.search;
  history.pushState({ panel: address, ground }, "", address);
  if (!panel?.open) opener = link;
  open(address, link);
}

/** @param {string} address @param {Element} [link] */
async function open(address, link) {
  if (!panel) return;
  inHand.abort();
  inHand = new AbortController();
  if (link) sketch(link);
  if (!panel.open) panel.showModal();
  panel.setAttribute("aria-busy", "true");
  try {
    const url = new URL(address, location.href);
    url.searchParams.set("part", "1");
    const page = await part(url.pathname + url.search, inHand.signal);
    const details = page.querySelector(".details");
    if (!details) throw new Error(`panel: ${address} has no details.`);
    show(document.importNode(details, true));
  } catch (problem) {
    if (/** @type {Error} */ (problem).name === "AbortError") return;
    location.assign(address); // the page of the title, or the browser's own words
  } finally {
    panel.removeAttribute("aria-busy");
  }
}

/** What is known at once: the image and the name of the tile. @param {Element} link */
function sketch(link) {
  const name = link.querySelector(".tile__name")?.textContent ?? link.textContent ?? "";
  const details = document.createElement("article");
  details.className = "details details--coming";
  const heading = details.appendChild(document.createElement("h2"));
  heading.className = "details__name";
  heading.textContent = name.trim();
  show(details);
}

/** @param {Element} details */
function show(details) {
  if (!panel) return;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button panel__close";
  close.setAttribute("aria-label", word("close"));
  close.addEventListener("click", back);
  const said = document.createElement("p");
  said.className = "panel__said";
  said.setAttribute("role", "status");
  panel.replaceChildren(close, details, said);
  panel.scrollTop = 0;
  const heading = /** @type {HTMLElement | null} */ (details.querySelector("h1, h2"));
  heading?.setAttribute("tabindex", "-1");
  if (heading) {
    heading.id ||= "details-name";
    panel.setAttribute("aria-labelledby", heading.id);
  }
  const first = /** @type {HTMLElement | null} */ (details.querySelector("[data-first], .details__play"));
  (first ?? heading ?? close).focus({ preventScroll: true });
}

/** Close as the Back key does. */
function back() {
  if (history.state?.panel) history.back();
  else close();
}

function close() {
  if (!panel?.open) return;
  inHand.abort();
  panel.close();
  panel.replaceChildren();
  if (opener?.isConnected && !opener.closest(".tile--gone")) {
    const tile = opener;
    tile.focus({ preventScroll: true });
    afterPaint(() => tile.scrollIntoView({ block: "nearest", inline: "nearest", behavior: smooth() }));
  } else {
    // The tile went while the panel was open: its neighbour.
    const tiles = Array.from(opener?.closest(".row__tiles")?.querySelectorAll(".tile") ?? []);
    const here = tiles.findIndex((tile) => tile.contains(opener)), stay = (/** @type {Element} */ tile) =>
      !tile.classList.contains("tile--gone");
    const near = tiles.slice(here + 1).find(stay) ?? tiles.slice(0, Math.max(0, here)).findLast(stay);
    const link = (near ?? document).querySelector(".tile__link");
    /** @type {HTMLElement | null} */ (link)?.focus({ preventScroll: true });
  }
}

/** @param {PopStateEvent} event */
function moved({ state }) {
  if (state?.panel) open(state.panel);
  else if (location.pathname + location.search === ground) close();
  else location.reload();
}

export function start() {
  if (!panel || !("showModal" in panel)) return;
  document.addEventListener("click", clicked);
  addEventListener("popstate", moved);
  panel.addEventListener("cancel", (event) => (event.preventDefault(), back()));
  panel.addEventListener("click", ({ target }) => target === panel && back()); // beside it
  // Reloaded while open: the address was that of the title, and so is the page. Nothing to restore.
}
