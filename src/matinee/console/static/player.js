// @ts-check
/**
 * The simulated player: a clock that runs through a title, and the `play` event that it reports.
 *
 * A viewing is one event. `watch_s` is what was watched since the player opened, without pauses and jumps;
 * `position_s` where it stopped. The server judges each play on its own (a quality play is one event with at least
 * 70 % of the runtime) and adds up `watch_s` over events, so a viewing that were reported in pieces would count for
 * too little, and one that were reported as a running total for too much. The event is sent when the title ends, when
 * the page is left, and after a pause of twenty seconds; until then it is kept as a draft in this browser, so
 * that a viewing which ends with a crash is reported at the next visit, under the same id.
 */
import { add, beacon, flush } from "./outbox.js";
import { at, newId, profile } from "./session.js";
import { say, word } from "./words.js";

const SPEEDS = [1, 10, 60, 300, 600], SPEED = "matinee.speed";
const TICK_MS = 250, PAUSE_MS = 20_000, BEAT_MS = 2000, LOST_AFTER_MS = 15_000, LEAVE_MS = 700;
const DRAFT = `matinee.draft.${profile}.`;

/** @typedef {{event_id: string, type: "play", at: string, title_id: string, watch_s: number, position_s: number,
 *   decision_id?: string, row?: number, col?: number, surface?: string}} Viewing */

/** Something of localStorage, which a browser may forbid. @template T @param {(store: Storage) => T} act */
function stored(act) {
  try {
    return act(localStorage);
  } catch {
    return undefined;
  }
}

/** Report what an earlier visit of this profile could not: its page crashed or was killed. */
function findLost() {
  stored((store) => {
    for (const key of Object.keys(store).filter((one) => one.startsWith(DRAFT))) {
      const { beat_ms, ...viewing } = JSON.parse(store.getItem(key) ?? "{}");
      if (Date.now() - beat_ms < LOST_AFTER_MS) continue; // another tab plays it
      store.removeItem(key);
      if (viewing.event_id) add(viewing);
    }
  });
}

