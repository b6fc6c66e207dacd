// @ts-check
/**
 * What makes the pages of /watch comfortable. Each part is an enhancement of a page that works without it, and is
 * loaded by itself: one that fails takes no other with it.
 */

/** In the order of what a person notices first. */
const PARTS = ["keys", "panel", "impressions", "acts", "player", "rows", "further", "search", "arrivals"];

/** @param {string} name */
async function load(name) {
  try {
    (await import(`./${name}.js`)).start();
    document.documentElement.dataset.ready = `${document.documentElement.dataset.ready ?? ""} ${name}`.trim();
  } catch (problem) {
    console.error(`watch: ${name} does not run.`, problem); // the page does what it did without it
  }
}

function start() {
  Promise.all(PARTS.map(load)).then(() => document.documentElement.classList.add("is-ready"));
}

/* After the next frame, which would wait while modules are fetched and run; at once where nobody sees one. */
if (document.hidden) start();
else requestAnimationFrame(() => setTimeout(start));
