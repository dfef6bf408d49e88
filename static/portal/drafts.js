// What is typed is saved at the server while it is typed; the server fills the form with it again.
import { said } from "./words.js";

const SKIP = new Set(["password", "file"]);
// Milliseconds after the last key, and until a failed save is tried again.
const PAUSE = 800;
const AGAIN = 10000;
// Browsers send no more than this behind a page that is left.
const KEEPALIVE = 60000;

export function keepDrafts() {
  forgetOlder();
  const form = document.querySelector("form[data-draft]");
  if (!form || !document.body.dataset.draftOwner) return;
  const state = form.querySelector("[data-draft-state]");
  const address = form.dataset.draft;
  const tell = (words) => { if (state) state.textContent = words; };
  let typed = 0;
  let saved = 0;
  let timer = 0;
  let sent = null;

  async function save(keepalive = false) {
    const round = typed;
    clearTimeout(timer);
    sent?.abort();
    sent = new AbortController();
    const mine = sent;
    try {
      const body = content(form);
      const answer = await fetch(address, {
        method: "POST", body, redirect: "manual", signal: mine.signal, keepalive: keepalive && String(body).length < KEEPALIVE,
      });
      if (answer.ok) {
        saved = Math.max(saved, round);
        if (round === typed) tell(said("Saved %(time)s", { time: clock() }));
      } else {
        tell(`${said("Not saved")}. ${await why(answer)}`);
      }
    } catch {
      if (mine.signal.aborted) return;
      tell(said("Not saved"));
      timer = setTimeout(save, AGAIN);
    }
  }

  form.addEventListener("input", () => {
    typed += 1;
    tell(said("Saving…"));
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  // The form itself is kept if it is refused; a save that came behind it would bring the draft back.
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    sent?.abort();
    saved = typed;
  });
  document.querySelector("[data-sign-out]")?.addEventListener("submit", (event) => {
    if (saved === typed) return;
    event.preventDefault();
    save().finally(() => { saved = typed; event.target.submit(); });
  });
  window.addEventListener("pagehide", () => { if (saved !== typed) save(true); });
  window.addEventListener("beforeunload", (event) => { if (saved !== typed) event.preventDefault(); });
}

function content(form) {
  const names = new Set(Array.from(form.elements).filter((input) => SKIP.has(input.type)).map((input) => input.name));
  return new URLSearchParams(Array.from(new FormData(form)).filter(([name]) => !names.has(name)));
}

async function why(answer) {
  if (answer.type === "opaqueredirect") return said("You are signed out: send the form, and sign in again.");
  try { return (await answer.json()).text; } catch { return ""; }
}

// Earlier versions kept drafts in the browser, where whoever uses it next could read them.
function forgetOlder() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("portal-draft:")) localStorage.removeItem(key);
  } catch { /* there are none */ }
}

function clock() {
  return new Date().toLocaleTimeString(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit" });
}
