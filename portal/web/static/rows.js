// One more row of a list without a way to the server and back.
const MORE = 'fieldset[data-rows] > button[name="_more"]';

export function growRows() {
  // Enter in an input sends the form
  for (const button of document.querySelectorAll(MORE)) button.type = "button";
  document.addEventListener("click", (event) => {
    const button = event.target.closest(MORE);
    if (button) add(button.parentElement, button);
  });
}

function add(list, button) {
  const rows = list.querySelectorAll(":scope > fieldset");
  const last = rows[rows.length - 1];
  const number = Number(last.id.slice(last.id.lastIndexOf("-") + 1));
  const [before, after] = [`${list.dataset.rows}-${number}`, `${list.dataset.rows}-${number + 1}`];
  const row = last.cloneNode(true);
  for (const part of [row, ...row.querySelectorAll("*")]) {
    for (const name of ["id", "name", "for", "value", "data-rows"]) {
      const value = part.getAttribute(name);
      if (value === before || value?.startsWith(`${before}-`)) part.setAttribute(name, after + value.slice(before.length));
    }
    part.removeAttribute("aria-invalid");
    part.classList.remove("is-invalid");
    const help = part.getAttribute("aria-describedby");
    if (help) part.setAttribute("aria-describedby", help.split(" ").map((id) => id.replace(before, after)).join(" "));
  }
  row.querySelectorAll(".invalid-feedback").forEach((error) => error.remove());
  row.querySelectorAll("input, textarea, select").forEach(clear);
  row.querySelector("legend").textContent = `${list.querySelector("legend").textContent} ${rows.length + 1}`;
  button.before(row);
  row.querySelector("input, textarea, select")?.focus();
}

function clear(input) {
  if (input.type === "checkbox" || input.type === "radio") input.checked = input.defaultChecked;
  else if (input.tagName === "SELECT") input.selectedIndex = Math.max(0, Array.from(input.options).findIndex((o) => o.defaultSelected));
  else if (input.type !== "hidden") input.value = "";
}
