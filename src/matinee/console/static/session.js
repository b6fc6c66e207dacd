// @ts-check
/** What the page says about its session: token, profile, and what time it is for the home. */

/** @param {string} name @param {ParentNode} [page] @returns {string} */
const meta = (name, page = document) =>
  page.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";

/** A page with a session's token that costs no decision. */
const LIGHT_PAGE = "/watch/search";

let csrf = meta("csrf");

/** Whose page this is: any text, the same for one member and for no other; empty without a member. */
export const profile = meta("profile");

/** The token that goes with every change. */
export const token = () => csrf;

/** The home's clock when the page was made, after all decisions on it; a page whose head was sent before them says
 * it below. */
const now = () =>
  /** @type {HTMLElement | null} */ (document.querySelector("[data-now]"))?.dataset.now ?? meta("now");

/**
 * What the home's clock is ahead of the device's, in ms. A home may stand in 1998, and a device's clock may be
 * wrong: the difference is taken when the page has arrived, so it is off by the time of one answer at most.
 */
const ahead_ms = (() => {
  const now_ms = Date.parse(now());
  const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return Number.isNaN(now_ms) ? 0 : now_ms - (performance.timeOrigin + (visit?.responseEnd ?? 0));
})();

/**
 * A moment of the device's clock as the `at` of an event.
 * @param {number} [device_ms] since 1970; default: now
 */
export const at = (device_ms = Date.now()) => new Date(device_ms + ahead_ms).toISOString();

/** A new id. `crypto.randomUUID` is missing on plain HTTP from another host. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Take the token from a fresh page, after the session has changed or expired.
 * @returns {Promise<boolean>} whether there is a session of the same member
 */
export async function renew() {
  const reply = await fetch(LIGHT_PAGE, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!reply.ok) return false;
  const page = await parsed(reply);
  if (!meta("csrf", page) || meta("profile", page) !== profile) return false;
  csrf = meta("csrf", page);
  document.querySelector('meta[name="csrf"]')?.setAttribute("content", csrf);
  for (const field of document.querySelectorAll('input[name="csrf"]')) field.setAttribute("value", csrf);
  return true;
}

/** Pages are parsed, never run: scripts of a parsed document stay dead. Allowed under Trusted Types. */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("matinee", {
  createHTML: (/** @type {string} */ html) => html,
});

/** @param {Response} reply @returns {Promise<Document>} */
async function parsed(reply) {
  const html = await reply.text();
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
}

/**
 * A part of a page, from our own server.
 * @param {string} address of this origin
 * @param {AbortSignal} [signal]
 * @returns {Promise<Document>} the part stands in its body
 * @throws {Error} another origin, another status than 200, or the address of another page
 */
export async function part(address, signal) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) throw new Error(`part: ${url.origin} is not our own origin.`);
  const reply = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin", signal });
  if (!reply.ok) throw new Error(`part: ${url.pathname} was answered with ${reply.status}, expected 200.`);
  if (new URL(reply.url).pathname !== url.pathname) throw new Error(`part: sent on to ${reply.url}.`);
  return parsed(reply);
}
