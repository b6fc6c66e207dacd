// @ts-check
/** The words that modules say, in the page's language, and the place where they are said. */

/**
 * A text of `#words`, with its places filled; empty where the page has none.
 * @param {string} name as in `data-not-sent`: `not-sent`
 * @param {Record<string, string | number>} [values]
 */
export function word(name, values = {}) {
  const text = document.getElementById("words")?.getAttribute(`data-${name}`) ?? "";
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

const SHOWN_MS = 5000;
let fading = 0;

/**
 * Say something, on the screen and to those who listen; what is said twice is heard twice.
 * @param {string} text
 * @param {{quiet?: boolean}} [how] quiet: only to those who listen, since the screen shows it already
 */
export function say(text, { quiet = false } = {}) {
  const place = document.querySelector("dialog[open] [role=status]") ?? document.getElementById("said");
  if (!place || !text) return;
  clearTimeout(fading);
  place.textContent = "";
  place.classList.toggle("said--quiet", quiet);
  setTimeout(() => (place.textContent = text), 50);
  fading = setTimeout(() => (place.textContent = ""), SHOWN_MS);
}

/** Numbers in the page's language. @param {number} value */
export const number = (value) => value.toLocaleString(document.documentElement.lang || undefined);

/** Whether movement is welcome. */
export const smooth = () =>
  /** @type {ScrollBehavior} */ (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
