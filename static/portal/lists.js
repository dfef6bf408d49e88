// The rows of a list: what is selected, the menus of the filters, and what has come since the page was read.
import { said } from "./words.js";

const all = (selector) => Array.from(document.querySelectorAll(selector));

//: how often the page asks what is new, while somebody can see it
const SECONDS = 30;

export function listRows() {
  selectRows();
  foldMenus();
  showParts();
  askForNews();
}

function selectRows() {
  const bulk = document.querySelector("[data-bulk]");
  if (!bulk) return;
  const ticks = all('input[form="bulk"]:is([name="task"], [name="process"])');
  const everything = document.querySelector("[data-select-all]");
  const words = bulk.querySelector("[data-selected]");
  const clear = bulk.querySelector("[data-clear]");
  const every = bulk.querySelector("[data-every-page]");
  const whole = every?.querySelector("input");
  const show = () => {
    const chosen = ticks.filter((tick) => tick.checked).length;
    const full = chosen > 0 && chosen === ticks.length;
    if (every) {
      every.hidden = !full;
      whole.checked &&= full;
    }
    words.textContent = whole?.checked ? said("All selected") : chosen ? said("%(number)s selected", { number: chosen }) : "";
    if (everything) {
      everything.checked = full;
      everything.indeterminate = chosen > 0 && !full;
    }
    bulk.classList.toggle("is-idle", !chosen);
    ticks.forEach((tick) => tick.closest("tr").classList.toggle("is-selected", tick.checked));
  };
  const set = (value) => { ticks.forEach((tick) => { tick.checked = value; }); show(); };
  if (everything) {
    everything.hidden = false;
    everything.addEventListener("change", () => set(everything.checked));
  }
  if (clear) {
    clear.hidden = false;
    clear.addEventListener("click", () => set(false));
  }
  [...ticks, whole].forEach((tick) => tick?.addEventListener("change", show));
  window.addEventListener("pageshow", show);
  show();
}

// One menu is open at a time; a press beside it or Escape closes it.
function foldMenus() {
  const menus = all("details.chip-box");
  const close = (but) => menus.forEach((menu) => { if (menu !== but) menu.open = false; });
  document.addEventListener("click", (event) => close(event.target.closest("details.chip-box")));
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && menus.find((menu) => menu.open);
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });
  menus.forEach((menu) => menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    const list = menu.querySelector(".chip-menu");
    list.classList.toggle("from-right", list.getBoundingClientRect().right > document.documentElement.clientWidth);
    list.querySelector("input:not([type=hidden]), select")?.focus();
  }));
}

// On a phone the filters and the boxes to tick are shown when they are asked for.
function showParts() {
  for (const box of all("[data-shows]")) {
    const show = () => document.body.classList.toggle(`shows-${box.dataset.shows}`, box.checked);
    box.addEventListener("change", show);
    show();
  }
}

function askForNews() {
  const table = document.querySelector("[data-since]");
  const badges = all("[data-badge]");
  if (!badges.length && !table) return;
  let tag = "";
  const ask = async () => {
    if (document.visibilityState !== "visible") return;
    const address = new URL(document.body.dataset.news, location.href);
    if (table) address.search = new URLSearchParams({ list: table.dataset.list, since: table.dataset.since, newest: table.dataset.newest });
    const answer = await fetch(address, { headers: tag ? { "If-None-Match": tag } : {} }).catch(() => null);
    if (!answer || answer.status !== 200) return;
    tag = answer.headers.get("ETag") ?? "";
    tell(await answer.json());
  };
  setInterval(ask, SECONDS * 1000);
  document.addEventListener("visibilitychange", ask);
}

function tell(news) {
  for (const [name, text] of Object.entries(news.badges)) {
    for (const badge of all(`[data-badge="${name}"], [data-badge-of="${name}"]`)) {
      badge.textContent = text;
      badge.hidden = !text;
    }
  }
  const line = document.querySelector("[data-news]");
  if (!line) return;
  line.hidden = !news.text;
  line.firstElementChild.textContent = news.text;
}
