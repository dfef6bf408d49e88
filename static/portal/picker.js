// Rows of a large table are suggested while somebody types; without this script the form's answer offers them.
let timer = 0;

export function suggestRows() {
  document.addEventListener("input", (event) => {
    const input = event.target.closest?.("[data-find]");
    if (!input || take(input)) return;
    clearTimeout(timer);
    timer = setTimeout(suggest, 200, input);
  });
}

async function suggest(input) {
  const text = input.value.trim();
  if (text.length < 2) return;
  const answer = await fetch(`${location.pathname}?${new URLSearchParams({ _find: input.dataset.find, q: text })}`);
  if (!answer.ok || input.value.trim() !== text) return;
  const rows = await answer.json();
  input.list.replaceChildren(...rows.map((row) => {
    const option = new Option("", row.label);
    option.dataset.key = row.key;
    return option;
  }));
}

function take(input) {
  const option = Array.from(input.list.options).find((each) => each.value === input.value);
  if (!option) return false;
  pick(input.closest("[data-picker]"), option.dataset.key, option.value);
  input.value = "";
  input.list.replaceChildren();
  return true;
}

function pick(picker, key, label) {
  const picks = picker.querySelector("[data-picks]");
  let input = Array.from(picks.querySelectorAll("input")).find((each) => each.value === key);
  if (!input) {
    input = Object.assign(document.createElement("input"), {
      type: picker.dataset.kind, name: picker.dataset.picker, value: key, className: "form-check-input",
      id: `${picker.id}-pick-${picks.children.length + 1}`,
    });
    const words = Object.assign(document.createElement("label"), { className: "form-check-label", htmlFor: input.id, textContent: label });
    const line = Object.assign(document.createElement("div"), { className: "form-check" });
    line.append(input, words);
    picks.append(line);
  }
  input.checked = true;
}
