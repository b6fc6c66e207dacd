// @ts-check
/**
 * Events on their way to the server: each is kept in this browser until the server has answered for it.
 *
 * An event has its id from the start, so that it counts once however often it is sent. Each is an entry of its own
 * in localStorage, under its profile: tabs do not overwrite each other, and nothing is sent for somebody else. One tab
 * sends at a time (Web Locks), whatever tab an event came from.
 *
 * What became of events is told to every tab as the document's event `matinee:settled`, with
 * `detail: {event, outcome}[]`; outcome: "accepted" (also for one that was known before) or "rejected".
 */
import { at, newId, profile, renew, token } from "./session.js";
import { say, word } from "./words.js";

/** @typedef {{type: string, event_id: string, at: string, title_id?: string, signal?: string} & Record<string, any>} Event */
/** @typedef {{event: Event, outcome: "accepted" | "rejected"}} Settled */

const ENDPOINT = "/watch/events";
const BATCH = 50, KEPT = 2000, EVERY_MS = 2000, LONGEST_PAUSE_MS = 60_000, MATTERS_AFTER_MS = 4000;
const BEACON_BYTES = 60_000; // browsers refuse more than 64 kB on the way while a page goes
const PREFIX = `matinee.event.${profile}.`;
const LOCK = `matinee.outbox.${profile}`;

/** Where events wait; in memory where the browser lets nothing be stored. @type {Storage | undefined} */
const storage = (() => {
  try {
    localStorage.setItem("matinee.try", "");
    localStorage.removeItem("matinee.try");
    return localStorage;
  } catch {
    return undefined;
  }
})();
/** @type {Map<string, string>} */
const memory = new Map();
/** Keys of events of this tab that no request had yet. @type {Set<string>} */
const fresh = new Set();
/** Keys that a request holds. @type {Set<string>} */
const flying = new Set();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("matinee") : undefined;

let failures = 0, pausedUntil = 0, size = BATCH, timer = 0, dueAt = 0, order = 0, stopped = false;

/**
 * Hand over an event; it is safe when this returns.
 * @param {Record<string, any> & {type: string}} fields without id, member and time; `event_id` and `at` may be given
 * @returns {Event}
 */
export function add(fields) {
  const event = /** @type {Event} */ ({ event_id: newId(), at: at(), ...fields });
  for (const key of Object.keys(event)) if (event[key] === undefined || event[key] === "") delete event[key];
  fresh.add(keep(event));
  plan(event.type === "impression" || event.type === "search" ? EVERY_MS : 0);
  return event;
}

/** @param {Event} event @returns {string} its key */
function keep(event) {
  // The key begins with the time on this device, so that entries are sent in the order in which they were made.
  const key = `${PREFIX}${Date.now()}.${String(order++).padStart(6, "0")}.${event.event_id}`;
  const text = JSON.stringify(event);
  const keys = waiting();
  for (const old of keys.slice(0, Math.max(0, keys.length + 1 - KEPT))) forget(old);
  try {
    if (!storage) throw new Error("no storage");
    storage.setItem(key, text);
  } catch {
    memory.set(key, text); // the store is full or forbidden: at least while the page lives
  }
  return key;
}

/** Keys of what waits, oldest first. @returns {string[]} */
function waiting() {
  const stored = storage ? Object.keys(storage).filter((key) => key.startsWith(PREFIX)) : [];
  return [...stored, ...memory.keys()].sort();
}

/** @param {string} key */
function forget(key) {
  storage?.removeItem(key);
  memory.delete(key);
}

/** @param {string} key @returns {Event | undefined} */
function read(key) {
  try {
    return JSON.parse(memory.get(key) ?? storage?.getItem(key) ?? "");
  } catch {
    forget(key); // nothing that we wrote
    return undefined;
  }
}

/** Send then, or sooner if that is planned already. @param {number} in_ms */
function plan(in_ms) {
  const now = Date.now(), due = Math.max(now + in_ms, pausedUntil);
  if (timer && dueAt >= Math.max(now, pausedUntil) && dueAt <= due) return;
  clearTimeout(timer);
  dueAt = due;
  timer = setTimeout(() => ((timer = 0), flush()), due - now);
}

/**
 * Send what waits, unless another tab does. Resolves when nothing waits or sending must pause.
 * @returns {Promise<void>}
 */
export async function flush() {
  if (stopped || !profile || !waiting().length) return;
  if (Date.now() < pausedUntil) return plan(0);
  if (!navigator.locks) return sendAll();
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => (lock ? sendAll() : plan(EVERY_MS)));
}

async function sendAll() {
  for (let batch = next(size); batch.length && !stopped; batch = next(size)) if (!(await hold(batch, send))) break;
  tell();
}

/** @typedef {{key: string, event: Event}} Entry */

/** The oldest that no request holds. @param {number} n @param {(key: string) => boolean} [wanted] @returns {Entry[]} */
function next(n, wanted = () => true) {
  const keys = waiting().filter((key) => !flying.has(key) && wanted(key));
  const entries = keys.slice(0, n).map((key) => ({ key, event: read(key) }));
  return /** @type {Entry[]} */ (entries.filter(({ event }) => event !== undefined));
}

