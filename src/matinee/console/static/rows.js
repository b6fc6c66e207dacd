// @ts-check
/**
 * Rows that scroll sideways: buttons for those who have a mouse, and images only where somebody is near.
 *
 * Scrolling itself is the browser's own. The buttons are made when a mouse first comes over a row; they repeat what
 * the arrow keys and a swipe do, so neither the keyboard nor a screen reader meets them. Rows further than
 * three screens away give their images back and take them again when they come near: a page of 40 rows holds
 * the images of a few.
 */
import { smooth } from "./words.js";

const FAR = "300% 0px", STEP = 0.9, EDGE_PX = 2;

/** @param {Element} row */
const tilesOf = (row) => /** @type {HTMLElement | null} */ (row.querySelector(".row__tiles"));

/** @param {HTMLElement} row @param {HTMLElement} tiles */
function showEnds(row, tiles) {
  const far = tiles.scrollWidth - tiles.clientWidth, left = Math.abs(tiles.scrollLeft); // negative in right-to-left
  row.toggleAttribute("data-before", left > EDGE_PX);
  row.toggleAttribute("data-after", left < far - EDGE_PX);
}

/** @param {HTMLElement} row */
function addButtons(row) {
  const tiles = tilesOf(row);
  if (!tiles || row.querySelector(".row__by")) return;
  const turned = getComputedStyle(tiles).direction === "rtl" ? -1 : 1;
  for (const [name, step] of /** @type {const} */ ([["before", -1], ["after", 1]])) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `row__by row__by--${name}`;
    button.tabIndex = -1;
    button.setAttribute("aria-hidden", "true");
    button.addEventListener("click", () =>
      tiles.scrollBy({ left: turned * step * tiles.clientWidth * STEP, behavior: smooth() }));
    row.append(button);
  }
  let due = false;
  tiles.addEventListener("scroll", () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => ((due = false), showEnds(row, tiles)));
  }, { passive: true });
  showEnds(row, tiles);
}

/** @param {Event} event */
function mouseOver(event) {
  if (!(event instanceof PointerEvent) || event.pointerType !== "mouse" || !(event.target instanceof Element)) return;
  const row = /** @type {HTMLElement | null} */ (event.target.closest(".row"));
  if (!row) return;
  addButtons(row);
  const tiles = tilesOf(row);
  if (tiles) showEnds(row, tiles);
}

/** Give the images of a row back, or take them again. @param {Element} row @param {boolean} near */
function images(row, near) {
  for (const image of row.querySelectorAll("img")) {
    for (const name of ["src", "srcset"]) {
      const [from, to] = near ? [`data-${name}`, name] : [name, `data-${name}`];
      const value = image.getAttribute(from);
      if (value === null) continue;
      image.setAttribute(to, value);
      image.removeAttribute(from);
    }
  }
}

const nearness = new IntersectionObserver(
  (entries) => entries.forEach(({ target, isIntersecting }) => images(target, isIntersecting)),
  { rootMargin: FAR },
);

export function start() {
  const rows = document.getElementById("rows");
  document.addEventListener("pointerover", mouseOver, { passive: true });
  if (!rows) return;
  const observe = () => rows.querySelectorAll(".row").forEach((row) => nearness.observe(row));
  observe();
  new MutationObserver(observe).observe(rows, { childList: true });
}