/** h:mm:ss @param {number} s */
function clock(s) {
  const [h, m, rest] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, Math.floor(s) % 60];
  return `${h}:${String(m).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

class Player {
  /** @param {HTMLElement} place */
  constructor(place) {
    const { title = "", name = "", runtimeS, positionS, decision, row, col, surface } = place.dataset;
    this.place = place;
    this.name = name;
    this.runtime_s = Number(runtimeS);
    this.position_s = Math.min(Number(positionS) || 0, this.runtime_s);
    this.from = { title_id: title, decision_id: decision || undefined, row: Number(row) || undefined,
      col: Number(col) || undefined, surface: surface || undefined };
    this.speed = Number(stored((store) => store.getItem(SPEED))) || 60;
    this.playing = false;
    this.last_ms = this.beaten_ms = this.closing = 0;
    /** @type {Viewing | undefined} */
    this.viewing = undefined;
    this.button = document.createElement("button");
    this.seek = document.createElement("input");
    this.time = document.createElement("output");
    this.build();
  }

  /** The controls, in the place of the form. */
  build() {
    const bar = document.createElement("div");
    bar.className = "player__bar";
    bar.append(this.button, this.seek, this.time);
    this.button.type = "button";
    this.button.className = "button button--primary player__play";
    this.button.addEventListener("click", () => this.toggle());
    Object.assign(this.seek, { type: "range", min: "0", max: String(Math.round(this.runtime_s)), step: "10" });
    this.seek.className = "player__seek";
    this.seek.setAttribute("aria-label", word("seek"));
    this.seek.addEventListener("input", () => this.jump(Number(this.seek.value)));
    this.time.className = "player__time";
    const label = bar.appendChild(document.createElement("label"));
    label.className = "player__speed";
    label.append(Object.assign(document.createElement("span"), { textContent: word("speed") }));
    const select = label.appendChild(document.createElement("select"));
    select.className = "field__select";
    for (const speed of SPEEDS) select.append(new Option(`${speed}×`, String(speed), false, speed === this.speed));
    select.addEventListener("change", () => {
      this.speed = Number(select.value);
      stored((store) => store.setItem(SPEED, select.value));
    });
    const form = this.place.querySelector(".player__form");
    if (form) form.replaceWith(bar);
    else this.place.append(bar);
    this.show();
  }

  show() {
    const text = word("position", { at: clock(this.position_s), of: clock(this.runtime_s) });
    this.seek.value = String(this.position_s);
    this.seek.setAttribute("aria-valuetext", text);
    this.time.textContent = `${clock(this.position_s)} / ${clock(this.runtime_s)}`;
    const does = this.playing ? "pause" : this.position_s >= this.runtime_s ? "again" : "play";
    if (this.button.dataset.does !== does) {
      this.button.dataset.does = does;
      this.button.textContent = word(does);
    }
    this.place.toggleAttribute("data-playing", this.playing);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.position_s >= this.runtime_s) this.position_s = 0;
    clearTimeout(this.closing);
    this.viewing ??= { event_id: newId(), type: "play", at: at(), ...this.from, watch_s: 0, position_s: this.position_s };
    this.playing = true;
    this.last_ms = performance.now();
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    this.next(false);
    this.show();
  }

  pause() {
    this.tick();
    this.stop();
    this.closing = setTimeout(() => this.close(), document.hidden ? 0 : PAUSE_MS);
    this.show();
  }

  stop() {
    clearInterval(this.ticking);
    this.playing = false;
  }

  /** @param {number} position_s */
  jump(position_s) {
    this.tick();
    this.position_s = Math.max(0, Math.min(position_s, this.runtime_s));
    if (this.viewing) this.viewing.position_s = this.position_s;
    this.show();
  }

  /** Time has gone on; also behind another tab, where the browser ticks seldom. */
  tick() {
    if (!this.playing || !this.viewing) return;
    const now_ms = performance.now();
    const s = Math.min(((now_ms - this.last_ms) / 1000) * this.speed, this.runtime_s - this.position_s);
    this.last_ms = now_ms;
    this.position_s += s;
    this.viewing.watch_s += s;
    this.viewing.position_s = this.position_s;
    if (now_ms - this.beaten_ms > BEAT_MS) this.draft(now_ms);
    if (this.position_s >= this.runtime_s) this.finish();
    else this.show();
  }

  /** @param {number} now_ms */
  draft(now_ms) {
    this.beaten_ms = now_ms;
    const viewing = this.told();
    if (viewing) stored((store) =>
      store.setItem(DRAFT + viewing.event_id, JSON.stringify({ ...viewing, beat_ms: Date.now() })));
  }

  /** The event as it stands: it happened when watching stopped. @returns {Viewing | undefined} */
  told() {
    if (!this.viewing || this.viewing.watch_s < 1) return undefined;
    const { watch_s, position_s } = this.viewing;
    return { ...this.viewing, at: at(), watch_s: Math.round(watch_s), position_s: Math.round(position_s) };
  }

  /** The viewing is over: its event goes to the outbox. */
  close() {
    this.tick();
    clearTimeout(this.closing);
    const viewing = this.told();
    this.viewing = undefined;
    if (!viewing) return;
    add(viewing);
    stored((store) => store.removeItem(DRAFT + viewing.event_id));
  }

  finish() {
    this.stop();
    this.close();
    say(word("finished", { name: this.name }));
    this.show();
    this.next(true);
  }

  /** What to watch next, made by the server, shown at the end. @param {boolean} shown */
  next(shown) {
    const place = /** @type {HTMLElement | null} */ (document.querySelector(".player__next"));
    if (place) place.hidden = !shown;
    if (shown) place?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || !(target instanceof HTMLElement)) return;
    if (target.closest("a, select, .tile, input:not([type=range])")) return;
    const onBody = target === document.body, pressing = target instanceof HTMLButtonElement;
    if (key === "MediaPlayPause" || key === "k" || (key === " " && !pressing)) this.toggle();
    else if (key === "j" || (key === "ArrowLeft" && onBody)) this.jump(this.position_s - 10);
    else if (key === "l" || (key === "ArrowRight" && onBody)) this.jump(this.position_s + 10);
    else return;
    event.preventDefault();
  }

  /** Follow a link after the play has arrived, so that the next page knows it. @param {MouseEvent} event */
  async leave(event) {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target instanceof Element && event.target.closest("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.target) return;
    event.preventDefault();
    this.tick();
    this.stop();
    this.close();
    await Promise.race([flush().catch(() => {}), new Promise((done) => setTimeout(done, LEAVE_MS))]);
    location.assign(link.href);
  }
}

export function start() {
  findLost();
  const place = /** @type {HTMLElement | null} */ (document.querySelector(".player[data-title]"));
  if (!place || !(Number(place.dataset.runtimeS) > 0)) return;
  const player = new Player(place);
  document.addEventListener("keydown", (event) => player.pressed(event));
  document.addEventListener("click", (event) => player.leave(event));
  document.addEventListener("visibilitychange", () => document.hidden && !player.playing && (player.close(), beacon()));
  addEventListener("pagehide", () => (player.stop(), player.close(), beacon()));
  player.play();
}
