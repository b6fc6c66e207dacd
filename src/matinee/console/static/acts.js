// @ts-check
/**
 * Thumbs and the list, at once.
 *
 * A press changes the buttons of this title everywhere on the page and goes into the outbox as a `signal`. It is
 * undone only when the server refuses it; without a network it waits, and stands.
 */
import { add } from "./outbox.js";
import { say, word } from "./words.js";

const SIGNALS = ["thumb_up", "thumb_down", "thumb_clear", "list_add", "list_remove"];
/** What a press sends -> what it does, as a word of the page. @type {Record<string, string>} */
const DONE = {
  thumb_up: "liked", thumb_down: "disliked", thumb_clear: "cleared", list_add: "listed", list_remove: "unlisted",
};
/** Event id -> how to undo it. @type {Map<string, () => void>} */
const undos = new Map();

/** @param {string} titleId @returns {HTMLButtonElement[]} the buttons about a title */
function buttonsOf(titleId) {
  const forms = Array.from(document.querySelectorAll("form.act")).filter((form) =>
    form instanceof HTMLFormElement && new FormData(form).get("title_id") === titleId);
  return forms.flatMap((form) => Array.from(form.querySelectorAll("button[name=act]")));
}

/** Press or release; `value` is what the next press sends. @param {HTMLButtonElement} button @param {boolean} pressed */
function set(button, pressed) {
  if (button.getAttribute("aria-pressed") === String(pressed)) return;
  button.setAttribute("aria-pressed", String(pressed));
  const { value } = button;
  button.value = button.dataset.off ?? value;
  button.dataset.off = value;
}

/** Show what a member has said. @param {string} titleId @param {string} act */
function show(titleId, act) {
  for (const button of buttonsOf(titleId)) {
    const kind = [button.value, button.dataset.off].find((one) => one !== "thumb_clear" && one !== "list_remove");
    if (kind === "list_add" && act.startsWith("list_")) set(button, act === "list_add");
    if (kind?.startsWith("thumb_") && act.startsWith("thumb_")) set(button, act === kind);
  }
}

/** @param {SubmitEvent} event */
function submitted(event) {
  const form = event.target, button = event.submitter;
  if (!(form instanceof HTMLFormElement) || !form.matches("form.act") || !(button instanceof HTMLButtonElement)) return;
  const act = button.value;
  if (!SIGNALS.includes(act)) return; // the form goes as it would without us
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  const titleId = String(fields.title_id);
  const before = buttonsOf(titleId).map((one) => ({ one, pressed: one.getAttribute("aria-pressed") === "true" }));
  show(titleId, act);
  const sent = add({
    type: "signal", signal: act, title_id: titleId, decision_id: fields.decision_id,
    row: Number(fields.row) || undefined, col: Number(fields.col) || undefined,
    surface: fields.surface || undefined,
  });
  undos.set(sent.event_id, () => before.forEach(({ one, pressed }) => set(one, pressed)));
  say(word(DONE[act], { name: form.dataset.name ?? form.closest("[data-name]")?.getAttribute("data-name") ?? "" }));
}

export function start() {
  document.addEventListener("submit", submitted);
  document.addEventListener("matinee:settled", (told) => {
    for (const { event, outcome } of /** @type {CustomEvent} */ (told).detail) {
      const undo = undos.get(event.event_id);
      undos.delete(event.event_id);
      if (event.type !== "signal" || !event.title_id) continue;
      if (outcome === "rejected" && undo) {
        undo();
        say(word("failed"));
      } else if (outcome === "accepted" && !undo) show(event.title_id, event.signal); // said in another tab
    }
  });
}
