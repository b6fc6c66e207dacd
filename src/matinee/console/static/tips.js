// @ts-check
/** Escape hides a tooltip without moving pointer or focus (WCAG 2.2, 1.4.13); it returns with the next visit. */

const HIDDEN = "data-hidden";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const tip of document.querySelectorAll(".tip:hover, .tip:focus-within")) tip.setAttribute(HIDDEN, "");
});

for (const kind of ["pointerout", "focusout"]) {
  document.addEventListener(kind, (event) => {
    const tip = event.target instanceof Element ? event.target.closest(`.tip[${HIDDEN}]`) : null;
    if (tip && !tip.matches(":hover, :focus-within")) tip.removeAttribute(HIDDEN);
  });
}
