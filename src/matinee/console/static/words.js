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

/** Tell those who listen; a text that is said twice is said twice. @param {string} text */
export function say(text) {
  const place = document.querySelector("dialog[open] [role=status]") ?? document.getElementById("said");
  if (!place || !text) return;
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 50);
}

/** Numbers in the page's language. @param {number} value */
export const number = (value) => value.toLocaleString(document.documentElement.lang || undefined);

/** Whether movement is welcome. */
export const smooth = () =>
  /** @type {ScrollBehavior} */ (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
