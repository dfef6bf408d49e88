// What is typed into a task's form is kept in this browser until the form is accepted.
import { matchPicks, picksOf } from "./picker.js";
import { matchRows } from "./rows.js";

const PREFIX = "portal-draft:";
const SKIP = new Set(["password", "file", "hidden", "submit", "button"]);

export function keepDrafts() {
  const owner = document.body.dataset.draftOwner;
  forgetSent(owner);
  document.querySelector("[data-sign-out]")?.addEventListener("submit", () => forget(() => true));
  const form = document.querySelector("form[data-draft]");
  if (!form || !owner) return;
  const key = `${PREFIX}${owner}:${location.pathname}`;
  const state = form.querySelector("[data-draft-state]");
  const served = JSON.stringify(values(form));
  let saved = true;
  let timer = 0;

  if (!form.hasAttribute("data-invalid")) restore(form, key, state, served);

  function save() {
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), values: values(form), picks: picksOf(form), served }));
      saved = true;
      state.textContent = `Saved ${clock(Date.now())}`;
    } catch {
      state.textContent = "Not saved";
    }
  }
  form.addEventListener("input", () => {
    saved = false;
    state.textContent = "Saving…";
    clearTimeout(timer);
    timer = setTimeout(save, 600);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    save();
    mark(key);
    saved = true;
  });
  window.addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });
}

function inputs(form) {
  return Array.from(form.elements).filter((input) => input.name && !SKIP.has(input.type));
}

function values(form) {
  return inputs(form).map((input) => {
    if (input.type === "checkbox" || input.type === "radio") return [input.name, input.value, input.checked];
    if (input.multiple) return [input.name, Array.from(input.selectedOptions, (option) => option.value), null];
    return [input.name, input.value, null];
  });
}

function restore(form, key, state, served) {
  const draft = read(key);
  if (!draft || draft.served !== served || JSON.stringify(draft.values) === served) return;
  matchRows(form, draft.values.map(([name]) => name));
  matchPicks(form, draft.picks ?? []);
  const drafted = new Map();
  for (const kept of draft.values) drafted.set(kept[0], [...(drafted.get(kept[0]) ?? []), kept]);
  for (const input of inputs(form)) {
    const kept = drafted.get(input.name) ?? [];
    if (input.type === "checkbox" || input.type === "radio") {
      const mine = kept.find(([, value]) => value === input.value);
      if (mine) input.checked = mine[2];
    } else if (kept.length) {
      const [, value] = kept.shift();
      if (input.multiple) for (const option of input.options) option.selected = value.includes(option.value);
      else input.value = value;
    }
  }
  state.textContent = `Your draft of ${clock(draft.at)} is back. `;
  const discard = document.createElement("button");
  discard.type = "button";
  discard.className = "btn btn-link btn-sm";
  discard.textContent = "Discard it";
  discard.addEventListener("click", () => { localStorage.removeItem(key); location.replace(location.pathname + location.search); });
  state.append(discard);
}

// A draft that was sent is dropped when the next page is one that accepts: not the form again, not an error.
function mark(key) {
  try { sessionStorage.setItem(PREFIX, key); } catch { /* nothing to drop then */ }
}

function forgetSent(owner) {
  let key;
  try { key = sessionStorage.getItem(PREFIX); } catch { return; }
  const refused = document.querySelector("form[data-invalid], .error-page, [data-sign-in]");
  if (!key || refused || !owner) return;
  sessionStorage.removeItem(PREFIX);
  localStorage.removeItem(key);
}

function forget(which) {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX) && which(key)) localStorage.removeItem(key);
  } catch { /* there is nothing */ }
}

function read(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

function clock(moment) {
  return new Date(moment).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}
