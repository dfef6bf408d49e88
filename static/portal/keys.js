// Single keys for lists. They are off while somebody types, and altogether if the person wishes.
import { said } from "./words.js";

const HELP = [
  ["j / k", "next / previous row"], ["x", "select the row"], ["Enter", "open the row"], ["c", "take the task"],
  ["/", "search"], ["g i", "inbox"], ["g q", "queue"], ["g p", "processes"], ["g s", "new request"], ["?", "this help"],
];
const PLACES = { i: "inbox", q: "queue", a: "archive", p: "processes", s: "start" };

let place = -1;
let went = 0;

export function listenToKeys() {
  const button = document.querySelector("[data-keys-help]");
  if (!("singleKeys" in document.body.dataset)) return;
  if (button) { button.hidden = false; button.addEventListener("click", help); }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (press(event.key)) event.preventDefault();
  });
}

function typing(target) {
  if (target.isContentEditable) return true;
  if (["TEXTAREA", "SELECT"].includes(target.tagName)) return true;
  return target.tagName === "INPUT" && !["checkbox", "radio", "button", "submit"].includes(target.type);
}

function press(key) {
  const link = Date.now() - went < 1200 && PLACES[key] && document.querySelector(`[data-place="${PLACES[key]}"]`);
  if (link) { went = 0; location.assign(link.href); return true; }
  switch (key) {
    case "g": went = Date.now(); return true;
    case "j": return move(1);
    case "k": return move(-1);
    case "x": return tick();
    case "c": return take();
    case "/": document.querySelector("[data-search]")?.focus(); return true;
    case "?": help(); return true;
    default: return false;
  }
}

function rows() { return Array.from(document.querySelectorAll("[data-rows-list] tbody tr:not(.row-group)")); }

function current() { return rows()[place]; }

function move(step) {
  const list = rows();
  if (!list.length) {
    const link = document.querySelector(`[data-trail="${step}"]`);
    link?.click();
    return Boolean(link);
  }
  current()?.classList.remove("is-current");
  place = Math.max(0, Math.min(list.length - 1, place + step));
  current().classList.add("is-current");
  // The link has the focus, so Enter opens it.
  current().querySelector("[data-open]")?.focus();
  current().scrollIntoView({ block: "nearest" });
  return true;
}

function tick() {
  const box = current()?.querySelector(".tick input");
  if (!box) return false;
  box.click();
  return true;
}

function take() {
  const button = (current() ?? document).querySelector('[data-key="claim"]');
  if (!button || (!current() && rows().length)) return false;
  button.click();
  return true;
}

function help() {
  let dialog = document.querySelector("dialog.keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = said("Keyboard shortcuts");
    const list = document.createElement("dl");
    for (const [key, words] of HELP) {
      const row = document.createElement("div");
      const name = document.createElement("dt");
      const told = document.createElement("dd");
      const cap = document.createElement("kbd");
      cap.textContent = key;
      name.append(cap);
      told.textContent = said(words);
      row.append(name, told);
      list.append(row);
    }
    const note = document.createElement("p");
    note.className = "quiet";
    note.textContent = said("Single letters can be switched off in your profile.");
    const form = document.createElement("form");
    form.method = "dialog";
    const close = document.createElement("button");
    close.className = "btn btn-primary btn-sm";
    close.textContent = said("Close");
    form.append(close);
    dialog.append(title, list, note, form);
    document.body.append(dialog);
  }
  dialog.showModal();
}
