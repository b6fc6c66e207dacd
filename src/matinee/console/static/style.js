// @ts-check
/** /console/style: a name that is pressed is copied, and said. */
import "./tips.js";

const said = document.getElementById("said");

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
  const text = button?.getAttribute("data-copy");
  if (!text || !navigator.clipboard) return; // the clipboard needs TLS, or this machine
  await navigator.clipboard.writeText(text);
  if (said) said.textContent = text;
  setTimeout(() => { if (said?.textContent === text) said.textContent = ""; }, 2_000);
});
