// From a row of a list to the one behind it, without the way back: `3 of 12`, and the rows before and after.
import { said } from "./words.js";

const KEPT = "portal-trail";

export function followTrail() {
  const links = Array.from(document.querySelectorAll("[data-rows-list] [data-open]"));
  if (links.length) {
    document.addEventListener("click", (event) => { if (event.target.closest("[data-open]")) keep(links.map((link) => link.href)); });
    return;
  }
  const rows = kept();
  const here = subject(location.href);
  const place = here ? rows.findIndex((address) => subject(address) === here) : -1;
  const crumbs = document.querySelector("main .crumbs");
  if (!crumbs || place < 0 || rows.length < 2) return;
  const way = document.createElement("nav");
  way.className = "trail";
  way.setAttribute("aria-label", said("In the list"));
  const count = document.createElement("span");
  count.textContent = said("%(number)s of %(of)s", { number: place + 1, of: rows.length });
  way.append(count);
  for (const [step, word] of [[-1, "Previous"], [1, "Next"]]) {
    if (!rows[place + step]) continue;
    const link = document.createElement("a");
    Object.assign(link, { href: rows[place + step], textContent: said(word) });
    link.dataset.trail = step;
    way.append(link);
  }
  const line = document.createElement("div");
  line.className = "crumbs-line";
  crumbs.replaceWith(line);
  line.append(crumbs, way);
}

// A task's form and its details are about the same.
function subject(address) {
  return new URL(address, location.href).pathname.match(/^(.*\/(?:tasks|processes)\/\d+)(?:\/execute)?$/)?.[1] ?? "";
}

// Where nothing may be kept, there is no trail.
function keep(rows) {
  try { sessionStorage.setItem(KEPT, JSON.stringify(rows)); } catch { /* as said */ }
}

function kept() {
  try { return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"); } catch { return []; }
}
