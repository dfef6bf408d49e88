// Rows of a list are added and removed without a way to the server and back.
import { said } from "./words.js";

const BUTTONS = 'button[name="_more"], button[name="_less"], button[name="_up"], button[name="_down"]';

const rowsOf = (list) => Array.from(list.querySelectorAll(":scope > fieldset[data-row]"));

export function growRows() {
  tame(document);
  document.addEventListener("click", (event) => {
    const button = event.target.closest(BUTTONS);
    if (!button) return;
    if (button.name === "_more") add(button.closest("[data-rows]"));
    else if (button.name === "_less") remove(button.closest("[data-row]"));
    else move(button);
    button.form?.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

function tame(root) {
  for (const button of root.querySelectorAll(BUTTONS)) button.type = "button";
}

function add(list) {
  const row = insert(list, list.dataset.next);
  number(list);
  row.querySelector("input:not([type=hidden]), textarea, select")?.focus();
}

function insert(list, place) {
  const pattern = document.createElement("template");
  pattern.innerHTML = list.querySelector(":scope > template").innerHTML.replaceAll(list.dataset.open, place);
  const row = pattern.content.firstElementChild;
  tame(row);
  list.querySelector(':scope > button[name="_more"]').before(row);
  list.dataset.next = Math.max(Number(list.dataset.next), Number(place) + 1);
  return row;
}

function remove(row) {
  const list = row.parentElement;
  const gone = document.createElement("p");
  gone.className = "row-gone";
  gone.textContent = `${said("%(what)s is removed.", { what: row.querySelector("legend").textContent })} `;
  const undo = document.createElement("button");
  undo.type = "button";
  undo.className = "btn btn-link btn-sm";
  undo.textContent = said("Undo");
  undo.addEventListener("click", () => {
    gone.replaceWith(row);
    number(list);
    row.querySelector("input:not([type=hidden]), textarea, select")?.focus();
    row.dispatchEvent(new Event("input", { bubbles: true }));
  });
  gone.append(undo);
  row.replaceWith(gone);
  number(list);
  undo.focus();
}

function move(button) {
  const row = button.closest("[data-row]");
  const rows = rowsOf(row.parentElement);
  const other = rows[rows.indexOf(row) + (button.name === "_up" ? -1 : 1)];
  if (!other) return;
  if (button.name === "_up") other.before(row);
  else other.after(row);
  number(row.parentElement);
  button.focus();
}

function number(list) {
  const label = list.querySelector(":scope > legend").textContent;
  rowsOf(list).forEach((row, place) => {
    row.querySelector(":scope > legend").textContent = `${label} ${place + 1}`;
    for (const words of row.querySelectorAll(":scope > .row-buttons [data-row-label]")) words.textContent = ` ${label} ${place + 1}`;
  });
}
