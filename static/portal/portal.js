// Small comforts; every page works without them.
import { askBeside } from "./ask.js";
import { searchCatalogue } from "./catalogue.js";
import { keepDrafts } from "./drafts.js";
import { sendFiles } from "./files.js";
import { listenToKeys } from "./keys.js";
import { watchSize } from "./limits.js";
import { listRows } from "./lists.js";
import { suggestRows } from "./picker.js";
import { keepFresh } from "./refresh.js";
import { growRows } from "./rows.js";
import { followTrail } from "./trail.js";
import { followAnswers } from "./when.js";

// The server needs the zone for the moments in forms, where the reader has not chosen one.
document.cookie = `timezone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=lax`;

const all = (selector) => Array.from(document.querySelectorAll(selector));

// Moments in the browser's zone, where the reader has not chosen one, and in the page's language: as the browser's
// person writes it, where that is one of theirs (a day before its month, or behind it).
const page = document.documentElement.lang;
const tongue = navigator.languages.find((each) => each.split("-")[0] === page) ?? page;
const exact = new Intl.DateTimeFormat(tongue, {
  weekday: "short", day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});
// The hour alone for what is of today, the year only for what is of another one.
function clock(moment) {
  const now = new Date();
  const day = moment.toDateString() === now.toDateString() ? {} : { weekday: "short", day: "numeric", month: "short" };
  if (moment.getFullYear() !== now.getFullYear()) day.year = "numeric";
  return moment.toLocaleString(tongue, { ...day, hour: "2-digit", minute: "2-digit" });
}
if ("local" in document.body.dataset) {
  for (const time of all("time[title]")) {
    const words = exact.format(new Date(time.dateTime));
    if (time.textContent === time.title) time.textContent = words;
    if ("clock" in time.dataset) time.textContent = clock(new Date(time.dateTime));
    time.title = words;
  }
}

// The menu on a phone. Without this script it is opened by its address, #navigation.
const menu = document.querySelector("[data-menu-button]");
const navigation = document.getElementById("navigation");
if (menu && navigation) {
  menu.setAttribute("role", "button");
  menu.setAttribute("aria-expanded", "false");
  menu.setAttribute("aria-controls", "navigation");
  const fold = (open) => {
    navigation.classList.toggle("is-open", open);
    menu.setAttribute("aria-expanded", String(open));
    if (open) navigation.querySelector("a").focus();
  };
  menu.addEventListener("click", (event) => {
    event.preventDefault();
    fold(menu.getAttribute("aria-expanded") !== "true");
  });
  menu.addEventListener("keydown", (event) => { if (event.key === " ") { event.preventDefault(); menu.click(); } });
  navigation.querySelector(".menu-close")?.addEventListener("click", (event) => { event.preventDefault(); fold(false); menu.focus(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && navigation.classList.contains("is-open")) { fold(false); menu.focus(); }
  });
}
document.addEventListener("click", (event) => {
  for (const person of all("details.person[open]")) if (!person.contains(event.target)) person.open = false;
});

// A picture that is wider than its box shows first where the process stands.
for (const box of all(".flow-scroll")) {
  const node = box.querySelector(".flow-is-failed, .flow-is-current");
  if (!node || box.scrollWidth <= box.clientWidth) continue;
  const [inner, outer] = [node.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollLeft = inner.left - outer.left - (outer.width - inner.width) / 2;
}

// What is wrong with a form is read first.
document.querySelector("[data-error-summary]")?.focus();

// Who follows a notice has read it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-read]");
  const form = link?.closest("li").querySelector("form");
  if (!form) return;
  const body = new FormData(form);
  body.set("notice", link.dataset.read);
  navigator.sendBeacon(form.action, body);
});

watchSize();

// One press is one request.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

askBeside();
listRows();
keepFresh();
growRows();
sendFiles();
followAnswers();
followTrail();
suggestRows();
keepDrafts();
searchCatalogue();
listenToKeys();
