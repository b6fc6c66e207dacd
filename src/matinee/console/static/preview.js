// The page preview, recomputed at each change. Without this module the same forms and links load the page anew.
//
// An answer replaces all that is inside #preview; the focus, what was written and what was open stay. The address
// always says what is shown, so Back, Reload and a copied link work.

const WAIT_MS = 350;
const root = document.getElementById("preview");
let asked = null;
let waiting = 0;

/** Fetch what an address shows and put it in place; `push` remembers the address. */
async function show(address, push) {
  asked?.abort();
  const mine = (asked = new AbortController());
  root.setAttribute("aria-busy", "true");
  try {
    const url = new URL(address, location.href);
    url.searchParams.set("part", "1");
    const reply = await fetch(url, { signal: mine.signal, headers: { Accept: "text/html" } });
    if (!fragment(reply)) {
      location.assign(address); // signed out, or the server is another one: the page itself says so
      return;
    }
    const text = await reply.text();
    if (mine.signal.aborted) return;
    const shown = new URL(reply.url);
    shown.searchParams.delete("part");
    shown.hash = new URL(address, location.href).hash;
    place(text);
    if (push) history.pushState(null, "", shown);
    if (shown.hash) document.getElementById(shown.hash.slice(1))?.scrollIntoView({ block: "start" });
  } catch (problem) {
    if (problem.name !== "AbortError") location.assign(address);
  } finally {
    if (asked === mine) root.removeAttribute("aria-busy");
  }
}

/** Whether a reply is a part of this page; errors about parameters and "busy" are, other pages are not. */
function fragment(reply) {
  return [200, 400, 503].includes(reply.status) && new URL(reply.url).searchParams.get("part") === "1";
}

function place(text) {
  const open = [...root.querySelectorAll("details[open][id]")].map((one) => one.id);
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.id || focused?.closest("[id]")?.id;
  const range = focused?.matches("input") ? [focused.selectionStart, focused.selectionEnd] : null;
  const parsed = new DOMParser().parseFromString(text, "text/html");
  root.replaceChildren(...parsed.body.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  const again = key ? document.getElementById(key) : null;
  again?.focus({ preventScroll: true });
  if (range && again?.matches("input")) again.setSelectionRange(...range);
  const said = document.getElementById("preview-result")?.dataset.said;
  if (said) document.getElementById("said").textContent = said;
  clearTimeout(place.later);
  place.later = setTimeout(() => (document.getElementById("said").textContent = ""), 6000);
}

/** The address that a form asks for; fields without a value say nothing. */
function addressOf(form) {
  const url = new URL(form.action);
  for (const [name, value] of new FormData(form)) {
    if (String(value).trim()) url.searchParams.append(name, value);
  }
  return url;
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  show(addressOf(event.target), true);
});

root.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.id !== "preview-form" || !form.elements.member.value.trim()) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => show(addressOf(form), true), WAIT_MS);
});

root.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.matches("[data-live]")) {
    event.preventDefault();
    show(link.href, true);
  } else if (link.matches("[data-why]")) {
    event.preventDefault();
    tell(link);
  } else if (link.matches("[data-close]")) {
    event.preventDefault();
    close(true);
  }
});

let teller = null;

/** Say what is known about a tile; the focus goes there and comes back. */
function tell(link) {
  close(false);
  const reasons = document.getElementById(link.hash.slice(1));
  if (!reasons) return;
  teller = link;
  reasons.classList.add("why");
  reasons.scrollTop = 0;
  reasons.focus({ preventScroll: true });
}

function close(back) {
  for (const one of root.querySelectorAll(".reasons.why")) one.classList.remove("why");
  if (location.hash && root.querySelector(".reasons:target")) location.hash = "preview";
  if (back && teller?.isConnected) teller.focus();
  teller = null;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") close(true);
});
addEventListener("popstate", () => {
  if (!root.querySelector(".reasons:target")) show(location.href, false);
});
