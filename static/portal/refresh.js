// A part of a page that changes by itself is fetched again while somebody looks at it and does nothing in it.
const SECONDS = 10;

function inUse(area) {
  const at = document.activeElement;
  return (area.contains(at) && at.matches("input, select, textarea, summary")) || area.querySelector("details[open]") !== null;
}

async function refresh(area) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) return area;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-refresh]");
  if (fresh === null || inUse(area)) return area;
  const focused = area.contains(document.activeElement) ? Array.from(area.querySelectorAll("a, button")).indexOf(document.activeElement) : -1;
  area.replaceWith(fresh);
  if (focused >= 0) fresh.querySelectorAll("a, button")[focused]?.focus();
  return fresh;
}

export function keepFresh() {
  let area = document.querySelector("[data-refresh]");
  if (area === null) return;
  const timer = setInterval(async () => {
    if (document.visibilityState !== "visible" || inUse(area)) return;
    try {
      area = await refresh(area);
    } catch {
      return; // the next time
    }
    if (area.dataset.refresh === "over") clearInterval(timer);
  }, SECONDS * 1000);
}
