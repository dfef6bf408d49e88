// A file is sent as soon as it is chosen: the draft keeps it, and a form that comes back has it still.
export function sendFiles() {
  document.addEventListener("change", async (event) => {
    const input = event.target;
    const part = input.closest?.("[data-files]");
    const form = input.form;
    if (!part || input.type !== "file" || !input.files.length || !form?.dataset.draft) return;
    if (Array.from(input.files).reduce((size, file) => size + file.size, 0) > Number(form.dataset.maxSize)) return;
    const body = new FormData(form);
    for (const other of form.querySelectorAll("input[type=file]")) if (other !== input) body.delete(other.name);
    tell(part, "…");
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body, redirect: "manual" });
      const said = await answer.json();
      show(part, input, said);
    } catch {
      tell(part, ""); // it is sent with the form
    }
  });
}

function show(part, input, said) {
  const name = part.dataset.files;
  const kept = said.files?.[name] ?? [];
  tell(part, (said.refused?.[name] ?? []).join(" "));
  if (kept.length && !input.multiple) part.querySelector("[data-kept-files]").replaceChildren();
  for (const file of kept) part.querySelector("[data-kept-files]").append(line(name, file));
  input.value = "";
}

function line(name, file) {
  const item = document.createElement("li");
  if (file.preview) {
    const thumb = Object.assign(document.createElement("a"), { className: "thumb", href: file.preview, tabIndex: -1 });
    thumb.setAttribute("aria-hidden", "true");
    thumb.append(Object.assign(document.createElement("img"), { src: file.preview, alt: "" }));
    item.append(thumb);
  }
  const link = Object.assign(document.createElement("a"), { href: file.url, textContent: file.name, download: "" });
  const size = Object.assign(document.createElement("span"), { className: "quiet", textContent: ` ${file.size}` });
  const words = Object.assign(document.createElement("span"), { className: "file-name" });
  words.append(link, size);
  const id = Object.assign(document.createElement("input"), { type: "hidden", name: `${name}-kept`, value: file.id });
  const label = Object.assign(document.createElement("label"), { className: "then-next" });
  const box = Object.assign(document.createElement("input"), {
    type: "checkbox", className: "form-check-input", name: `${name}-remove`, value: file.id,
  });
  const pattern = document.querySelector("[data-remove-word]")?.dataset.removeWord ?? "Remove";
  label.append(box, ` ${pattern}`, Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ` ${file.name}` }));
  item.append(words, id, label);
  return item;
}

function tell(part, text) {
  let words = part.querySelector("[data-files-state]");
  if (!words) {
    words = Object.assign(document.createElement("div"), { className: "form-text text-bad" });
    words.dataset.filesState = "";
    words.setAttribute("role", "status");
    part.append(words);
  }
  words.textContent = text;
}