/** @param {Entry[]} batch @param {(batch: Entry[]) => Promise<boolean>} how @returns {Promise<boolean>} */
async function hold(batch, how) {
  for (const { key } of batch) fresh.delete(key), flying.add(key);
  try {
    return await how(batch);
  } finally {
    for (const { key } of batch) flying.delete(key);
  }
}

/** @param {Entry[]} batch @returns {Promise<boolean>} whether to go on */
async function send(batch) {
  let reply;
  try {
    reply = await post(batch.map(({ event }) => event));
    if (reply.status === 401 || reply.status === 403) {
      if (!(await renew())) return pause(0);
      reply = await post(batch.map(({ event }) => event));
    }
    if (reply.ok) return answered(batch, await reply.json());
  } catch {
    return pause(0); // no network, or no answer of ours
  }
  if (reply.status === 409) {
    stopped = true; // the session has another member: these wait for their own
    say(word("other-profile"));
    return false;
  }
  if ([400, 413, 415, 422].includes(reply.status)) {
    if (batch.length === 1) return settle([{ ...batch[0], outcome: "rejected" }]);
    size = Math.ceil(batch.length / 2); // one of them spoils the others: find it
    return true;
  }
  return pause(Number(reply.headers.get("Retry-After")) * 1000 || 0);
}

/** @param {Entry[]} batch @param {{rejected: {index: number, error: string}[]}} reply */
function answered(batch, { rejected }) {
  for (const { index, error } of rejected) console.warn("event refused:", batch[index]?.event.type, error);
  const bad = new Set(rejected.map(({ index }) => index));
  return settle(batch.map((entry, i) => ({ ...entry, outcome: bad.has(i) ? "rejected" : "accepted" })));
}

/** @param {Event[]} events @param {boolean} [keepalive] */
async function post(events, keepalive = false) {
  const reply = await fetch(ENDPOINT, {
    method: "POST",
    credentials: "same-origin",
    redirect: "manual", // somebody without a session is sent to the entrance
    keepalive,
    headers: {
      "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": token(), "X-Profile": profile,
    },
    body: JSON.stringify(events),
  });
  return reply.type === "opaqueredirect" ? new Response(null, { status: 401 }) : reply;
}

/** @param {({key: string} & Settled)[]} done @returns {true} */
function settle(done) {
  for (const { key } of done) forget(key);
  failures = 0;
  pausedUntil = 0;
  if (size < BATCH) size = Math.min(BATCH, size * 2);
  const detail = done.map(({ event, outcome }) => ({ event, outcome }));
  channel?.postMessage({ profile, settled: detail });
  document.dispatchEvent(new CustomEvent("matinee:settled", { detail }));
  return true;
}

/** @param {number} asked_ms @returns {false} */
function pause(asked_ms) {
  const backoff_ms = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** failures++) * (0.5 + Math.random() / 2);
  pausedUntil = Date.now() + Math.min(LONGEST_PAUSE_MS * 5, Math.max(asked_ms, backoff_ms));
  plan(0);
  return false;
}

/** Show that something a person did waits, when it has waited for a while; say when it is over. */
function tell() {
  const matter = waiting().filter((key) => ["play", "signal"].includes(read(key)?.type ?? ""));
  const late = matter.filter((key) => Date.now() - Number(key.slice(PREFIX.length).split(".")[0]) > MATTERS_AFTER_MS);
  let place = document.getElementById("unsent");
  if (late.length && failures) {
    place ??= document.body.appendChild(Object.assign(document.createElement("p"), { id: "unsent", className: "unsent" }));
    const text = word("not-sent", { n: late.length });
    if (place.textContent !== text) say(text, { quiet: true });
    place.textContent = text;
    place.hidden = !text;
  } else if (place && !place.hidden && !matter.length) {
    place.hidden = true;
    say(word("sent"));
  }
}

/** The page goes: hand the browser what no request had yet. It is sent again if nobody hears the answer. */
export function beacon() {
  if (stopped || !profile) return;
  for (let room = BEACON_BYTES; ; ) {
    const batch = next(BATCH, (key) => fresh.has(key));
    room -= JSON.stringify(batch).length;
    if (!batch.length || room < 0) return;
    hold(batch, async () => {
      const reply = await post(batch.map(({ event }) => event), true);
      return reply.ok && answered(batch, await reply.json());
    }).catch(() => plan(EVERY_MS));
  }
}

channel?.addEventListener("message", ({ data }) => {
  if (data?.profile !== profile || !data.settled) return;
  document.dispatchEvent(new CustomEvent("matinee:settled", { detail: data.settled }));
  tell();
});
// What another tab wrote, which may be gone by then: it is sent from here, and changes this page.
addEventListener("storage", ({ key, newValue }) => key?.startsWith(PREFIX) && newValue && plan(EVERY_MS));
addEventListener("pagehide", beacon);
addEventListener("online", () => ((pausedUntil = 0), plan(0)));
addEventListener("pageshow", () => plan(0)); // also what an earlier page could not send
document.addEventListener("visibilitychange", () => (document.hidden ? beacon() : plan(0)));
document.addEventListener("submit", ({ target }) => {
  // Leaving the profile changes the session: what it did goes first.
  if (target instanceof HTMLFormElement && !target.matches(".act")) beacon();
});
setInterval(tell, 2000);
plan(0);
