// @ts-check
/**
 * Results while somebody types.
 *
 * They take the place of the rows, which wait underneath as they were; an empty field brings them back. Enter goes to
 * the page of results, as it does without JavaScript. A search is reported once: when a result is opened, or when
 * results have been looked at for two seconds and nothing was.
 */
import { add } from "./outbox.js";
import { part } from "./session.js";
import { number, say, word } from "./words.js";

const TYPING_MS = 180, LOOKED_MS = 2000;

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("search"));
const field = /** @type {HTMLInputElement | null} */ (form?.querySelector("input[name=q]") ?? null);
/** What the results stand in for. @type {HTMLElement[]} */
const ground = ["rows", "more"].flatMap((id) => document.getElementById(id) ?? []);
if (!ground.length) ground.push(.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("main > *")));
const made = /** @type {HTMLElement | null} */ (document.getElementById("results"));

let results = made, typing = 0, looking = 0, asked = field?.value.trim() ?? "", reported = "";
let request = new AbortController();
/** What stood at the top of the screen, and where. @type {{element: Element, top: number} | undefined} */
let stood;

/** @param {string} query */
async function ask(query) {
  request.abort();
  request = new AbortController();
  clearTimeout(looking);
  const url = new URL(form?.action || "/watch/search", location.href);
  url.searchParams.set("q", query);
  url.searchParams.set("part", "1");
  try {
    const page = await part(url.pathname + url.search, request.signal);
    if (query === field?.value.trim()) show(query, page);
  } catch (problem) {
    if (/** @type {Error} */ (problem).name !== "AbortError") say(word("failed")); // Enter still asks for the page
  }
}

/** @param {string} query @param {Document} page */
function show(query, page) {
  if (!results) {
    results = document.createElement("section");
    results.id = "results";
    results.className = "results";
    results.setAttribute("aria-label", word("search"));
    (ground[0] ?? document.querySelector("main"))?.before(results);
  }
  if (results !== made && !ground[0]?.hidden) stood = topmost();
  results.hidden = false;
  if (results !== made) for (const one of ground) one.hidden = true;
  results.replaceChildren(...Array.from(page.body.childNodes, (node) => document.importNode(node, true)));
  if (results !== made) scrollTo({ top: 0, behavior: "instant" });
  const n = results.querySelectorAll(".tile").length;
  say(n ? word("results", { n: number(n), query }) : word("no-results", { query }), { quiet: true });
  looking = setTimeout(report, LOOKED_MS, query);
}

/** @param {string} query @param {string} [title_id] that was opened */
function report(query, title_id) {
  clearTimeout(looking);
  if (!query || reported === query + "\n" + (title_id ?? "")) return;
  reported = query + "\n" + (title_id ?? "");
  add({ type: "search", query: query.slice(0, 1000), title_id });
}

/** The rows come back as they were. */
function close() {
  request.abort();
  clearTimeout(looking);
  asked = "";
  if (!results || results === made || results.hidden) return;
  results.hidden = true;
  results.replaceChildren();
  for (const one of ground) one.hidden = false;
  putBack();
}

/** The first row in view. */
function topmost() {
  for (const element of ground[0]?.querySelectorAll(".row") ?? []) {
    const { top, bottom } = element.getBoundingClientRect();
    if (bottom > 0) return { element, top };
  }
  return undefined;
}

/** Rows that were not drawn are as high as guessed for a moment, so the place is put right until it holds. */
function putBack(times = 3) {
  if (stood) scrollBy({ top: stood.element.getBoundingClientRect().top - stood.top, behavior: "instant" });
  if (times) requestAnimationFrame(() => putBack(times - 1));
}

function typed() {
  const query = field?.value.trim() ?? "";
  clearTimeout(typing);
  if (query === asked) return;
  asked = query;
  if (query) typing = setTimeout(ask, TYPING_MS, query);
  else close();
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (!field || event.isComposing) return;
  const first = /** @type {HTMLElement | null | undefined} */ (results?.querySelector(".tile__link"));
  if (event.key === "Escape" && field.value && results !== made) {
    field.value = "";
    close();
  } else if (event.key === "ArrowDown" && first && !results?.hidden) first.focus();
  else return;
  event.preventDefault();
}

export function start() {
  if (!form || !field || document.body.dataset.page === "play") return; // there Enter asks for the page
  field.setAttribute("autocomplete", "off");
  field.addEventListener("input", typed);
  field.addEventListener("keydown", pressed);
  document.addEventListener("click", ({ target }) => {
    const tile = target instanceof Element && /** @type {HTMLElement | null} */ (target.closest("#results .tile"));
    if (tile) report(asked, tile.dataset.title);
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]") || !results || results.hidden) return;
    if (results === made || !(event.target instanceof Element) || !results.contains(event.target)) return;
    field.focus();
    field.value = "";
    close();
  });
  if (made?.dataset.reported !== undefined) reported = `${asked}\n`; // by the server, with the page
  else if (made && asked) looking = setTimeout(report, LOOKED_MS, asked);
}
